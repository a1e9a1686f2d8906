"""Gauges that count current members, such as connected clients: one row per combination of label values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collector.metrics.counter_table import CounterTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.metrics.model import Entity
    from collector.metrics.store import Store

EMPTY_ROW_TTL_S: Final = 86_400.0  # 0 is a value; the row ends a day after the last member left


class GaugeTable:
    """The number of members per combination of label values, in the first column of one entity.

    Above the limit of rows, members of a new combination are counted in a row with `other`, see `CounterTable`.
    """

    def __init__(self, store: Store, entity: Entity, *, max_rows: Callable[[], int], keep: int) -> None:
        """Create the table; the arguments are those of `CounterTable`."""
        self._table = CounterTable(store, entity, max_rows=max_rows, keep=keep)
        self._empty_since: dict[tuple[str, ...], float] = {}
        # members counted in a row with `other`: (their own label values, those of the row) -> number
        self._moved: dict[tuple[str, ...], tuple[tuple[str, ...], int]] = {}

    def change(self, values: tuple[str, ...], by: int, now: float) -> None:
        """Add members, or remove them with a negative number."""
        row_values = self._row_values(values, by)
        self._table.add(row_values, by=by)
        if self._table.table.get(self._table.row(row_values), 1) == 0.0:
            self._empty_since[row_values] = now
        else:
            self._empty_since.pop(row_values, None)

    def _row_values(self, values: tuple[str, ...], by: int) -> tuple[str, ...]:
        """Return the label values of the row in which these members are counted."""
        if by < 0 and values in self._moved:
            row_values, number = self._moved.pop(values)
            if number + by > 0:
                self._moved[values] = row_values, number + by
            return row_values
        row_values = self._table.admit(values) if by > 0 else values
        if row_values != values:
            self._moved[values] = row_values, self._moved.get(values, (row_values, 0))[1] + by
        return row_values

    def sweep(self, now: float) -> int:
        """End the rows that were empty for `EMPTY_ROW_TTL_S`; return their number."""
        expired = {values for values, since in self._empty_since.items() if since < now - EMPTY_ROW_TTL_S}
        if expired:
            self.remove(expired.__contains__)
        return len(expired)

    def remove(self, matches: Callable[[tuple[str, ...]], bool]) -> None:
        """End the rows whose label values match."""
        self._table.remove(matches)
        for values in [values for values in self._empty_since if matches(values)]:
            del self._empty_since[values]
        for values in [values for values, (row_values, _) in self._moved.items() if matches(row_values)]:
            del self._moved[values]
