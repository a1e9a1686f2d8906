"""Objects described by a table alone: their identity, their labels, and their end."""

from __future__ import annotations

import json
from collections import deque
from typing import ClassVar

import pytest

from collector.catalog import limits
from collector.catalog.objects import Object
from collector.errors import Rejected
from collector.feeds.object_feed import ObjectFeed
from collector.feeds.router import FeedRouter
from collector.metrics.labels import MAX_VALUE_CHARS
from collector.metrics.model import BY_KEY, Entity, Gauge, Info
from collector.metrics.store import Store
from collector.mist import channels
from collector.mist.directories import Directories
from collector.mist.directory import Device, Directory, Org, Site
from collector.mist.identity import NIL_ID
from tests.support.bench import exposed
from tests.support.feeds import Clock, series, sweep

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


class Bench:
    """The feed of these objects, and its samples."""

    def __init__(self) -> None:
        self.store, self.directory = Store(), Directory()
        self.directory.replace([Org("o")], [Site("s", "o")], [Device(MAC, site_id="s", org_id="o")])
        self.objects = ObjectFeed(self.store, Directories(self.directory), OBJECTS)

    def rest(self, payload: object, kind: str = "peer", now: float = 0.0, **ids: str) -> Rejected | None:
        """Apply an object of a REST answer."""
        return self.objects.rest[kind](payload, ids, now)

    def sweep(self, now: float) -> None:
        """End rows past their time to live."""
        deque(self.objects.sweep(now), maxlen=0)

    @property
    def samples(self) -> dict[str, float]:
        """All samples."""
        return exposed(self.store)


@pytest.fixture
def bench() -> Bench:
    return Bench()


class TestIdentity:
    def test_labels_are_fields(self, bench):
        assert bench.rest(PAYLOAD) is None
        assert bench.samples == {f'peer_routes{{org_id="o",site_id="s",mac="{MAC}",peer="n"}}': 5.0}

    def test_labels_from_the_request(self, bench):
        bench.rest({"neighbor": "n", "routes": 5}, org_id="o", site_id="s", mac=MAC)
        assert bench.samples == {f'peer_routes{{org_id="o",site_id="s",mac="{MAC}",peer="n"}}': 5.0}

    def test_fields_are_preferred_to_the_request(self, bench):
        bench.rest(PAYLOAD, org_id="other", site_id="other")
        assert 'org_id="o",site_id="s"' in next(iter(bench.samples))

    @pytest.mark.parametrize("site_id", [NIL_ID, "", None], ids=str)
    def test_an_id_that_means_none(self, bench, site_id):
        bench.rest(PAYLOAD | {"site_id": site_id}, site_id="s")
        assert 'site_id="s"' in next(iter(bench.samples))
        assert Bench().rest(PAYLOAD | {"site_id": site_id}) is None

    def test_the_org_of_a_site_is_that_of_the_inventory(self, bench):
        bench.rest({"site_id": "s", "mac": MAC, "neighbor": "n", "routes": 5})
        assert 'org_id="o"' in next(iter(bench.samples))

    @pytest.mark.parametrize("mac", ["5C:5B:35:0E:00:01", "5c-5b-35-0e-00-01"])
    def test_every_notation_of_a_mac_address(self, bench, mac):
        bench.rest(PAYLOAD)
        bench.rest(PAYLOAD | {"mac": mac, "routes": 6})
        assert list(bench.samples.values()) == [6.0]

    def test_a_number_is_an_identity(self, bench):
        bench.rest(PAYLOAD | {"neighbor": 65001})
        assert 'peer="65001"' in next(iter(bench.samples))

    @pytest.mark.parametrize("payload", [{}, {"routes": 5}, {"neighbor": ""}, {"mac": None}], ids=str)
    def test_no_identity(self, bench, payload):
        assert bench.rest(payload) == Rejected("no_identity")
        assert bench.samples == {}

    def test_other_labels_do_not_identify(self, bench):
        """A site whose org changes has series of the new org only."""
        bench.rest({"id": "s", "org_id": "o", "name": "x"}, "place")
        bench.rest({"id": "s", "org_id": "p", "name": "x"}, "place")
        assert list(bench.samples) == ['place_info{name="x",org_id="p",site_id="s"}']

    def test_several_kinds_of_rest_objects(self, bench):
        bench.rest({"id": "s", "name": "x"}, "room", org_id="o")
        bench.rest({"id": "s", "name": "y"}, "place", org_id="o")
        assert list(bench.samples) == ['place_info{name="y",org_id="o",site_id="s"}']


class TestPayloads:
    @pytest.mark.parametrize(
        ("payload", "reason"), [([], "not_an_object"), ("{", "not_json"), (None, "not_an_object"), (5, "not_an_object")]
    )
    def test_not_an_object(self, bench, payload, reason):
        assert bench.rest(payload) == Rejected(reason)

    def test_messages_are_merged(self, bench):
        bench.rest(PAYLOAD | {"paths": [{"loss": 1}]})
        bench.rest({key: PAYLOAD[key] for key in ("org_id", "site_id", "mac", "neighbor")})
        assert sorted(bench.samples.values()) == [1.0, 5.0]

    @pytest.mark.parametrize("spell", [json.dumps, dict], ids=["text", "object"])
    def test_on_a_channel(self, bench, spell):
        apply = bench.objects.channels["insights"](channels.match("/orgs/o/insights/summary"))
        assert apply(spell({"num_sites": 3}), 0.0) is None
        assert bench.samples == {'summary_sites{org_id="o"}': 3.0}
        assert apply("null", 0.0) == Rejected("empty")

    def test_a_list_inside_another_payload(self, bench):
        (reader,) = [reader for reader in bench.objects._readers if reader.object.name == "peer"]
        reader.from_list([PAYLOAD, 5, {"routes": 1}, None], {}, 0.0)
        assert list(bench.samples.values()) == [5.0]
        assert reader.kind.decoder.rejected == {"not_an_object": 2, "no_identity": 1}

    @pytest.mark.parametrize("elements", [None, {}, "x", 5])
    def test_not_a_list(self, bench, elements):
        (reader,) = [reader for reader in bench.objects._readers if reader.object.name == "peer"]
        reader.from_list(elements, {}, 0.0)
        assert bench.samples == {}


class TestEnds:
    @pytest.fixture
    def bench(self, bench) -> Bench:
        bench.rest(PAYLOAD | {"paths": [{"loss": 1}]})
        bench.rest({"id": "s", "org_id": "o", "name": "x"}, "place")
        return bench

    def test_each_row_ends_at_its_time_to_live(self, bench):
        for now, left in ((50.0, 3), (50.5, 2), (100.0, 2), (100.5, 1), (1e9, 1)):
            bench.sweep(now)
            assert len(bench.samples) == left

    def test_an_object_without_rows_ends(self, bench):
        bench.sweep(1000.0)
        assert [len(kind.row_index.objects) for kind in bench.objects.kinds()] == [0, 1, 0]

    def test_objects_end_with_their_device(self, bench):
        bench.objects.changed(bench.directory.replace([Org("o")], [Site("s", "o")], []))
        assert list(bench.samples) == ['place_info{name="x",org_id="o",site_id="s"}']

    def test_objects_end_with_their_site(self, bench):
        bench.objects.changed(bench.directory.replace([Org("o")], [], []))
        assert bench.samples == {}

    def test_objects_end_with_their_org(self, bench):
        bench.objects.channels["insights"](channels.match("/orgs/o/insights/summary"))({"num_sites": 3}, 0.0)
        bench.objects.changed(bench.directory.replace([], [], []))
        assert bench.samples == {}

    def test_objects_do_not_end_with_another_site(self, bench):
        bench.directory.replace([Org("o")], [Site("s", "o"), Site("t", "o")], bench.directory.devices.values())
        bench.objects.changed(bench.directory.replace([Org("o")], [Site("s", "o")], bench.directory.devices.values()))
        assert len(bench.samples) == 3

    def test_objects_are_swept_in_steps(self, bench):
        for number in range(450):
            bench.rest(PAYLOAD | {"neighbor": str(number)})
        assert list(bench.objects.sweep(1000.0)) == [201, 200, 51, 0]  # one of them has a path


class TestLimits:
    def test_a_long_label_is_shortened(self, bench):
        bench.rest(PAYLOAD | {"neighbor": "x" * 10_000})
        (index,) = [kind.row_index for kind in bench.objects.kinds() if kind.name == "peer"]
        (rows,) = index.objects.values()
        assert max(map(len, rows.labels)) == MAX_VALUE_CHARS

    def test_the_number_of_objects(self, bench, monkeypatch):
        monkeypatch.setattr(limits, "OBJECTS", 2)
        for number in range(2):
            assert bench.rest(PAYLOAD | {"neighbor": str(number)}) is None
        assert bench.rest(PAYLOAD | {"neighbor": "2"}) == Rejected("too_many_objects")
        assert bench.rest(PAYLOAD | {"neighbor": "1"}) is None


class TestPollPeriod:
    """The time to live follows the poll period."""

    @pytest.fixture
    def lives(self, bench):
        """Return whether both rows of a peer exist so many seconds after its poll."""

        def lives(seconds):
            bench.rest(PAYLOAD | {"paths": [{"loss": 0}]})
            bench.sweep(seconds)
            rows = {len(bench.store.table(PEER)), len(bench.store.table(PATH))}
            assert rows in ({0}, {1})
            return rows == {1}

        return lives

    @pytest.mark.parametrize("period_s", [60.0, 3600.0])
    def test_two_and_a_half_periods(self, bench, lives, period_s):
        bench.objects.set_poll_period("peer", period_s, "main")
        assert lives(2.5 * period_s - 1)
        assert not lives(2.5 * period_s + 1)

    def test_the_slowest_account_decides(self, bench, lives):
        bench.objects.set_poll_period("peer", 600.0, "main")
        bench.objects.set_poll_period("peer", 60.0, "other")
        assert lives(1499)
        bench.objects.set_poll_period("peer", 60.0, "main")
        assert not lives(151)

    def test_a_table_without_a_time_to_live_does_not_expire(self, bench):
        bench.objects.set_poll_period("place", 60.0, "main")
        bench.rest({"id": "s", "name": "x"}, "place", org_id="o")
        bench.sweep(1e9)
        assert len(bench.store.table(SITE)) == 1

    def test_an_unknown_kind_is_ignored(self, bench):
        bench.objects.set_poll_period("unknown", 60.0, "main")


class TestInnerLists:
    """Objects in REST answers and inside the statistics of a device have one row."""

    TUNNEL: ClassVar = {
        "tunnel_name": "t1",
        "wan_name": "isp",
        "node": "node0",
        "priority": "primary",
        "peer_host": "h",
    }
    GATEWAY = "020001ae9dd5"
    IDS: ClassVar = {"org_id": "o", "site_id": "s"}
    LABELS = f'org_id="o",site_id="s",mac="{GATEWAY}",node="node0",tunnel="t1",wan="isp",priority="primary",peer="h"'
    FAMILY = "mist_wan_tunnel_receive_bytes_total"

    @pytest.fixture
    def directory(self):
        found = Directory()
        device = Device(self.GATEWAY, type="gateway", site_id="s", org_id="o")
        found.replace([Org("o")], [Site("s", "o")], [device])
        return found

    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def router(self, directory, clock):
        return FeedRouter(Directories(directory), now=clock)

    def frame(self, **more):
        return json.dumps({"mac": self.GATEWAY, "type": "gateway", "last_seen": 1000, **more})

    def tunnel(self, rx_bytes):
        return {**self.TUNNEL, "rx_bytes": rx_bytes}

    def test_stream_and_rest_write_one_row(self, router):
        device = router.open_channel("/sites/s/stats/devices")
        assert device(self.frame(tunnels=[self.tunnel(10)]), 1.0) is None
        assert series(router, self.FAMILY) == {f"{self.FAMILY}{{{self.LABELS}}}": 10.0}
        assert router.rest_object("wan_tunnel", {**self.tunnel(11), **self.IDS, "mac": self.GATEWAY}, self.IDS) is None
        assert series(router, self.FAMILY) == {f"{self.FAMILY}{{{self.LABELS}}}": 11.0}

    def test_every_message_is_read(self, router):
        device = router.open_channel("/sites/s/stats/devices")
        for count in (1, 2, 3):
            device(self.frame(tunnels=[self.tunnel(count)]), 1.0)
            assert list(series(router, self.FAMILY).values()) == [count]

    def test_statistics_of_rest_are_read(self, router):
        payload = json.loads(self.frame(status="connected", tunnels=[self.tunnel(5)]))
        assert router.rest_object("device", payload, self.IDS) is None
        assert list(series(router, self.FAMILY).values()) == [5]

    def test_they_end_with_their_device(self, router, directory):
        router.open_channel("/sites/s/stats/devices")(self.frame(tunnels=[self.tunnel(1)]), 1.0)
        router.changed(directory.replace([Org("o")], [Site("s", "o")], []))
        assert series(router, self.FAMILY) == {}

    def test_they_end_at_their_time_to_live(self, router, clock):
        router.rest_object("wan_tunnel", {**self.tunnel(1), **self.IDS, "mac": self.GATEWAY}, self.IDS)
        for clock.now, rows in ((700.0, 1), (800.0, 0)):
            sweep(router)
            assert len(series(router, self.FAMILY)) == rows

    @pytest.mark.parametrize("malformed", [None, 5, "x", {"a": 1}, [None, 7, "x"]])
    def test_a_malformed_list_does_not_affect_other_fields(self, router, malformed):
        device = router.open_channel("/sites/s/stats/devices")
        assert device(self.frame(uptime=9, tunnels=malformed), 1.0) is None
        assert series(router, self.FAMILY) == {}
        assert series(router, "mist_device_uptime_seconds")
        elements = len(malformed) if isinstance(malformed, list) else 0
        assert sum(n for (kind, _), n in router.rejected_parts().items() if kind == "wan_tunnel") == elements
