"""How many are there: gauges that go up when somebody comes and down when somebody goes, a row a combination of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.metrics.counter_table import CounterTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.metrics.model import Entity
    from collector.metrics.store import Store

EMPTY_FOR_S = 86_400.0  # zero is worth telling; a day later nobody is expected there any more


class Headcount:
    """The first column of one entity. A row is born with the first head, and ends a day after the last one left."""

    def __init__(self, store: Store, entity: Entity) -> None:
        self._tally = CounterTable(store, entity)
        self._empty_since: dict[tuple[str, ...], float] = {}

    def change(self, values: tuple[str, ...], by: int, now: float) -> None:
        """So many came, or (negative) went."""
        self._tally.add(values, by=by)
        table = self._tally.table
        if table.get(self._tally.born(values), 1) == 0.0:
            self._empty_since[values] = now
        else:
            self._empty_since.pop(values, None)

    def sweep(self, now: float) -> int:
        """End the rows that were empty for long; how many."""
        over = {values for values, since in self._empty_since.items() if since < now - EMPTY_FOR_S}
        if over:
            self.forget(over.__contains__)
        return len(over)

    def forget(self, gone: Callable[[tuple[str, ...]], bool]) -> None:
        """End the rows whose label values are `gone`."""
        self._tally.forget(gone)
        for values in [values for values in self._empty_since if gone(values)]:
            del self._empty_since[values]
