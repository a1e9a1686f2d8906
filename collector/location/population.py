"""All located entities of one kind, over all maps: a few numbers each, and no identity.

An entity is identified by a hash of its address with a secret of this process: Python's string hash (SipHash, keyed by
the interpreter) over a random salt that is drawn at start and never stored. It cannot be reversed without the memory of
this process, and two runs of the collector have no identifiers in common. Eight consecutive numbers are kept per
entity:

    LAST_SEEN         time of the last position, monotonic; a repeated position does not count
    X, Y              position in map pixels
    REPORTED          time of the position as reported by the cloud (Unix); 0 if none was reported
    ZONE_SET          number of its zone set, that is its floor and zones; ABSENT if it is nowhere
    FLOOR             number of its floor, or ABSENT
    ENTERED           time at which it entered that zone set, monotonic
    ENTERED_REPORTED  the same as reported by the cloud, or 0

An entity without a position for `absent_after_s` is absent and not counted. Its numbers are kept for the same time
again, so that a late or repeated position does not make it present.
"""

from __future__ import annotations

import secrets
from array import array
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collector.location.floor import Zone

LAST_SEEN: Final = 0
X: Final = 1
Y: Final = 2
REPORTED: Final = 3
ZONE_SET: Final = 4
FLOOR: Final = 5
ENTERED: Final = 6
ENTERED_REPORTED: Final = 7
WIDTH: Final = 8

ABSENT: Final = -1
FULL: Final = -1
FREE = float("inf")  # as LAST_SEEN of unused numbers
_VACANT = array("d", [0.0, 0.0, 0.0, 0.0, ABSENT, ABSENT, 0.0, 0.0])
SALT = secrets.token_hex(16)


class Since(NamedTuple):
    """When an entity entered a zone: monotonic, and as reported by the cloud (0 if it was not)."""

    at: float
    reported: float


def key_of(who: str) -> int:
    """Return the hash that identifies an entity in this process."""
    return hash(SALT + who)


class Population:
    """All entities of one kind.

    `offsets` maps a key to an entity's offset in `numbers`; `limit` bounds their number.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.offsets: dict[int, int] = {}
        self.numbers = array("d")
        # Zones that were entered before the present zone set: zone, time, reported time, next zone, ... Overlapping
        # zones make this common, and a flat tuple takes half the memory of a dict.
        self.earlier: dict[int, tuple[Any, ...]] = {}
        self._keys = array("q")
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.offsets)

    def add(self, key: int) -> int:
        """Return the offset of a new entity, which is absent; FULL if there are too many."""
        if len(self.offsets) >= self.limit:
            return FULL
        if self._free:
            offset = self._free.pop()
            self._keys[offset // WIDTH] = key
            self.numbers[offset : offset + WIDTH] = _VACANT
        else:
            offset = len(self.numbers)
            self._keys.append(key)
            self.numbers.extend(_VACANT)
        self.offsets[key] = offset
        return offset

    def forget(self, offset: int) -> None:
        """Free the numbers of an absent entity."""
        del self.offsets[self._keys[offset // WIDTH]]
        self.numbers[offset + LAST_SEEN] = FREE
        self._free.append(offset)

    def on(self, floor: int) -> list[int]:
        """Return the offsets of all entities on a floor."""
        if not self.numbers:
            return []
        import numpy as np  # noqa: PLC0415 - loaded at start only where positions are collected

        floors = np.frombuffer(self.numbers)[FLOOR::WIDTH]
        found: list[int] = (np.flatnonzero(floors == floor) * WIDTH).tolist()
        return found

    def since(self, offset: int, zone: Zone) -> Since:
        """Return when an entity entered a zone of its zone set."""
        earlier = self.earlier.get(offset, ())
        if zone in earlier:
            zone_set = earlier.index(zone)
            return Since(earlier[zone_set + 1], earlier[zone_set + 2])
        return Since(self.numbers[offset + ENTERED], self.numbers[offset + ENTERED_REPORTED])
