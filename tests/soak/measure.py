"""What a long life does to a process: its memory, descriptors, tasks and rows over time, and the slope of each.

A process is no dice: what it has now it had a moment ago, too. Readings seconds apart tell nearly the same, and a line
through them would look surer than it is. So the line goes through the means of `BLOCKS` stretches of time.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from collector.catalog.events import DELAYS, EVENTS, TABLES
from tests.support import samples

HOUR_S = 3600.0
BLOCKS = 12
# Tables whose rows are combinations of words: a row comes with the first event that has it, and stays.
COMBINATIONS = frozenset(
    {EVENTS.name, DELAYS.name, "open_alarms", "device_event", "site_segment"}
    | {rows.entity.name for table in TABLES.values() for rows in (*table.counters, *table.gauges)}
)


@dataclass(frozen=True)
class Reading:
    """The process at one moment; `at_s` since the beginning."""

    at_s: float
    rss_mb: float
    descriptors: int
    threads: int
    tasks: float
    rows: float  # of things that are there
    combinations: float  # rows of words that events had


def read(pid: int, metrics: str, at_s: float) -> Reading:
    """Read /proc and the exposition."""
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
    found = samples.of_text(metrics)
    rows = {table: value for (table,), value in samples.by_label(found, "mist_collector_rows", "table").items()}
    combinations = sum(value for table, value in rows.items() if table in COMBINATIONS)
    return Reading(
        at_s,
        int(status["VmRSS"].split()[0]) / 1024,
        len(list((process / "fd").iterdir())),
        int(status["Threads"]),
        samples.total(found, "mist_collector_tasks"),
        sum(rows.values()) - combinations,
        combinations,
    )


@dataclass(frozen=True)
class Slope:
    """The straight line through a column: its level, its slope an hour, and how sure that is (standard error)."""

    name: str
    level: float
    per_hour: float
    error: float

    @property
    def percent(self) -> float:
        """Of the level, an hour."""
        return 100.0 * self.per_hour / self.level if self.level else 0.0

    @property
    def margin(self) -> float:
        """Two standard errors, in percent of the level an hour."""
        return 200.0 * self.error / self.level if self.level else 0.0

    def verdict(self, most: float) -> str:
        """Against at most so many percent an hour: "flat", "STEEP", or "unsure" where the margin is too wide to say."""
        if self.percent - self.margin > most:
            return "STEEP"
        return "flat" if self.percent + self.margin <= most else "unsure"


def slopes(readings: list[Reading]) -> list[Slope]:
    """One slope a column."""
    return [_slope(name, [(one.at_s / HOUR_S, float(getattr(one, name))) for one in readings]) for name in COLUMNS]


COLUMNS = ("rss_mb", "descriptors", "threads", "tasks", "rows", "combinations")


def _slope(name: str, points: list[tuple[float, float]]) -> Slope:
    blocks = [block for block in _blocks(points) if block]
    times = [statistics.fmean(time for time, _ in block) for block in blocks]
    values = [statistics.fmean(value for _, value in block) for block in blocks]
    level = statistics.fmean(value for _, value in points) if points else 0.0
    if len(blocks) < 3:
        return Slope(name, level, 0.0, float("inf"))
    slope, cut = statistics.linear_regression(times, values)
    rests = [value - (cut + slope * time) for time, value in zip(times, values, strict=True)]
    spread = sum((time - statistics.fmean(times)) ** 2 for time in times)
    error = (sum(rest * rest for rest in rests) / (len(times) - 2) / spread) ** 0.5
    return Slope(name, level, slope, error)


def _blocks(points: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    count = len(points)
    return [points[count * at // BLOCKS : count * (at + 1) // BLOCKS] for at in range(BLOCKS)]
