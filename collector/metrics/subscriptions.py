"""The metrics of the channel subscriptions, as rows of the store: prometheus-client is too slow for many thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collector.metrics.counter_table import CounterTable
from collector.metrics.model import Counter, Entity, Flag, Gauge
from collector.metrics.store import NAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from collector.metrics.store import Store
    from collector.status import ConnectionStatus, SubscriptionStatus

_ROWS_PER_STEP: Final = 1000

SUBSCRIPTION: Final = Entity(
    "subscription",
    labels=("account", "channel"),
    ttl_s=None,
    families=(
        Flag(
            "mist_collector_subscription_up",
            None,
            "Whether the channel is subscribed: acknowledged by Mist and not disconnected since.",
        ),
        Gauge(
            "mist_collector_subscription_last_message_timestamp_seconds",
            None,
            "Time of the last message of the channel, in seconds since the epoch.",
        ),
        Counter(
            "mist_collector_subscription_messages_total", None, "Total number of messages received on the channel."
        ),
        Counter(
            "mist_collector_subscription_breaks_total", None, "Total number of disconnects of the subscribed channel."
        ),
    ),
)


class Subscriptions:
    """Writes the rows of all subscriptions before each exposition.

    Args:
        store: holds the rows; `Store.flush` writes them.
        connections: the connections with their subscriptions, read at each flush.
        to_unix: converts monotonic seconds to seconds since the epoch.
    """

    def __init__(
        self, store: Store, connections: Sequence[ConnectionStatus], to_unix: Callable[[float], float]
    ) -> None:
        self._rows = CounterTable(store, SUBSCRIPTION)
        self._connections = connections
        self._to_unix = to_unix
        store.flush_hooks.append(self.flush)

    def flush(self) -> Iterator[None]:
        """Write the row of each subscription and end the rows of those that are gone; yields after short steps."""
        present = {
            (connection.account, channel): status
            for connection in self._connections
            for channel, status in connection.subscriptions.items()
        }
        self._rows.remove(lambda values: values not in present)
        for count, (values, status) in enumerate(present.items(), start=1):
            self._write(self._rows.row(values), status)
            if count % _ROWS_PER_STEP == 0:
                yield

    def _write(self, row: int, status: SubscriptionStatus) -> None:
        last, table = status.last_message_at, self._rows.table
        samples = (
            float(status.state == "up"),
            NAN if last is None else self._to_unix(last),
            float(status.frames),
            float(status.disconnects),
        )
        for column, value in enumerate(samples, start=1):
            table.set(row, column, value)
