"""Months of a daemon's life: whatever comes and goes, nothing of it is held on to."""

from __future__ import annotations

import gc
from collections import Counter
from functools import partial

import pytest

from collector.events import configured, memory, tail
from collector.events.memory import MemoryHistory
from tests.support import samples
from tests.support.life import Life

WARM = 40  # generations, of a day each: the longest memory is one of 30 days
AFTER = 60  # further generations
LOOKS = 10  # at each end, for a day is not like the other
MORE_PERCENT, MORE = 7.0, 15  # what the mean of so few days may differ by; one thing a day held on to makes 70
PEAK_PERCENT = 20.0  # a table has memory for the most rows that it ever had: a peak may still come


async def looked_at(life: Life) -> Counter[str]:
    """The books of some generations, added up."""
    total = Counter[str]()
    for _ in range(LOOKS):
        await life.generation()
        gc.collect()
        total += life.object_counts()
    return total


def grown(before: Counter[str], after: Counter[str]) -> dict[str, tuple[float, float]]:
    """What there is more of: its mean before and after."""
    found = {}
    for name, count in after.items():
        percent = PEAK_PERCENT if name.startswith("places") else MORE_PERCENT
        if count > before[name] * (1 + percent / 100) + MORE * LOOKS:
            found[name] = before[name] / LOOKS, count / LOOKS
    return found


@pytest.mark.fault(
    "Daemon",
    "Sites, maps, devices, clients, accounts and names change daily for 120 simulated days; events and REST "
    "answers arrive late",
    held="The number of rows, cache entries and all other counted objects does not grow.",
)
async def test_nothing_is_held_on_to(tmp_path, fault, monkeypatch):
    # full within the first days: below its bound, the event history grows as it should
    monkeypatch.setattr(configured, "MemoryHistory", partial(MemoryHistory, max_events=20))
    monkeypatch.setattr(memory, "MAX_IDS", 20)
    monkeypatch.setattr(tail, "MAX_EVENTS", 20)
    life = Life(tmp_path)
    for _ in range(WARM):
        await life.generation()
    before = await looked_at(life)
    for _ in range(AFTER):
        await life.generation()
    after = await looked_at(life)
    assert grown(before, after) == {}
    assert set(life.daemon.frames.dropped) == {"unsubscribed_channel"}, "what came too late, and nothing else"
    found = samples.of_text(await life.scrape())
    fault.told(found, "mist_collector_rows", table="device")


async def test_a_device_that_rest_told_of_too_late_does_not_stay_down_for_ever(tmp_path):
    """What was asked for before the inventory noticed comes after: a row that no silence would end."""
    life = Life(tmp_path)
    await life.generation()
    (org,) = life.fleet.orgs()
    gone = life.fleet.device_stats(org["id"])[0]
    life.fleet.remove_device(gone["mac"])
    await life._read()
    ids = {"org_id": org["id"], "site_id": gone["site_id"]}
    life.daemon.feeds.rest_object("device", gone | {"status": "disconnected"}, ids)
    assert samples.having(samples.of_text(await life.scrape()), mac=gone["mac"])
    await life._pass(3700.0)
    assert samples.having(samples.of_text(await life.scrape()), mac=gone["mac"]) == {}
