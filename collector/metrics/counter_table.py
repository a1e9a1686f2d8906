"""Counters, gauges and histograms computed by the collector: one row per combination of label values, within limits.

Two limits bound the number of series. A `LabelLimiter` limits the distinct values of one label; a `CounterTable` limits
the combinations. Values and combinations above a limit become `other`, and are counted.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from typing import TYPE_CHECKING, Final

from collector.metrics.labels import render_pairs, shorten
from collector.metrics.model import Histogram, layout
from collector.metrics.store import LAST_SEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from collector.metrics.model import Entity
    from collector.metrics.store import Store

OTHER: Final = "other"
MAX_ROWS: Final = 1_000_000  # of a table without a limit of its own
SCAN_STEP: Final = 2000  # rows per step of a scan: less than a millisecond


class LabelLimiter:
    """Limits the distinct values of one label: values above the limit become `other`. Long values are shortened.

    Attributes:
        refused: How often a value became `other`.
    """

    def __init__(self, known: tuple[str, ...] = (), *, unknown: int = 100) -> None:
        """Create a limiter.

        Args:
            known: Values that are always admitted.
            unknown: Maximum number of other values.
        """
        self._admitted = set(known)
        self._unknown = set[str]()  # the admitted values that count against the limit
        self._max_unknown = unknown
        self.refused = 0

    def learn(self, values: Iterable[str], *, limit: int) -> None:
        """Admit these values in addition to the limit of unknown ones, while at most `limit` are admitted in total."""
        for value in values:
            if len(self._admitted) < limit:
                self._admitted.add(shorten(value))

    def admit(self, value: str) -> str:
        """Return the value, shortened, or `other`."""
        value = shorten(value)
        if value in self._admitted:
            return value
        if len(self._unknown) < self._max_unknown:
            self._unknown.add(value)
            self._admitted.add(value)
            return value
        self.refused += 1
        return OTHER

    def release(self, values: Iterable[str]) -> None:
        """Remove values that no row has any more, so that others are admitted. Known values remain."""
        gone = self._unknown.intersection(values)
        self._unknown -= gone
        self._admitted -= gone


class CounterTable:
    """The computed columns of one entity. A row is identified by its label values, in the order of the entity's labels.

    A new row starts with 0 in all counters, so that the next increment is visible to `rate()`. When the table has
    `max_rows` rows, events of a new combination are counted in a row that keeps the first `keep` label values and has
    `other` for the rest. Such rows, and rows created by `create`, do not count against the limit.

    Attributes:
        table: The table of the store, for direct access to rows and columns.
        refused: How often a combination was replaced because the table was full.
    """

    def __init__(
        self, store: Store, entity: Entity, *, max_rows: int | Callable[[], int] = MAX_ROWS, keep: int = 0
    ) -> None:
        """Create the table.

        Args:
            store: The store that exports the rows.
            entity: The entity of the rows.
            max_rows: Maximum number of rows, or a function that returns it; called for each new row.
            keep: How many leading labels a row above the limit keeps. Their values must be limited otherwise.
        """
        self.table = store.table(entity)
        self.refused = 0
        self._names = tuple(entity.labels)
        self.table.record_created()
        store.counter_tables.append(self)
        self._max_rows = max_rows if callable(max_rows) else partial(int, max_rows)
        self._keep = keep
        self._rows: dict[tuple[str, ...], int] = {}
        self._unlimited = set[tuple[str, ...]]()  # rows that do not count against the limit
        self._histograms = {
            family.name: (column, family.bounds) for family, column in layout(entity) if isinstance(family, Histogram)
        }

    @property
    def family(self) -> str:
        """Name of the first family of the entity, which identifies the table in metrics."""
        return self.table.entity.families[0].name

    # Rows

    def admit(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """Return the label values under which `values` are counted.

        If the table is full and has no row of `values`, these are the values of a row with `other`, which then exists.
        """
        if values in self._rows or len(self._rows) - len(self._unlimited) < self._max_rows():
            return values
        self.refused += 1
        values = (*values[: self._keep], *(OTHER for _ in values[self._keep :]))
        self.create(values)
        return values

    def row(self, values: tuple[str, ...]) -> int:
        """Return the row of these label values; create it with all counters at 0 if there is none."""
        row = self._rows.get(values)
        return self._row_of(self.admit(values)) if row is None else row

    def create(self, values: tuple[str, ...]) -> int:
        """Return the row of these label values like `row`, but create it even if the table is full."""
        if values not in self._rows:
            self._unlimited.add(values)
        return self._row_of(values)

    def _row_of(self, values: tuple[str, ...]) -> int:
        row = self._rows.get(values)
        if row is None:
            row = self._rows[values] = self.table.new_row(self._labels(values))
            self.table.values[row * self.table.width : (row + 1) * self.table.width] = self.table.zeros
        return row

    def remove(self, matches: Callable[[tuple[str, ...]], bool]) -> list[tuple[str, ...]]:
        """End the rows whose label values match; return these values."""
        ended = [values for values in self._rows if matches(values)]
        for values in ended:
            self.table.free_row(self._rows.pop(values))
        self._unlimited.difference_update(ended)
        return ended

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Yield the label values of every row."""
        return iter(self._rows)

    def __contains__(self, values: tuple[str, ...]) -> bool:
        """Return whether there is a row of these label values."""
        return values in self._rows

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    # Labels

    def _labels(self, values: tuple[str, ...]) -> bytes:
        own = dict(zip(self._names, values, strict=True))
        return render_pairs({**own, **self.table.store.extra_labels(own)})

    def relabel(self, matches: Callable[[tuple[str, ...]], bool]) -> None:
        """Render the labels of matching rows again, after a change of the labels that the store adds."""
        for values, row in self._rows.items():
            if matches(values):
                self.table.labels[row] = self._labels(values)

    # Values

    def add(self, values: tuple[str, ...], column: int = 1, by: float = 1.0) -> None:
        """Increment a counter, or change a gauge by an amount."""
        self.table.values[self.row(values) * self.table.width + column] += by

    def observe(self, values: tuple[str, ...], histogram: str, value: float) -> None:
        """Count one observation in the family `histogram` of this entity."""
        first, bounds = self._histograms[histogram]
        start = self.row(values) * self.table.width + first
        self.table.values[start + bisect_left(bounds, value)] += 1.0
        self.table.values[start + len(bounds) + 1] += value

    def touch(self, values: tuple[str, ...], now: float) -> None:
        """Record that the row was used at monotonic `now`."""
        self.table.set(self.row(values), LAST_SEEN, now)

    def unused_since(self, time: float) -> Iterator[list[tuple[str, ...]]]:
        """Yield the label values of rows that were touched, but not since `time`; one list per step of the scan."""
        keys = list(self._rows)
        for first in range(0, len(keys), SCAN_STEP):
            rows = ((values, self._rows.get(values)) for values in keys[first : first + SCAN_STEP])
            yield [values for values, row in rows if row is not None and 0.0 < self.table.get(row, LAST_SEEN) < time]


def counter_tables(store: Store) -> list[CounterTable]:
    """Return all counter tables of a store."""
    return [table for table in store.counter_tables if isinstance(table, CounterTable)]
