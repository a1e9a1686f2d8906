"""Backfill: the state of devices by REST, on request and at a limited rate."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from collector.ingest.rest.backfill import MERGE_S, MIN_PERIOD_S, Backfill
from collector.mist.directory import Directory
from collector.status import RestStatus
from tests.support.clock import ManualClock
from tests.support.inventory import ACME, bench_of, fill, mac, privileges
from tests.support.rest_cloud import Reply, RestCloud

SITES = [f"{number:08d}-0000-0000-0000-000000000000" for number in range(3)]


@pytest.fixture
async def cloud():
    async with RestCloud() as running:
        running.answer("/self", privileges(ACME))
        yield running


# Reading


async def test_all_types_of_devices_are_read(cloud):
    fill(cloud)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        assert await bench.backfill.read() == 4
    asked = [call.query for call in cloud.calls if call.path.endswith("/stats/devices")]
    assert asked == [{"type": "all", "limit": "1000", "page": "1"}]
    payload, ids = bench.handled("device")[1]
    assert payload["uptime"] == 7
    assert ids == {"org_id": ACME, "site_id": f"{ACME}-1"}


async def test_the_site_of_a_device_is_known_from_the_inventory(cloud):
    fill(cloud)
    cloud.listing(f"/orgs/{ACME}/stats/devices", [{"mac": mac(1)}, {"mac": mac(99)}, {"mac": None}, {}])
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        assert await bench.backfill.read() == 1
    assert bench.handled("device") == [({"mac": mac(1)}, {"org_id": ACME, "site_id": f"{ACME}-1"})]


async def test_a_few_sites_of_a_large_org_are_read_site_by_site(cloud):
    fill(cloud, sites=10, devices=3000)
    cloud.listing(f"/sites/{ACME}-4/stats/devices", [{"mac": mac(4), "site_id": f"{ACME}-4"}])
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        cloud.calls.clear()
        assert await bench.backfill.read([f"{ACME}-4", "nowhere"]) == 1
        assert cloud.paths() == [f"/sites/{ACME}-4/stats/devices"]
        cloud.calls.clear()
        assert await bench.backfill.read([f"{ACME}-{number}" for number in range(3)]) == 900
        assert cloud.paths() == [f"/orgs/{ACME}/stats/devices"] * 3
        assert await bench.backfill.read(["nowhere"]) == 0


async def test_calls_during_a_reading_are_served_by_the_next_one(cloud):
    fill(cloud, sites=8, devices=16)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        counts = await asyncio.gather(*(bench.backfill.read([f"{ACME}-{number}"]) for number in range(8)))
    assert sum(counts) == 16
    assert cloud.paths().count(f"/orgs/{ACME}/stats/devices") == 2


async def test_mist_edges_are_included_on_request(cloud):
    fill(cloud)
    edges = [{"id": "edge-1", "name": "e"}, {"id": "edge-2", "site_id": f"{ACME}-0"}, {"id": "x", "site_id": "hidden"}]
    cloud.listing(f"/orgs/{ACME}/stats/mxedges", edges)
    async with bench_of(cloud, mxedges=True) as bench:
        await bench.inventory.refresh()
        assert await bench.backfill.read() == 6
    assert bench.handled("mxedge") == [
        (edges[0], {"org_id": ACME, "site_id": ""}),
        (edges[1], {"org_id": ACME, "site_id": f"{ACME}-0"}),
    ]


@pytest.mark.parametrize(("status", "is_pending"), [(503, True), (401, True), (403, False)])
async def test_a_failed_reading_is_pending_if_a_retry_may_succeed(cloud, status, is_pending):
    fill(cloud)
    async with bench_of(cloud) as bench:
        assert bench.backfill.is_pending
        await bench.inventory.refresh()
        cloud.answer(f"/orgs/{ACME}/stats/devices", Reply(status=status))
        assert await bench.backfill.read() == 0
        assert bench.backfill.is_pending is is_pending
        fill(cloud)
        assert await bench.backfill.read() == 4
        assert not bench.backfill.is_pending


# Requests


class Readings:
    """A backfill whose readings take no calls; `requests` holds their times and sites."""

    def __init__(self, clock):
        self.clock = clock
        self.requests = []
        self.hold = asyncio.Event()
        self.hold.set()
        rest = type("Rest", (), {"status": RestStatus("main")})()
        self.backfill = Backfill(rest, Directory(), lambda *_: None, clock, draw=lambda: 0.5)
        self.backfill.read = self.read

    async def read(self, site_ids):
        self.requests.append((self.clock.now(), sorted(site_ids)))
        await self.hold.wait()


@asynccontextmanager
async def running(readings):
    task = asyncio.ensure_future(readings.backfill.run())
    await readings.clock.advance(0.0)
    yield readings.backfill
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def devices(*sites):
    return [f"/sites/{site}/stats/devices" for site in sites]


async def test_connections_that_recover_together_are_one_reading():
    readings = Readings(ManualClock(now=0.0))
    async with running(readings) as backfill:
        backfill.channels_recovered(devices(SITES[0], SITES[1]))
        await readings.clock.advance(MERGE_S / 2)
        backfill.channels_recovered(devices(SITES[1], SITES[2]))
        await readings.clock.advance(1000.0)
    assert readings.requests == [(MERGE_S, SITES)]


async def test_a_stream_that_flaps_does_not_cause_a_reading_each_time():
    readings = Readings(ManualClock(now=0.0))
    async with running(readings) as backfill:
        for _ in range(100):
            backfill.channels_recovered(devices(SITES[0]))
            await readings.clock.advance(6.0)
    assert len(readings.requests) == 1 + int(600 / (MIN_PERIOD_S + MERGE_S))


async def test_a_site_that_recovers_during_a_reading_is_read_by_the_next():
    readings = Readings(ManualClock(now=0.0))
    readings.hold.clear()
    async with running(readings) as backfill:
        backfill.channels_recovered(devices(SITES[0]))
        await readings.clock.advance(MERGE_S)
        backfill.channels_recovered(devices(SITES[1]))
        readings.hold.set()
        await readings.clock.advance(MIN_PERIOD_S + MERGE_S)
    assert [sites for _, sites in readings.requests] == [[SITES[0]], [SITES[1]]]


async def test_only_channels_with_a_listing_of_a_site_are_requested():
    readings = Readings(ManualClock(now=0.0))
    async with running(readings) as backfill:
        org = SITES[2]
        backfill.channels_recovered(["/test", "nonsense", f"/orgs/{org}/stats/mxedges", f"/sites/{SITES[0]}/devices"])
        await readings.clock.advance(100.0)
        assert readings.requests == []
        assert backfill.request(f"/sites/{SITES[0]}/stats/mxedges")
        await readings.clock.advance(100.0)
    assert [sites for _, sites in readings.requests] == [[SITES[0]]]
