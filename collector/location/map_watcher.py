"""Watching the set of maps: a change is reported once the listings have settled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.clock import Clock

SETTLE_S = 1.0  # listings of several sites often arrive together
MAPS_A_SECOND = 200  # with many maps the pause is longer: computing all their channels is expensive


class MapWatcher:
    """Calls `on_change` when the result of `maps` changes. `notify` requests a check; `run` runs until cancelled."""

    def __init__(self, maps: Callable[[], set[tuple[str, str]]], on_change: Callable[[], None], clock: Clock) -> None:
        self._maps = maps
        self._on_change = on_change
        self._clock = clock
        self._requested = asyncio.Event()
        self._known: set[tuple[str, str]] = set()

    def notify(self) -> None:
        """Request a check: the maps of a site were listed."""
        self._requested.set()

    async def run(self) -> NoReturn:
        """Wait for requests and compare."""
        while True:
            await self._requested.wait()
            await self._clock.sleep(SETTLE_S + len(self._known) / MAPS_A_SECOND)
            self._requested.clear()
            found = self._maps()
            if found != self._known:
                self._known = found
                self._on_change()
