"""One floor: a map with its scale and zones, and the lookup of the zones that contain a position."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from collector.location.geometry import Outline, corners_of, segments_of
from collector.location.raster import rasterize
from collector.metrics.values import number

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Mapping

MAX_ZONES = 500  # per map
NO_ROW = -1


class Zone:
    """A zone of a floor. `rows` holds the index of its row in the store for each kind of entity, or `NO_ROW`."""

    __slots__ = ("floor", "id", "limit", "listed_at", "name", "outline", "rows")

    def __init__(self, floor: Floor, zone_id: str, outline: Outline, kinds: int) -> None:
        self.floor = floor
        self.id = zone_id
        self.name = ""
        self.limit: float | None = None
        self.outline = outline
        self.rows = [NO_ROW] * kinds
        self.listed_at = 0.0  # when REST last listed it, monotonic


class ZoneSet:
    """A set of zones of one floor that contain the same position. There is one object per set, with a unique number."""

    __slots__ = ("floor", "number", "zones")

    def __init__(self, floor: Floor, zones: tuple[Zone, ...], number: int) -> None:
        self.floor = floor
        self.zones = zones
        self.number = number


class ZoneSets:
    """Every zone set that an entity may be in, by its number."""

    def __init__(self) -> None:
        self._by_number: dict[int, ZoneSet] = {}
        self._next = 0

    def make(self, floor: Floor, zones: tuple[Zone, ...]) -> ZoneSet:
        """Create a zone set."""
        zone_set = self._by_number[self._next] = ZoneSet(floor, zones, self._next)
        self._next += 1
        return zone_set

    def of(self, number: float) -> ZoneSet | None:
        """Return the zone set with this number; None if it was removed."""
        return self._by_number.get(int(number))

    def forget(self, zone_sets: Iterable[ZoneSet]) -> None:
        """Remove zone sets without entities."""
        for zone_set in zone_sets:
            del self._by_number[zone_set.number]


class BorderCell:
    """A grid cell that edges cross: the zones that contain all of it, and those to be tested for each position."""

    __slots__ = ("_certain", "_floor", "_tests", "_touched", "_zone_sets")

    def __init__(self, floor: Floor, certain: frozenset[Zone], touched: tuple[Zone, ...]) -> None:
        self._floor = floor
        self._certain = certain
        self._touched = touched
        self._tests = tuple((1 << bit, zone.outline.holds) for bit, zone in enumerate(touched))
        self._zone_sets: dict[int, ZoneSet] = {}

    def resolve(self, x: float, y: float) -> ZoneSet:
        """Return the zone set of a position (pixels) in the cell."""
        mask = 0
        for bit, holds in self._tests:
            if holds(x, y):
                mask |= bit
        zone_set = self._zone_sets.get(mask)
        if zone_set is None:
            inside = (zone for bit, zone in enumerate(self._touched) if mask & 1 << bit)
            zone_set = self._zone_sets[mask] = self._floor.zone_set(self._certain.union(inside))
        return zone_set


class Grid(NamedTuple):
    """The raster of a floor with its zone sets: `numbers` and `entries` by cell code.

    A number is that of the cell's zone set, or BORDER if the entry has to resolve the position.
    """

    per_px: float
    left: float
    top: float
    columns: int
    lines: int
    cells: bytes | array[int]
    numbers: tuple[float, ...]
    entries: tuple[ZoneSet | BorderCell, ...]


BORDER = -2.0  # neither the number of a zone set nor ABSENT


class Floor:
    """A map of a site. Lengths are map pixels unless named `_m`; `ppm` is pixels per metre, 0 when unknown.

    A floor exists from its first position or listing on. When zones change, `prepared` is False until `prepare` is
    called. Each of `listeners` is called with a new grid, or with None when the present one becomes invalid.
    """

    def __init__(self, map_id: str, site_id: str, org_id: str, index: int, zone_sets: ZoneSets) -> None:
        self.id = map_id
        self.site_id = site_id
        self.org_id = org_id
        self.index = index
        self.name = ""
        self.width = self.height = self.ppm = 0.0
        self.walls: tuple[tuple[float, float, float, float], ...] = ()
        self.zones: dict[str, Zone] = {}
        self.closed = False  # removed
        self.listed_at: float | None = None  # when REST last listed it, monotonic; None before that
        self.listeners: list[Callable[[Grid | None], None]] = []
        self._all = zone_sets
        self._zone_sets: dict[frozenset[Zone], ZoneSet] = {}
        self._previous: dict[frozenset[Zone], ZoneSet] = {}
        self.nowhere = self.zone_set(frozenset())
        self.grid = self._empty()
        self.prepared = True

    def describe(self, payload: Mapping[str, object]) -> None:
        """Apply a map object from REST. Without `ppm` the scale is computed from its width in both units."""
        name = payload.get("name")
        self.name = name if isinstance(name, str) else self.name
        self.width, self.height = positive(payload.get("width")), positive(payload.get("height"))
        width_m = positive(payload.get("width_m"))
        self.ppm = positive(payload.get("ppm")) or (self.width / width_m if width_m else 0.0)
        self.walls = segments_of(payload.get("wall_path"))

    def draw(self, zone_id: str, payload: Mapping[str, object], kinds: int) -> Zone | None:
        """Apply a zone object from REST; return None if it has no outline or there are too many zones."""
        corners = corners_of(payload.get("vertices"))
        zone = self.zones.get(zone_id)
        if corners is None or (zone is None and len(self.zones) >= MAX_ZONES):
            return None
        if zone is None:
            zone = self.zones[zone_id] = Zone(self, zone_id, Outline(corners), kinds)
            self._invalidate()
        elif zone.outline.corners != corners:
            zone.outline = Outline(corners)
            self._invalidate()
        name = payload.get("name")
        zone.name = name if isinstance(name, str) else ""
        if "occupancy_limit" in payload:
            zone.limit = positive(payload["occupancy_limit"]) or None
        return zone

    def prepare(self) -> None:
        """Compute the grid of the present zones. Zone sets of the old grid remain valid until `settled`."""
        self._previous, self._zone_sets = self._zone_sets, {frozenset(): self.nowhere}
        self.prepared = True
        zones = list(self.zones.values())
        self.grid = self._make_grid(zones) if zones else self._empty()
        for listener in self.listeners:
            listener(self.grid)

    def settled(self) -> None:
        """Drop the zone sets of the old grid, once every entity is assigned to the new one."""
        self._all.forget(zone_set for zone_set in self._previous.values() if zone_set is not self.nowhere)
        self._previous = {}

    def close(self) -> None:
        """Remove the map; no entity is on it."""
        self.closed = True
        self._invalidate()
        self._all.forget(self._zone_sets.values())
        self._zone_sets = {}

    def find(self, x: float, y: float) -> ZoneSet:
        """Return the zone set of a position; `floor_counters.reader` has the same steps inline."""
        if not self.prepared:
            self.prepare()
        per_px, left, top, columns, lines, cells, _, entries = self.grid
        column, line = int(x * per_px + left), int(y * per_px + top)
        inside = 0 <= column < columns and 0 <= line < lines
        entry = entries[cells[line * columns + column] if inside else 0]
        return entry.resolve(x, y) if isinstance(entry, BorderCell) else entry

    def zone_set(self, zones: frozenset[Zone]) -> ZoneSet:
        """Return the zone set of these zones."""
        known = self._zone_sets.get(zones)
        if known is None:
            known = self._zone_sets[zones] = self._all.make(self, tuple(sorted(zones, key=lambda zone: zone.id)))
        return known

    def _invalidate(self) -> None:
        self.prepared = False
        for listener in self.listeners:
            listener(None)

    def _make_grid(self, zones: list[Zone]) -> Grid:
        raster = rasterize([zone.outline for zone in zones])
        entries = tuple(
            self._entry(frozenset(zones[i] for i in kind.certain), tuple(zones[i] for i in kind.touched))
            for kind in raster.kinds
        )
        numbers = tuple(BORDER if isinstance(entry, BorderCell) else float(entry.number) for entry in entries)
        return Grid(*raster[:-1], numbers, entries)

    def _empty(self) -> Grid:
        return Grid(0.0, 0.0, 0.0, 0, 0, b"", (float(self.nowhere.number),), (self.nowhere,))

    def _entry(self, certain: frozenset[Zone], touched: tuple[Zone, ...]) -> ZoneSet | BorderCell:
        return BorderCell(self, certain, touched) if touched else self.zone_set(certain)


def positive(value: object) -> float:
    """Return a number above zero, 0.0 for everything else."""
    read = number(value)
    return read if isinstance(read, float) and read > 0 else 0.0
