"""Channels follow maps, without hurry and without need."""

import asyncio

import pytest

from collector.location.map_watcher import MAPS_A_SECOND, SETTLE_S, MapWatcher
from tests.support.clock import ManualClock


@pytest.fixture
async def follower():
    follower = Following()
    task = asyncio.ensure_future(follower.follower.run())
    yield follower
    task.cancel()
    await asyncio.wait([task])


class Following:
    def __init__(self):
        self.maps, self.calls, self.clock = set(), 0, ManualClock()
        self.follower = MapWatcher(lambda: set(self.maps), self.changed, self.clock)

    def changed(self):
        self.calls += 1


async def test_a_listing_that_changed_nothing_changes_nothing(follower):
    follower.follower.notify()
    await follower.clock.advance(10)
    assert follower.calls == 0


async def test_listings_that_come_together_are_one_change(follower):
    for number in range(5):
        follower.maps.add(("site", f"map {number}"))
        follower.follower.notify()
        await follower.clock.advance(SETTLE_S / 10)
    assert follower.calls == 0
    await follower.clock.advance(SETTLE_S)
    assert follower.calls == 1
    follower.maps.pop()
    follower.follower.notify()
    await follower.clock.advance(2 * SETTLE_S)
    assert follower.calls == 2


async def test_many_maps_are_looked_at_less_often(follower):
    follower.maps = {("site", f"map {number}") for number in range(10 * MAPS_A_SECOND)}
    follower.follower.notify()
    await follower.clock.advance(SETTLE_S)
    follower.maps.pop()
    follower.follower.notify()
    await follower.clock.advance(10)
    assert follower.calls == 1
    await follower.clock.advance(SETTLE_S)
    assert follower.calls == 2
