"""Keeps the garbage collector away from what lives for weeks.

A full collection walks every container in the collector's sight: with a hundred thousand devices half a second in which
nothing else happens. Rows, places and the directory form no cycles and need no collector; so whatever has survived is
frozen out of its sight as soon as it is much. Measured at the start of 5,000 sites with 100,000 access points
(`python -m tests.benchmarks.giant`): collections of up to 570 ms before, some 10-15 ms since.

What is frozen is freed like anything else once nobody refers to it; only a cycle that was alive at that moment and dies
later stays. So nothing is frozen while the number of objects stands still, and every so many times all is thawed and
looked through: a long pause, for the largest once in weeks.
"""

from __future__ import annotations

import gc
from itertools import count

MOST_OBJECTS = 50_000  # old ones in the collector's sight: a collection of so many takes some ten milliseconds
THRESHOLDS = (5000, 10, 20)  # of allocations: a page of a listing makes 80,000 objects, which soon go again
OLD = 2  # the generation of what has survived
THAW_EVERY = 500  # times of freezing; the start of a giant takes some two hundred
_times = count(1)


def tune() -> None:
    """Set the collector up for a daemon, once all is loaded: what is there now stays to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def settle(most: int = MOST_OBJECTS) -> bool:
    """Freeze when more than `most` old objects are in sight; whether it did. To be called every second or so."""
    if len(gc.get_objects(OLD)) <= most:
        return False
    if next(_times) % THAW_EVERY == 0:
        gc.unfreeze()
    gc.collect()  # a cycle that is dead already would be frozen for ever
    gc.freeze()
    return True
