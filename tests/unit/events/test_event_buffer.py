"""Events of inputs that do not wait for the history."""

import asyncio

import pytest

from collector.event_query import EventFilter
from collector.events import event_buffer
from collector.events.event_buffer import EventBuffer
from collector.events.memory import MemoryHistory
from tests.support.events import event


async def test_events_are_appended_in_order_and_a_full_buffer_drops(monkeypatch):
    monkeypatch.setattr(event_buffer, "MAX_EVENTS", 5)
    async with MemoryHistory() as history:
        buffer = EventBuffer(history)
        task = asyncio.create_task(buffer.run())
        for number in range(8):
            buffer.add(event(number))
        assert buffer.dropped == 3
        async with asyncio.timeout(10):
            while history.status.events < 5:  # noqa: ASYNC110 - another task changes it
                await asyncio.sleep(0)
        page = await history.query(EventFilter())
        assert [one.event.fields["number"] for one in page.events] == [4, 3, 2, 1, 0]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
