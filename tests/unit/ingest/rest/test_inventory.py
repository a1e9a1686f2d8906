"""The inventory of an account: what it keeps when the cloud fails, what it reports, and when it reads again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from tests.support.clock import ManualClock
from tests.support.inventory import ACME, Account, Bench, Sites, bench_of, fill, mac, privileges
from tests.support.rest_cloud import TOKEN, Reply, RestCloud


@pytest.fixture
async def cloud():
    async with RestCloud() as running:
        running.answer("/self", privileges(ACME))
        running.answer("/self/usage", {"requests": 5, "request_limit": 5000})
        yield running


async def test_a_reading_handles_everything_once(cloud):
    fill(cloud)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
    assert cloud.paths() == ["/self", f"/orgs/{ACME}", f"/orgs/{ACME}/sites", f"/orgs/{ACME}/inventory", "/self/usage"]
    assert bench.directory.orgs[ACME].name == "Org-Acme"
    assert set(bench.directory.sites) == {f"{ACME}-0", f"{ACME}-1"}
    assert bench.directory.devices[mac(1)].site_id == f"{ACME}-1"
    assert bench.directory.devices[mac(1)].org_id == ACME
    assert [len(change.devices_added) for change in bench.changes] == [4]
    assert bench.handled("org") == [({"id": ACME, "name": "Org-Acme"}, {"org_id": ACME})]
    assert [ids for _, ids in bench.handled("site")] == [
        {"org_id": ACME, "site_id": f"{ACME}-0"},
        {"org_id": ACME, "site_id": f"{ACME}-1"},
    ]
    assert bench.handled("inventory")[1] == (
        {"mac": mac(1), "type": "ap", "site_id": f"{ACME}-1", "connected": True},
        {"org_id": ACME, "site_id": f"{ACME}-1", "mac": mac(1)},
    )
    assert bench.inventory.ready.is_set()
    assert bench.status.inventory_at == bench.clock.now()
    assert bench.status.inventory_failures == 0


async def test_a_thousand_sites_take_a_dozen_calls_and_their_backfill_eight(cloud):
    fill(cloud, sites=1000, devices=8000)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        assert len(cloud.calls) == 12
        assert sum(bench.status.calls.values()) == 12
        cloud.calls.clear()
        assert await bench.backfill.read() == 8000
    assert len(cloud.calls) == 8
    assert len(bench.directory.devices) == 8000


async def test_an_equal_reading_is_no_change(cloud):
    fill(cloud)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        await bench.inventory.refresh()
    assert len(bench.changes) == 1


async def test_what_left_the_inventory_is_removed(cloud):
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
        assert await bench.backfill.read() == 0
    assert set(bench.directory.orgs) == {ACME}
    assert bench.inventory.ready.is_set()


ERRORS = {
    "403": Reply(status=403),
    "502": Reply(status=502),
    "html": Reply(b"<html></html>"),
    "429": Reply(status=429),
    "half": Reply([], headers={"X-Page-Total": "4"}),
}


@pytest.mark.parametrize(
    ("listing", "error"),
    [(listing, error) for listing in ("", "/sites", "/inventory") for error in ERRORS if listing or error != "half"],
)
async def test_nothing_of_an_org_that_cannot_be_read_is_removed(cloud, listing, error):
    other = "org-other"
    cloud.answer("/self", privileges(ACME, other))
    fill(cloud)
    fill(cloud, other, first=100)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        before = dict(bench.directory.devices)
        cloud.answer(f"/orgs/{ACME}{listing}", ERRORS[error])
        fill(cloud, other, first=100, devices=5)
        assert not await bench.inventory.refresh()
    assert before.keys() < bench.directory.devices.keys()
    assert [device.mac for device in bench.changes[1].devices_added] == [mac(104)]
    assert not any((bench.changes[1].devices_removed, bench.changes[1].sites_removed, bench.changes[1].orgs_removed))
    assert bench.status.inventory_failures == 1
    assert f"/orgs/{ACME}{listing}" in bench.status.last_error


@pytest.mark.parametrize("listing", ["sites", "inventory"])
async def test_a_listing_that_changes_while_it_is_read_removes_nothing(cloud, listing):
    fill(cloud, sites=1500, devices=1500)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        changes_before = len(bench.changes)
        serve = cloud.replies[f"/api/v1/orgs/{ACME}/{listing}"][0]

        def changing(query):
            page = serve(query)
            if query["page"] == "2":  # an entry of page 1 was removed: the first one of page 2 is now on page 1, unseen
                page.body, page.headers["X-Page-Total"] = page.body[1:], "1499"
            return page

        cloud.answer(f"/orgs/{ACME}/{listing}", changing)
        assert not await bench.inventory.refresh()
    assert len(bench.changes) == changes_before
    assert len(bench.directory.sites) == len(bench.directory.devices) == 1500


async def test_thousands_of_new_sites_are_several_changes_and_one_end(cloud):
    fill(cloud, sites=1500, devices=1500)
    ended_after = []

    async def changed():
        ended_after.append(len(bench.changes))

    async with bench_of(cloud, on_changed=changed) as bench:
        assert await bench.inventory.refresh()
        assert await bench.inventory.refresh()
    assert max(len(change.sites_added) for change in bench.changes) < 1500
    assert sum(len(change.sites_added) for change in bench.changes) == 1500
    assert [len(change.devices_added) for change in bench.changes if change.devices_added] == [1500]
    assert ended_after == [len(bench.changes)]  # once, after the last part; the second round changed nothing


async def test_an_unchanged_device_stays_the_same_object(cloud):
    fill(cloud)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        before = dict(bench.directory.devices)
        assert await bench.inventory.refresh()
        assert all(bench.directory.devices[mac] is device for mac, device in before.items())


@pytest.mark.parametrize(
    "error",
    [Reply(status=401), Reply(status=500), {}, [], {"privileges": None}, {"privileges": []}, Reply(b"<html>")],
)
async def test_a_reading_without_a_list_of_orgs_changes_nothing(cloud, error):
    fill(cloud)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        cloud.answer("/self", error)
        assert not await bench.inventory.refresh()
    assert len(bench.directory.devices) == 4
    assert len(bench.changes) == 1
    assert bench.status.inventory_failures == 1
    assert "/api/v1/self" in bench.status.last_error
    assert TOKEN not in bench.status.last_error


async def test_it_is_not_ready_before_something_was_read(cloud):
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


async def test_it_is_ready_though_the_token_has_no_rights_to_an_org(cloud):
    cloud.answer("/self", privileges(ACME, "org-closed"))
    fill(cloud)
    cloud.answer("/orgs/org-closed", Reply(status=403))
    async with bench_of(cloud) as bench:
        assert not await bench.inventory.refresh()
        assert bench.inventory.ready.is_set()
    assert bench.status.inventory_failures == 1
    assert bench.status.inventory_at is None


async def test_a_failure_is_logged_when_it_begins_and_when_it_ends(cloud):
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


async def test_sites_and_their_devices_are_filtered(cloud):
    fill(cloud, sites=4, devices=8)
    stock = [
        {"mac": mac(90), "site_id": None},
        {"mac": mac(0), "site_id": f"{ACME}-0"},
        {"mac": mac(1), "site_id": f"{ACME}-1"},
    ]
    cloud.listing(f"/orgs/{ACME}/inventory", stock)
    account = Account(sites=Sites(include=["site *"], exclude=[f"{ACME}-1", "Site 3"]))
    async with bench_of(cloud, account) as bench:
        assert await bench.inventory.refresh()
        assert await bench.backfill.read() == 4
    assert set(bench.directory.sites) == {f"{ACME}-0", f"{ACME}-2"}
    assert set(bench.directory.devices) == {mac(0)}
    assert {ids["site_id"] for _, ids in bench.handled("device")} == {f"{ACME}-0", f"{ACME}-2"}
    assert len(bench.handled("site")) == 2


async def test_an_object_that_a_feed_cannot_handle_does_not_end_the_reading(cloud):
    fill(cloud)
    seen = []

    def handle(kind, payload, ids):
        seen.append(kind)
        raise {}[kind]

    async with bench_of(cloud, handle=handle) as bench:
        with capture_logs() as logs:
            assert await bench.inventory.refresh()
            assert await bench.backfill.read() == 4
    assert len(seen) == 1 + 2 + 4 + 4
    logged = [entry["kind"] for entry in logs if entry["event"] == "rest_object_failed"]
    assert logged == ["org", "device"]


async def test_a_cloud_without_usage_is_called_once(cloud):
    fill(cloud)
    cloud.answer("/self/usage", Reply(status=404))
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        assert await bench.inventory.refresh()
    assert cloud.paths().count("/self/usage") == 1
    assert bench.status.last_error == ""


class Driven(ManualClock):
    """A clock that reports each sleep, so that a test moves it only when the work is done."""

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


async def test_it_backfills_once_and_reads_again_every_period(cloud):
    fill(cloud)
    async with bench_of(cloud, clock=Driven(), every_s=600) as bench, running(bench):
        assert cloud.paths().count(f"/orgs/{ACME}/stats/devices") == 1
        for _ in range(3):
            await bench.clock.to_the_next_nap()
        assert cloud.paths().count(f"/orgs/{ACME}/inventory") == 4
        assert cloud.paths().count(f"/orgs/{ACME}/stats/devices") == 1
    assert all(570 <= nap <= 630 for nap in bench.clock.naps)
    assert len(set(bench.clock.naps)) == 4


async def test_failures_are_retried_with_backoff(cloud):
    cloud.answer("/self", Reply(status=401))
    async with bench_of(cloud, clock=Driven(), every_s=600) as bench, running(bench):
        for _ in range(7):
            await bench.clock.to_the_next_nap()
        naps = bench.clock.naps
        assert all(nap <= min(600, 30 * 2**failure) for failure, nap in enumerate(naps))
        assert max(naps[3:]) > 120
        cloud.answer("/self", privileges(ACME))
        fill(cloud)
        await bench.clock.to_the_next_nap()
        assert bench.inventory.ready.is_set()
        assert bench.handled("device")


async def test_a_failed_backfill_is_repeated(cloud):
    fill(cloud)
    cloud.answer(f"/orgs/{ACME}/stats/devices", Reply(status=500))
    async with bench_of(cloud, clock=Driven()) as bench, running(bench):
        assert bench.inventory.ready.is_set()
        assert bench.handled("device") == []
        fill(cloud)
        await bench.clock.to_the_next_nap()
        assert len(bench.handled("device")) == 4


async def test_an_account_with_many_orgs_is_read_as_often_as_its_calls_permit(cloud):
    orgs = [f"org-{number}" for number in range(40)]
    cloud.answer("/self", privileges(*orgs))
    cloud.answer("/self/usage", {"requests": 0, "request_limit": 500})
    for number, org_id in enumerate(orgs):
        fill(cloud, org_id, sites=1, devices=1, first=number)
    async with bench_of(cloud, clock=Driven(), every_s=600) as bench, running(bench):
        assert len(bench.directory.orgs) == 40
        assert len(cloud.calls) == 2 + 4 * 40
        calls = 1 + 3 * 40  # of the reading; the backfill is not repeated
        assert bench.clock.naps[0] > 0.95 * calls * 3600 / (475 * 0.5)
