"""Time, injected everywhere, so that no test sleeps and no module reads a clock directly."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock, a wall clock and a sleep. The clock of the tests moves only when a test moves it."""

    def now(self) -> float:
        """Return monotonic seconds with an arbitrary zero, for deadlines and ages."""

    def time(self) -> float:
        """Return seconds since the epoch (UTC), for timestamps; the value may jump."""

    async def sleep(self, seconds: float) -> None:
        """Sleep for `seconds` of this clock; for zero or less, only yield to the event loop."""


class SystemClock:
    """The clocks of the system."""

    now = staticmethod(time.monotonic)  # not wrapped: it is read for each frame

    def time(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(max(0.0, seconds))
