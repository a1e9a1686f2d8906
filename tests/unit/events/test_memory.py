"""The history in memory is bounded."""

import asyncio

from collector import concurrency
from collector.event_query import EventFilter
from collector.events import codec, memory
from collector.events.memory import MemoryHistory
from tests.support.events import event


async def test_the_oldest_events_are_removed(monkeypatch):
    monkeypatch.setattr(memory, "MAX_IDS", 30)
    async with MemoryHistory(max_events=20) as history:
        await history.append([event(number) for number in range(100)])
        page = await history.query(EventFilter())
        assert [one.event.fields["number"] for one in page.events] == list(range(99, 79, -1))
        assert await history.append([event(75), event(5)]) == ["duplicate", "new"]
        assert history.status.events == 20
        assert history.totals() == {}


async def test_large_events_displace_the_oldest_ones(monkeypatch):
    large = [event(number, fields={"number": number, "text": "x" * 900}) for number in range(50)]
    monkeypatch.setattr(memory, "MAX_BYTES", 10 * max(map(codec.size_of, large)))
    async with MemoryHistory() as history:
        await history.append(large)
        page = await history.query(EventFilter())
        assert [one.event.fields["number"] for one in page.events] == list(range(49, 39, -1))


async def test_other_tasks_run_while_many_events_are_appended(monkeypatch):
    monkeypatch.setattr(concurrency, "SLICE_S", 0.0)
    async with MemoryHistory() as history:
        follower = history.follow(EventFilter())
        async with asyncio.TaskGroup() as group:
            group.create_task(history.append([event(number) for number in range(20)]))
            group.create_task(history.append([event(number) for number in range(20, 40)]))
        seen = []
        while len(seen) < 40:
            seen += await follower.next(5.0)
        assert [one.seq for one in seen] == list(range(1, 41))
        assert [one.event.fields["number"] for one in seen] != list(range(40)), "the two took turns"
