"""Read by REST what the stream does not say: after an outage, and of a site whose channel is up and mute.

Mist gives no snapshot and resumes nothing, so a site whose channel comes back shows old values until each of its
devices has spoken again. The state of its devices is asked once; connections that come back together are served by
one reading. Readings keep `EVERY_S` apart: a stream that comes and goes must not eat the token's calls, and by then the
devices have spoken themselves.

A channel that is up and says nothing for long may mean that all of its devices are down, or that Mist says nothing of
them. The stream cannot tell one from the other; REST does.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final, NoReturn

from collector.mist import channels

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from collector.clock import Clock

MERGE_S: Final = 2.0  # on average; jittered by half of it, so that shards do not ask together
EVERY_S: Final = 60.0
_PRIMED: Final = frozenset({"device", "mxedge"})  # what a channel carries that REST can tell instead


class Recovery:
    """Collects the sites whose channels came back, and hands them to `prime(site_ids)` while `run` runs.

    `prime` reports its own faults and does not raise for them. `rng` draws uniformly from [0, 1).
    """

    def __init__(
        self,
        prime: Callable[[Iterable[str]], Awaitable[object]],
        clock: Clock,
        *,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self._prime = prime
        self._clock = clock
        self._rng = rng
        self._sites: set[str] = set()
        self._owed = asyncio.Event()

    def recovered(self, paths: Iterable[str]) -> None:
        """Note the channels that came back; those that no site owns, or that REST knows nothing of, are left out."""
        for path in paths:
            self.ask(path)

    def ask(self, path: str) -> bool:
        """Note that REST is to tell what a channel carries; False where it cannot."""
        found = channels.match(path)
        if found is None or found.channel.carries not in _PRIMED or "site_id" not in found.ids:
            return False
        self._sites.add(found.ids["site_id"])
        self._owed.set()
        return True

    async def run(self) -> NoReturn:
        """Prime what is owed, again and again, until cancelled."""
        while True:
            await self._owed.wait()
            await self._clock.sleep(MERGE_S * (0.5 + self._rng()))
            self._owed.clear()
            sites, self._sites = self._sites, set()
            await self._prime(sites)
            await self._clock.sleep(EVERY_S)
