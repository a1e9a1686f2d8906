"""Layout of an office floor: six zones, two of them concave and two inside or across others, with doorways.

Outlines are in metres. A corridor runs from the entrance on the left to the stairs on the right, and each room has a
door to it. A path between two rooms leads through the first door, along the corridor and through the second door.

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

CORRIDOR_Y = 19.0
ENTRANCE: Point = (1.0, CORRIDOR_Y)
"""In front of the building: on the map, but in no zone."""
STAIRS: Point = (59.0, CORRIDOR_Y)


@dataclass(frozen=True, slots=True)
class OfficeRoom:
    """A zone of an office.

    Attributes:
        outline: Corners.
        door: Position of the door at the corridor.
        stay_area: Area in which objects stay (left, top, right, bottom).
    """

    name: str
    outline: tuple[Point, ...]
    door: Point
    stay_area: tuple[float, float, float, float]

    def random_point(self, rng: Random) -> Point:
        """Return a random point of the stay area."""
        left, top, right, bottom = self.stay_area
        return rng.uniform(left, right), rng.uniform(top, bottom)


ROOMS = (
    OfficeRoom("Lobby", ((3, 16), (14, 16), (14, 38), (3, 38)), (8, CORRIDOR_Y), (4, 22, 13, 37)),
    OfficeRoom("Open space", ((16, 20), (44, 20), (44, 38), (30, 38), (30, 30), (16, 30)), (24, 20), (17, 21, 34, 29)),
    OfficeRoom("Meeting room", ((36, 22), (42, 22), (42, 36), (36, 36)), (39, 20), (37, 23, 41, 35)),
    OfficeRoom("Canteen", ((46, 20), (58, 20), (58, 38), (46, 38)), (50, 20), (47, 22, 57, 37)),
    OfficeRoom(
        'Lab "U"',
        ((16, 2), (58, 2), (58, 18), (48, 18), (48, 8), (30, 8), (30, 18), (16, 18)),
        (22, 18),
        (18, 4, 28, 16),
    ),
    OfficeRoom("Corridor", ((3, 18), (58, 18), (58, 20), (3, 20)), (30, CORRIDOR_Y), (5, 18.5, 56, 19.5)),
)
CANTEEN = ROOMS[3]


def walls() -> list[tuple[Point, Point]]:
    """Return the walls of the floor: the outlines of its rooms other than the corridor."""
    return [
        (start, end)
        for room in ROOMS[:-1]
        for start, end in zip(room.outline, (*room.outline[1:], room.outline[0]), strict=True)
    ]


def path_to_corridor(room: OfficeRoom | None, point: Point) -> list[Point]:
    """Return the path from a point in a room to the corridor; only the point if `room` is None."""
    return [point, room.door, (room.door[0], CORRIDOR_Y)] if room is not None else [point]
