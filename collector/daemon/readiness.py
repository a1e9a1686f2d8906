"""Readiness: whether the inventory has been read and every subscription has been answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collector.daemon.account import AccountRun
    from collector.status import ConnectionStatus


class Readiness:
    """Explains why the daemon is not ready.

    Args:
        accounts: the accounts of the present configuration.
        connections: status of every connection.
    """

    def __init__(self, accounts: Sequence[AccountRun], connections: Sequence[ConnectionStatus]) -> None:
        self._accounts = accounts
        self._connections = connections

    def reasons(self) -> list[str]:
        """Return why the daemon is not ready, a sentence each; an empty list when it is."""
        return [*self._inventories(), *self._subscriptions()]

    def _inventories(self) -> Iterator[str]:
        for account in self._accounts:
            if not account.inventory.ready.is_set():
                cause = _in_brackets(account.rest.status.last_error)
                yield f"account {account.name}: the inventory has not been read{cause}"

    def _subscriptions(self) -> Iterator[str]:
        for connection in self._connections:
            pending = sum(one.state in {"waiting", "sent"} for one in connection.subscriptions.values())
            if pending:
                cause = _in_brackets(connection.last_disconnect)
                yield f"connection {connection.name}: {pending} subscriptions are not answered{cause}"


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""
