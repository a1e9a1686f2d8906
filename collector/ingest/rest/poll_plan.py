"""How often each poll may be asked within a share of the hour's calls. Pure arithmetic.

Polls come in the order of their rank. Each is first granted what one round an hour-long stretch costs, so that none
starves for the comfort of another; then, from the first on, as much as it wants. A spare poll gets only what is left,
and waits until that suffices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR_S = 3600.0
LONGEST_STRETCH = 12.0  # times the wanted period; a poll that cannot be had so often is left out


@dataclass(frozen=True, slots=True)
class Want:
    """One poll's wish: a round of `calls` calls every `every_s` seconds."""

    name: str
    calls: int
    every_s: float
    spare: bool = False

    @property
    def wanted(self) -> float:
        """Calls an hour to have it as often as wanted."""
        return self.calls * HOUR_S / self.every_s

    @property
    def least(self) -> float:
        """Calls an hour to have it at all."""
        return self.wanted / LONGEST_STRETCH


@dataclass(frozen=True, slots=True)
class Grant:
    """What a poll gets: seconds from round to round; None: not at all, for `reason`."""

    period_s: float | None
    reason: str = ""


def grants(wants: Iterable[Want], calls_per_hour: float) -> dict[str, Grant]:
    """Share `calls_per_hour` out among polls, the most important first."""
    wants = list(wants)
    left = calls_per_hour
    granted: dict[str, float] = {}
    for spare in (False, True):
        ranked = [want for want in wants if want.spare is spare]
        for want in ranked:
            if want.least <= left:
                granted[want.name] = want.least
                left -= want.least
        for want in ranked:
            if want.name in granted:
                more = min(want.wanted - granted[want.name], left)
                granted[want.name] += more
                left -= more
    return {want.name: _grant(want, granted.get(want.name), left) for want in wants}


def _grant(want: Want, calls: float | None, left: float) -> Grant:
    if calls is None:
        return Grant(
            None,
            f"a round takes {want.calls} calls, at least {want.least:.0f} an hour; the budget leaves {left:.0f}",
        )
    if calls <= 0.0:  # a round without a call: nobody to ask
        return Grant(want.every_s)
    return Grant(max(want.every_s, want.calls * HOUR_S / calls))
