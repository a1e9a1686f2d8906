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
        "webhook_requests", "Webhook deliveries by answer.", ["code"], {(str(c),): n for c, n in status.answers.items()}
    )
    yield counter(
        "webhook_refused",
        "Webhook deliveries refused, by reason.",
        ["reason"],
        {(r,): n for r, n in status.refused.items()},
        born=[(reason,) for reason in SIGNATURE_REFUSED],
    )
    yield gauge("webhook_connections", "Connections open at the webhook listener.", [], {(): float(status.connections)})
    yield counter(
        "webhook_connections_closed",
        "Connections that the webhook listener ended or did not take, by reason.",
        ["reason"],
        {(r,): n for r, n in status.closed.items()},
    )
    yield counter("webhook_received_bytes", "Bytes of webhook deliveries.", [], {(): status.bytes})
    last = status.last_accepted_at
    yield gauge(
        "webhook_last_accepted_timestamp_seconds",
        "When a webhook delivery was last accepted.",
        [],
        {} if last is None else {(): to_unix(last)},
    )


def server_families(status: ServerStatus) -> Iterator[Metric]:
    """The operator's listener."""
    yield gauge("server_connections", "Connections open at this listener.", [], {(): float(status.connections)})
    yield counter(
        "server_connections_closed",
        "Connections that this listener ended or did not take, by reason.",
        ["reason"],
        {(r,): n for r, n in status.closed.items()},
    )
    yield counter(
        "server_refused",
        "Requests that this listener refused, by reason.",
        ["reason"],
        {(r,): n for r, n in status.refused.items()},
    )


def reload_families(status: ReloadStatus, to_unix: Callable[[float], float]) -> Iterator[Metric]:
    """The configuration."""
    yield counter(
        "config_reloads",
        "Configurations read while the collector ran, by outcome: good, or refused with nothing of it applied.",
        ["outcome"],
        {("good",): status.good, ("refused",): status.refused},
    )
    yield gauge(
        "config_last_reload_successful",
        "Whether the last configuration that was read is the one in use.",
        [],
        {(): float(not status.faults)},
    )
    last = status.last_good_at
    yield gauge(
        "config_last_reload_success_timestamp_seconds",
        "When the configuration in use was read.",
        [],
        {} if last is None else {(): to_unix(last)},
    )
