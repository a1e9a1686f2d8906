"""The history in memory is bounded."""

from collector.event_query import EventFilter
from collector.events import memory
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
