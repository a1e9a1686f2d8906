"""Families of the collector's own metrics, for prometheus-client: `mist_collector_*`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def counter(
    name: str,
    text: str,
    labels: list[str],
    values: Mapping[tuple[str, ...], int],
    *,
    born: Iterable[tuple[str, ...]] = (),
) -> CounterMetricFamily:
    """A counter family of ours with these series; those of `born` are there at zero before anything was counted.

    An alert on an increase does not see the first event of a series that begins with it.
    """
    family = CounterMetricFamily(f"mist_collector_{name}", text, labels=labels)
    for key, value in (dict.fromkeys(born, 0) | dict(values)).items():
        family.add_metric(key, value)
    return family


def gauge(name: str, text: str, labels: list[str], values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    """A gauge family of ours with these series."""
    family = GaugeMetricFamily(f"mist_collector_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
