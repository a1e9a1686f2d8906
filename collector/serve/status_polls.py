"""The polls on the status page: the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.serve import markup, words
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
    "#Every",
    "#Took",
    "#Calls",
    "#Objects",
    "#Failed rounds",
    "Dropped",
    "Why",
)


def section(polls: Sequence[PollStatus], now: float) -> str:
    """What is asked for by REST again and again; `now` is monotonic."""
    ranked = sorted(polls, key=lambda one: _WORST.index(one.state) if one.state in _WORST else 0)
    return markup.section("polls", "Polls", markup.table(_HEADS, [_row(one, now) for one in ranked]))


def _row(one: PollStatus, now: float) -> list[Cell]:
    return [
        Cell(one.poll),
        Cell(one.account),
        Cell(one.state, _STYLES.get(one.state, "")),
        Cell(words.ago(one.last_good_at, now)),
        _every(one),
        Cell("" if one.duration_s is None else words.seconds(one.duration_s), "n"),
        Cell("" if one.round_calls is None else words.count(one.round_calls), "n"),
        Cell("" if one.objects is None else words.count(one.objects), "n"),
        Cell(words.count(one.failed), "n bad" if one.state == "failed" else "n"),
        Cell(words.tally(one.books.dropped)),
        Cell(one.reason),
    ]


def _every(one: PollStatus) -> Cell:
    """The period, and the one that was wanted where the budget stretches it."""
    wanted = words.seconds(one.every_s)
    if one.period_s is None or one.period_s <= one.every_s:
        return Cell(wanted, "n")
    return Cell(f"{words.seconds(one.period_s)} (of {wanted})", "n wait")
