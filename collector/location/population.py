"""Everybody of one kind who is located, over all maps: a few numbers each, and no name.

One is known by a hash of its address under a secret of this process: Python's string hash (SipHash, keyed by the
interpreter) over a random text that is drawn at start and written nowhere. It cannot be turned back without the memory
of this process, and two runs of the collector share nothing. What is kept of each stands in flat arrays, by slot:

    heard       when it was last heard of, monotonic; a repeated position does not count
    told        when its position was taken, as the cloud says (Unix); 0 when no position said so
    x, y        its position in map pixels
    place       its floor and the zones it lies in; None when it is absent
    floor       the number of its floor, or ABSENT
    entered     when it came to that place, monotonic; entered_told: the same as the cloud says, or 0

Someone who has not been heard of for `absent_after_s` is absent: out of every count. For as long again the slot stays,
so that a position that comes late, or is sent again, does not bring it back.
"""

from __future__ import annotations

import secrets
from array import array
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collector.location.floor import Place, Zone

ABSENT = -1
FREE = float("inf")  # as `heard` of a slot that nobody has
SALT = secrets.token_hex(16)


class Since(NamedTuple):
    """When somebody came into a zone: monotonic, and as the cloud says (0 when it did not)."""

    at: float
    told: float


def key_of(who: str) -> int:
    """The hash by which somebody is known while this process lives."""
    return hash(SALT + who)


class Population:
    """All slots of one kind. `limit` is how many may be known at a time."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.slots: dict[int, int] = {}
        self.keys = array("q")
        self.heard, self.told = array("d"), array("d")
        self.x, self.y = array("d"), array("d")
        self.entered, self.entered_told = array("d"), array("d")
        self.floor = array("i")
        self.place: list[Place | None] = []
        self.earlier: dict[int, dict[Zone, Since]] = {}  # zones of a place that were entered before the place was
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.slots)

    def arrive(self, key: int) -> int:
        """A slot for someone new, absent as yet; ABSENT when there are too many."""
        if len(self.slots) >= self.limit:
            return ABSENT
        if self._free:
            slot = self._free.pop()
            self.keys[slot] = key
        else:
            slot = len(self.keys)
            self.keys.append(key)
            for numbers in (self.heard, self.told, self.x, self.y, self.entered, self.entered_told):
                numbers.append(0.0)
            self.floor.append(ABSENT)
            self.place.append(None)
        self.slots[key] = slot
        return slot

    def forget(self, slot: int) -> None:
        """Free the slot of someone who is absent."""
        del self.slots[self.keys[slot]]
        self.told[slot] = 0.0
        self.heard[slot] = FREE
        self._free.append(slot)

    def on(self, floor: int) -> list[int]:
        """The slots of all on the floor of this number."""
        import numpy as np  # noqa: PLC0415 - only a daemon that locates loads it

        if not self.floor:
            return []
        found: list[int] = np.flatnonzero(np.frombuffer(self.floor, dtype=np.int32) == floor).tolist()
        return found

    def since(self, slot: int, zone: Zone) -> Since:
        """When the one in this slot came into a zone of its place."""
        earlier = self.earlier.get(slot)
        if earlier is not None and zone in earlier:
            return earlier[zone]
        return Since(self.entered[slot], self.entered_told[slot])
