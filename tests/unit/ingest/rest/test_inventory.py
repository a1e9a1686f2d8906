"""The inventory of an account: what it asks for, what it keeps when the cloud fails, what it hands on."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from collector.ingest.rest.inventory import Inventory
from collector.mist.directory import Directory
from tests.support.clock import ManualClock
from tests.support.rest_cloud import TOKEN, Reply, RestCloud, rest_of

ACME = "org-acme"


@dataclass
class Sites:
    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)


@dataclass
class Counts:
    name: str = "main"
    orgs: list[str] = field(default_factory=list)
    sites: Sites = field(default_factory=Sites)


def mac(number: int) -> str:
    return f"5c5b35{number:06x}"


def fill(cloud: RestCloud, org_id: str = ACME, *, sites: int = 2, devices: int = 4, first: int = 0) -> None:
    """Let `cloud` hold an org: its sites `<org>-0..`, its devices spread over them, their state."""
    listed = [{"id": f"{org_id}-{number}", "name": f"Site {number}", "org_id": org_id} for number in range(sites)]
    stock = [
        {"mac": mac(first + number), "type": "ap", "site_id": f"{org_id}-{number % sites}", "connected": True}
        for number in range(devices)
    ]
    cloud.answer(f"/orgs/{org_id}", {"id": org_id, "name": org_id.title()})
    cloud.listing(f"/orgs/{org_id}/sites", listed)
    cloud.listing(f"/orgs/{org_id}/inventory", stock)
    cloud.listing(f"/orgs/{org_id}/stats/devices", [{**device, "uptime": 7} for device in stock])


def privileges(*org_ids: str, **more: object) -> dict[str, object]:
    return {"privileges": [{"scope": "org", "org_id": org_id} for org_id in org_ids] + list(more.values())}


@dataclass
class Bench:
    """An inventory and everything it gave away."""

    cloud: RestCloud
    inventory: Inventory
    directory: Directory
    status: object
    clock: object
    changes: list = field(default_factory=list)
    payloads: list = field(default_factory=list)

    def handed_on(self, kind: str) -> list:
        return [(payload, ids) for name, payload, ids in self.payloads if name == kind]


@pytest.fixture
async def cloud():
    async with RestCloud() as running:
        running.answer("/self", privileges(ACME))
        running.answer("/self/usage", {"requests": 5, "request_limit": 5000})
        yield running


@asynccontextmanager
async def bench_of(cloud: RestCloud, account: Counts | None = None, *, clock=None, attempts: int = 1, **options):
    directory = Directory()
    async with rest_of(cloud.url, clock=clock, attempts=attempts) as rest:
        clock = clock or rest._clock
        bench = Bench(cloud, None, directory, rest.status, clock)
        options.setdefault("on_payload", lambda *entry: bench.payloads.append(entry))
        bench.inventory = Inventory(
            rest,
            account or Counts(),
            directory,
            on_change=bench.changes.append,
            clock=clock,
            rng=random.Random(3),
            **options,
        )
        yield bench


async def test_one_round_reads_all_and_hands_it_on(cloud):
    fill(cloud)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
    assert cloud.paths() == ["/self", f"/orgs/{ACME}", f"/orgs/{ACME}/sites", f"/orgs/{ACME}/inventory", "/self/usage"]
    assert bench.directory.orgs[ACME].name == "Org-Acme"
    assert set(bench.directory.sites) == {f"{ACME}-0", f"{ACME}-1"}
    assert bench.directory.devices[mac(1)].site_id == f"{ACME}-1"
    assert bench.directory.devices[mac(1)].org_id == ACME
    assert [len(change.devices_added) for change in bench.changes] == [4]
    assert bench.handed_on("org") == [({"id": ACME, "name": "Org-Acme"}, {"org_id": ACME})]
    assert [ids for _, ids in bench.handed_on("site")] == [
        {"org_id": ACME, "site_id": f"{ACME}-0"},
        {"org_id": ACME, "site_id": f"{ACME}-1"},
    ]
    assert bench.handed_on("inventory")[1] == (
        {"mac": mac(1), "type": "ap", "site_id": f"{ACME}-1", "connected": True},
        {"org_id": ACME, "site_id": f"{ACME}-1", "mac": mac(1)},
    )
    assert bench.inventory.ready.is_set()
    assert bench.status.inventory_at == bench.clock.now()
    assert bench.status.inventory_failures == 0


async def test_a_thousand_sites_cost_a_dozen_calls_and_priming_another(cloud):
    fill(cloud, sites=1000, devices=8000)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        assert len(cloud.calls) == 12
        assert sum(bench.status.calls.values()) == 12
        cloud.calls.clear()
        assert await bench.inventory.prime() == 8000
    assert len(cloud.calls) == 8
    assert len(bench.directory.devices) == 8000


async def test_nothing_new_is_no_change(cloud):
    fill(cloud)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        await bench.inventory.refresh()
    assert len(bench.changes) == 1


async def test_what_left_the_inventory_is_told(cloud):
    fill(cloud, sites=2, devices=4)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        fill(cloud, sites=1, devices=2)
        await bench.inventory.refresh()
    assert [site.id for site in bench.changes[1].sites_removed] == [f"{ACME}-1"]
    assert [device.mac for device in bench.changes[1].devices_removed] == [mac(2), mac(3)]


async def test_an_empty_org_is_an_org(cloud):
    cloud.answer(f"/orgs/{ACME}", {"id": ACME, "name": "Acme"})
    cloud.listing(f"/orgs/{ACME}/sites", [])
    cloud.listing(f"/orgs/{ACME}/inventory", [])
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        assert await bench.inventory.prime() == 0
    assert set(bench.directory.orgs) == {ACME}
    assert bench.inventory.ready.is_set()


TROUBLES = {
    "403": Reply(status=403),
    "502": Reply(status=502),
    "html": Reply(b"<html></html>"),
    "429": Reply(status=429),
    "half": Reply([], headers={"X-Page-Total": "4"}),
}


@pytest.mark.parametrize(
    ("listing", "trouble"),
    [
        (listing, trouble)
        for listing in ("", "/sites", "/inventory")
        for trouble in TROUBLES
        if listing or trouble != "half"
    ],
)
async def test_an_org_that_cannot_be_read_loses_nothing(cloud, listing, trouble):
    other = "org-other"
    cloud.answer("/self", privileges(ACME, other))
    fill(cloud)
    fill(cloud, other, first=100)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        before = dict(bench.directory.devices)
        cloud.answer(f"/orgs/{ACME}{listing}", TROUBLES[trouble])
        fill(cloud, other, first=100, devices=5)
        assert not await bench.inventory.refresh()
    assert before.keys() < bench.directory.devices.keys()
    assert [device.mac for device in bench.changes[1].devices_added] == [mac(104)]
    assert not any((bench.changes[1].devices_removed, bench.changes[1].sites_removed, bench.changes[1].orgs_removed))
    assert bench.status.inventory_failures == 1
    assert f"/orgs/{ACME}{listing}" in bench.status.last_error


@pytest.mark.parametrize("listing", ["sites", "inventory"])
async def test_a_listing_that_moves_while_it_is_read_takes_nothing_away(cloud, listing):
    fill(cloud, sites=1500, devices=1500)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        changes_before = len(bench.changes)
        serve = cloud.replies[f"/api/v1/orgs/{ACME}/{listing}"][0]

        def moving(query):
            page = serve(query)
            if query["page"] == "2":  # an entry of page 1 has left: the first of page 2 slipped onto it, unseen
                page.body, page.headers["X-Page-Total"] = page.body[1:], "1499"
            return page

        cloud.answer(f"/orgs/{ACME}/{listing}", moving)
        assert not await bench.inventory.refresh()
    assert len(bench.changes) == changes_before
    assert len(bench.directory.sites) == len(bench.directory.devices) == 1500


async def test_thousands_of_new_sites_are_told_in_parts_and_then_that_this_was_all(cloud):
    fill(cloud, sites=1500, devices=1500)
    told = []

    async def changed():
        told.append(len(bench.changes))

    async with bench_of(cloud, on_changed=changed) as bench:
        assert await bench.inventory.refresh()
        assert await bench.inventory.refresh()
    assert max(len(change.sites_added) for change in bench.changes) < 1500
    assert sum(len(change.sites_added) for change in bench.changes) == 1500
    assert [len(change.devices_added) for change in bench.changes if change.devices_added] == [1500]
    assert told == [len(bench.changes)]  # once, after the last part; the second round changed nothing


async def test_a_device_that_reads_as_before_stays_the_same_object(cloud):
    fill(cloud)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        before = dict(bench.directory.devices)
        assert await bench.inventory.refresh()
        assert all(bench.directory.devices[mac] is device for mac, device in before.items())


@pytest.mark.parametrize(
    "trouble",
    [Reply(status=401), Reply(status=500), {}, [], {"privileges": None}, {"privileges": []}, Reply(b"<html>")],
)
async def test_a_round_without_a_list_of_orgs_changes_nothing(cloud, trouble):
    fill(cloud)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        cloud.answer("/self", trouble)
        assert not await bench.inventory.refresh()
    assert len(bench.directory.devices) == 4
    assert len(bench.changes) == 1
    assert bench.status.inventory_failures == 1
    assert "/api/v1/self" in bench.status.last_error
    assert TOKEN not in bench.status.last_error


async def test_not_ready_before_something_was_read(cloud):
    async with bench_of(cloud) as bench:
        cloud.answer("/self", Reply(status=401))
        await bench.inventory.refresh()
        assert not bench.inventory.ready.is_set()
        cloud.answer("/self", privileges(ACME))
        fill(cloud)
        cloud.answer(f"/orgs/{ACME}/inventory", Reply(status=500))
        await bench.inventory.refresh()
        assert not bench.inventory.ready.is_set()
        fill(cloud)
        await bench.inventory.refresh()
        assert bench.inventory.ready.is_set()
        assert bench.status.last_error == ""


async def test_one_org_that_is_refused_does_not_keep_the_rest_from_being_ready(cloud):
    cloud.answer("/self", privileges(ACME, "org-closed"))
    fill(cloud)
    cloud.answer("/orgs/org-closed", Reply(status=403))
    async with bench_of(cloud) as bench:
        assert not await bench.inventory.refresh()
        assert bench.inventory.ready.is_set()
    assert bench.status.inventory_failures == 1
    assert bench.status.inventory_at is None


async def test_a_fault_is_logged_when_it_begins_and_when_it_ends(cloud):
    fill(cloud)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        with capture_logs() as logs:
            cloud.answer("/self", Reply(status=503))
            for _ in range(3):
                await bench.inventory.refresh()
            cloud.answer("/self", privileges(ACME))
            await bench.inventory.refresh()
            await bench.inventory.refresh()
    assert [entry["event"] for entry in logs] == ["inventory_failed", "inventory_recovered"]
    assert bench.status.inventory_failures == 3


async def test_configured_orgs_are_the_only_ones_read(cloud):
    cloud.answer("/self", privileges(ACME, "org-other"))
    fill(cloud)
    async with bench_of(cloud, Counts(orgs=[ACME])) as bench:
        assert await bench.inventory.refresh()
    assert set(bench.directory.orgs) == {ACME}
    assert "/orgs/org-other" not in cloud.paths()


async def test_sites_are_filtered_and_their_devices_with_them(cloud):
    fill(cloud, sites=4, devices=8)
    stock = [
        {"mac": mac(90), "site_id": None},
        {"mac": mac(0), "site_id": f"{ACME}-0"},
        {"mac": mac(1), "site_id": f"{ACME}-1"},
    ]
    cloud.listing(f"/orgs/{ACME}/inventory", stock)
    account = Counts(sites=Sites(include=["site *"], exclude=[f"{ACME}-1", "Site 3"]))
    async with bench_of(cloud, account) as bench:
        assert await bench.inventory.refresh()
        assert await bench.inventory.prime() == 4
    assert set(bench.directory.sites) == {f"{ACME}-0", f"{ACME}-2"}
    assert set(bench.directory.devices) == {mac(0)}
    assert {ids["site_id"] for _, ids in bench.handed_on("device")} == {f"{ACME}-0", f"{ACME}-2"}
    assert len(bench.handed_on("site")) == 2


async def test_without_a_filter_devices_in_stock_are_kept(cloud):
    fill(cloud)
    cloud.listing(f"/orgs/{ACME}/inventory", [{"mac": mac(90), "site_id": None}, {"mac": "rubbish"}])
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
    assert bench.directory.devices[mac(90)].site_id == ""
    assert len(bench.directory.devices) == 1


def single_site(cloud: RestCloud, site_id: str = "site-7") -> dict[str, str]:
    cloud.answer(f"/sites/{site_id}", {"id": site_id, "org_id": "org-far", "name": "Seven", "country_code": "DE"})
    cloud.listing(
        f"/sites/{site_id}/stats/devices",
        [{"mac": mac(70), "type": "ap", "status": "connected", "model": "AP41", "uptime": 9}],
    )
    return {"scope": "site", "org_id": "org-far", "site_id": site_id, "org_name": "Far"}


async def test_rights_to_single_sites_read_only_those(cloud):
    fill(cloud)
    cloud.answer("/self", privileges(ACME, far=single_site(cloud)))
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        assert await bench.inventory.prime() == 5
    assert bench.directory.orgs["org-far"].name == "Far"
    assert bench.directory.sites["site-7"].country_code == "DE"
    assert bench.directory.devices[mac(70)].connected is True
    assert not any(path.startswith("/orgs/org-far") for path in cloud.paths())
    primed = [entry for entry in bench.handed_on("device") if entry[1]["org_id"] == "org-far"]
    assert primed == [
        ({"mac": mac(70), "type": "ap", "status": "connected", "model": "AP41", "uptime": 9},
         {"org_id": "org-far", "site_id": "site-7"})
    ]  # fmt: skip
    listed = [payload for payload, ids in bench.handed_on("inventory") if ids["mac"] == mac(70)]
    assert [(entry["model"], entry["connected"]) for entry in listed] == [("AP41", True)]


async def test_one_site_that_fails_takes_no_other_with_it(cloud):
    both = {"a": single_site(cloud), "b": single_site(cloud, "site-8")}
    cloud.answer("/self", privileges(**both))
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        cloud.answer("/sites/site-8", Reply(status=403))
        cloud.listing("/sites/site-7/stats/devices", [])
        assert not await bench.inventory.refresh()
    assert set(bench.directory.sites) == {"site-7", "site-8"}
    assert bench.status.inventory_failures == 1


async def test_the_orgs_of_an_msp_are_read(cloud):
    cloud.answer("/self", privileges(ACME, msp={"scope": "msp", "msp_id": "msp-1"}))
    cloud.listing("/msps/msp-1/orgs", [{"id": ACME, "name": "Acme"}, {"id": "org-b", "name": "B"}, {"name": "?"}])
    fill(cloud)
    fill(cloud, "org-b", first=50)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
    assert set(bench.directory.orgs) == {ACME, "org-b"}
    assert cloud.paths().count(f"/orgs/{ACME}") == 1


async def test_an_msp_that_refuses_is_named_once_and_keeps_what_was_known(cloud):
    cloud.answer("/self", privileges(ACME, msp={"scope": "msp", "msp_id": "msp-1"}))
    cloud.listing("/msps/msp-1/orgs", [{"id": "org-b"}])
    fill(cloud)
    fill(cloud, "org-b", first=50)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        cloud.answer("/msps/msp-1/orgs", Reply(status=404))
        with capture_logs() as logs:
            assert await bench.inventory.refresh()
            assert await bench.inventory.refresh()
        assert [entry["event"] for entry in logs] == ["inventory_msp_not_expanded"]
        assert set(bench.directory.orgs) == {ACME, "org-b"}
        cloud.answer("/msps/msp-1/orgs", Reply(status=502))
        assert not await bench.inventory.refresh()
        assert set(bench.directory.orgs) == {ACME, "org-b"}


async def test_virtual_chassis_members_on_request(cloud):
    fill(cloud)
    async with bench_of(cloud, members=True) as bench:
        await bench.inventory.refresh()
    asked = [call.query for call in cloud.calls if call.path.endswith("/inventory")]
    assert asked == [{"vc": "true", "limit": "1000", "page": "1"}]


async def test_priming_asks_for_all_kinds_of_devices(cloud):
    fill(cloud)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        assert await bench.inventory.prime() == 4
    asked = [call.query for call in cloud.calls if call.path.endswith("/stats/devices")]
    assert asked == [{"type": "all", "limit": "1000", "page": "1"}]
    payload, ids = bench.handed_on("device")[1]
    assert payload["uptime"] == 7
    assert ids == {"org_id": ACME, "site_id": f"{ACME}-1"}


async def test_priming_knows_the_site_of_a_device_from_the_inventory(cloud):
    fill(cloud)
    cloud.listing(f"/orgs/{ACME}/stats/devices", [{"mac": mac(1)}, {"mac": mac(99)}, {"mac": None}, {}])
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        assert await bench.inventory.prime() == 1
    assert bench.handed_on("device") == [({"mac": mac(1)}, {"org_id": ACME, "site_id": f"{ACME}-1"})]


async def test_a_few_sites_of_a_large_org_are_primed_by_themselves(cloud):
    fill(cloud, sites=10, devices=3000)
    cloud.listing(f"/sites/{ACME}-4/stats/devices", [{"mac": mac(4), "site_id": f"{ACME}-4"}])
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        cloud.calls.clear()
        assert await bench.inventory.prime([f"{ACME}-4", "nowhere"]) == 1
        assert cloud.paths() == [f"/sites/{ACME}-4/stats/devices"]
        cloud.calls.clear()
        assert await bench.inventory.prime([f"{ACME}-{number}" for number in range(3)]) == 900
        assert cloud.paths() == [f"/orgs/{ACME}/stats/devices"] * 3
        assert await bench.inventory.prime(["nowhere"]) == 0


async def test_outages_that_end_together_are_primed_together(cloud):
    fill(cloud, sites=8, devices=16)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        counts = await asyncio.gather(*(bench.inventory.prime([f"{ACME}-{number}"]) for number in range(8)))
    assert sum(counts) == 16
    assert cloud.paths().count(f"/orgs/{ACME}/stats/devices") == 2


async def test_mist_edges_are_primed_on_request(cloud):
    fill(cloud)
    edges = [{"id": "edge-1", "name": "e"}, {"id": "edge-2", "site_id": f"{ACME}-0"}, {"id": "x", "site_id": "hidden"}]
    cloud.listing(f"/orgs/{ACME}/stats/mxedges", edges)
    async with bench_of(cloud, mxedges=True) as bench:
        await bench.inventory.refresh()
        assert await bench.inventory.prime() == 6
    assert bench.handed_on("mxedge") == [
        (edges[0], {"org_id": ACME, "site_id": ""}),
        (edges[1], {"org_id": ACME, "site_id": f"{ACME}-0"}),
    ]


async def test_an_odd_payload_does_not_end_the_reading(cloud):
    fill(cloud)
    seen = []

    def on_payload(kind, payload, ids):
        seen.append(kind)
        raise KeyError(kind)

    async with bench_of(cloud, on_payload=on_payload) as bench:
        with capture_logs() as logs:
            assert await bench.inventory.refresh()
            assert await bench.inventory.prime() == 4
    assert len(seen) == 1 + 2 + 4 + 4
    told = [entry["kind"] for entry in logs if entry["event"] == "inventory_payload_failed"]
    assert told == ["org", "site", "inventory", "device"]


async def test_a_cloud_without_usage_is_asked_once(cloud):
    fill(cloud)
    cloud.answer("/self/usage", Reply(status=404))
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        assert await bench.inventory.refresh()
    assert cloud.paths().count("/self/usage") == 1
    assert bench.status.last_error == ""


class Driven(ManualClock):
    """A clock that tells when somebody naps, so that a test moves it only when the work is done."""

    def __init__(self) -> None:
        super().__init__()
        self.naps: list[float] = []
        self.napping = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.naps.append(seconds)
            self.napping.set()
        await super().sleep(seconds)

    async def to_the_next_nap(self) -> None:
        self.napping.clear()
        await self.advance(self.naps[-1])
        await self.napping.wait()


@asynccontextmanager
async def running(bench: Bench):
    task = asyncio.ensure_future(bench.inventory.run())
    await bench.clock.napping.wait()
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_primes_once_and_reads_again_every_interval(cloud):
    fill(cloud)
    async with bench_of(cloud, clock=Driven(), every_s=600) as bench, running(bench):
        assert cloud.paths().count(f"/orgs/{ACME}/stats/devices") == 1
        for _ in range(3):
            await bench.clock.to_the_next_nap()
        assert cloud.paths().count(f"/orgs/{ACME}/inventory") == 4
        assert cloud.paths().count(f"/orgs/{ACME}/stats/devices") == 1
    assert all(570 <= nap <= 630 for nap in bench.clock.naps)
    assert len(set(bench.clock.naps)) == 4


async def test_failures_are_tried_again_sooner_then_ever_later(cloud):
    cloud.answer("/self", Reply(status=401))
    async with bench_of(cloud, clock=Driven(), every_s=600) as bench, running(bench):
        for _ in range(7):
            await bench.clock.to_the_next_nap()
        naps = bench.clock.naps
        assert 15 <= naps[0] <= 30 <= naps[1] <= 60 <= naps[2] <= 120
        assert all(300 <= nap <= 600 for nap in naps[5:])
        cloud.answer("/self", privileges(ACME))
        fill(cloud)
        await bench.clock.to_the_next_nap()
        assert bench.inventory.ready.is_set()
        assert bench.handed_on("device")


async def test_a_priming_that_failed_is_made_up_for(cloud):
    fill(cloud)
    cloud.answer(f"/orgs/{ACME}/stats/devices", Reply(status=500))
    async with bench_of(cloud, clock=Driven()) as bench, running(bench):
        assert bench.inventory.ready.is_set()
        assert bench.handed_on("device") == []
        fill(cloud)
        await bench.clock.to_the_next_nap()
        assert len(bench.handed_on("device")) == 4


async def test_an_account_of_many_orgs_is_read_no_oftener_than_its_calls_allow(cloud):
    orgs = [f"org-{number}" for number in range(40)]
    cloud.answer("/self", privileges(*orgs))
    cloud.answer("/self/usage", {"requests": 0, "request_limit": 500})
    for number, org_id in enumerate(orgs):
        fill(cloud, org_id, sites=1, devices=1, first=number)
    async with bench_of(cloud, clock=Driven(), every_s=600) as bench, running(bench):
        assert len(bench.directory.orgs) == 40
        calls = len(cloud.calls)
        assert calls == 2 + 4 * 40
        assert bench.clock.naps[0] > 0.95 * calls * 3600 / (475 * 0.5)
