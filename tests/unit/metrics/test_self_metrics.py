"""Exposition of the collector's own metrics in both formats."""

from __future__ import annotations

import pytest

from collector.metrics.own_families import StatusRecords
from collector.metrics.self_metrics import SelfMetrics, own_families
from collector.metrics.subscriptions import SUBSCRIPTION
from collector.status import Counts, RestStatus, WebhookStatus
from tests.support import golden

STARTED_AT = 1_700_000_000.5


@pytest.fixture
def records() -> StatusRecords:
    return StatusRecords(
        version="1.2.3",
        to_unix=float,
        started_at=STARTED_AT,
        frames=Counts(received=10, applied=7, dropped={"not_json": 2, "empty": 1}),
        events={"alarms": Counts(received=3, applied=1, dropped={"duplicate": 2})},
        rest=[RestStatus("main", calls={"ok": 4}, inventory_at=3.0)],
        webhook=WebhookStatus(answers={200: 4}),
    )


def own(text: str, *, openmetrics: bool = False) -> dict:
    """The samples of the collector without those of the process, which change all the time."""
    found = golden.samples(text, openmetrics=openmetrics)
    return {key: value for key, value in found.items() if key[0].startswith("mist_")}


def test_both_formats_have_the_same_samples(records):
    metrics = SelfMetrics(records)
    text, openmetrics = metrics.render(openmetrics=False).decode(), metrics.render(openmetrics=True).decode()
    assert not openmetrics.endswith("# EOF\n"), "the store's families may follow"
    found = own(openmetrics + "# EOF\n", openmetrics=True)
    assert {key: value for key, value in found.items() if not key[0].endswith("_created")} == own(text)


def test_each_counter_above_0_has_a_created_sample_in_openmetrics(records):
    text = SelfMetrics(records).render(openmetrics=True).decode() + "# EOF\n"
    found = own(text, openmetrics=True)
    counters = {(name.removesuffix("_total"), labels) for (name, labels), v in found.items() if "_total" in name and v}
    created = {(name.removesuffix("_created"), labels): v for (name, labels), v in found.items() if "_created" in name}
    assert created == dict.fromkeys(counters, STARTED_AT)
    assert counters


def test_the_text_format_has_no_created_samples(records):
    assert "_created" not in SelfMetrics(records).render(openmetrics=False).decode()


def test_an_unknown_start_time_is_left_out(records):
    unknown = StatusRecords(version="1", to_unix=float, frames=Counts(received=1), events={})
    assert "_created" not in SelfMetrics(unknown).render(openmetrics=True).decode()


def test_promtool_accepts_it(records, promtool):
    assert not golden.lint(promtool, SelfMetrics(records).render(openmetrics=False).decode())


def test_the_reference_lists_the_families_of_subscriptions_too():
    names = [name for name, *_ in own_families()]
    assert names == sorted(set(names))
    assert {family.name for family in SUBSCRIPTION.families} < set(names)
