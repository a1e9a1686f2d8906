"""What a long life does to a process: its memory, descriptors, tasks and rows over time, and the slope of each."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from tests.support import samples

HOUR_S = 3600.0


@dataclass(frozen=True)
class Reading:
    """The process at one moment; `at_s` since the beginning."""

    at_s: float
    rss_mb: float
    descriptors: int
    tasks: float
    rows: float


def read(pid: int, metrics: str, at_s: float) -> Reading:
    """Read /proc and the exposition."""
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
    found = samples.of_text(metrics)
    return Reading(
        at_s,
        int(status["VmRSS"].split()[0]) / 1024,
        len(list((process / "fd").iterdir())),
        samples.total(found, "mist_collector_tasks"),
        samples.total(found, "mist_collector_rows"),
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
    def surely_percent(self) -> float:
        """What the slope is at least, with its uncertainty taken off."""
        return 100.0 * (self.per_hour - 2 * self.error) / self.level if self.level else 0.0


def slopes(readings: list[Reading], warm_s: float) -> list[Slope]:
    """One slope a column, from the readings after `warm_s`."""
    warm = [reading for reading in readings if reading.at_s >= warm_s]
    times = [reading.at_s / HOUR_S for reading in warm]
    return [_slope(name, times, [float(getattr(reading, name)) for reading in warm]) for name in COLUMNS]


COLUMNS = ("rss_mb", "descriptors", "tasks", "rows")


def _slope(name: str, times: list[float], values: list[float]) -> Slope:
    if len(times) < 3:
        return Slope(name, values[-1] if values else 0.0, 0.0, 0.0)
    slope, cut = statistics.linear_regression(times, values)
    rests = [value - (cut + slope * time) for time, value in zip(times, values, strict=True)]
    middle = statistics.fmean(times)
    spread = sum((time - middle) ** 2 for time in times)
    error = (sum(rest * rest for rest in rests) / (len(times) - 2) / spread) ** 0.5
    return Slope(name, statistics.fmean(values), slope, error)
