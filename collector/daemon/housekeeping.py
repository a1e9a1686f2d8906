"""Periodic work on the store and on the garbage collector."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn

from collector.metrics import gc_tuning

if TYPE_CHECKING:
    from collector.clock import Clock
    from collector.feeds.router import FeedRouter

SWEEP_EVERY_S: Final = 15.0
SETTLE_EVERY_S: Final = 1.0


class Housekeeping:
    """Ends expired series and freezes long-lived objects, so that the garbage collector skips them.

    Attributes:
        swept_at: monotonic time at which the last sweep completed.
    """

    def __init__(self, feeds: FeedRouter, clock: Clock) -> None:
        self.swept_at = clock.now()
        self._feeds = feeds
        self._clock = clock

    async def sweep(self) -> NoReturn:
        """End series past their time to live every `SWEEP_EVERY_S`, in steps of less than a millisecond."""
        while True:
            await self._clock.sleep(SWEEP_EVERY_S)
            for _ in self._feeds.sweep():
                await asyncio.sleep(0)
            self.swept_at = self._clock.now()

    async def settle(self) -> NoReturn:
        """Freeze long-lived objects; see `metrics.gc_tuning`."""
        while True:
            await self._clock.sleep(SETTLE_EVERY_S)
            gc_tuning.freeze_survivors()
