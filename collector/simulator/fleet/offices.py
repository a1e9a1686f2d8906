"""An office floor: six zones, two of them concave, two within or across others; doors, and the ways between.

Outlines in metres. A corridor runs along the floor from the entrance on the left to the stairs on the right; each room
has a door onto it. Who goes from one room to another walks out by its door, along the corridor, in by the other door.

::

    0 3         16              30   36  42 44  46 48    58 60
    2           +------------------------------------------+
    8           |              +--------------------+ lab  |
    16   +------+    lab       |                    |      |
    18 . +------+==============+= corridor =========+======+ stairs
    20   | lobby|  open space           |meet|  | canteen  |
    30 . |      +----------+            |ing |  |          |
    38   +------+          +------------+----+--+----------+
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

Point = tuple[float, float]

HALL_Y = 19.0
ENTRANCE: Point = (1.0, HALL_Y)
"""Before the door of the building: on the map, but in no zone."""
STAIRS: Point = (59.0, HALL_Y)


@dataclass(frozen=True, slots=True)
class Room:
    """A zone of an office. `doors` lie at the corridor; people rest within `rest` (left, top, right, bottom)."""

    name: str
    outline: tuple[Point, ...]
    door: Point
    rest: tuple[float, float, float, float]

    def spot(self, rng: Random) -> Point:
        """A place to stay."""
        left, top, right, bottom = self.rest
        return rng.uniform(left, right), rng.uniform(top, bottom)


ROOMS = (
    Room("Lobby", ((3, 16), (14, 16), (14, 38), (3, 38)), (8, HALL_Y), (4, 22, 13, 37)),
    Room("Open space", ((16, 20), (44, 20), (44, 38), (30, 38), (30, 30), (16, 30)), (24, 20), (17, 21, 34, 29)),
    Room("Meeting room", ((36, 22), (42, 22), (42, 36), (36, 36)), (39, 20), (37, 23, 41, 35)),
    Room("Canteen", ((46, 20), (58, 20), (58, 38), (46, 38)), (50, 20), (47, 22, 57, 37)),
    Room(
        'Lab "U"',
        ((16, 2), (58, 2), (58, 18), (48, 18), (48, 8), (30, 8), (30, 18), (16, 18)),
        (22, 18),
        (18, 4, 28, 16),
    ),
    Room("Corridor", ((3, 18), (58, 18), (58, 20), (3, 20)), (30, HALL_Y), (5, 18.5, 56, 19.5)),
)
CANTEEN = ROOMS[3]


def walls() -> list[tuple[Point, Point]]:
    """The walls of the floor: the outlines of its rooms, but for the corridor."""
    return [
        (start, end)
        for room in ROOMS[:-1]
        for start, end in zip(room.outline, (*room.outline[1:], room.outline[0]), strict=True)
    ]


def out_of(room: Room | None, spot: Point) -> list[Point]:
    """The way from a spot in a room to the corridor; the spot itself where there is no room."""
    return [spot, room.door, (room.door[0], HALL_Y)] if room is not None else [spot]
