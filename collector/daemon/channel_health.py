"""Channel health: whether a channel delivers messages; only then is a device without messages down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.clock import Clock
    from collector.daemon.account import AccountRun
    from collector.status import ConnectionStatus

STALE_AFTER_S: Final = 75.0  # five times an access point's message interval, under half of its series' time to live


class ChannelHealth:
    """Judges channels by their subscription and their last message.

    Args:
        accounts: the accounts of the present configuration.
        connections: status of every connection.
        clock: for the age of the last message.
    """

    def __init__(
        self,
        accounts: Sequence[AccountRun],
        connections: Sequence[ConnectionStatus],
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._connections = connections
        self._clock = clock

    def is_live(self, channel: str) -> bool:
        """Return whether a channel is subscribed and delivers messages.

        A channel that is subscribed but delivers nothing is not live if REST can be polled for its devices instead: a
        poll is requested then, and its answer decides whether they are down.
        """
        return any(
            connection.subscriptions[channel].state == "up" and not self._is_polled_instead(connection, channel)
            for connection in self._connections
            if channel in connection.subscriptions
        )

    def _is_polled_instead(self, connection: ConnectionStatus, channel: str) -> bool:
        last = connection.subscriptions[channel].last_message_at
        if last is not None and self._clock.now() - last < STALE_AFTER_S:
            return False
        return any(
            account.backfill.request(channel) for account in self._accounts if account.name == connection.account
        )
