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
