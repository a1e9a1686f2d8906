"""What both kinds of history have for outputs: the newest events in memory, and cursors.

Outputs that are up to date read the newest events without a query.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from collector.events.codec import size_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from collector.event_query import StoredEvent

MAX_EVENTS: Final = 1000
MAX_BYTES: Final = 4 << 20  # of all events, as `size_of` estimates it


class Tail:
    """A bounded buffer of consecutive events.

    Args:
        newest: The `seq` of the newest event that was stored before; 0 without one.

    Attributes:
        newest: The `seq` of the newest event.
    """

    def __init__(self, newest: int = 0) -> None:
        self.newest = newest
        self._events = deque["StoredEvent"]()
        self._sizes = deque[int]()
        self._bytes = 0
        self._grown = asyncio.Event()

    def add(self, events: Sequence[StoredEvent]) -> None:
        """Add events, whose `seq` continue that of the newest one."""
        if not events:
            return
        for one in events:
            size = size_of(one.event)
            self._events.append(one)
            self._sizes.append(size)
            self._bytes += size
        while len(self._events) > MAX_EVENTS or self._bytes > MAX_BYTES:
            self._events.popleft()
            self._bytes -= self._sizes.popleft()
        self.newest = events[-1].seq
        self._grown.set()
        self._grown = asyncio.Event()

    def after(self, seq: int, limit: int) -> list[StoredEvent] | None:
        """Return the events after `seq`, the oldest first, at most `limit`; None if some of them are gone."""
        missing = self.newest - seq
        if missing > len(self._events):
            return None
        first = len(self._events) - missing
        return list(islice(self._events, first, first + limit)) if missing > 0 else []

    async def wait(self, seq: int) -> None:
        """Return when there is an event after `seq`."""
        while self.newest <= seq:
            await self._grown.wait()


class TailedLog:
    """The part of `EventLog` that does not depend on where a history keeps its events. The cursors are in memory.

    Args:
        newest: See `Tail`.
    """

    def __init__(self, newest: int = 0) -> None:
        self._tail = Tail(newest)
        self._cursors: dict[str, int] = {}

    @property
    def newest(self) -> int:
        """See `EventLog.newest`."""
        return self._tail.newest

    async def wait(self, after: int) -> None:
        """See `EventLog.wait`."""
        await self._tail.wait(after)

    def cursor(self, output: str) -> int | None:
        """See `EventLog.cursor`."""
        return self._cursors.get(output)

    def save_cursor(self, output: str, seq: int) -> None:
        """See `EventLog.save_cursor`."""
        self._cursors[output] = seq

    def keep_cursors(self, outputs: Collection[str]) -> None:
        """See `EventLog.keep_cursors`."""
        self._cursors = {name: seq for name, seq in self._cursors.items() if name in outputs}
