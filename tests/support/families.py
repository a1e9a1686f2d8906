"""Every family of a Prometheus that scrapes the collector, with its labels: the catalogue's, our own, Prometheus'."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import ProcessCollector

from collector.metrics.self_metrics import own_families
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
    process = [sample.name for family in ProcessCollector(registry=None).collect() for sample in family.samples]
    return dict.fromkeys(process, SCRAPED) | {
        name: SCRAPED | set(labels) for name, _type, labels, _help in own_families()
    }
