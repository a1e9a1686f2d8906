"""Notifications to systemd: readiness, status, watchdog, stopping (sd_notify(3)).

The protocol is a datagram of `NAME=value` lines to the socket in $NOTIFY_SOCKET; a library would be larger than this
module. Without that variable (a terminal, a container) nothing is sent.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NoReturn

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from collector.clock import Clock

log = structlog.get_logger()

KEEPALIVES_PER_PERIOD = 3  # so that one late keep-alive does not end the process
STATUS_EVERY_S = 30.0  # without a watchdog
_LONGEST_STATUS = 500


class Notifier:
    """Sends notifications to the service manager, if there is one; no method raises or blocks.

    `environ` provides NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID as systemd sets them.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _watchdog_s(environ) if self._address else None
        self._failed = False

    @property
    def enabled(self) -> bool:
        """Whether a service manager expects notifications."""
        return bool(self._address)

    def ready(self) -> None:
        """Report that both listeners are open."""
        self._send("READY=1")

    def stopping(self) -> None:
        """Report that the shutdown has begun."""
        self._send("STOPPING=1\nSTATUS=stopping")

    def status(self, words: str) -> None:
        """Set the status line of `systemctl status`."""
        self._send(f"STATUS={_line(words)}")

    def keep_alive(self) -> None:
        """Send a watchdog keep-alive."""
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        # A leading @ names a socket in Linux's abstract namespace.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)  # noqa: FBT003 - the signature of sockets
                out.sendto(text.encode(), address)
        except OSError as error:
            if not self._failed:
                log.warning("service_manager_unreachable", error=error.strerror or str(error))
            self._failed = True
        else:
            self._failed = False


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Return the watchdog period of this process in seconds; None without a watchdog."""
    usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 1_000_000


def _line(words: str) -> str:
    return " ".join(words.split())[:_LONGEST_STATUS]


class Watchdog:
    """Sends keep-alives while `stuck()` returns no reason not to, and `summary()` as the status line."""

    def __init__(
        self,
        notifier: Notifier,
        *,
        stuck: Callable[[], Sequence[str]],
        summary: Callable[[], str],
        clock: Clock,
    ) -> None:
        self._notifier = notifier
        self._stuck = stuck
        self._summary = summary
        self._clock = clock
        self._stuck_for: Sequence[str] = ()

    async def run(self) -> NoReturn:
        """Check and notify until cancelled."""
        period_s = self._notifier.watchdog_s
        while True:
            self._check()
            await self._clock.sleep(STATUS_EVERY_S if period_s is None else period_s / KEEPALIVES_PER_PERIOD)

    def _check(self) -> None:
        reasons = self._stuck()
        if reasons and not self._stuck_for:
            log.error("no_progress", reasons=list(reasons), watchdog=self._notifier.watchdog_s is not None)
        if self._stuck_for and not reasons:
            log.info("progress_resumed")
        self._stuck_for = reasons
        if reasons:
            self._notifier.status(f"no progress: {'; '.join(reasons)}")
            return
        self._notifier.status(self._summary())
        if self._notifier.watchdog_s is not None:
            self._notifier.keep_alive()
