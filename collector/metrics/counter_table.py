"""Counters that are counted here, not told by a device: a row a combination of label values, within a cap."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from collector.metrics.labels import render_pairs
from collector.metrics.model import Histogram, layout
from collector.metrics.store import LAST_SEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from collector.metrics.model import Entity
    from collector.metrics.store import Store

OTHER = "other"
LOOK_AT = 2000  # rows in one go: less than a millisecond


class LabelLimiter:
    """Admits values of one label: those known beforehand, and so many unknown ones; the rest is `other`."""

    def __init__(self, known: tuple[str, ...] = (), *, unknown: int = 100) -> None:
        self._admitted = set(known)
        self._unknown = set[str]()  # those of them that nobody knew beforehand
        self._most_unknown = unknown
        self.refused = 0  # times that a value became `other`

    def know(self, values: Iterable[str], *, limit: int) -> None:
        """Admit these values, whatever was admitted before, as long as no more than `limit` are admitted in all."""
        for value in values:
            if len(self._admitted) < limit:
                self._admitted.add(value)

    def admit(self, value: str) -> str:
        """The value itself, or `other`."""
        if value in self._admitted:
            return value
        if len(self._unknown) < self._most_unknown:
            self._unknown.add(value)
            self._admitted.add(value)
            return value
        self.refused += 1
        return OTHER

    def release(self, values: Iterable[str]) -> None:
        """Nobody shows these any more: their places are free for others. What was known beforehand stays."""
        gone = self._unknown.intersection(values)
        self._unknown -= gone
        self._admitted -= gone


class CounterTable:
    """The counter and histogram columns of one entity, found by label values in the order of the entity's labels.

    A row is born at zero, so that a rate over its first increment is seen where rows are born before their first event.
    """

    def __init__(self, store: Store, entity: Entity) -> None:
        self.table = store.table(entity)
        self._names = tuple(entity.labels)
        self.table.record_created()
        store.counter_tables.append(self)
        self._rows: dict[tuple[str, ...], int] = {}
        self._histograms = {
            family.name: (column, family.bounds) for family, column in layout(entity) if isinstance(family, Histogram)
        }

    def born(self, values: tuple[str, ...]) -> int:
        """The row of these values, made with all its counters at zero when there is none."""
        row = self._rows.get(values)
        if row is None:
            row = self._rows[values] = self.table.new_row(self._labels(values))
            self.table.values[row * self.table.width : (row + 1) * self.table.width] = self.table.zeros
        return row

    def _labels(self, values: tuple[str, ...]) -> bytes:
        own = dict(zip(self._names, values, strict=True))
        return render_pairs({**own, **self.table.store.extra_labels(own)})

    def relabel(self, concerned: Callable[[tuple[str, ...]], bool]) -> None:
        """Render the labels of the rows `concerned` anew: what the store adds has changed."""
        for values, row in self._rows.items():
            if concerned(values):
                self._relabel(row, self._labels(values))

    def _relabel(self, row: int, labels: bytes) -> None:
        self.table.labels[row] = labels

    def add(self, values: tuple[str, ...], column: int = 1, by: float = 1.0) -> None:
        """Count (or add to a gauge)."""
        self.table.values[self.born(values) * self.table.width + column] += by

    def observe(self, values: tuple[str, ...], histogram: str, value: float) -> None:
        """Count one observation into the family `histogram` of this entity."""
        first, bounds = self._histograms[histogram]
        start = self.born(values) * self.table.width + first
        self.table.values[start + bisect_left(bounds, value)] += 1.0
        self.table.values[start + len(bounds) + 1] += value

    def mark(self, values: tuple[str, ...], now: float) -> None:
        """Note that somebody spoke of these values at monotonic `now`."""
        self.table.set(self.born(values), LAST_SEEN, now)

    def silent(self, until: float) -> Iterator[list[tuple[str, ...]]]:
        """Find the values that were marked, but not since `until`; step by step, so that others get their turn."""
        everybody = list(self._rows)
        for first in range(0, len(everybody), LOOK_AT):
            rows = ((values, self._rows.get(values)) for values in everybody[first : first + LOOK_AT])
            yield [values for values, row in rows if row is not None and 0.0 < self.table.get(row, LAST_SEEN) < until]

    def values(self) -> Iterator[tuple[str, ...]]:
        """The label values of every row."""
        return iter(self._rows)

    def forget(self, gone: Callable[[tuple[str, ...]], bool]) -> list[tuple[str, ...]]:
        """End the rows whose label values are `gone`; return these."""
        ended = [values for values in self._rows if gone(values)]
        for values in ended:
            self.table.free_row(self._rows.pop(values))
        return ended

    def __contains__(self, values: tuple[str, ...]) -> bool:
        """Whether these values have a row."""
        return values in self._rows

    def __len__(self) -> int:
        """Rows in use."""
        return len(self._rows)
