"""How often each poll may run within a share of the hour's calls. Pure arithmetic.

Polls are listed by priority. Each is first allocated the calls of one round per longest permitted period, so that none
is starved by another; then, in order of priority, as many as it demands. A best-effort poll gets only calls that the
others leave, and does not run until they are enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR_S: Final = 3600.0
MAX_STRETCH: Final = 12.0  # times the configured period; a poll that cannot run so often is skipped


@dataclass(frozen=True, slots=True)
class Demand:
    """What one poll needs: a round of `calls` calls every `every_s` seconds."""

    name: str
    calls: int
    every_s: float
    best_effort: bool = False

    @property
    def per_hour(self) -> float:
        """Calls an hour at the configured period."""
        return self.calls * HOUR_S / self.every_s

    @property
    def min_per_hour(self) -> float:
        """Calls an hour at the longest permitted period."""
        return self.per_hour / MAX_STRETCH


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a poll gets: seconds between rounds; None when it is skipped, for `reason`."""

    period_s: float | None
    reason: str = ""


def allocate(demands: Iterable[Demand], calls_per_hour: float) -> dict[str, Allocation]:
    """Divide `calls_per_hour` among polls, which are listed by priority; return the allocations by poll name."""
    demands = list(demands)
    left = calls_per_hour
    allocated: dict[str, float] = {}
    for best_effort in (False, True):
        ranked = [demand for demand in demands if demand.best_effort is best_effort]
        for demand in ranked:
            if demand.min_per_hour <= left:
                allocated[demand.name] = demand.min_per_hour
                left -= demand.min_per_hour
        for demand in ranked:
            if demand.name in allocated:
                more = min(demand.per_hour - allocated[demand.name], left)
                allocated[demand.name] += more
                left -= more
    return {demand.name: _allocation(demand, allocated.get(demand.name), left) for demand in demands}


def _allocation(demand: Demand, per_hour: float | None, left: float) -> Allocation:
    if per_hour is None:
        return Allocation(
            None,
            f"a round needs {demand.calls} calls, at least {demand.min_per_hour:.0f} an hour; "
            f"the call budget leaves {left:.0f}",
        )
    if per_hour <= 0.0:  # a round without calls: it has no targets
        return Allocation(demand.every_s)
    return Allocation(max(demand.every_s, demand.calls * HOUR_S / per_hour))
