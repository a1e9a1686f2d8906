"""A fast wrong answer is no result: what ours and a baseline made of the same frames must agree, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterator

Series = tuple[str, tuple[tuple[str, str], ...]]
MOST_SHOWN = 3
PRECISION = 1e-9


class Disagreement(AssertionError):  # noqa: N818 - reads as what happened
    """Two programs made different samples of the same frames."""


def samples(text: str) -> dict[Series, float]:
    """Every sample of an exposition; an empty label is none. Series of info families are left out: a baseline that
    never forgets keeps those of strings that have changed.
    """
    return dict(_samples(text))


def _samples(text: str) -> Iterator[tuple[Series, float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith("_info"):
                yield (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if v))), sample.value


def check(ours: str, theirs: str, *, least_share: float = 0.95) -> int:
    """Compare the samples that both have; returns how many. Nearly all of theirs must be among ours."""
    mine, other = samples(ours), samples(theirs)
    common = mine.keys() & other.keys()
    if not common or len(common) < least_share * len(other):
        missing = sorted(other.keys() - mine.keys())[:MOST_SHOWN]
        raise Disagreement(f"of {len(other)} samples of the baseline only {len(common)} are ours, too; not {missing}")
    wrong = [
        (key, mine[key], other[key]) for key in common if abs(mine[key] - other[key]) > PRECISION * abs(other[key])
    ]
    if wrong:
        raise Disagreement(f"{len(wrong)} of {len(common)} samples differ: {wrong[:MOST_SHOWN]}")
    return len(common)
