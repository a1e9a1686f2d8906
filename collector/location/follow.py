"""Follows the maps of all sites: after a listing that changed them, somebody is told, though never in a hurry."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.clock import Clock

SETTLE_S = 1.0  # the listings of several sites often come together
MAPS_A_SECOND = 200  # with many maps the pause is longer: finding all their channels is work


class MapFollower:
    """Calls `on_change` when `maps` answers otherwise than before. `look` says that it may, `run` runs for ever."""

    def __init__(self, maps: Callable[[], set[tuple[str, str]]], on_change: Callable[[], None], clock: Clock) -> None:
        self._maps = maps
        self._on_change = on_change
        self._clock = clock
        self._told = asyncio.Event()
        self._known: set[tuple[str, str]] = set()

    def look(self) -> None:
        """A site's maps were listed."""
        self._told.set()

    async def run(self) -> NoReturn:
        """Wait for listings, and compare."""
        while True:
            await self._told.wait()
            await self._clock.sleep(SETTLE_S + len(self._known) / MAPS_A_SECOND)
            self._told.clear()
            found = self._maps()
            if found != self._known:
                self._known = found
                self._on_change()
