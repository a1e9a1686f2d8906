"""Mist Edges as devices: no inventory lists them, no type names them, two channels tell of them."""

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
    """An edge's message."""
    return {"mac": MAC, "org_id": ORG, "site_id": NIL, "last_seen": 1000, "num_tunnels": 5} | more


class Bench:
    """A catalogue that knows an inventory, a clock and which channels are up."""

    def __init__(self) -> None:
        self.now = 0.0
        self.up: set[str] = {f"/orgs/{ORG}/stats/mxedges"}
        directory = Directory({ORG: Org(ORG)}, {SITE: Site(SITE, ORG)}, {"5c5b35000001": Device("5c5b35000001")})
        self.catalog = FeedRouter(Directories(directory), now=lambda: self.now, is_live=self.up.__contains__)

    def say(self, payload: dict, scope: str = f"orgs/{ORG}"):
        apply = self.catalog.open_channel(f"/{scope}/stats/mxedges")
        rejected = apply(payload, self.now)
        return rejected and rejected.reason

    def sweep(self, now: float) -> None:
        self.now = now
        for _ in self.catalog.sweep():
            pass

    def told(self, name: str) -> list[tuple[dict, float]]:
        samples = golden.samples(render_all(self.catalog.store).decode())
        return [(dict(labels), value) for (metric, labels), value in samples.items() if metric == name]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_edge_that_no_inventory_lists_is_kept_and_told_down(bench):
    bench.say(message())
    bench.sweep(400.0)
    assert bench.told("mist_mxedge_tunnels") == []
    ((labels, up),) = bench.told("mist_device_up")
    assert (labels["device_type"], labels["mac"], up) == ("mxedge", MAC, 0.0)


def test_it_is_not_told_down_when_it_is_we_who_do_not_hear(bench):
    bench.say(message())
    bench.up.clear()
    bench.sweep(400.0)
    assert bench.told("mist_device_up") == []


def test_its_site_s_channel_is_as_good(bench):
    bench.say(message(site_id=SITE))
    bench.up.clear()
    bench.up.add(f"/sites/{SITE}/stats/mxedges")
    bench.sweep(400.0)
    assert [value for _, value in bench.told("mist_device_up")] == [0.0]


def test_it_ends_when_nobody_spoke_of_it_for_a_day(bench):
    bench.say(message())
    bench.sweep(DAY_S - 10)
    bench.catalog.rest_object("mxedge", message(status="disconnected"), {"org_id": ORG, "site_id": ""})
    bench.sweep(DAY_S + 10)
    assert len(bench.told("mist_device_up")) == 1
    bench.sweep(2 * DAY_S + 10)
    assert MAC not in render_all(bench.catalog.store).decode()


@pytest.mark.parametrize(
    "changes",
    [Changes(orgs_removed=(Org(ORG),)), Changes(sites_removed=(Site(SITE, ORG),))],
    ids=["with its org", "with its site"],
)
def test_it_ends(bench, changes):
    bench.say(message(site_id=SITE))
    bench.catalog.changed(changes)
    assert MAC not in render_all(bench.catalog.store).decode()


def test_it_does_not_end_with_another_device(bench):
    bench.say(message())
    bench.catalog.changed(Changes(devices_removed=(Device("5c5b35000001"),)))
    assert len(bench.told("mist_device_up")) == 1


def test_an_edge_that_moves_to_a_site_is_one_device(bench):
    bench.say(message())
    bench.say(message(site_id=SITE, last_seen=1030))
    ((labels, _),) = bench.told("mist_mxedge_tunnels")
    assert labels["site_id"] == SITE


def test_a_firmware_event_shows_on_the_edge(bench):
    bench.say(message(fwupdate={"progress": 10, "status": "inprogress"}))
    event = {"device_id": f"00000000-0000-0000-1000-{MAC}", "event_type": "fwupdate"}
    event["detail"] = {"progress": 80, "status": "inprogress", "timestamp": 1010}
    for path in (f"/orgs/{ORG}/mxedges", f"/sites/{SITE}/mxedges"):
        bench.catalog.open_channel(path)(event, 1.0)
    assert [value for _, value in bench.told("mist_device_firmware_update_progress_ratio")] == [0.8]
    assert [value for _, value in bench.told("mist_org_device_changes_total")] == [1.0]


def test_changes_of_a_new_site_begin_at_zero_and_end_with_it(bench):
    bench.catalog.changed(Changes(sites_added=(Site(SITE, ORG),)))
    born = bench.told("mist_org_device_changes_total")
    assert {(labels["device_type"], labels["status"], value) for labels, value in born} == {
        (kind, "failed", 0.0) for kind in ("ap", "switch", "gateway")
    }
    bench.catalog.changed(Changes(sites_removed=(Site(SITE, ORG),)))
    assert bench.told("mist_org_device_changes_total") == []
