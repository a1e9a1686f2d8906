"""The collector's own metric families, `mist_collector_*`: one row each. A new one is a row of `FAMILIES`.

The readers take the values from the status records during each scrape. A reader returns None when the part of the
collector that it describes is not configured; its family is then not exposed. The families of the subscriptions are rows
of the store, because there can be many thousands of them: see `subscriptions.py`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from collector.metrics.model import FamilyType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from collector.event_query import HistoryStatus
    from collector.status import (
        ConnectionStatus,
        Counts,
        PollStatus,
        ReloadStatus,
        RestStatus,
        ServerStatus,
        TaskStatus,
        WebhookStatus,
    )

CALL_OUTCOMES: Final = ("ok", "retry", "rate_limited", "refused", "malformed")
DROP_REASONS: Final = (
    *("not_json", "too_deep", "not_an_object", "unknown_event", "no_channel", "internal_error"),
    *("no_identity", "empty", "unknown_device", "unknown_map", "no_position"),
    *("too_many_clients", "too_many_assets", "too_many_maps", "too_many_entities"),
    *("too_many_devices", "too_many_objects"),
)
"""Reasons of dropped frames that alerts count, exposed from 0 on. Reasons of normal operation appear with the first one."""
SIGNATURE_REASONS: Final = ("missing", "malformed", "mismatch")
"""Reasons of rejected webhook requests that alerts count, exposed from 0 on."""


def _no_values() -> dict[str, int]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRecords:
    """Everything that the collector's own metrics are read from.

    Attributes:
        version: version of the collector.
        to_unix: converts monotonic seconds to seconds since the epoch.
        started_at: Unix time at which the counters began to count; 0 if unknown.
        frames: frames of the streams.
        events: webhook events by topic.
        connections: WebSocket connections.
        rest: REST clients.
        polls: REST polls.
        webhook: the webhook listener; None if it is disabled.
        server: the operator listener.
        reload: configuration reloads.
        rejected_parts: returns the number of rejected fields by (object, reason).
        refused_labels: returns the number of label values replaced by `other`, by label.
        rows: returns the number of rows by table.
        tasks: returns the number of asyncio tasks.
        supervised: supervised tasks by name.
        feed_errors: returns the number of unexpected errors by feed.
        history: status of the event history.
        events_not_queued: returns the number of events of streams that did not reach the history.
        log_dropped: number of dropped log lines by reason.
    """

    version: str
    to_unix: Callable[[float], float]
    started_at: float = 0.0
    frames: Counts
    events: Mapping[str, Counts]
    connections: Sequence[ConnectionStatus] = ()
    rest: Sequence[RestStatus] = ()
    polls: Sequence[PollStatus] = ()
    webhook: WebhookStatus | None = None
    server: ServerStatus | None = None
    reload: ReloadStatus | None = None
    rejected_parts: Callable[[], Mapping[tuple[str, str], int]] = dict
    refused_labels: Callable[[], Mapping[str, int]] = _no_values
    rows: Callable[[], Mapping[str, int]] = _no_values
    tasks: Callable[[], int] = int
    supervised: Mapping[str, TaskStatus] = field(default_factory=dict)
    feed_errors: Callable[[], Mapping[str, int]] = _no_values
    history: HistoryStatus | None = None
    events_not_queued: Callable[[], int] = int
    log_dropped: Mapping[str, int] = field(default_factory=dict)


Values: TypeAlias = "Mapping[tuple[str, ...], float]"  # by label values
Reader: TypeAlias = "Callable[[StatusRecords], Values | None]"


def _nothing(_records: StatusRecords) -> Iterable[tuple[str, ...]]:
    return ()


@dataclass(frozen=True, slots=True)
class OwnFamily:
    """One family of the collector's own metrics.

    Attributes:
        name: name of its samples.
        type: type of the family.
        help: the HELP text.
        labels: label names.
        read: returns the values by label values.
        initial_zero: returns the label values that are exposed as 0 before the first count, because an alert on an
            increase does not detect the first increment of a series that starts with it.
    """

    name: str
    type: FamilyType
    help: str
    labels: tuple[str, ...]
    read: Reader
    initial_zero: Callable[[StatusRecords], Iterable[tuple[str, ...]]] = _nothing


def _counter(
    name: str,
    help_: str,
    labels: tuple[str, ...],
    read: Reader,
    *,
    initial_zero: Callable[[StatusRecords], Iterable[tuple[str, ...]]] = _nothing,
) -> OwnFamily:
    return OwnFamily(f"mist_collector_{name}_total", FamilyType.COUNTER, help_, labels, read, initial_zero)


def _gauge(name: str, help_: str, labels: tuple[str, ...], read: Reader) -> OwnFamily:
    return OwnFamily(f"mist_collector_{name}", FamilyType.GAUGE, help_, labels, read)


# Readers


def _by_label(counts: Mapping[str, int] | Mapping[int, int]) -> Values:
    return {(str(value),): count for value, count in counts.items()}


def _by_topic(value: Callable[[Counts], int]) -> Reader:
    return lambda s: {(topic,): value(counts) for topic, counts in s.events.items()}


def _by_connection(value: Callable[[ConnectionStatus], float]) -> Reader:
    return lambda s: {(one.account, one.name): value(one) for one in s.connections}


def _by_account(value: Callable[[RestStatus], float]) -> Reader:
    return lambda s: {(one.account,): value(one) for one in s.rest}


def _by_poll(value: Callable[[PollStatus], float | None]) -> Reader:
    """Return a reader of one value per poll; a poll whose value is None has no sample."""
    return lambda s: {(one.account, one.poll): known for one in s.polls if (known := value(one)) is not None}


def _of_webhook(read: Callable[[WebhookStatus], Values]) -> Reader:
    return lambda s: None if s.webhook is None else read(s.webhook)


def _of_server(read: Callable[[ServerStatus], Values]) -> Reader:
    return lambda s: None if s.server is None else read(s.server)


def _of_reload(read: Callable[[ReloadStatus], Values]) -> Reader:
    return lambda s: None if s.reload is None else read(s.reload)


def _time(s: StatusRecords, monotonic: float | None, labels: tuple[str, ...] = ()) -> Values:
    """Return a time as the only sample, or no sample if there is none."""
    return {} if monotonic is None else {labels: s.to_unix(monotonic)}


_CONNECTION: Final = ("account", "connection")
_POLL: Final = ("account", "poll")

_STREAMS: Final = (
    _counter(
        "stream_frames_received",
        "Total number of frames received on all WebSocket connections.",
        (),
        lambda s: {(): s.frames.received},
    ),
    _counter("stream_frames_applied", "Total number of frames applied.", (), lambda s: {(): s.frames.applied}),
    _counter(
        "stream_frames_dropped",
        "Total number of frames dropped, by reason; received = applied + dropped.",
        ("reason",),
        lambda s: _by_label(s.frames.dropped),
        initial_zero=lambda _: [(reason,) for reason in DROP_REASONS],
    ),
    _gauge(
        "connection_up",
        "Whether the WebSocket connection is open.",
        _CONNECTION,
        _by_connection(lambda one: float(one.state == "open")),
    ),
    _gauge(
        "connection_last_message_timestamp_seconds",
        "Time of the last message on the WebSocket connection, in seconds since the epoch.",
        _CONNECTION,
        lambda s: {
            (one.account, one.name): s.to_unix(one.last_message_at)
            for one in s.connections
            if one.last_message_at is not None
        },
    ),
    _counter(
        "connection_opened",
        "Total number of times the WebSocket connection was opened.",
        _CONNECTION,
        _by_connection(lambda one: one.connects),
    ),
    _counter(
        "connection_received_bytes",
        "Total number of bytes received on the WebSocket connection.",
        _CONNECTION,
        _by_connection(lambda one: one.bytes),
    ),
    _counter(
        "connection_breaks",
        "Total number of disconnects of the WebSocket connection, by reason.",
        (*_CONNECTION, "reason"),
        lambda s: {
            (one.account, one.name, reason): count for one in s.connections for reason, count in one.disconnects.items()
        },
    ),
    _gauge(
        "subscriptions",
        "Number of channel subscriptions, by state (up, refused, unanswered, waiting, sent).",
        ("account", "state"),
        lambda s: Counter((one.account, sub.state) for one in s.connections for sub in one.subscriptions.values()),
    ),
)

_WEBHOOK: Final = (
    _counter(
        "webhook_events_received",
        "Total number of webhook events received, by topic.",
        ("topic",),
        _by_topic(lambda counts: counts.received),
    ),
    _counter(
        "webhook_events_applied",
        "Total number of webhook events applied, by topic.",
        ("topic",),
        _by_topic(lambda counts: counts.applied),
    ),
    _counter(
        "webhook_events_dropped",
        "Total number of webhook events dropped, by topic and reason (duplicate: delivered more than once).",
        ("topic", "reason"),
        lambda s: {
            (topic, reason): count for topic, counts in s.events.items() for reason, count in counts.dropped.items()
        },
    ),
    _counter(
        "webhook_requests",
        "Total number of webhook requests, by HTTP status code.",
        ("code",),
        _of_webhook(lambda webhook: _by_label(webhook.answers)),
    ),
    _counter(
        "webhook_refused",
        "Total number of rejected webhook requests, by reason.",
        ("reason",),
        _of_webhook(lambda webhook: _by_label(webhook.refused)),
        initial_zero=lambda _: [(reason,) for reason in SIGNATURE_REASONS],
    ),
    _gauge(
        "webhook_connections",
        "Number of open connections of the webhook listener.",
        (),
        _of_webhook(lambda webhook: {(): webhook.connections}),
    ),
    _counter(
        "webhook_connections_closed",
        "Total number of connections closed or rejected by the webhook listener, by reason.",
        ("reason",),
        _of_webhook(lambda webhook: _by_label(webhook.closed)),
    ),
    _counter(
        "webhook_received_bytes",
        "Total number of bytes received in webhook requests.",
        (),
        _of_webhook(lambda webhook: {(): webhook.bytes}),
    ),
    _gauge(
        "webhook_last_accepted_timestamp_seconds",
        "Time of the last accepted webhook request, in seconds since the epoch.",
        (),
        lambda s: None if s.webhook is None else _time(s, s.webhook.last_accepted_at),
    ),
)

_REST: Final = (
    _counter(
        "rest_calls",
        "Total number of REST calls, by outcome.",
        ("account", "outcome"),
        lambda s: {(one.account, outcome): count for one in s.rest for outcome, count in one.calls.items()},
        initial_zero=lambda s: [(one.account, outcome) for one in s.rest for outcome in CALL_OUTCOMES],
    ),
    _gauge(
        "rest_budget_calls",
        "Number of REST calls per hour in the budget of the token.",
        ("account",),
        _by_account(lambda one: one.budget_limit),
    ),
    _gauge(
        "rest_budget_used_calls",
        "Number of REST calls made in the current hour.",
        ("account",),
        _by_account(lambda one: one.budget_used),
    ),
    _counter(
        "inventory_failures",
        "Total number of failed inventory reads.",
        ("account",),
        _by_account(lambda one: one.inventory_failures),
    ),
    _gauge(
        "inventory_last_success_timestamp_seconds",
        "Time of the last complete inventory read, in seconds since the epoch.",
        ("account",),
        lambda s: {(one.account,): s.to_unix(one.inventory_at) for one in s.rest if one.inventory_at is not None},
    ),
)

_POLLS: Final = (
    _gauge(
        "poll_last_success_timestamp_seconds",
        "Time of the last complete round of the poll, in seconds since the epoch.",
        _POLL,
        lambda s: {
            (one.account, one.poll): s.to_unix(one.last_good_at) for one in s.polls if one.last_good_at is not None
        },
    ),
    _gauge(
        "poll_configured_period_seconds",
        "Configured period of the poll.",
        _POLL,
        _by_poll(lambda one: one.every_s),
    ),
    _gauge(
        "poll_period_seconds",
        "Effective period of the poll, extended if the REST budget requires it.",
        _POLL,
        _by_poll(lambda one: one.period_s),
    ),
    _gauge(
        "poll_left_out",
        "Whether the poll is skipped because the REST budget is insufficient or it has no targets.",
        _POLL,
        _by_poll(lambda one: float(one.state == "left out")),
    ),
    _gauge(
        "poll_duration_seconds",
        "Duration of the last round of the poll, which spreads its calls over time.",
        _POLL,
        _by_poll(lambda one: one.duration_s),
    ),
    _counter(
        "poll_rounds",
        "Total number of rounds of the poll, by outcome (good, failed).",
        (*_POLL, "outcome"),
        lambda s: {
            (one.account, one.poll, outcome): count
            for one in s.polls
            for outcome, count in (("good", one.good), ("failed", one.failed))
        },
    ),
    _counter(
        "poll_calls",
        "Total number of REST calls of the poll, including retries.",
        _POLL,
        _by_poll(lambda one: one.calls),
    ),
    _gauge(
        "poll_objects",
        "Number of objects received in the last complete round of the poll.",
        _POLL,
        _by_poll(lambda one: one.objects),
    ),
    _counter(
        "poll_objects_received",
        "Total number of objects received by the poll; received = applied + dropped.",
        _POLL,
        _by_poll(lambda one: one.object_counts.received),
    ),
    _counter(
        "poll_objects_applied",
        "Total number of objects of the poll applied.",
        _POLL,
        _by_poll(lambda one: one.object_counts.applied),
    ),
    _counter(
        "poll_objects_dropped",
        "Total number of objects of the poll dropped, by reason.",
        (*_POLL, "reason"),
        lambda s: {
            (one.account, one.poll, reason): count
            for one in s.polls
            for reason, count in one.object_counts.dropped.items()
        },
    ),
)

_PROCESS: Final = (
    OwnFamily(
        "mist_collector_build_info",
        FamilyType.INFO,
        "Information about the collector build: version.",
        ("version",),
        lambda s: {(s.version,): 1},
    ),
    _counter(
        "parts_rejected",
        "Total number of fields rejected in applied payloads, by object and reason.",
        ("object", "reason"),
        lambda s: {(name, reason): count for (name, reason), count in s.rejected_parts().items()},
    ),
    _gauge(
        "server_connections",
        "Number of open connections of the operator listener.",
        (),
        _of_server(lambda server: {(): server.connections}),
    ),
    _counter(
        "server_connections_closed",
        "Total number of connections closed or rejected by the operator listener, by reason.",
        ("reason",),
        _of_server(lambda server: _by_label(server.closed)),
    ),
    _counter(
        "server_refused",
        "Total number of requests rejected by the operator listener, by reason.",
        ("reason",),
        _of_server(lambda server: _by_label(server.refused)),
    ),
    _counter(
        "config_reloads",
        "Total number of configuration reloads, by outcome: good (applied) or refused (not applied).",
        ("outcome",),
        _of_reload(lambda reload: {("good",): reload.good, ("refused",): reload.refused}),
    ),
    _gauge(
        "config_last_reload_successful",
        "Whether the last configuration reload was successful.",
        (),
        _of_reload(lambda reload: {(): float(not reload.faults)}),
    ),
    _gauge(
        "config_last_reload_success_timestamp_seconds",
        "Time of the last successful configuration load, in seconds since the epoch.",
        (),
        lambda s: None if s.reload is None else _time(s, s.reload.last_good_at),
    ),
    _gauge(
        "rows",
        "Number of rows in the store, by table; a row has about ten series.",
        ("table",),
        lambda s: _by_label(s.rows()),
    ),
    _counter(
        "label_values_refused",
        "Total number of label values replaced by `other` because of a limit, by label, or by family for combinations.",
        ("label",),
        lambda s: _by_label(s.refused_labels()),
    ),
    _gauge("tasks", "Number of asyncio tasks of the collector.", (), lambda s: {(): s.tasks()}),
    _counter(
        "task_restarts",
        "Total number of restarts of a supervised task after an unexpected error.",
        ("task",),
        lambda s: {(name,): task.restarts for name, task in s.supervised.items()},
    ),
    _counter(
        "feed_errors",
        "Total number of unexpected errors in the sweeps, inventory updates and events of a feed.",
        ("feed",),
        lambda s: _by_label(s.feed_errors()),
    ),
    _counter(
        "log_lines_dropped",
        "Total number of log lines dropped because they could not be written, by reason.",
        ("reason",),
        lambda s: _by_label(s.log_dropped),
    ),
)

_HISTORY: Final = (
    _counter(
        "event_history_events",
        "Total number of events passed to the event history, by outcome (new, duplicate, excluded, unstored).",
        ("outcome",),
        lambda s: None if s.history is None else {(name,): count for name, count in s.history.outcomes.items()},
    ),
    _counter(
        "event_history_errors",
        "Total number of failed writes of the event history, by reason.",
        ("reason",),
        lambda s: None if s.history is None else _by_label(s.history.errors),
    ),
    _counter(
        "event_history_unqueued",
        "Total number of events of streams and findings that did not reach the event history.",
        (),
        lambda s: None if s.history is None else {(): s.events_not_queued()},
    ),
    _gauge(
        "event_history_available",
        "Whether the last write of the event history succeeded.",
        (),
        lambda s: None if s.history is None else {(): float(s.history.available)},
    ),
    _gauge(
        "event_history_size_bytes",
        "Size of the used part of the event history file, in bytes; 0 in memory.",
        (),
        lambda s: None if s.history is None else {(): float(s.history.size_bytes)},
    ),
)

FAMILIES: Final[tuple[OwnFamily, ...]] = (*_HISTORY, *_STREAMS, *_WEBHOOK, *_REST, *_POLLS, *_PROCESS)
