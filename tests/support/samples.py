"""Samples as a test compares them: a series is a name and its labels, whatever their order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Series = tuple[str, frozenset[tuple[str, str]]]
Samples = dict[Series, float]

_ADDED = ("__name__", "job", "instance")  # by Prometheus


def series(name: str, labels: Mapping[str, str]) -> Series:
    """A label without a value is as good as none, for Prometheus and for us."""
    return name, frozenset((key, text) for key, text in labels.items() if text)


def of_text(exposition: str) -> Samples:
    """The samples of the text format, as Prometheus' own client reads it; a series that comes twice is an error."""
    found: Samples = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            key = series(sample.name, sample.labels)
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


def of_query(rows: Iterable[Mapping[str, Any]]) -> Samples:
    """The samples of a Prometheus query result."""
    return {
        series(row["metric"].get("__name__", ""), {k: v for k, v in row["metric"].items() if k not in _ADDED}): float(
            row["value"][1]
        )
        for row in rows
    }


def named(samples: Samples, *prefixes: str) -> Samples:
    return {key: value for key, value in samples.items() if key[0].startswith(prefixes)}


def having(samples: Samples, **labels: str) -> Samples:
    """The samples whose series carry all of these labels."""
    wanted = set(labels.items())
    return {key: value for key, value in samples.items() if wanted <= key[1]}


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of a family's samples that carry these labels; 0 when there is none."""
    return sum(value for key, value in having(samples, **labels).items() if key[0] == name)


def by_label(samples: Samples, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The sums of a family by the values of some labels."""
    sums: dict[tuple[str, ...], float] = {}
    for (family, pairs), value in samples.items():
        if family == name:
            known = dict(pairs)
            key = tuple(known.get(label, "") for label in labels)
            sums[key] = sums.get(key, 0.0) + value
    return sums


def differences(expected: Samples, found: Samples) -> list[str]:
    """What is missing, what nobody expected, what has another value: a line each, for a failed assertion."""
    lines = [f"missing: {shown(key)} = {value}" for key, value in expected.items() if key not in found]
    lines += [f"not expected: {shown(key)} = {value}" for key, value in found.items() if key not in expected]
    lines += [
        f"differs: {shown(key)} is {found[key]}, truth is {value}"
        for key, value in expected.items()
        if key in found and not math.isclose(found[key], value, rel_tol=1e-9)
    ]
    return sorted(lines)


def shown(key: Series) -> str:
    return f"{key[0]}{{{','.join(f'{name}={text!r}' for name, text in sorted(key[1]))}}}"
