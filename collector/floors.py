"""A floor as it is now: plain records that `location` fills and `serve` shows, so that neither has to know the other.

Nobody is in them by name: a dot is a kind and a place. Lengths are pixels of the map, from its top left corner.
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
    """One floor in a list to pick from. `people` are all that are located on it now, whatever their kind."""

    map_id: str
    site_id: str
    name: str
    people: int
    zones: int


@dataclass(frozen=True, slots=True)
class ZoneView:
    """A zone: its outline, who is in it by kind, and how many should be at most (None: no limit is set)."""

    zone_id: str
    name: str
    corners: tuple[Point, ...]
    occupants: dict[str, int]
    limit: float | None


class Dot(NamedTuple):
    """Somebody: client, unconnected_client, sdkclient, asset or discovered_asset; and where."""

    kind: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class FloorView:
    """Everything that can be drawn. `width` and `height` are 0, `ppm` (pixels a metre) too, when they are not known.

    `walls` are what the map has of them, perhaps nothing. `people` counts the dots by kind.
    `heard_at` is when the last of those who are here was heard of, monotonic; None when nobody is here.
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
    """Where a page gets floors from: those to pick from, one as it is now (None: no such map), a site's name ("")."""

    lines: Callable[[], Sequence[FloorLine]]
    view: Callable[[str], FloorView | None]
    clock: Clock
    site_name: Callable[[str], str] = lambda _site_id: ""
