"""The collector's own metrics of its two listeners and of its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.metrics.families import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from collector.status import ReloadStatus, ServerStatus, WebhookStatus

SIGNATURE_REFUSED = ("missing", "malformed", "mismatch")
"""Reasons of refused webhooks that an alert counts, from the first one on."""


def webhook_families(status: WebhookStatus, to_unix: Callable[[float], float]) -> Iterator[Metric]:
    """The webhook listener's requests."""
    yield counter(
        "webhook_requests",
        "Total number of webhook requests, by HTTP status code.",
        ["code"],
        {(str(c),): n for c, n in status.answers.items()},
    )
    yield counter(
        "webhook_refused",
        "Total number of rejected webhook requests, by reason.",
        ["reason"],
        {(r,): n for r, n in status.refused.items()},
        born=[(reason,) for reason in SIGNATURE_REFUSED],
    )
    yield gauge(
        "webhook_connections",
        "Number of open connections of the webhook listener.",
        [],
        {(): float(status.connections)},
    )
    yield counter(
        "webhook_connections_closed",
        "Total number of connections closed or rejected by the webhook listener, by reason.",
        ["reason"],
        {(r,): n for r, n in status.closed.items()},
    )
    yield counter(
        "webhook_received_bytes", "Total number of bytes received in webhook requests.", [], {(): status.bytes}
    )
    last = status.last_accepted_at
    yield gauge(
        "webhook_last_accepted_timestamp_seconds",
        "Time of the last accepted webhook request, in seconds since the epoch.",
        [],
        {} if last is None else {(): to_unix(last)},
    )


def server_families(status: ServerStatus) -> Iterator[Metric]:
    """The operator's listener."""
    yield gauge(
        "server_connections",
        "Number of open connections of the operator listener.",
        [],
        {(): float(status.connections)},
    )
    yield counter(
        "server_connections_closed",
        "Total number of connections closed or rejected by the operator listener, by reason.",
        ["reason"],
        {(r,): n for r, n in status.closed.items()},
    )
    yield counter(
        "server_refused",
        "Total number of requests rejected by the operator listener, by reason.",
        ["reason"],
        {(r,): n for r, n in status.refused.items()},
    )


def reload_families(status: ReloadStatus, to_unix: Callable[[float], float]) -> Iterator[Metric]:
    """The configuration."""
    yield counter(
        "config_reloads",
        "Total number of configuration reloads, by outcome: good (applied) or refused (not applied).",
        ["outcome"],
        {("good",): status.good, ("refused",): status.refused},
    )
    yield gauge(
        "config_last_reload_successful",
        "Whether the last configuration reload was successful.",
        [],
        {(): float(not status.faults)},
    )
    last = status.last_good_at
    yield gauge(
        "config_last_reload_success_timestamp_seconds",
        "Time of the last successful configuration load, in seconds since the epoch.",
        [],
        {} if last is None else {(): to_unix(last)},
    )
