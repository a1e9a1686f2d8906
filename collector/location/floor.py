"""One floor: a map with its scale, its zones, and the way from a position to the zones it lies in."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from collector.location.geometry import Outline, corners_of, segments_of
from collector.location.raster import rasterize
from collector.metrics.values import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_ZONES = 500  # of one map
NOT_BORN = -1


class Zone:
    """A zone of a floor. `rows` holds, for each kind of entity, where its row of the store begins, or `NOT_BORN`."""

    __slots__ = ("floor", "id", "limit", "name", "outline", "rows", "told_at")

    def __init__(self, floor: Floor, zone_id: str, outline: Outline, kinds: int) -> None:
        self.floor = floor
        self.id = zone_id
        self.name = ""
        self.limit: float | None = None
        self.outline = outline
        self.rows = [NOT_BORN] * kinds
        self.told_at = 0.0  # when REST last listed it, monotonic


class Place:
    """A floor and a set of its zones: where an entity is. One object for each set, so that places compare by `is`."""

    __slots__ = ("floor", "zones")

    def __init__(self, floor: Floor, zones: tuple[Zone, ...]) -> None:
        self.floor = floor
        self.zones = zones


class Border:
    """What a cell holds where edges touch it: the zones that are certain, and those to be tested."""

    __slots__ = ("_certain", "_floor", "_touched")

    def __init__(self, floor: Floor, certain: frozenset[Zone], touched: tuple[Zone, ...]) -> None:
        self._floor = floor
        self._certain = certain
        self._touched = tuple((zone, zone.outline.holds) for zone in touched)

    def resolve(self, x: float, y: float) -> Place:
        """The place of a position (pixels) in the cell."""
        inside = [zone for zone, holds in self._touched if holds(x, y)]
        return self._floor.place(self._certain.union(inside) if inside else self._certain)


class Floor:
    """A map of a site. Lengths are map pixels, unless they are called `_m`; `ppm` is pixels a metre, 0 when unknown.

    A floor is known as soon as anything is told of it. Zones may be drawn anew at any time; `prepared` is False from
    then on until `prepare` was called. What a position needs is public, for the engine reads it without a call.
    """

    __slots__ = (
        "_places", "bottom", "cells", "closed", "columns", "entries", "height", "id", "index", "left", "name",
        "nowhere", "org_id", "per_px", "ppm", "prepared", "right", "site_id", "told_at", "top", "walls",
        "width", "zones",
    )  # fmt: skip

    def __init__(self, map_id: str, site_id: str, org_id: str, index: int) -> None:
        self.id = map_id
        self.site_id = site_id
        self.org_id = org_id
        self.index = index
        self.name = ""
        self.width = self.height = self.ppm = 0.0
        self.walls: tuple[tuple[float, float, float, float], ...] = ()
        self.zones: dict[str, Zone] = {}
        self.closed = False  # no map any more; never prepared again
        self.told_at: float | None = None  # when REST last listed it, monotonic; None before
        self._places: dict[frozenset[Zone], Place] = {}
        self.nowhere = self.place(frozenset())
        self.left = self.top = self.right = self.bottom = self.per_px = 0.0
        self.columns = 0
        self.cells: array[int] = array("H")
        self.entries: list[Place | Border] = []
        self.prepared = False

    def describe(self, payload: Mapping[str, object]) -> None:
        """Take over what REST says of the map. Without `ppm` the scale follows from its width in both units."""
        name = payload.get("name")
        self.name = name if isinstance(name, str) else self.name
        self.width, self.height = positive(payload.get("width")), positive(payload.get("height"))
        width_m = positive(payload.get("width_m"))
        self.ppm = positive(payload.get("ppm")) or (self.width / width_m if width_m else 0.0)
        self.walls = segments_of(payload.get("wall_path"))

    def draw(self, zone_id: str, payload: Mapping[str, object], kinds: int) -> Zone | None:
        """Take over what REST says of a zone on this map; None when it has no outline, or there are too many."""
        corners = corners_of(payload.get("vertices"))
        zone = self.zones.get(zone_id)
        if corners is None or (zone is None and len(self.zones) >= MAX_ZONES):
            return None
        if zone is None:
            zone = self.zones[zone_id] = Zone(self, zone_id, Outline(corners), kinds)
            self.prepared = False
        elif zone.outline.corners != corners:
            zone.outline = Outline(corners)
            self.prepared = False
        name = payload.get("name")
        zone.name = name if isinstance(name, str) else ""
        if "occupancy_limit" in payload:
            zone.limit = positive(payload["occupancy_limit"]) or None
        return zone

    def prepare(self) -> None:
        """Lay the grid over the zones as they are drawn now. Places handed out before are good no longer."""
        self._places = {frozenset(): self.nowhere}
        self.prepared = True
        zones = list(self.zones.values())
        if not zones:
            self.left = self.right = 0.0  # no position is inside the grid
            return
        raster = rasterize([zone.outline for zone in zones])
        self.left, self.top, self.right, self.bottom = raster.left, raster.top, raster.right, raster.bottom
        self.per_px, self.columns, self.cells = raster.per_px, raster.columns, raster.cells
        self.entries = [
            self._entry(frozenset(zones[i] for i in kind.certain), tuple(zones[i] for i in kind.touched))
            for kind in raster.kinds
        ]

    def find(self, x: float, y: float) -> Place:
        """The place of a position; `lane.py` has the same steps inline."""
        if not self.prepared:
            self.prepare()
        if not (self.left <= x < self.right and self.top <= y < self.bottom):
            return self.nowhere
        row, column = int((y - self.top) * self.per_px), int((x - self.left) * self.per_px)
        entry = self.entries[self.cells[row * self.columns + column]]
        return entry.resolve(x, y) if isinstance(entry, Border) else entry

    def place(self, zones: Iterable[Zone]) -> Place:
        """The one place of this set of zones."""
        key = zones if isinstance(zones, frozenset) else frozenset(zones)
        known = self._places.get(key)
        if known is None:
            known = self._places[key] = Place(self, tuple(sorted(key, key=lambda zone: zone.id)))
        return known

    def _entry(self, certain: frozenset[Zone], touched: tuple[Zone, ...]) -> Place | Border:
        return Border(self, certain, touched) if touched else self.place(certain)


def positive(value: object) -> float:
    """A number above zero; 0.0 for everything else."""
    read = number(value)
    return read if isinstance(read, float) and read > 0 else 0.0
