"""What REST tells of lives as long as the pace of its poll allows."""

import pytest

from collector.catalog.objects import Object
from collector.feeds.object_feed import ObjectFeed
from collector.metrics.model import BY_KEY, Entity, Gauge
from collector.metrics.store import Store
from collector.mist.directories import Directories

PEER = Entity("peer", labels=("peer",), ttl_s=750.0, families=(Gauge("mist_peer_routes", "routes", "Routes."),))
PATH = Entity(
    "path",
    within=PEER,
    at="paths[*]",
    key="id",
    labels={"path": BY_KEY},
    ttl_s=750.0,
    families=(Gauge("mist_peer_path_loss_ratio", "loss", "Loss."),),
)
LASTING = Entity("lasting", labels=("id",), ttl_s=None, families=(Gauge("mist_lasting_things", "things", "Things."),))
OBJECTS = (
    Object("peer", (PEER,), ("peer",), nested=(PATH,), rest="peer"),
    Object("lasting", (LASTING,), ("id",), rest="lasting"),
)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def objects(store):
    return ObjectFeed(store, Directories(), OBJECTS)


@pytest.fixture
def lives(store, objects):
    """Whether both rows of a peer, told of at 0, are still there so many seconds later."""
    apply = objects.rest["peer"]

    def lives(seconds):
        apply({"peer": "p", "routes": 1, "paths": [{"id": "a", "loss": 0}]}, {}, 0.0)
        for _ in objects.sweep(seconds):
            pass
        rows = {len(store.table(PEER)), len(store.table(PATH))}
        assert rows in ({0}, {1})
        return rows == {1}

    return lives


def test_without_a_poll_the_table_says_how_long(lives):
    assert lives(749)
    assert not lives(751)


@pytest.mark.parametrize("period_s", [60.0, 3600.0])
def test_two_periods_and_a_half(objects, lives, period_s):
    objects.set_poll_period("peer", period_s, "main")
    assert lives(2.5 * period_s - 1)
    assert not lives(2.5 * period_s + 1)


def test_the_slowest_account_sets_the_pace(objects, lives):
    objects.set_poll_period("peer", 600.0, "main")
    objects.set_poll_period("peer", 60.0, "other")
    assert lives(1499)
    objects.set_poll_period("peer", 60.0, "main")
    assert not lives(151)


def test_what_does_not_end_by_silence_never_will(store, objects):
    objects.set_poll_period("lasting", 60.0, "main")
    objects.rest["lasting"]({"id": "x", "things": 1}, {}, 0.0)
    for _ in objects.sweep(1e9):
        pass
    assert len(store.table(LASTING)) == 1


def test_a_kind_without_a_table_has_no_pace(objects):
    objects.set_poll_period("unheard_of", 60.0, "main")
