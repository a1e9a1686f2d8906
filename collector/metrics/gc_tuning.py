"""Garbage collector settings for a process with many long-lived objects.

A full collection visits every tracked container: half a second without other work for a hundred thousand devices. Rows,
their index and the directory form no cycles and need no cycle collector. So objects that have survived are frozen
(`gc.freeze`) as soon as they are many. Measured at the start of 5,000 sites with 100,000 access points
(`python -m tests.benchmarks.giant`): collections of up to 570 ms before, of 10-15 ms since.

A frozen object is released like any other when its last reference goes; only a cycle that was alive when it was frozen
and becomes garbage later stays. So nothing is frozen while the number of objects is constant, and all objects are
unfrozen and collected at long intervals, which in the largest installations is one long pause every few weeks.
"""

from __future__ import annotations

import gc
from itertools import count
from typing import Final

MAX_TRACKED_OBJECTS: Final = 50_000  # of the oldest generation; collecting so many takes some ten milliseconds
THRESHOLDS: Final = (5000, 10, 20)  # for `gc.set_threshold`; a page of a listing allocates 80,000 short-lived objects
OLDEST_GENERATION: Final = 2
UNFREEZE_EVERY: Final = 500  # freezes; the start of the largest installations takes some two hundred
_freezes = count(1)


def configure() -> None:
    """Set the thresholds and freeze all objects that exist after start-up; they live as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def freeze_survivors(limit: int = MAX_TRACKED_OBJECTS) -> bool:
    """Freeze if there are more than `limit` tracked old objects; return whether it did. To be called every second."""
    if len(gc.get_objects(OLDEST_GENERATION)) <= limit:
        return False
    if next(_freezes) % UNFREEZE_EVERY == 0:
        gc.unfreeze()
    gc.collect()  # garbage cycles would be frozen forever
    gc.freeze()
    return True
