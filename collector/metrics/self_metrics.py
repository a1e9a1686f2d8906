"""Exposition of the collector's own metrics: the table of `own_families.py`, printed by prometheus-client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from collector.metrics.model import FamilyType
from collector.metrics.own_families import FAMILIES, OwnFamily, StatusRecords
from collector.metrics.subscriptions import SUBSCRIPTION
from collector.metrics.text_format import EOF

if TYPE_CHECKING:
    from collections.abc import Iterator


class SelfMetrics:
    """Renders the collector's own metrics from the status records."""

    def __init__(self, records: StatusRecords) -> None:
        self._records = records
        self._process = ProcessCollector(registry=None)

    def render(self, *, openmetrics: bool) -> bytes:
        """Return the exposition without the end mark of OpenMetrics.

        In OpenMetrics each counter above 0 has a `_created` sample: the time at which the process started.
        """
        if not openmetrics:
            return generate_latest(_Registry(self._collect(None)))  # it needs `collect` only
        created = self._records.started_at or None
        text: bytes = generate_openmetrics(_Registry(self._collect(created)))  # type: ignore[no-untyped-call]
        return text.removesuffix(EOF)

    def _collect(self, created: float | None) -> Iterator[Metric]:
        for family in FAMILIES:
            metric = metric_of(family, self._records, created)
            if metric is not None:
                yield metric
        yield from self._process.collect()


class _Registry:
    """What prometheus-client renders: an object that collects families."""

    def __init__(self, families: Iterator[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Return the families."""
        return self._families


def metric_of(family: OwnFamily, records: StatusRecords, created: float | None = None) -> Metric | None:
    """Read a family; None when the part of the collector that it describes is not configured.

    Args:
        family: the family.
        records: what it is read from.
        created: Unix time at which its counters began to count; None to leave it out.
    """
    values = family.read(records)
    if values is None:
        return None
    if family.type is FamilyType.INFO:
        metric = InfoMetricFamily(family.name.removesuffix("_info"), family.help, labels=())
        for labels in values:
            metric.add_metric((), dict(zip(family.labels, labels, strict=True)))
        return metric
    values = dict.fromkeys(family.initial_zero(records), 0.0) | dict(values)
    if family.type is FamilyType.GAUGE:
        gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        for labels, value in values.items():
            gauge.add_metric(labels, value)
        return gauge
    counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in values.items():
        counter.add_metric(labels, value, created=created if value else None)
    return counter


def own_families() -> list[tuple[str, str, list[str], str]]:
    """Return name, type, label names and HELP text of every own family, for the metric reference."""
    labels = list(SUBSCRIPTION.label_names)
    own = [(one.name, one.type.value, list(one.labels), one.help) for one in FAMILIES]
    own += [(one.name, one.type.value, labels, one.help) for one in SUBSCRIPTION.families]
    return sorted(own)
