"""The table of polls on the status page, sorted by state, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.serve import humanize, markup
from collector.serve.markup import Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.status import PollStatus

_WORST = ("failed", "left out", "waiting", "asking", "good")
_STYLES = {"good": "good", "failed": "bad", "left out": "wait", "waiting": "wait"}
_HEADS = (
    "Poll",
    "Account",
    "State",
    "Last success",
    "#Interval",
    "#Duration",
    "#Calls",
    "#Objects",
    "#Failed rounds",
    "Dropped",
    "Reason",
)


def section(polls: Sequence[PollStatus], now: float) -> str:
    """Return the section with all polls; `now` is monotonic."""
    ranked = sorted(polls, key=lambda one: _WORST.index(one.state) if one.state in _WORST else 0)
    return markup.section("polls", "Polls", markup.table(_HEADS, [_row(one, now) for one in ranked]))


def _row(one: PollStatus, now: float) -> list[Cell]:
    return [
        Cell(one.poll),
        Cell(one.account),
        Cell(one.state, _STYLES.get(one.state, "")),
        Cell(humanize.ago(one.last_good_at, now)),
        _every(one),
        Cell("" if one.duration_s is None else humanize.seconds(one.duration_s), "n"),
        Cell("" if one.round_calls is None else humanize.count(one.round_calls), "n"),
        Cell("" if one.objects is None else humanize.count(one.objects), "n"),
        Cell(humanize.count(one.failed), "n bad" if one.state == "failed" else "n"),
        Cell(humanize.tally(one.object_counts.dropped)),
        Cell(one.reason),
    ]


def _every(one: PollStatus) -> Cell:
    """Return the interval, and the configured one if the REST budget stretches it."""
    wanted = humanize.seconds(one.every_s)
    if one.period_s is None or one.period_s <= one.every_s:
        return Cell(wanted, "n")
    return Cell(f"{humanize.seconds(one.period_s)} (configured: {wanted})", "n wait")
