"""The collector's own metrics of its polls."""

import pytest

from collector.metrics.poll_metrics import poll_families
from collector.metrics.self_metrics import SelfMetrics
from collector.status import Counts, PollStatus

NAMES = ("account", "poll")


@pytest.fixture
def polls():
    ports = PollStatus("main", "ports", 300.0, 400.0, "good", good=4, failed=1, last_good_at=90.0, duration_s=12.5)
    ports.objects, ports.calls, ports.books = 96_000, 500, Counts(10, 7, {"unwatched_site": 2, "stale": 1})
    zones = PollStatus("other", "zones", 300.0, None, "left out", reason="too dear")
    return [ports, zones]


@pytest.fixture
def samples(polls):
    return {
        (sample.name.removeprefix("mist_collector_poll_"), *sample.labels.values()): sample.value
        for family in poll_families(polls, lambda monotonic: monotonic + 1000)
        for sample in family.samples
    }


def test_of_a_poll_at_work(samples):
    mine = {key: value for key, value in samples.items() if "ports" in key}
    assert mine == {
        ("last_success_timestamp_seconds", "main", "ports"): 1090,
        ("configured_period_seconds", "main", "ports"): 300,
        ("period_seconds", "main", "ports"): 400,
        ("left_out", "main", "ports"): 0,
        ("duration_seconds", "main", "ports"): 12.5,
        ("rounds_total", "main", "ports", "good"): 4,
        ("rounds_total", "main", "ports", "failed"): 1,
        ("calls_total", "main", "ports"): 500,
        ("objects", "main", "ports"): 96_000,
        ("objects_received_total", "main", "ports"): 10,
        ("objects_applied_total", "main", "ports"): 7,
        ("objects_dropped_total", "main", "ports", "unwatched_site"): 2,
        ("objects_dropped_total", "main", "ports", "stale"): 1,
    }


def test_what_never_was_has_no_series(samples):
    mine = {key[0] for key in samples if "zones" in key}
    assert mine == {
        "configured_period_seconds",
        "left_out",
        "rounds_total",
        "calls_total",
        "objects_received_total",
        "objects_applied_total",
    }
    assert samples["left_out", "other", "zones"] == 1


def test_they_stand_in_the_exposition(polls):
    own = SelfMetrics(
        version="1",
        to_unix=lambda monotonic: monotonic,
        frames=Counts(),
        events={},
        connections=[],
        rest=[],
        polls=polls,
        webhook=None,
        rejected_parts=dict,
        refused_labels=dict,
        rows=dict,
    )
    text = own.render(openmetrics=False).decode()
    assert 'mist_collector_poll_calls_total{account="main",poll="ports"} 500.0' in text
