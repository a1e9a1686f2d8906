"""What systemd is told of this process: that it serves, how it stands, that it lives, that it ends (sd_notify(3)).

The protocol is a datagram of `NAME=value` lines to the socket in $NOTIFY_SOCKET; a library would be larger than what it
replaces. Without that variable (a terminal, a container) nothing is sent and nothing fails.
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

PETS_A_PERIOD = 3  # so that one that comes late does not end the process
STATUS_EVERY_S = 30.0  # where there is no watchdog to pet
_LONGEST_STATUS = 500


class Notifier:
    """Speaks to the service manager; each method sends at once, and is silent where nobody listens.

    `environ` gives NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, as systemd sets them.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _watchdog_s(environ) if self._address else None
        self._failed = False

    @property
    def listened_to(self) -> bool:
        """Whether a service manager wants to be told anything."""
        return bool(self._address)

    def ready(self) -> None:
        """Both listeners are open: whoever waits for this service may go on."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1\nSTATUS=stopping")

    def status(self, words: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={_line(words)}")

    def pet(self) -> None:
        """Tell the watchdog that the work goes on."""
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
    """The period of the watchdog that is meant for this process; None when there is none."""
    usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 1_000_000


def _line(words: str) -> str:
    return " ".join(words.split())[:_LONGEST_STATUS]


class Watchdog:
    """Pets the watchdog as long as `stuck()` gives no reason not to, and shows `summary()` in `systemctl status`."""

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
        """Look at the work again and again, until cancelled."""
        period_s = self._notifier.watchdog_s
        while True:
            self._look()
            await self._clock.sleep(STATUS_EVERY_S if period_s is None else period_s / PETS_A_PERIOD)

    def _look(self) -> None:
        reasons = self._stuck()
        if reasons and not self._stuck_for:
            log.error("stuck", reasons=list(reasons), watchdog=self._notifier.watchdog_s is not None)
        if self._stuck_for and not reasons:
            log.info("unstuck")
        self._stuck_for = reasons
        if reasons:
            self._notifier.status(f"stuck: {'; '.join(reasons)}")
            return
        self._notifier.status(self._summary())
        if self._notifier.watchdog_s is not None:
            self._notifier.pet()
