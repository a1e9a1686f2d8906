"""One floor: a map with its scale, its zones, and the way from a position to the zones it lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from collector.location.geometry import Outline, corners_of, segments_of
from collector.location.raster import rasterize
from collector.metrics.values import number

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Mapping

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
    """A floor and a set of its zones: where somebody is. There is one for each set, and each has its own number."""

    __slots__ = ("floor", "number", "zones")

    def __init__(self, floor: Floor, zones: tuple[Zone, ...], number: int) -> None:
        self.floor = floor
        self.zones = zones
        self.number = number


class Places:
    """Every place that somebody may be in, by its number."""

    def __init__(self) -> None:
        self._by_number: dict[int, Place] = {}
        self._next = 0

    def make(self, floor: Floor, zones: tuple[Zone, ...]) -> Place:
        """A new place."""
        place = self._by_number[self._next] = Place(floor, zones, self._next)
        self._next += 1
        return place

    def of(self, number: float) -> Place | None:
        """The place of this number; None when nobody can be there any more."""
        return self._by_number.get(int(number))

    def forget(self, places: Iterable[Place]) -> None:
        """Nobody is in these any more."""
        for place in places:
            del self._by_number[place.number]


class Border:
    """What a cell holds where edges touch it: the zones that are certain, and those to be tested."""

    __slots__ = ("_certain", "_floor", "_places", "_tests", "_touched")

    def __init__(self, floor: Floor, certain: frozenset[Zone], touched: tuple[Zone, ...]) -> None:
        self._floor = floor
        self._certain = certain
        self._touched = touched
        self._tests = tuple((1 << bit, zone.outline.holds) for bit, zone in enumerate(touched))
        self._places: dict[int, Place] = {}

    def resolve(self, x: float, y: float) -> Place:
        """The place of a position (pixels) in the cell."""
        mask = 0
        for bit, holds in self._tests:
            if holds(x, y):
                mask |= bit
        place = self._places.get(mask)
        if place is None:
            inside = (zone for bit, zone in enumerate(self._touched) if mask & 1 << bit)
            place = self._places[mask] = self._floor.place(self._certain.union(inside))
        return place


class Grid(NamedTuple):
    """The raster of a floor with its places: `numbers` and `entries` by the codes of its cells.

    A number is that of the cell's place, or BORDER where the entry has to resolve the position itself.
    """

    per_px: float
    left: float
    top: float
    columns: int
    lines: int
    cells: bytes | array[int]
    numbers: tuple[float, ...]
    entries: tuple[Place | Border, ...]


BORDER = -2.0  # no place has it, nor is anybody absent who has it


class Floor:
    """A map of a site. Lengths are map pixels, unless they are called `_m`; `ppm` is pixels a metre, 0 when unknown.

    A floor is known as soon as anything is told of it. Zones may be drawn anew at any time; `prepared` is False from
    then on until `prepare` was called. Each of `listeners` hears of it: of a new grid, or that there is none (None).
    """

    def __init__(self, map_id: str, site_id: str, org_id: str, index: int, places: Places) -> None:
        self.id = map_id
        self.site_id = site_id
        self.org_id = org_id
        self.index = index
        self.name = ""
        self.width = self.height = self.ppm = 0.0
        self.walls: tuple[tuple[float, float, float, float], ...] = ()
        self.zones: dict[str, Zone] = {}
        self.closed = False  # no map any more
        self.told_at: float | None = None  # when REST last listed it, monotonic; None before
        self.listeners: list[Callable[[Grid | None], None]] = []
        self._all = places
        self._places: dict[frozenset[Zone], Place] = {}
        self._left: dict[frozenset[Zone], Place] = {}
        self.nowhere = self.place(frozenset())
        self.grid = self._empty()
        self.prepared = True

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
            self._outdated()
        elif zone.outline.corners != corners:
            zone.outline = Outline(corners)
            self._outdated()
        name = payload.get("name")
        zone.name = name if isinstance(name, str) else ""
        if "occupancy_limit" in payload:
            zone.limit = positive(payload["occupancy_limit"]) or None
        return zone

    def prepare(self) -> None:
        """Lay the grid over the zones as they are drawn now. Places handed out before are good until `settled`."""
        self._left, self._places = self._places, {frozenset(): self.nowhere}
        self.prepared = True
        zones = list(self.zones.values())
        self.grid = self._laid(zones) if zones else self._empty()
        for listener in self.listeners:
            listener(self.grid)

    def settled(self) -> None:
        """Everybody has been placed by the new grid: nobody is in the places of the old one."""
        self._all.forget(place for place in self._left.values() if place is not self.nowhere)
        self._left = {}

    def close(self) -> None:
        """The map is no more, and nobody on it."""
        self.closed = True
        self._outdated()
        self._all.forget(self._places.values())
        self._places = {}

    def find(self, x: float, y: float) -> Place:
        """The place of a position; `lane.py` has the same steps inline."""
        if not self.prepared:
            self.prepare()
        per_px, left, top, columns, lines, cells, _, entries = self.grid
        column, line = int(x * per_px + left), int(y * per_px + top)
        inside = 0 <= column < columns and 0 <= line < lines
        entry = entries[cells[line * columns + column] if inside else 0]
        return entry.resolve(x, y) if isinstance(entry, Border) else entry

    def place(self, zones: frozenset[Zone]) -> Place:
        """The one place of this set of zones."""
        known = self._places.get(zones)
        if known is None:
            known = self._places[zones] = self._all.make(self, tuple(sorted(zones, key=lambda zone: zone.id)))
        return known

    def _outdated(self) -> None:
        self.prepared = False
        for listener in self.listeners:
            listener(None)

    def _laid(self, zones: list[Zone]) -> Grid:
        raster = rasterize([zone.outline for zone in zones])
        entries = tuple(
            self._entry(frozenset(zones[i] for i in kind.certain), tuple(zones[i] for i in kind.touched))
            for kind in raster.kinds
        )
        numbers = tuple(BORDER if isinstance(entry, Border) else float(entry.number) for entry in entries)
        return Grid(*raster[:-1], numbers, entries)

    def _empty(self) -> Grid:
        return Grid(0.0, 0.0, 0.0, 0, 0, b"", (float(self.nowhere.number),), (self.nowhere,))

    def _entry(self, certain: frozenset[Zone], touched: tuple[Zone, ...]) -> Place | Border:
        return Border(self, certain, touched) if touched else self.place(certain)


def positive(value: object) -> float:
    """A number above zero; 0.0 for everything else."""
    read = number(value)
    return read if isinstance(read, float) and read > 0 else 0.0
