"""Live followers of a history. Each has a bounded queue; one that does not read is disconnected."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from collector.errors import HistoryUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from collector.event_query import HistoryStatus, StoredEvent
    from collector.events.query import Matcher

MAX_FOLLOWERS: Final = 64
MAX_QUEUED: Final = 5000  # events, before the filter
_SLICE: Final = 200  # events that one turn of the event loop checks


class Follower:
    """Receives the events that match, oldest first, until it is closed or too slow."""

    def __init__(self, owner: Followers, matcher: Matcher) -> None:
        self._owner = owner
        self._matcher = matcher
        self._queue = deque["Sequence[StoredEvent]"]()
        self._queued = 0
        self._closed = False
        self._wake = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[list[StoredEvent]]:
        """Yield lists of events; ends when the follower is closed or too slow."""
        while (events := await self.next(3600.0)) is not None:
            if events:
                yield events

    async def next(self, timeout_s: float) -> list[StoredEvent] | None:
        """Return the next events; an empty list after `timeout_s` seconds, None at the end."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        found: list[StoredEvent] = []
        while not found and not self._closed:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._wake.wait()
            except TimeoutError:
                return []
            found = await self._read()
        return None if self._closed else found

    async def _read(self) -> list[StoredEvent]:
        """Return the matching ones of the events in the queue, at most of one batch."""
        if not self._queue:
            self._wake.clear()
            return []
        events = self._queue.popleft()
        self._queued -= len(events)
        found: list[StoredEvent] = []
        for first in range(0, len(events), _SLICE):
            found += [one for one in events[first : first + _SLICE] if self._matcher.matches(one.event)]
            await asyncio.sleep(0)
        return found

    def put(self, events: Sequence[StoredEvent]) -> bool:
        """Queue events; return False if the queue is full: the follower then ends."""
        if self._queued + len(events) > MAX_QUEUED:
            self.close()
            return False
        self._queued += len(events)
        self._queue.append(events)
        self._wake.set()
        return True

    def close(self) -> None:
        """End the follower."""
        self._closed = True
        self._queue.clear()
        self._wake.set()
        self._owner.remove(self)


class Followers:
    """All followers of a history."""

    def __init__(self, status: HistoryStatus) -> None:
        self._status = status
        self._followers = set[Follower]()

    def add(self, matcher: Matcher) -> Follower:
        """Return a new follower. Raises HistoryUnavailable if there are `MAX_FOLLOWERS`."""
        if len(self._followers) >= MAX_FOLLOWERS:
            raise HistoryUnavailable("too_many_followers")
        follower = Follower(self, matcher)
        self._followers.add(follower)
        self._status.followers = len(self._followers)
        return follower

    def remove(self, follower: Follower) -> None:
        """Remove a follower."""
        self._followers.discard(follower)
        self._status.followers = len(self._followers)

    def publish(self, events: Sequence[StoredEvent]) -> None:
        """Queue events for every follower."""
        if events:
            slow = [follower for follower in list(self._followers) if not follower.put(events)]
            self._status.slow_followers += len(slow)

    def close(self) -> None:
        """End all followers."""
        for follower in list(self._followers):
            follower.close()
