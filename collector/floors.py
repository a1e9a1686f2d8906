"""Records of the present state of floors: `location` fills them, `serve` shows them; neither depends on the other.

They contain no identities: a dot is a kind and a position. Lengths are map pixels from the top left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.clock import Clock

Point: TypeAlias = tuple[float, float]
Segment: TypeAlias = tuple[float, float, float, float]  # x and y of both ends


@dataclass(frozen=True, slots=True)
class FloorLine:
    """One entry of the floor list. `people` is the number of located devices of all kinds."""

    map_id: str
    site_id: str
    name: str
    people: int
    zones: int


@dataclass(frozen=True, slots=True)
class ZoneView:
    """A zone: its outline, its occupants by kind, and its occupancy limit (None: no limit)."""

    zone_id: str
    name: str
    corners: tuple[Point, ...]
    occupants: dict[str, int]
    limit: float | None


class Dot(NamedTuple):
    """A located device: its kind (client, unconnected_client, sdkclient, asset, discovered_asset) and position."""

    kind: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class FloorView:
    """The present state of a floor. `width`, `height` and `ppm` (pixels per metre) are 0 when unknown.

    `people` counts the dots by kind. `heard_at` is the time of the last position on the floor, monotonic; None when it
    is empty.
    """

    map_id: str
    site_id: str
    name: str
    width: float
    height: float
    ppm: float
    walls: tuple[Segment, ...]
    zones: tuple[ZoneView, ...]
    people: dict[str, int]
    dots: tuple[Dot, ...]
    heard_at: float | None = None


@dataclass(frozen=True, slots=True)
class Floors:
    """Access to floors for the pages.

    The list, the present state of one (None: unknown), the name of a site (or "").
    """

    lines: Callable[[], Sequence[FloorLine]]
    view: Callable[[str], FloorView | None]
    clock: Clock
    site_name: Callable[[str], str] = lambda _site_id: ""
