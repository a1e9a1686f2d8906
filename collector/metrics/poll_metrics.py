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
        "When a round of the poll last brought everything.",
        {key: to_unix(one.last_good_at) for key, one in by_key.items() if one.last_good_at is not None},
    )
    yield gauge(
        "configured_period_seconds",
        "Time from one round of the poll to the next, as configured.",
        {key: one.every_s for key, one in by_key.items()},
    )
    yield gauge(
        "period_seconds",
        "Time from one round of the poll to the next, as the budget of calls allows.",
        {key: one.period_s for key, one in by_key.items() if one.period_s is not None},
    )
    yield gauge(
        "left_out",
        "Whether the poll is not asked at all, because the budget does not suffice or there is nobody to ask.",
        {key: float(one.state == "left out") for key, one in by_key.items()},
    )
    yield gauge(
        "duration_seconds",
        "How long the last round of the poll took; its calls are spread on purpose.",
        {key: one.duration_s for key, one in by_key.items() if one.duration_s is not None},
    )


def _work(by_key: Polls) -> Iterator[Metric]:
    yield counter(
        "rounds",
        "Rounds of the poll, by outcome: good, failed.",
        [*NAMES, "outcome"],
        {(*key, word): n for key, one in by_key.items() for word, n in (("good", one.good), ("failed", one.failed))},
    )
    yield counter(
        "calls", "REST calls made for the poll, retries included.", NAMES, {k: one.calls for k, one in by_key.items()}
    )
    yield gauge(
        "objects",
        "Objects that the last good round of the poll brought.",
        {key: float(one.objects) for key, one in by_key.items() if one.objects is not None},
    )
    yield counter(
        "objects_received",
        "Objects that the poll brought; received = applied + dropped.",
        NAMES,
        {key: one.books.received for key, one in by_key.items()},
    )
    yield counter(
        "objects_applied",
        "Objects of the poll that were applied.",
        NAMES,
        {key: one.books.applied for key, one in by_key.items()},
    )
    yield counter(
        "objects_dropped",
        "Objects of the poll that were dropped, by reason.",
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
