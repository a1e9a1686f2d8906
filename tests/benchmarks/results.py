"""What a bench finds: one JSON line a result, one row of the table in the terminal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LESS, SHARE, LIMIT = "times less", "of", "at most"


@dataclass(frozen=True, slots=True)
class Target:
    """What was promised of one figure.

    LESS   the baseline costs `bound` times as much or more: ratio = baseline / value
    SHARE  the value is `bound` of the baseline at most:     ratio = value / baseline
    LIMIT  the value is `bound` of its unit at most; a baseline, where there is one, stands beside it for comparison
    """

    how: str
    bound: float

    def ratio(self, value: float, baseline: float | None) -> float | None:
        if not baseline or not value:
            return None
        return value / baseline if self.how == SHARE else baseline / value

    def met(self, value: float, ratio: float | None) -> bool:
        if self.how == LIMIT:
            return value <= self.bound
        if ratio is None:
            return False
        return ratio <= self.bound if self.how == SHARE else ratio >= self.bound

    def __str__(self) -> str:
        return {
            LESS: f"{self.bound:g} times less",
            SHARE: f"at most {self.bound:g} of it",
            LIMIT: f"at most {self.bound:g}",
        }[self.how]


@dataclass(frozen=True, slots=True)
class Result:
    """One figure beside one baseline. Medians over the repetitions; the ratio is the median of the turns' own ratios.

    `n` counts what was measured on our side in all; `spread` is (largest - smallest) / median of our values.
    """

    bench: str
    against: str
    unit: str
    value: float
    baseline: float | None
    ratio: float | None
    n: int
    spread: float
    target: Target

    @property
    def met(self) -> bool:
        return self.target.met(self.value, self.ratio)

    def line(self) -> str:
        """The JSON line."""
        return json.dumps(
            {
                "bench": self.bench,
                "against": self.against,
                "unit": self.unit,
                "value": rounded(self.value),
                "baseline": rounded(self.baseline),
                "ratio": rounded(self.ratio),
                "n": self.n,
                "spread": rounded(self.spread),
                "target": str(self.target),
                "met": self.met,
            }
        )


def result(  # noqa: PLR0917 - the order of the columns
    bench: str, against: str, unit: str, values: Sequence[float], baselines: Sequence[float], target: Target, n: int
) -> Result:
    """Sum up repetitions; `baselines` are of the same turns, or empty."""
    value = median(values)
    pairs = zip(values, baselines, strict=True) if baselines else ()
    ratios = [ratio for mine, other in pairs if (ratio := target.ratio(mine, other)) is not None]
    return Result(
        bench,
        against,
        unit,
        value,
        median(baselines) if baselines else None,
        median(ratios) if ratios else None,
        n,
        (max(values) - min(values)) / value if value else 0.0,
        target,
    )


def rounded(number: float | None) -> float | None:
    """Four significant digits: more would be noise."""
    return None if number is None else float(f"{number:.4g}")


def table(results: Sequence[Result]) -> str:
    """All results for people."""
    rows = [("bench", "unit", "value", "baseline", "", "ratio", "target", "", "spread")]
    rows += map(row, results)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = {2, 3, 5, 8}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def row(one: Result) -> tuple[str, ...]:
    """A result as cells."""
    ratio = shown(one.ratio) if one.target.how != LIMIT else "-"
    met = "met" if one.met else "NOT MET"
    figures = shown(one.value), shown(one.baseline), one.against
    return (one.bench, one.unit, *figures, ratio, str(one.target), met, f"{one.spread:.0%}")


def shown(number: float | None) -> str:
    return "-" if number is None else f"{number:.4g}" if number < 1000 else f"{number:,.0f}"


def append(path: Path, results: Sequence[Result]) -> None:
    """Add the results to a file of JSON lines."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(one.line() + "\n" for one in results)
