"""The collector's own metrics of its polls, `mist_collector_poll_*`: how often, how long, what came, what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from collector.status import PollStatus

    Polls = Mapping[tuple[str, ...], PollStatus]

NAMES = ["account", "poll"]


def poll_families(polls: Sequence[PollStatus], to_unix: Callable[[float], float]) -> Iterator[Metric]:
    """Every family; `to_unix` turns monotonic seconds into seconds since 1970."""
    by_key: Polls = {(status.account, status.poll): status for status in polls}
    yield from _pace(by_key, to_unix)
    yield from _work(by_key)


def _pace(by_key: Polls, to_unix: Callable[[float], float]) -> Iterator[Metric]:
    yield gauge(
        "last_success_timestamp_seconds",
        "Time of the last complete round of the poll, in seconds since the epoch.",
        {key: to_unix(one.last_good_at) for key, one in by_key.items() if one.last_good_at is not None},
    )
    yield gauge(
        "configured_period_seconds",
        "Configured period of the poll.",
        {key: one.every_s for key, one in by_key.items()},
    )
    yield gauge(
        "period_seconds",
        "Effective period of the poll, extended if the REST budget requires it.",
        {key: one.period_s for key, one in by_key.items() if one.period_s is not None},
    )
    yield gauge(
        "left_out",
        "Whether the poll is skipped because the REST budget is insufficient or it has no targets.",
        {key: float(one.state == "left out") for key, one in by_key.items()},
    )
    yield gauge(
        "duration_seconds",
        "Duration of the last round of the poll, which spreads its calls over time.",
        {key: one.duration_s for key, one in by_key.items() if one.duration_s is not None},
    )


def _work(by_key: Polls) -> Iterator[Metric]:
    yield counter(
        "rounds",
        "Total number of rounds of the poll, by outcome (good, failed).",
        [*NAMES, "outcome"],
        {(*key, word): n for key, one in by_key.items() for word, n in (("good", one.good), ("failed", one.failed))},
    )
    yield counter(
        "calls",
        "Total number of REST calls of the poll, including retries.",
        NAMES,
        {k: one.calls for k, one in by_key.items()},
    )
    yield gauge(
        "objects",
        "Number of objects received in the last complete round of the poll.",
        {key: float(one.objects) for key, one in by_key.items() if one.objects is not None},
    )
    yield counter(
        "objects_received",
        "Total number of objects received by the poll; received = applied + dropped.",
        NAMES,
        {key: one.books.received for key, one in by_key.items()},
    )
    yield counter(
        "objects_applied",
        "Total number of objects of the poll applied.",
        NAMES,
        {key: one.books.applied for key, one in by_key.items()},
    )
    yield counter(
        "objects_dropped",
        "Total number of objects of the poll dropped, by reason.",
        [*NAMES, "reason"],
        {(*key, reason): n for key, one in by_key.items() for reason, n in one.books.dropped.items()},
    )


def counter(name: str, text: str, labels: list[str], values: Mapping[tuple[str, ...], int]) -> CounterMetricFamily:
    """A counter family with these series."""
    family = CounterMetricFamily(f"mist_collector_poll_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def gauge(name: str, text: str, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    """A gauge family with these series."""
    family = GaugeMetricFamily(f"mist_collector_poll_{name}", text, labels=NAMES)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
