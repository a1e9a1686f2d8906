"""docs/metrics.md equals the reference that is generated from the tables."""

from __future__ import annotations

from collector.cli.catalog import markdown
from collector.feeds.reference import reference


def test_the_metric_reference_is_fresh(project):
    written = (project / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert written.rstrip("\n") == markdown(reference()), "run `make reference`"


def test_the_collectors_own_families_are_in_it():
    page = markdown(reference())
    for name in (
        "mist_collector_build_info",
        "mist_collector_stream_frames_dropped_total",
        "mist_collector_subscription_up",
    ):
        assert f"| `{name}` |" in page
