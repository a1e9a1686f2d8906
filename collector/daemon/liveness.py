"""Whether the daemon still gets on with its work: what /-/healthy and the watchdog go by.

An event loop that turns is not enough: a stream whose task hangs looks as calm as an organisation in which nothing
happens. So each stream leaves a mark whenever it does something (`ConnectionStatus.alive_at`), and here is written how
long it may go without one. In a quiet organisation the pongs are the marks; while the cloud is away, the attempts are.
Trouble that a restart does not mend (a refused token, a cloud that is down) is never a reason: the process is well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collector.status import ConnectionStatus

CONNECT_S = 30.0  # the longest handshake, as the stream allows it
SLACK_S = 60.0  # on top of every limit: a machine under load is late with everything
TURN_S = 1.0  # that a connection may wait for its turn to open, for each connection there is


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, in seconds, a part may go without a sign of progress; `SLACK_S` is added to each."""

    ping_every_s: float = 60.0
    pong_within_s: float = 45.0
    open_every_s: float = TURN_S
    sweep_every_s: float = 15.0


class Progress:
    """Judges connections and the sweep of the store. Times are monotonic seconds."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._swept_at = now

    def swept(self, now: float) -> None:
        """Note that a sweep of the store came to its end."""
        self._swept_at = now

    def stuck(self, connections: Sequence[ConnectionStatus], now: float) -> list[str]:
        """Say what has made no progress for too long, a sentence each; none while all is well."""
        return [*self._sweep(now), *self._connections(connections, now)]

    def _sweep(self, now: float) -> Iterator[str]:
        silent_s = now - self._swept_at
        if silent_s > 4 * self._limits.sweep_every_s + SLACK_S:
            yield f"the store was not swept for {silent_s:.0f} s"

    def _connections(self, connections: Sequence[ConnectionStatus], now: float) -> Iterator[str]:
        turn_s = len(connections) * 1.5 * max(TURN_S, self._limits.open_every_s)
        for connection in connections:
            late_s = now - self._due(connection, turn_s) - SLACK_S
            if late_s > 0:
                marks = max(connection.alive_at, connection.last_message_at or connection.alive_at)
                yield (
                    f"connection {connection.name}: {connection.state}, "
                    f"and its task has done nothing for {now - marks:.0f} s"
                )

    def _due(self, connection: ConnectionStatus, turn_s: float) -> float:
        """When the next mark of this connection is due at the latest."""
        limits = self._limits
        if connection.state == "open":
            heard = max(connection.alive_at, connection.last_message_at or connection.alive_at)
            return heard + limits.ping_every_s + limits.pong_within_s
        if connection.state == "connecting":
            return connection.alive_at + CONNECT_S
        return max(connection.alive_at, connection.next_attempt_at or connection.alive_at) + turn_s
