"""Every family of a Prometheus that scrapes the collector, with its labels: the catalogue's, our own, Prometheus'."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from collector.metrics.self_metrics import SUBSCRIPTION, SelfMetrics
from collector.status import (
    ConnectionStatus,
    Counts,
    PollStatus,
    RestStatus,
    SubscriptionStatus,
    TaskStatus,
    WebhookStatus,
)
from tests.support.processes import COLLECTOR

if TYPE_CHECKING:
    from collections.abc import Mapping

Labels = frozenset[str]
SCRAPED = frozenset({"job", "instance"})
_PROMETHEUS = dict.fromkeys(("up", "scrape_duration_seconds", "scrape_samples_scraped"), SCRAPED)
# Alerts carry the labels of their expressions; those that ours have in common, and what Prometheus adds.
_ALERTS = frozenset(
    {"alertname", "alertstate", "severity", "scope", "job", "org_id", "site_id", "site", "org", "device"}
)


@cache
def all_families() -> Mapping[str, Labels]:
    """Name (with _total where the samples have it) -> labels."""
    return {**_catalogue(), **_own(), **_PROMETHEUS, "ALERTS": _ALERTS}


def _catalogue() -> dict[str, Labels]:
    catalogue = json.loads(subprocess.check_output([*COLLECTOR, "catalog", "--format", "json"]))
    return {family["name"]: SCRAPED | set(family["labels"]) for family in catalogue["families"]}


def _own() -> dict[str, Labels]:
    """Our own families, from an exposition in which everything has happened once."""
    connection = ConnectionStatus("main/0", account="main", state="open", last_message_at=1.0)
    connection.broke("pong_timeout", "")
    connection.subscriptions["c"] = SubscriptionStatus("c")
    account = Counts(received=2, applied=1, dropped={"not_json": 1})
    poll = PollStatus(
        "main", "ports", 300.0, period_s=300.0, last_good_at=1.0, duration_s=1.0, objects=1, books=account
    )
    webhook = WebhookStatus()
    webhook.answered(200, 1.0)
    webhook.answered(401, 1.0, "mismatch")
    own = SelfMetrics(
        version="1", to_unix=float, frames=account, events={"ping": account}, connections=[connection],
        rest=[RestStatus("main", calls={"ok": 1}, inventory_at=1.0)], polls=[poll], webhook=webhook,
        rejected_parts=lambda: {("ap", "not_a_number"): 1}, refused_labels=lambda: {"ssid": 1}, rows=lambda: {"ap": 1},
        supervised={"polls": TaskStatus("polls")}, log_dropped={"queue_full": 0},
    )  # fmt: skip
    samples = [
        sample
        for family in text_string_to_metric_families(own.render(openmetrics=False).decode())
        for sample in family.samples
    ]
    families = {sample.name: SCRAPED | set(sample.labels) for sample in samples}
    return families | {family.name: SCRAPED | set(SUBSCRIPTION.labels) for family in SUBSCRIPTION.families}
