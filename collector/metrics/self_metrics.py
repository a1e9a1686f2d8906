"""The collector's own metrics, `mist_collector_*`: is it seeing, what does it drop, what is left of its budget.

Few series come through prometheus-client, read from the status records at each scrape. One row a channel would be too
many for it (thousands of sites): subscriptions are rows of the store, written anew before each exposition.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import InfoMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from collector.metrics.counter_table import CounterTable
from collector.metrics.families import counter, gauge
from collector.metrics.listener_metrics import reload_families, server_families, webhook_families
from collector.metrics.model import Counter, Entity, Flag, Gauge
from collector.metrics.poll_metrics import poll_families
from collector.status import Counts, ReloadStatus, ServerStatus, WebhookStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from collector.metrics.store import Store
    from collector.status import ConnectionStatus, PollStatus, RestStatus, SubscriptionStatus, TaskStatus

EOF = b"# EOF\n"

CALL_OUTCOMES = ("ok", "retry", "rate_limited", "refused")
FRAME_FAULTS = (
    *("not_json", "too_deep", "not_an_object", "unknown_event", "no_channel", "internal_error"),
    *("no_identity", "empty", "unknown_device", "unknown_map", "no_position"),
    *("too_many_clients", "too_many_assets", "too_many_maps", "too_many_entities"),
    *("too_many_devices", "too_many_objects"),
)
"""Reasons of dropped frames that an alert counts, from the first one on. Those that are usual come when they come."""

SUBSCRIPTION = Entity(
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
    """The rows of all subscriptions. `to_unix` turns monotonic seconds into seconds since 1970."""

    def __init__(self, store: Store, to_unix: Callable[[float], float]) -> None:
        self._tally = CounterTable(store, SUBSCRIPTION)
        self._to_unix = to_unix

    def update(self, connections: Sequence[ConnectionStatus]) -> Iterator[None]:
        """Write every subscription's row and end those that are gone; yields so that other work gets its turn."""
        wanted = {
            (connection.account, channel): status
            for connection in connections
            for channel, status in connection.subscriptions.items()
        }
        self._tally.remove(lambda values: values not in wanted)
        for count, (values, status) in enumerate(wanted.items(), start=1):
            self._write(self._tally.row(values), status)
            if count % 1000 == 0:
                yield

    def _write(self, row: int, status: SubscriptionStatus) -> None:
        last = status.last_message_at
        table = self._tally.table
        for column, value in enumerate(
            (
                float(status.state == "up"),
                float("nan") if last is None else self._to_unix(last),
                float(status.frames),
                float(status.breaks),
            ),
            start=1,
        ):
            table.set(row, column, value)


class SelfMetrics:
    """Reads the status records whenever it is rendered.

    The callables give what changes as a whole: `rejected_parts` (object, reason) -> count, `refused_labels` label ->
    count, `rows` table -> rows.
    """

    def __init__(
        self,
        *,
        version: str,
        to_unix: Callable[[float], float],
        frames: Counts,
        events: Mapping[str, Counts],
        connections: Sequence[ConnectionStatus],
        rest: Sequence[RestStatus],
        polls: Sequence[PollStatus] = (),
        webhook: WebhookStatus | None,
        server: ServerStatus | None = None,
        reload: ReloadStatus | None = None,
        rejected_parts: Callable[[], Mapping[tuple[str, str], int]],
        refused_labels: Callable[[], Mapping[str, int]],
        feed_errors: Callable[[], Mapping[str, int]] = dict,
        rows: Callable[[], Mapping[str, int]],
        tasks: Callable[[], int] = lambda: 0,
        supervised: Mapping[str, TaskStatus] = MappingProxyType({}),
        log_dropped: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._version = version
        self._to_unix = to_unix
        self._frames = frames
        self._events = events
        self._connections = connections
        self._rest = rest
        self._polls = polls
        self._webhook = webhook
        self._server = server
        self._reload = reload
        self._rejected_parts = rejected_parts
        self._refused_labels = refused_labels
        self._feed_errors = feed_errors
        self._rows = rows
        self._tasks = tasks
        self._supervised = supervised
        self._log_dropped = log_dropped
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self, *, openmetrics: bool) -> bytes:
        """The exposition of the collector's own metrics, without the end mark of OpenMetrics."""
        if openmetrics:
            text: bytes = generate_openmetrics(self._registry)  # type: ignore[no-untyped-call]  # untyped upstream
            return text.removesuffix(EOF)
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """As prometheus-client asks for it."""
        yield InfoMetricFamily(
            "mist_collector_build", "Information about the collector build: version.", value={"version": self._version}
        )
        yield from self._books()
        yield from self._streams()
        yield from self._rest_side()
        yield from poll_families(self._polls, self._to_unix)
        if self._webhook is not None:
            yield from webhook_families(self._webhook, self._to_unix)
        if self._server is not None:
            yield from server_families(self._server)
        if self._reload is not None:
            yield from reload_families(self._reload, self._to_unix)
        yield from self._cardinality()
        yield gauge("tasks", "Number of asyncio tasks of the collector.", [], {(): float(self._tasks())})
        yield counter(
            "task_restarts",
            "Total number of restarts of a supervised task after an unexpected error.",
            ["task"],
            {(name,): status.restarts for name, status in self._supervised.items()},
        )
        yield counter(
            "log_lines_dropped",
            "Total number of log lines dropped because they could not be written, by reason.",
            ["reason"],
            {(reason,): count for reason, count in self._log_dropped.items()},
        )

    def _books(self) -> Iterator[Metric]:
        yield counter(
            "stream_frames_received",
            "Total number of frames received on all WebSocket connections.",
            [],
            {(): self._frames.received},
        )
        yield counter("stream_frames_applied", "Total number of frames applied.", [], {(): self._frames.applied})
        yield counter(
            "stream_frames_dropped",
            "Total number of frames dropped, by reason; received = applied + dropped.",
            ["reason"],
            {(reason,): count for reason, count in self._frames.dropped.items()},
            born=[(reason,) for reason in FRAME_FAULTS],
        )
        events = self._events
        yield counter(
            "webhook_events_received",
            "Total number of webhook events received, by topic.",
            ["topic"],
            {(t,): a.received for t, a in events.items()},
        )
        yield counter(
            "webhook_events_applied",
            "Total number of webhook events applied, by topic.",
            ["topic"],
            {(t,): a.applied for t, a in events.items()},
        )
        yield counter(
            "webhook_events_dropped",
            "Total number of webhook events dropped, by topic and reason (duplicate: delivered more than once).",
            ["topic", "reason"],
            {(t, reason): count for t, a in events.items() for reason, count in a.dropped.items()},
        )
        yield counter(
            "parts_rejected",
            "Total number of fields rejected in applied payloads, by object and reason.",
            ["object", "reason"],
            {(name, reason): count for (name, reason), count in self._rejected_parts().items()},
        )

    def _streams(self) -> Iterator[Metric]:
        names = ["account", "connection"]
        keys = {(c.account, c.name): c for c in self._connections}
        yield gauge(
            "connection_up",
            "Whether the WebSocket connection is open.",
            names,
            {k: float(c.state == "open") for k, c in keys.items()},
        )
        yield gauge(
            "connection_last_message_timestamp_seconds",
            "Time of the last message on the WebSocket connection, in seconds since the epoch.",
            names,
            {k: self._to_unix(c.last_message_at) for k, c in keys.items() if c.last_message_at is not None},
        )
        yield counter(
            "connection_opened",
            "Total number of times the WebSocket connection was opened.",
            names,
            {k: c.connects for k, c in keys.items()},
        )
        yield counter(
            "connection_received_bytes",
            "Total number of bytes received on the WebSocket connection.",
            names,
            {k: c.bytes for k, c in keys.items()},
        )
        yield counter(
            "connection_breaks",
            "Total number of disconnects of the WebSocket connection, by reason.",
            [*names, "reason"],
            {(*k, reason): count for k, c in keys.items() for reason, count in c.breaks.items()},
        )
        states = [(c.account, s.state) for c in self._connections for s in c.subscriptions.values()]
        yield gauge(
            "subscriptions",
            "Number of channel subscriptions, by state (up, refused, unanswered, waiting, sent).",
            ["account", "state"],
            {key: float(states.count(key)) for key in set(states)},
        )

    def _rest_side(self) -> Iterator[Metric]:
        by_account = {(status.account,): status for status in self._rest}
        yield counter(
            "rest_calls",
            "Total number of REST calls, by outcome.",
            ["account", "outcome"],
            {(s.account, outcome): count for s in self._rest for outcome, count in s.calls.items()},
            born=[(status.account, outcome) for status in self._rest for outcome in CALL_OUTCOMES],
        )
        yield gauge(
            "rest_budget_calls",
            "Number of REST calls per hour in the budget of the token.",
            ["account"],
            {k: float(s.budget_limit) for k, s in by_account.items()},
        )
        yield gauge(
            "rest_budget_used_calls",
            "Number of REST calls made in the current hour.",
            ["account"],
            {k: float(s.budget_used) for k, s in by_account.items()},
        )
        yield counter(
            "inventory_failures",
            "Total number of failed inventory reads.",
            ["account"],
            {k: s.inventory_failures for k, s in by_account.items()},
        )
        yield gauge(
            "inventory_last_success_timestamp_seconds",
            "Time of the last complete inventory read, in seconds since the epoch.",
            ["account"],
            {k: self._to_unix(s.inventory_at) for k, s in by_account.items() if s.inventory_at is not None},
        )

    def _cardinality(self) -> Iterator[Metric]:
        yield gauge(
            "rows",
            "Number of rows in the store, by table; a row has about ten series.",
            ["table"],
            {(t,): float(n) for t, n in self._rows().items()},
        )
        yield counter(
            "label_values_refused",
            "Total number of label values replaced by `other` because of a limit, by label, or by family for combinations.",
            ["label"],
            {(label,): count for label, count in self._refused_labels().items()},
        )
        yield counter(
            "feed_errors",
            "Total number of unexpected errors in the sweeps, inventory updates and events of a feed.",
            ["feed"],
            {(feed,): count for feed, count in self._feed_errors().items()},
        )


def own_families() -> list[tuple[str, str, list[str], str]]:
    """Name, type, labels and meaning of every family of the collector itself, for the reference."""
    metrics = SelfMetrics(
        version="",
        to_unix=float,
        frames=Counts(),
        events={},
        connections=(),
        rest=(),
        polls=(),
        webhook=WebhookStatus(),
        server=ServerStatus(),
        reload=ReloadStatus(),
        rejected_parts=dict,
        refused_labels=dict,
        rows=dict,
    )
    told = [
        (total_of(family), family.type, list(labels_told(family)), family.documentation) for family in metrics.collect()
    ]
    told += [
        (family.name, family.type.value, list(SUBSCRIPTION.label_names), family.help)
        for family in SUBSCRIPTION.families
    ]
    return sorted(told)


def total_of(family: Metric) -> str:
    """The name as its samples bear it."""
    suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
    return family.name + suffix


def labels_told(family: Metric) -> tuple[str, ...]:
    """The label names of a family of prometheus-client, which it keeps to itself."""
    return tuple(getattr(family, "_labelnames", ()))
