"""The feed of positions: maps and zones from REST, positions from channels and webhooks; occupancy and dwell time out.

Only REST provides maps and zones. Positions of a map that REST has not listed yet (always the case in a replay) are
counted on the map, and in zones once these are known. Positions from webhooks are in metres and need the scale of the
map, which REST provides.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from collector.catalog import location as tables
from collector.catalog.event_rules import StateUpdate
from collector.catalog.events import TABLES
from collector.config.location import LocationConfig
from collector.errors import Rejected
from collector.feeds.event_places import SITE_FIELDS, first_text
from collector.feeds.feed import Feed
from collector.location.floor import Floor
from collector.location.floor_counters import FloorCounters, LocationCounters, handler_of, reader
from collector.location.heat_map import HeatMap
from collector.location.named_assets import NamedAssets
from collector.location.occupancy import Occupancy, labels_of
from collector.location.population import key_of
from collector.location.positions import Position, normal
from collector.location.view import lines_of, view_of
from collector.metrics.counter_table import CounterTable
from collector.metrics.store import NAN
from collector.mist.channels import fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from collector.feeds.feed import ChannelHandler, OpenChannel, RestHandler, TopicEvent, TopicHandler
    from collector.floors import FloorLine, FloorView
    from collector.metrics.model import Entity
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NO_IDENTITY = Rejected("no_identity")
NO_OUTLINE = Rejected("no_outline")
NO_SCALE = Rejected("no_scale")
UNKNOWN_SITE = Rejected("unknown_site")
UNKNOWN_MAP = Rejected("unknown_map")
UNKNOWN_TYPE = Rejected("unknown_type")
TOO_MANY_MAPS = Rejected("too_many_maps")
MAX_FLOORS = 50_000
MAX_UNLISTED = 1000  # maps that events may name before REST lists them

_KINDS = {kind.name: number for number, kind in enumerate(tables.KINDS)}
_UNCONNECTED = _KINDS["unconnected_client"]


class LocationFeed(Feed):
    """Applies maps, zones and positions of all floors.

    Args:
        options: section `location` of the configuration; by default everything that needs no choice, and positions from
            webhooks.
        to_unix: converts monotonic to Unix seconds; None where the time of arrival has no meaning (a replay).
    """

    name = "location"

    def __init__(
        self,
        store: Store,
        directories: Directories,
        options: LocationConfig | None = None,
        *,
        to_unix: Callable[[float], float] | None = None,
    ) -> None:
        self.options = options or LocationConfig(webhook_positions=True)
        self._directories = directories
        self._to_unix = to_unix
        self.occupancy = Occupancy(store, absent_after_s=self.options.absent_after_s, limit=self.options.max_entities)
        self._counters = LocationCounters(store, self.occupancy)
        self._set_shift()
        self._scales = CounterTable(store, tables.FLOOR)
        self._heat_map = HeatMap(store, self.options.heat_grid.cell_m, self.options.heat_grid.max_cells)
        self._named = NamedAssets(store, self.options.named_assets, self.options.absent_after_s)
        on_position = self._named.watcher
        self._read = [reader(self._counters, number, on_position(kind)) for number, kind in enumerate(tables.KINDS)]
        self.floors: dict[str, Floor] = {}
        self._made = 0
        self._floor_of_zone: dict[str, Floor] = {}
        self._floor_counters: dict[tuple[str, int], FloorCounters] = {}
        self.channels: Mapping[str, OpenChannel] = {
            kind.carries: partial(self._channel, number) for number, kind in enumerate(tables.KINDS)
        }
        self.rest: Mapping[str, RestHandler] = {"map": self._map, "zone": self._zone, "zone_definition": self._zone}

    # positions

    def _channel(self, kind: int, match: Match) -> ChannelHandler:
        """Return the handler of one channel: one kind on one map."""
        floor = self._floor(match.ids["map_id"], match.ids["site_id"], "")
        if floor is None:
            return lambda _payload, _now: TOO_MANY_MAPS
        return handler_of(self._read[kind], self._counters_of(floor, kind))

    def topic(self, name: str) -> TopicHandler | None:
        """Return the handler of a topic with positions."""
        table = TABLES.get(name)
        if table is None or table.updates is not StateUpdate.POSITION:
            return None

        def apply(event: TopicEvent) -> Rejected | None:
            site_id = first_text(event.payload, SITE_FIELDS)
            if not self._directories.empty and self._directories.site(site_id) is None:
                return UNKNOWN_SITE  # no inventory would report the end of what it leaves on maps
            return self.event(name, event.payload, event.now)

        return apply

    def event(self, topic: str, event: Mapping[str, Any], now: float) -> Rejected | None:
        """Apply a position from a webhook, in metres, at monotonic `now`."""
        if not self.options.webhook_positions:
            return None
        kind = tables.kind_of_topic(topic, event.get("type"))
        if kind is None:
            return UNKNOWN_TYPE
        floor = self._floor_of(event)
        if floor is None:
            return UNKNOWN_MAP
        position = normal(event, tables.KINDS[_KINDS[kind]].id_field, "timestamp")
        if isinstance(position, Rejected):
            return position
        if not floor.ppm:
            self._scales.add(labels_of(floor), self._scales.table.column("mist_map_unscaled_positions_total"))
            return NO_SCALE
        return self._take(floor, self._number(topic, kind, position), position, now)

    def _take(self, floor: Floor, kind: int, position: Position, now: float) -> Rejected | None:
        in_pixels = Position(position.who, position.x * floor.ppm, position.y * floor.ppm, position.seen)
        return self._read[kind](self._counters_of(floor, kind), in_pixels, now)

    def _number(self, topic: str, kind: str, position: Position) -> int:
        """Return the number of the kind; the common topic reports unconnected clients as "wifi", too."""
        unconnected = self.occupancy.populations[_UNCONNECTED].offsets
        ambiguous = topic == "location" and kind == "client"
        return _UNCONNECTED if ambiguous and key_of(position.who) in unconnected else _KINDS[kind]

    def _counters_of(self, floor: Floor, kind: int) -> FloorCounters:
        counters = self._floor_counters.get((floor.id, kind))
        if counters is None:
            counters = self._floor_counters[floor.id, kind] = FloorCounters(self._counters, floor, kind)
        return counters

    def _floor_of(self, event: Mapping[str, Any]) -> Floor | None:
        """Return the map of an event.

        Maps that only events name are kept up to a limit, to report the missing scale.
        """
        map_id, site_id = event.get("map_id"), event.get("site_id")
        if not isinstance(map_id, str) or not isinstance(site_id, str) or not fits(map_id) or not fits(site_id):
            return None
        if map_id in self.floors:
            return self.floors[map_id]
        if sum(floor.listed_at is None for floor in self.floors.values()) >= MAX_UNLISTED:
            return None
        floor = self._floor(map_id, site_id, "")
        if floor is not None:
            self._write_scale(floor)
        return floor

    # maps and zones

    def _floor(self, map_id: str, site_id: str, org_id: str) -> Floor | None:
        floor = self.floors.get(map_id)
        if floor is None and len(self.floors) < MAX_FLOORS:
            site = self._directories.site(site_id)
            floor = Floor(
                map_id, site_id, org_id or (site.org_id if site else ""), self._made, self.occupancy.zone_sets
            )
            self.floors[map_id] = floor
            self._made += 1
        return floor

    def _map(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        map_id = payload.get("id")
        if not isinstance(map_id, str) or not map_id:
            return NO_IDENTITY
        floor = self._floor(map_id, ids.get("site_id", ""), ids.get("org_id", ""))
        if floor is None:
            return TOO_MANY_MAPS
        before = floor.ppm
        floor.describe(payload)
        floor.listed_at = now
        self._write_scale(floor)
        if before and floor.ppm != before:
            self._heat_map.forget(labels_of(floor))
        return None

    def _write_scale(self, floor: Floor) -> None:
        row = self._scales.row(labels_of(floor))
        self._scales.table.set(row, self._scales.table.column("mist_map_scale_known"), float(floor.ppm > 0))

    def _zone(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        zone_id, map_id = payload.get("id"), payload.get("map_id")
        if not self.options.zones:
            return None
        if not isinstance(zone_id, str) or not zone_id or not isinstance(map_id, str) or not map_id:
            return NO_IDENTITY
        floor = self._floor(map_id, ids.get("site_id", ""), ids.get("org_id", ""))
        if floor is None:
            return TOO_MANY_MAPS
        if self._floor_of_zone.get(zone_id, floor) is not floor:
            self._remove_zones(self._floor_of_zone[zone_id], [zone_id])
        new = zone_id not in floor.zones
        zone = floor.draw(zone_id, payload, len(tables.KINDS))
        if zone is None:
            return NO_OUTLINE
        zone.listed_at = now
        self._floor_of_zone[zone_id] = floor
        if new:
            for kind in range(len(tables.KINDS)):
                if (floor.id, kind) in self._floor_counters:
                    self.occupancy.row_of(zone, kind)
        return None

    def _remove_zones(self, floor: Floor, zone_ids: Iterable[str]) -> None:
        gone = [floor.zones.pop(zone_id) for zone_id in zone_ids]
        if not gone:
            return
        self.occupancy.reassign(floor)
        for zone in gone:
            self.occupancy.erase(zone)
            self._floor_of_zone.pop(zone.id, None)

    def _close(self, floor: Floor) -> None:
        """Remove a map."""
        self.occupancy.close(floor)
        self._counters.close(floor)
        self._heat_map.forget(labels_of(floor))
        self._scales.remove(labels_of(floor).__eq__)
        for kind in range(len(tables.KINDS)):
            self._floor_counters.pop((floor.id, kind), None)
        for zone_id in floor.zones:
            self._floor_of_zone.pop(zone_id, None)
        del self.floors[floor.id]

    def site_complete(self, kind: str, site_id: str, since: float) -> None:
        """Remove the maps or zones ("zone_definition") of a site that were not listed since monotonic `since`."""
        floors = [floor for floor in self.floors.values() if floor.site_id == site_id]
        if kind == "map":
            for floor in floors:
                if floor.listed_at is not None and floor.listed_at < since:
                    self._close(floor)
        elif kind == "zone_definition":
            for floor in floors:
                self._remove_zones(floor, [zone.id for zone in floor.zones.values() if zone.listed_at < since])

    def maps_of(self, site_id: str) -> list[str]:
        """Return the maps of a site that REST listed."""
        return [floor.id for floor in self.floors.values() if floor.site_id == site_id and floor.listed_at is not None]

    def lines(self) -> list[FloorLine]:
        """Return the list of floors for the floor page."""
        return lines_of(self)

    def view(self, map_id: str) -> FloorView | None:
        """Return the present state of a floor for the floor page; None when there is no such map."""
        return view_of(self, map_id)

    def maps(self) -> set[tuple[str, str]]:
        """Return (site id, map id) of every map that REST listed."""
        return {(floor.site_id, floor.id) for floor in self.floors.values() if floor.listed_at is not None}

    # as a feed

    def computed(self) -> tuple[Entity, ...]:
        """Return the entities that are computed here."""
        return (*tables.AGGREGATES, *tables.OPTIONAL)

    def changed(self, changes: Changes) -> None:
        """Remove the floors of removed sites."""
        sites = {site.id for site in changes.sites_removed}
        if sites:
            for floor in [floor for floor in self.floors.values() if floor.site_id in sites]:
                self._close(floor)

    def sweep(self, now: float) -> Iterator[int]:
        """Mark entities without a recent position as absent; prepare floors whose zones changed."""
        self._set_shift()
        for floor in list(self.floors.values()):
            if floor.zones and not floor.prepared and not floor.closed:
                self.occupancy.reassign(floor)
                yield 0
        yield from self.occupancy.sweep(now)
        yield self._named.sweep(now)
        yield from self._heat_map.sweep(self.floors.values(), self.occupancy.populations)

    def _set_shift(self) -> None:
        """Update the offset between the clocks, which drift: cheaper from time to time than at each position."""
        self._counters.shift = self._to_unix(0.0) if self._to_unix is not None else NAN
