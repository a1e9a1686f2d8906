"""Objects that are simply told: who they are, where they belong, and when they end."""

from __future__ import annotations

import json
from collections import deque

import pytest

from collector.catalog.objects import Object
from collector.errors import Rejected
from collector.feeds.object_feed import ObjectFeed
from collector.metrics.model import BY_KEY, Entity, Gauge, Info
from collector.metrics.store import Store
from collector.mist import channels
from collector.mist.directories import Directories
from collector.mist.directory import Device, Directory, Org, Site
from collector.mist.identity import NIL_ID
from tests.support.bench import exposed

MAC = "5c5b350e0001"
PEER_LABELS = ("org_id", "site_id", "mac", "peer")
PEER = Entity("peer", labels=PEER_LABELS, ttl_s=100.0, families=(Gauge("peer_routes", "routes", "Routes."),))
PATH = Entity(
    "path",
    within=PEER,
    at="paths[*]",
    labels={"path": BY_KEY},
    ttl_s=50.0,
    families=(Gauge("path_loss", "loss", "L."),),
)
SITE = Entity(
    "place", labels=("org_id", "site_id"), ttl_s=None, families=(Info("place_info", {"name": "name"}, "Names."),)
)
SUMMARY = Entity("summary", labels=("org_id",), families=(Gauge("summary_sites", "num_sites", "Sites."),))
OBJECTS = (
    Object("peer", (PEER,), PEER_LABELS, nested=(PATH,), fields={"peer": "neighbor"}, rest="peer"),
    Object(
        "place", (SITE,), ("org_id", "site_id"), fields={"site_id": "id"}, identity=("site_id",), rest=("place", "room")
    ),
    Object("summary", (SUMMARY,), ("org_id",), carries="insights"),
)
PAYLOAD = {"org_id": "o", "site_id": "s", "mac": MAC, "neighbor": "n", "routes": 5}


class Told:
    """The feed of these objects and what it says."""

    def __init__(self) -> None:
        self.store, self.directory = Store(), Directory()
        self.directory.replace([Org("o")], [Site("s", "o")], [Device(MAC, site_id="s", org_id="o")])
        self.objects = ObjectFeed(self.store, Directories(self.directory), OBJECTS)

    def rest(self, payload: object, kind: str = "peer", now: float = 0.0, **ids: str) -> Rejected | None:
        """One object of a REST answer."""
        return self.objects.rest[kind](payload, ids, now)

    def sweep(self, now: float) -> None:
        """End what is past its time."""
        deque(self.objects.sweep(now), maxlen=0)

    @property
    def said(self) -> dict[str, float]:
        """Everything."""
        return exposed(self.store)


@pytest.fixture
def told() -> Told:
    return Told()


class TestIdentity:
    def test_labels_are_fields(self, told):
        assert told.rest(PAYLOAD) is None
        assert told.said == {f'peer_routes{{org_id="o",site_id="s",mac="{MAC}",peer="n"}}': 5.0}

    def test_or_stand_where_the_object_was_asked_for(self, told):
        told.rest({"neighbor": "n", "routes": 5}, org_id="o", site_id="s", mac=MAC)
        assert told.said == {f'peer_routes{{org_id="o",site_id="s",mac="{MAC}",peer="n"}}': 5.0}

    def test_a_field_has_the_word(self, told):
        told.rest(PAYLOAD, org_id="other", site_id="other")
        assert 'org_id="o",site_id="s"' in next(iter(told.said))

    @pytest.mark.parametrize("site_id", [NIL_ID, "", None], ids=str)
    def test_mist_s_way_of_saying_none(self, told, site_id):
        told.rest(PAYLOAD | {"site_id": site_id}, site_id="s")
        assert 'site_id="s"' in next(iter(told.said))
        assert Told().rest(PAYLOAD | {"site_id": site_id}) is None

    def test_the_org_of_a_site_is_known(self, told):
        told.rest({"site_id": "s", "mac": MAC, "neighbor": "n", "routes": 5})
        assert 'org_id="o"' in next(iter(told.said))

    @pytest.mark.parametrize("mac", ["5C:5B:35:0E:00:01", "5c-5b-35-0e-00-01"])
    def test_macs_have_one_notation(self, told, mac):
        told.rest(PAYLOAD)
        told.rest(PAYLOAD | {"mac": mac, "routes": 6})
        assert list(told.said.values()) == [6.0]

    def test_numbers_are_names_too(self, told):
        told.rest(PAYLOAD | {"neighbor": 65001})
        assert 'peer="65001"' in next(iter(told.said))

    @pytest.mark.parametrize("payload", [{}, {"routes": 5}, {"neighbor": ""}, {"mac": None}], ids=str)
    def test_none_at_all(self, told, payload):
        assert told.rest(payload) == Rejected("no_identity")
        assert told.said == {}

    def test_only_what_identifies_counts(self, told):
        """A site stays the same site when its org changes; its series are those of the new org."""
        told.rest({"id": "s", "org_id": "o", "name": "x"}, "place")
        told.rest({"id": "s", "org_id": "p", "name": "x"}, "place")
        assert list(told.said) == ['place_info{name="x",org_id="p",site_id="s"}']

    def test_several_kinds_of_rest_may_tell_of_it(self, told):
        told.rest({"id": "s", "name": "x"}, "room", org_id="o")
        told.rest({"id": "s", "name": "y"}, "place", org_id="o")
        assert list(told.said) == ['place_info{name="y",org_id="o",site_id="s"}']


class TestPayloads:
    @pytest.mark.parametrize(
        ("payload", "reason"), [([], "not_an_object"), ("{", "not_json"), (None, "not_an_object"), (5, "not_an_object")]
    )
    def test_what_is_no_object(self, told, payload, reason):
        assert told.rest(payload) == Rejected(reason)

    def test_messages_are_merged(self, told):
        told.rest(PAYLOAD | {"paths": [{"loss": 1}]})
        told.rest({key: PAYLOAD[key] for key in ("org_id", "site_id", "mac", "neighbor")})
        assert sorted(told.said.values()) == [1.0, 5.0]

    @pytest.mark.parametrize("spell", [json.dumps, dict], ids=["text", "object"])
    def test_on_a_channel(self, told, spell):
        apply = told.objects.channels["insights"](channels.match("/orgs/o/insights/summary"))
        assert apply(spell({"num_sites": 3}), 0.0) is None
        assert told.said == {'summary_sites{org_id="o"}': 3.0}
        assert apply("null", 0.0) == Rejected("empty")

    def test_a_list_inside_something_else(self, told):
        (reader,) = [reader for reader in told.objects._readers if reader.object.name == "peer"]
        reader.from_list([PAYLOAD, 5, {"routes": 1}, None], {}, 0.0)
        assert list(told.said.values()) == [5.0]
        assert reader.kind.decoder.rejected == {"not_an_object": 2, "no_identity": 1}

    @pytest.mark.parametrize("elements", [None, {}, "x", 5])
    def test_what_is_no_list(self, told, elements):
        (reader,) = [reader for reader in told.objects._readers if reader.object.name == "peer"]
        reader.from_list(elements, {}, 0.0)
        assert told.said == {}


class TestEnds:
    @pytest.fixture
    def told(self, told) -> Told:
        told.rest(PAYLOAD | {"paths": [{"loss": 1}]})
        told.rest({"id": "s", "org_id": "o", "name": "x"}, "place")
        return told

    def test_each_row_in_its_time(self, told):
        for now, left in ((50.0, 3), (50.5, 2), (100.0, 2), (100.5, 1), (1e9, 1)):
            told.sweep(now)
            assert len(told.said) == left

    def test_an_object_without_rows_is_forgotten(self, told):
        told.sweep(1000.0)
        assert [len(kind.row_index.objects) for kind in told.objects.kinds()] == [0, 1, 0]

    def test_a_device_that_left_takes_its_objects_along(self, told):
        told.objects.changed(told.directory.replace([Org("o")], [Site("s", "o")], []))
        assert list(told.said) == ['place_info{name="x",org_id="o",site_id="s"}']

    def test_so_does_a_site(self, told):
        told.objects.changed(told.directory.replace([Org("o")], [], []))
        assert told.said == {}

    def test_so_does_an_org(self, told):
        told.objects.channels["insights"](channels.match("/orgs/o/insights/summary"))({"num_sites": 3}, 0.0)
        told.objects.changed(told.directory.replace([], [], []))
        assert told.said == {}

    def test_another_s_end_is_its_own(self, told):
        told.directory.replace([Org("o")], [Site("s", "o"), Site("t", "o")], told.directory.devices.values())
        told.objects.changed(told.directory.replace([Org("o")], [Site("s", "o")], told.directory.devices.values()))
        assert len(told.said) == 3

    def test_many_are_swept_in_steps(self, told):
        for number in range(450):
            told.rest(PAYLOAD | {"neighbor": str(number)})
        assert list(told.objects.sweep(1000.0)) == [201, 200, 51, 0]  # one of them has a path
