"""Keeps the garbage collector away from rows that live for weeks.

A full collection walks every container of the process: with a hundred thousand devices some hundred milliseconds in
which nothing else happens. Rows and places form no cycles and need no collector; so whenever the store has grown by a
quarter, what there is gets collected once more and then frozen out of the collector's sight.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.metrics.store import Store

GROWTH = 1.25
FIRST_ROWS = 1000  # a store smaller than this is walked in no time


class Settled:
    """Freezes what has settled; `settle` is called now and then, between other work."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._frozen_rows = FIRST_ROWS / GROWTH

    def settle(self) -> bool:
        """Collect and freeze when the store has grown by a quarter since last time; whether it did."""
        rows = sum(map(len, self._store.tables.values()))
        if rows < self._frozen_rows * GROWTH:
            return False
        self._frozen_rows = float(rows)
        gc.collect()
        gc.freeze()
        return True
