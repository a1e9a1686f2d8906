"""Mist Edges: no inventory lists them, and two channels have their statistics."""

from __future__ import annotations

import pytest

from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render_all
from collector.mist.directories import Directories
from collector.mist.directory import Changes, Device, Directory, Org, Site
from tests.support import golden

ORG, SITE = "af010e2b-f829-4975-b49e-2e896ed1d627", "503e134b-8e33-4e1e-b756-75e9ba73849e"
NIL = "00000000-0000-0000-0000-000000000000"
MAC = "020000a80001"
DAY_S = 86_400.0


def message(**more: object) -> dict:
    """Return a message of a Mist Edge."""
    return {"mac": MAC, "org_id": ORG, "site_id": NIL, "last_seen": 1000, "num_tunnels": 5} | more


class Bench:
    """A router with an inventory, a clock and the live channels."""

    def __init__(self) -> None:
        self.now = 0.0
        self.up: set[str] = {f"/orgs/{ORG}/stats/mxedges"}
        directory = Directory({ORG: Org(ORG)}, {SITE: Site(SITE, ORG)}, {"5c5b35000001": Device("5c5b35000001")})
        self.router = FeedRouter(Directories(directory), now=lambda: self.now, is_live=self.up.__contains__)

    def apply(self, payload: dict, scope: str = f"orgs/{ORG}"):
        handler = self.router.open_channel(f"/{scope}/stats/mxedges")
        rejected = handler(payload, self.now)
        return rejected and rejected.reason

    def sweep(self, now: float) -> None:
        self.now = now
        for _ in self.router.sweep():
            pass

    def samples(self, name: str) -> list[tuple[dict, float]]:
        samples = golden.samples(render_all(self.router.store).decode())
        return [(dict(labels), value) for (metric, labels), value in samples.items() if metric == name]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_unlisted_mist_edge_without_messages_is_down(bench):
    bench.apply(message())
    bench.sweep(400.0)
    assert bench.samples("mist_mxedge_tunnels") == []
    ((labels, up),) = bench.samples("mist_device_up")
    assert (labels["device_type"], labels["mac"], up) == ("mxedge", MAC, 0.0)


def test_its_state_is_unknown_if_no_channel_is_live(bench):
    bench.apply(message())
    bench.up.clear()
    bench.sweep(400.0)
    assert bench.samples("mist_device_up") == []


def test_the_channel_of_its_site_is_sufficient(bench):
    bench.apply(message(site_id=SITE))
    bench.up.clear()
    bench.up.add(f"/sites/{SITE}/stats/mxedges")
    bench.sweep(400.0)
    assert [value for _, value in bench.samples("mist_device_up")] == [0.0]


def test_it_ends_a_day_after_its_last_message(bench):
    bench.apply(message())
    bench.sweep(DAY_S - 10)
    bench.router.rest_object("mxedge", message(status="disconnected"), {"org_id": ORG, "site_id": ""})
    bench.sweep(DAY_S + 10)
    assert len(bench.samples("mist_device_up")) == 1
    bench.sweep(2 * DAY_S + 10)
    assert MAC not in render_all(bench.router.store).decode()


@pytest.mark.parametrize(
    "changes",
    [Changes(orgs_removed=(Org(ORG),)), Changes(sites_removed=(Site(SITE, ORG),))],
    ids=["with its org", "with its site"],
)
def test_it_ends(bench, changes):
    bench.apply(message(site_id=SITE))
    bench.router.changed(changes)
    assert MAC not in render_all(bench.router.store).decode()


def test_it_does_not_end_with_another_device(bench):
    bench.apply(message())
    bench.router.changed(Changes(devices_removed=(Device("5c5b35000001"),)))
    assert len(bench.samples("mist_device_up")) == 1


def test_a_mist_edge_that_moves_to_a_site_is_one_device(bench):
    bench.apply(message())
    bench.apply(message(site_id=SITE, last_seen=1030))
    ((labels, _),) = bench.samples("mist_mxedge_tunnels")
    assert labels["site_id"] == SITE


def test_a_firmware_event_updates_the_mist_edge(bench):
    bench.apply(message(fwupdate={"progress": 10, "status": "inprogress"}))
    event = {"device_id": f"00000000-0000-0000-1000-{MAC}", "event_type": "fwupdate"}
    event["detail"] = {"progress": 80, "status": "inprogress", "timestamp": 1010}
    for path in (f"/orgs/{ORG}/mxedges", f"/sites/{SITE}/mxedges"):
        bench.router.open_channel(path)(event, 1.0)
    assert [value for _, value in bench.samples("mist_device_firmware_update_progress_ratio")] == [0.8]
    assert [value for _, value in bench.samples("mist_org_device_changes_total")] == [1.0]


def test_change_counters_of_a_new_site_start_at_zero_and_end_with_it(bench):
    bench.router.changed(Changes(sites_added=(Site(SITE, ORG),)))
    initial = bench.samples("mist_org_device_changes_total")
    assert {(labels["device_type"], labels["status"], value) for labels, value in initial} == {
        (kind, "failed", 0.0) for kind in ("ap", "switch", "gateway")
    }
    bench.router.changed(Changes(sites_removed=(Site(SITE, ORG),)))
    assert bench.samples("mist_org_device_changes_total") == []


EDGE_ID = "387804a7-3474-85ce-15a2-f9a9684c9c90"


def without_mac(edge_id: str, **more: object) -> dict:
    """Return the statistics of a disconnected Mist Edge: `id`, and no `mac`."""
    return {"id": edge_id, "org_id": ORG, "site_id": NIL, "name": "edge", "status": "disconnected"} | more


class TestWithoutMac:
    """REST lists a disconnected Mist Edge without `mac`."""

    @pytest.fixture
    def poll(self, bench):
        return lambda payload: bench.router.rest_object("mxedge", payload, {"org_id": ORG, "site_id": ""})

    def up(self, bench) -> dict[str, float]:
        return {labels["mac"]: value for labels, value in bench.samples("mist_device_up")}

    def test_its_id_contains_the_address(self, bench, poll):
        assert poll(without_mac(f"00000000-0000-0000-1000-{MAC}")) is None
        assert self.up(bench) == {MAC: 0.0}

    def test_an_earlier_message_had_the_address(self, bench, poll):
        poll(message(id=EDGE_ID, status="connected"))
        assert self.up(bench) == {MAC: 1.0}
        bench.up.clear()
        poll(without_mac(EDGE_ID))
        assert self.up(bench) == {MAC: 0.0}

    def test_it_has_its_id_until_a_message_has_the_address(self, bench, poll):
        assert poll(without_mac(EDGE_ID)) is None
        assert self.up(bench) == {EDGE_ID: 0.0}
        poll(message(id=EDGE_ID, status="connected"))
        assert self.up(bench) == {MAC: 1.0}

    def test_without_both_it_is_rejected(self, poll):
        assert poll({"org_id": ORG, "status": "disconnected"}).reason == "no_identity"


class TestPolledOnly:
    """The stream is off, and REST lists the Mist Edges every 300 seconds."""

    @pytest.fixture
    def polled(self, bench):
        bench.up.clear()
        bench.router.set_poll_period("mxedge", 300.0, "main")

        def poll(now: float, **more: object) -> None:
            bench.sweep(now)
            payload = message(status="connected", last_seen=1000 + now, **more)
            bench.router.rest_object("mxedge", payload, {"org_id": ORG, "site_id": ""})

        return poll

    def test_series_survive_one_failed_round(self, bench, polled):
        polled(0.0, port_stat={"0": {"rx_bytes": 7}})
        for now in range(15, 736, 15):
            bench.sweep(now)
            assert bench.samples("mist_mxedge_port_receive_bytes_total")
            assert [value for _, value in bench.samples("mist_device_up")] == [1.0]
        bench.sweep(765.0)
        assert bench.samples("mist_mxedge_port_receive_bytes_total") == []
        assert bench.samples("mist_device_up") == []

    def test_a_disconnected_one_is_down_at_once(self, bench, polled):
        polled(0.0)
        polled(300.0)
        bench.router.rest_object("mxedge", message(status="disconnected"), {"org_id": ORG, "site_id": ""})
        assert [value for _, value in bench.samples("mist_device_up")] == [0.0]

    def test_the_slowest_account_decides(self, bench, polled):
        bench.router.set_poll_period("mxedge", 600.0, "other")
        polled(0.0)
        bench.sweep(1490.0)
        assert bench.samples("mist_mxedge_tunnels")

    def test_a_live_channel_has_the_time_to_live_of_the_stream(self, bench, polled):
        polled(0.0)
        bench.up.add(f"/orgs/{ORG}/stats/mxedges")
        bench.apply(message(last_seen=2000))
        bench.sweep(15.0)
        bench.sweep(200.0)
        assert [value for _, value in bench.samples("mist_device_up")] == [0.0]
