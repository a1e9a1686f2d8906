"""Liveness: whether the daemon makes progress. `/-/healthy` and the systemd watchdog use it.

A running event loop is not enough: a stream whose task hangs looks like an organisation without traffic. Each
connection therefore updates `ConnectionStatus.alive_at` whenever its task acts: at pongs while it is open, at attempts
while the cloud is unreachable. Conditions that a restart does not fix (a rejected token, an unreachable cloud) never
count as a lack of progress.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collector.daemon.housekeeping import SWEEP_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from collector.clock import Clock
    from collector.config import ConnectionConfig
    from collector.daemon.housekeeping import Housekeeping
    from collector.status import ConnectionStatus

HANDSHAKE_S: Final = 30.0  # the longest handshake that a stream allows
SLACK_S: Final = 60.0  # tolerance that is added to every limit, for a loaded machine
MIN_TURN_S: Final = 1.0  # that a connection may wait for its turn to open, for each connection


class Liveness:
    """Finds connections and periodic work that make no progress.

    `settings` returns the present configuration of the streams, so that a reload changes the limits at once.
    """

    def __init__(
        self,
        connections: Sequence[ConnectionStatus],
        housekeeping: Housekeeping,
        settings: Callable[[], ConnectionConfig],
        clock: Clock,
    ) -> None:
        self._connections = connections
        self._housekeeping = housekeeping
        self._settings = settings
        self._clock = clock

    def stuck(self) -> list[str]:
        """Return a sentence for each part without progress; an empty list without one."""
        now = self._clock.now()
        return [*self._sweep(now), *self._stalled(now)]

    def _sweep(self, now: float) -> Iterator[str]:
        since_s = now - self._housekeeping.swept_at
        if since_s > 4 * SWEEP_EVERY_S + SLACK_S:
            yield f"expired series were last removed {since_s:.0f} s ago"

    def _stalled(self, now: float) -> Iterator[str]:
        turn_s = len(self._connections) * 1.5 * max(MIN_TURN_S, self._settings().open_every_s)
        for connection in self._connections:
            if now > self._due(connection, turn_s) + SLACK_S:
                yield (
                    f"connection {connection.name} is {connection.state} and has shown no activity for "
                    f"{now - _active_at(connection):.0f} s"
                )

    def _due(self, connection: ConnectionStatus, turn_s: float) -> float:
        """Return the time by which the connection's task has to act, monotonic."""
        settings = self._settings()
        if connection.state == "open":
            return _active_at(connection) + settings.ping_every_s + settings.pong_within_s
        if connection.state == "connecting":
            return connection.alive_at + HANDSHAKE_S
        return max(connection.alive_at, connection.next_attempt_at or connection.alive_at) + turn_s


def _active_at(connection: ConnectionStatus) -> float:
    return max(connection.alive_at, connection.last_message_at or connection.alive_at)
