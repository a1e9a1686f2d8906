"""The token gate: after one 401, an account stops using its token until it is replaced or some time has passed.

Without it, each poll and each connection of an account would send a revoked token, which results in a burst of
rejected calls every few seconds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from collector.concurrency import first_completed

if TYPE_CHECKING:
    from collector.clock import Clock

PAUSE_S: Final = 300.0
PROBE_WITHIN_S: Final = 30.0  # the time that the probe has to be rejected in, before the others pass
_LOG: Final = structlog.get_logger()


class TokenGate:
    """Shared by everything of one account that sends its token: REST calls and WebSocket handshakes.

    It is open at first. `rejected` pauses every caller of `wait`. When the token was replaced, or after `PAUSE_S`, one
    task passes as a probe, as often as it calls `wait`. The others follow when the probe's token was `accepted`, or was
    not `rejected` within `PROBE_WITHIN_S`.
    """

    def __init__(self, clock: Clock, *, account: str = "") -> None:
        self._clock = clock
        self._account = account
        self._next_at: float | None = None  # monotonic time of the next step; None: open
        self._probe: asyncio.Task[object] | None = None
        self._changed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether every caller passes."""
        return self._next_at is None

    async def wait(self) -> None:
        """Return when the caller may send the token."""
        while (pause_s := self._pause_s()) > 0.0:
            await first_completed(_until(self._changed), self._clock.sleep(pause_s))

    def rejected(self) -> None:
        """Close the gate: an answer with 401 has come for the token in use."""
        if self.is_open:
            _LOG.warning("token_rejected", account=self._account, pause_s=PAUSE_S)
        self._set(self._clock.now() + PAUSE_S)

    def accepted(self) -> None:
        """Open the gate if it waits for the outcome of the probe: an answer other than 401 has come."""
        if self._probe is not None:
            self._open()

    def token_changed(self) -> None:
        """Let a probe pass at once: the token was replaced."""
        if not self.is_open:
            self._set(self._clock.now())

    def _pause_s(self) -> float:
        """Return how long the caller has to wait; 0 when it passes."""
        task = asyncio.current_task()
        if self._next_at is None or (self._probe is not None and self._probe is task):
            return 0.0
        now = self._clock.now()
        if now < self._next_at:
            return self._next_at - now
        if self._probe is not None:
            self._open()
        else:
            self._set(now + PROBE_WITHIN_S, task)
        return 0.0

    def _open(self) -> None:
        _LOG.info("token_accepted", account=self._account)
        self._set(None)

    def _set(self, next_at: float | None, probe: asyncio.Task[object] | None = None) -> None:
        self._next_at = next_at
        self._probe = probe
        self._changed.set()
        self._changed = asyncio.Event()


async def _until(changed: asyncio.Event) -> None:
    await changed.wait()
