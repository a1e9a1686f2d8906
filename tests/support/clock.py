"""A clock that moves only when a test moves it."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class ManualClock:
    """Implements `collector.clock.Clock`; `advance` wakes sleepers in the order of their deadlines."""

    def __init__(self, now: float = 1000.0, unix: float = 1_700_000_000.0) -> None:
        self._now = now
        self._offset = unix - now
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def time(self) -> float:
        return self._now + self._offset

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float, *, settle: int = 20) -> None:
        """Move on by `seconds`; after each wake-up the loop runs `settle` rounds so that the woken can act."""
        goal = self._now + seconds
        await self._settle(settle)
        while self._sleepers and self._sleepers[0][0] <= goal:
            due, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not future.done():
                future.set_result(None)
            await self._settle(settle)
        self._now = goal
        await self._settle(settle)

    def jump(self, seconds: float) -> None:
        """Move only the wall clock, as an NTP correction does."""
        self._offset += seconds

    @staticmethod
    async def _settle(rounds: int) -> None:
        for _ in range(rounds):
            await asyncio.sleep(0)
