"""Passes events to the history for inputs that do not wait for it: streams and the collector's own findings."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, NoReturn

from collector.errors import HistoryUnavailable

if TYPE_CHECKING:
    from collector.event import Event
    from collector.event_query import EventStore

MAX_EVENTS: Final = 20_000
BATCH: Final = 500


class EventBuffer:
    """A bounded queue of events; `run` appends them to the history.

    Args:
        store: The history.

    Attributes:
        dropped: Events that were dropped because the queue was full or the history refused them.
    """

    def __init__(self, store: EventStore) -> None:
        self.dropped = 0
        self._store = store
        self._events = deque["Event"]()
        self._wake = asyncio.Event()

    def add(self, event: Event) -> None:
        """Queue an event. Never raises and never waits."""
        if len(self._events) >= MAX_EVENTS:
            self.dropped += 1
            return
        self._events.append(event)
        self._wake.set()

    async def run(self) -> NoReturn:
        """Append what is queued."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()

    async def flush(self) -> None:
        """Append everything that is queued now."""
        while self._events:
            batch = [self._events.popleft() for _ in range(min(BATCH, len(self._events)))]
            try:
                await self._store.append(batch)
            except HistoryUnavailable:
                self.dropped += len(batch)
