import asyncio
from contextlib import asynccontextmanager

from collector.ingest.rest.recovery import EVERY_S, MERGE_S, Recovery
from tests.support.clock import ManualClock

SITES = [f"{number:08d}-0000-0000-0000-000000000000" for number in range(3)]


def devices(*sites):
    return [f"/sites/{site}/stats/devices" for site in sites]


@asynccontextmanager
async def recovering(prime, clock):
    recovery = Recovery(prime, clock, rng=lambda: 0.5)
    task = asyncio.ensure_future(recovery.run())
    await clock.advance(0.0)
    yield recovery
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


class Primes:
    """Notes what was asked for, and when."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self, site_ids):
        self.asked.append((self.clock.now(), sorted(site_ids)))
        await self.hold.wait()


async def test_connections_that_come_back_together_are_served_by_one_reading():
    clock = ManualClock(now=0.0)
    primes = Primes(clock)
    async with recovering(primes, clock) as recovery:
        recovery.recovered(devices(SITES[0], SITES[1]))
        await clock.advance(MERGE_S / 2)
        recovery.recovered(devices(SITES[1], SITES[2]))
        await clock.advance(1000.0)
    assert primes.asked == [(MERGE_S, SITES)]


async def test_a_stream_that_comes_and_goes_is_not_followed_by_a_reading_each_time():
    clock = ManualClock(now=0.0)
    primes = Primes(clock)
    async with recovering(primes, clock) as recovery:
        for _ in range(100):
            recovery.recovered(devices(SITES[0]))
            await clock.advance(6.0)
    assert len(primes.asked) == 1 + int(600 / (EVERY_S + MERGE_S))


async def test_a_site_that_comes_back_during_a_reading_is_read_by_the_next():
    clock = ManualClock(now=0.0)
    primes = Primes(clock)
    primes.hold.clear()
    async with recovering(primes, clock) as recovery:
        recovery.recovered(devices(SITES[0]))
        await clock.advance(MERGE_S)
        recovery.recovered(devices(SITES[1]))
        primes.hold.set()
        await clock.advance(EVERY_S + MERGE_S)
    assert [sites for _, sites in primes.asked] == [[SITES[0]], [SITES[1]]]


async def test_only_what_rest_can_tell_of_a_site_is_asked():
    clock = ManualClock(now=0.0)
    primes = Primes(clock)
    async with recovering(primes, clock) as recovery:
        org = SITES[2]
        recovery.recovered(["/test", "nonsense", f"/orgs/{org}/stats/mxedges", f"/sites/{SITES[0]}/devices"])
        await clock.advance(100.0)
        assert primes.asked == []
        recovery.recovered([f"/sites/{SITES[0]}/stats/mxedges"])
        await clock.advance(100.0)
    assert [sites for _, sites in primes.asked] == [[SITES[0]]]
