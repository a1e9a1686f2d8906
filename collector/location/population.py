"""Everybody of one kind who is located, over all maps: a few numbers each, and no name.

One is known by a hash of its address under a secret of this process: Python's string hash (SipHash, keyed by the
interpreter) over a random text that is drawn at start and written nowhere. It cannot be turned back without the memory
of this process, and two runs of the collector share nothing. What is kept of each is eight numbers side by side, so
that one look reaches them all:

    HEARD       when it was last heard of, monotonic; a repeated position does not count
    X, Y        its position in map pixels
    TOLD        when its position was taken, as the cloud says (Unix); 0 when no position said so
    PLACE       the number of its place, that is its floor and the zones it lies in; ABSENT when it is nowhere
    FLOOR       the number of its floor, or ABSENT
    ENTERED     when it came to that place, monotonic; ENTERED_TOLD: the same as the cloud says, or 0

Someone who has not been heard of for `absent_after_s` is absent: out of every count. For as long again its numbers
stay, so that a position that comes late, or is sent again, does not bring it back.
"""

from __future__ import annotations

import secrets
from array import array
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collector.location.floor import Zone

HEARD: Final = 0
X: Final = 1
Y: Final = 2
TOLD: Final = 3
PLACE: Final = 4
FLOOR: Final = 5
ENTERED: Final = 6
ENTERED_TOLD: Final = 7
WIDTH: Final = 8

ABSENT: Final = -1
FULL: Final = -1
FREE = float("inf")  # as HEARD of numbers that are nobody's
_NOBODY = array("d", [0.0, 0.0, 0.0, 0.0, ABSENT, ABSENT, 0.0, 0.0])
SALT = secrets.token_hex(16)


class Since(NamedTuple):
    """When somebody came into a zone: monotonic, and as the cloud says (0 when it did not)."""

    at: float
    told: float


def key_of(who: str) -> int:
    """The hash by which somebody is known while this process lives."""
    return hash(SALT + who)


class Population:
    """All of one kind. `first` tells by key where somebody's numbers begin in `numbers`; `limit` is how many may be."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.first: dict[int, int] = {}
        self.numbers = array("d")
        # Zones of a place that were entered before the place was: a zone, when, as the cloud says, the next zone, ...
        # Overlapping zones make it so for many, and a flat tuple takes half as much as a dict.
        self.earlier: dict[int, tuple[Any, ...]] = {}
        self._keys = array("q")
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.first)

    def arrive(self, key: int) -> int:
        """Where the numbers of someone new begin, absent as yet; FULL when there are too many."""
        if len(self.first) >= self.limit:
            return FULL
        if self._free:
            first = self._free.pop()
            self._keys[first // WIDTH] = key
            self.numbers[first : first + WIDTH] = _NOBODY
        else:
            first = len(self.numbers)
            self._keys.append(key)
            self.numbers.extend(_NOBODY)
        self.first[key] = first
        return first

    def forget(self, first: int) -> None:
        """Free the numbers of someone who is absent."""
        del self.first[self._keys[first // WIDTH]]
        self.numbers[first + HEARD] = FREE
        self._free.append(first)

    def on(self, floor: int) -> list[int]:
        """Where the numbers of all on the floor of this number begin."""
        if not self.numbers:
            return []
        import numpy as np  # noqa: PLC0415 - only a daemon that locates loads it

        floors = np.frombuffer(self.numbers)[FLOOR::WIDTH]
        found: list[int] = (np.flatnonzero(floors == floor) * WIDTH).tolist()
        return found

    def since(self, first: int, zone: Zone) -> Since:
        """When somebody came into a zone of its place."""
        earlier = self.earlier.get(first, ())
        if zone in earlier:
            place = earlier.index(zone)
            return Since(earlier[place + 1], earlier[place + 2])
        return Since(self.numbers[first + ENTERED], self.numbers[first + ENTERED_TOLD])
