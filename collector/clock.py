"""Where time comes from. Injected everywhere, so that no test sleeps and no module reads a clock behind one's back."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two readings and a nap; the tests' clock moves only when told to."""

    def now(self) -> float:
        """Seconds on a clock that never goes back; its zero means nothing. For deadlines and ages."""

    def time(self) -> float:
        """Seconds since 1970 (UTC); may jump. For timestamps that people or Prometheus read."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock's time; at once for zero or less (still yielding to the loop)."""


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.monotonic)  # not wrapped: it is asked for each frame

    def time(self) -> float:
        """Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(max(0.0, seconds))
