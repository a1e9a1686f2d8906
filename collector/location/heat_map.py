"""Optional heat map: entities per square of a map, counted at each sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.catalog import location as tables
from collector.location.occupancy import KIND_NAMES, labels_of
from collector.location.population import WIDTH, X, Y
from collector.metrics.counter_table import CounterTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from collector.location.floor import Floor
    from collector.location.population import Population
    from collector.metrics.store import Store


class HeatMap:
    """Writes the number of entities per square of a map, for the squares with the most entities.

    Args:
        store: holds the rows.
        cell_m: side of a square in metres; 0 disables the heat map.
        max_cells: maximum number of squares per map and kind.
    """

    def __init__(self, store: Store, cell_m: float, max_cells: int) -> None:
        self._cell_m = cell_m
        self._max_cells = max_cells
        self._rows = CounterTable(store, tables.HEAT)

    def sweep(self, floors: Iterable[Floor], populations: Iterable[Population]) -> Iterator[int]:
        """Count entities; yields after each map and kind. Maps without a scale have no squares."""
        if not self._cell_m:
            return
        people_of = list(zip(KIND_NAMES, populations, strict=True))
        for floor in list(floors):
            for name, population in people_of if floor.ppm else ():
                self._write((*labels_of(floor), name), self._count(floor, population))
                yield 0

    def _count(self, floor: Floor, population: Population) -> dict[tuple[str, str], int]:
        import numpy as np  # noqa: PLC0415 - loaded at start only where positions are collected

        firsts = population.on(floor.index)
        if not firsts:
            return {}
        side = self._cell_m * floor.ppm
        positions = np.frombuffer(population.numbers).reshape(-1, WIDTH)[np.array(firsts) // WIDTH, X : Y + 1]
        squares = np.floor(positions / side)
        found, counts = np.unique(squares, axis=0, return_counts=True)
        fullest = np.argsort(-counts, kind="stable")[: self._max_cells]
        return {(self._middle(found[i][0]), self._middle(found[i][1])): int(counts[i]) for i in fullest}

    def _middle(self, square: float) -> str:
        return f"{(square + 0.5) * self._cell_m:g}"

    def _write(self, labels: tuple[str, ...], counts: dict[tuple[str, str], int]) -> None:
        self._rows.remove(lambda values: values[:4] == labels and values[4:] not in counts)
        for square, count in counts.items():
            self._rows.table.set(self._rows.row((*labels, *square)), 1, float(count))

    def forget(self, labels: tuple[str, str, str]) -> None:
        """End the squares of a map."""
        self._rows.remove(lambda values: values[:3] == labels)
