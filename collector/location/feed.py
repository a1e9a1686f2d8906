"""The feed of floors: maps and zones as REST tells them, positions as channels and webhooks tell them, counts out.

Maps and zones are known from REST, for no channel speaks of them. A channel may speak of a map before REST did (in a
replay it is always so): its people are counted, in zones only once these are known. Positions by webhook are in
metres; they need the scale of the map, which REST tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from collector.catalog import location as tables
from collector.catalog.event_rules import StateUpdate
from collector.catalog.events import TABLES
from collector.errors import Rejected
from collector.feeds.event_places import SITE_FIELDS, first_text
from collector.feeds.feed import Feed
from collector.location.engine import Engine, labels_of
from collector.location.floor import Floor
from collector.location.heat import Heat
from collector.location.lane import Books, Lane, reader, way
from collector.location.named import NamedAssets
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
MAX_UNTOLD = 1000  # maps that events may name before REST does

_KINDS = {kind.name: number for number, kind in enumerate(tables.KINDS)}
_UNCONNECTED = _KINDS["unconnected_client"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What an operator may choose; see the section `location` of the configuration.

    `heat_cell_m` 0: no heat grid. `named_assets`: MAC addresses of assets with series of their own.
    """

    zones: bool = True
    webhook_positions: bool = True
    absent_after_s: float = 180.0
    max_entities: int = 1_000_000
    named_assets: tuple[str, ...] = ()
    heat_cell_m: float = 0.0
    heat_max_cells: int = 2000


class LocationFeed(Feed):
    """All floors. `to_unix` turns monotonic seconds into Unix ones; None where arrival has no meaning (a replay)."""

    name = "location"

    def __init__(
        self,
        store: Store,
        directories: Directories,
        options: Options | None = None,
        *,
        to_unix: Callable[[float], float] | None = None,
    ) -> None:
        self.options = options or Options()
        self._directories = directories
        self._to_unix = to_unix
        self.engine = Engine(store, absent_after_s=self.options.absent_after_s, limit=self.options.max_entities)
        self._books = Books(store, self.engine)
        self._set_shift()
        self._scales = CounterTable(store, tables.FLOOR)
        self._heat = Heat(store, self.options.heat_cell_m, self.options.heat_max_cells)
        self._named = NamedAssets(store, self.options.named_assets, self.options.absent_after_s)
        tell = self._named.watcher
        self._read = [reader(self._books, number, tell(kind)) for number, kind in enumerate(tables.KINDS)]
        self.floors: dict[str, Floor] = {}
        self._made = 0
        self._floor_of_zone: dict[str, Floor] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self.channels: Mapping[str, OpenChannel] = {
            kind.carries: partial(self._channel, number) for number, kind in enumerate(tables.KINDS)
        }
        self.rest: Mapping[str, RestHandler] = {"map": self._map, "zone": self._zone, "zone_definition": self._zone}

    # positions

    def _channel(self, kind: int, match: Match) -> ChannelHandler:
        """The handler of one channel: one kind on one map."""
        floor = self._floor(match.ids["map_id"], match.ids["site_id"], "")
        if floor is None:
            return lambda _payload, _now: TOO_MANY_MAPS
        return way(self._read[kind], self._lane(floor, kind))

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
        """Apply a position that came by webhook, in metres, at monotonic `now`."""
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
        return self._read[kind](self._lane(floor, kind), in_pixels, now)

    def _number(self, topic: str, kind: str, position: Position) -> int:
        """The number of the kind; the common topic calls "wifi" also those who are not connected."""
        unconnected = self.engine.populations[_UNCONNECTED].first
        ambiguous = topic == "location" and kind == "client"
        return _UNCONNECTED if ambiguous and key_of(position.who) in unconnected else _KINDS[kind]

    def _lane(self, floor: Floor, kind: int) -> Lane:
        lane = self._lanes.get((floor.id, kind))
        if lane is None:
            lane = self._lanes[floor.id, kind] = Lane(self._books, floor, kind)
        return lane

    def _floor_of(self, event: Mapping[str, Any]) -> Floor | None:
        """The map of an event. Some that only events speak of are known, too, to say that they have no scale."""
        map_id, site_id = event.get("map_id"), event.get("site_id")
        if not isinstance(map_id, str) or not isinstance(site_id, str) or not fits(map_id) or not fits(site_id):
            return None
        if map_id in self.floors:
            return self.floors[map_id]
        if sum(floor.told_at is None for floor in self.floors.values()) >= MAX_UNTOLD:
            return None
        floor = self._floor(map_id, site_id, "")
        if floor is not None:
            self._tell_scale(floor)
        return floor

    # maps and zones

    def _floor(self, map_id: str, site_id: str, org_id: str) -> Floor | None:
        floor = self.floors.get(map_id)
        if floor is None and len(self.floors) < MAX_FLOORS:
            site = self._directories.site(site_id)
            floor = Floor(map_id, site_id, org_id or (site.org_id if site else ""), self._made, self.engine.places)
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
        floor.told_at = now
        self._tell_scale(floor)
        if before and floor.ppm != before:
            self._heat.forget(labels_of(floor))
        return None

    def _tell_scale(self, floor: Floor) -> None:
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
        zone.told_at = now
        self._floor_of_zone[zone_id] = floor
        if new:
            for kind in range(len(tables.KINDS)):
                if (floor.id, kind) in self._lanes:
                    self.engine.row_of(zone, kind)
        return None

    def _remove_zones(self, floor: Floor, zone_ids: Iterable[str]) -> None:
        gone = [floor.zones.pop(zone_id) for zone_id in zone_ids]
        if not gone:
            return
        self.engine.place_anew(floor)
        for zone in gone:
            self.engine.erase(zone)
            self._floor_of_zone.pop(zone.id, None)

    def _close(self, floor: Floor) -> None:
        """The map is no more."""
        self.engine.close(floor)
        self._books.close(floor)
        self._heat.forget(labels_of(floor))
        self._scales.remove(labels_of(floor).__eq__)
        for kind in range(len(tables.KINDS)):
            self._lanes.pop((floor.id, kind), None)
        for zone_id in floor.zones:
            self._floor_of_zone.pop(zone_id, None)
        del self.floors[floor.id]

    def site_complete(self, kind: str, site_id: str, since: float) -> None:
        """Every map or zone ("zone_definition") of a site was told since monotonic `since`: the rest is no more."""
        floors = [floor for floor in self.floors.values() if floor.site_id == site_id]
        if kind == "map":
            for floor in floors:
                if floor.told_at is not None and floor.told_at < since:
                    self._close(floor)
        elif kind == "zone_definition":
            for floor in floors:
                self._remove_zones(floor, [zone.id for zone in floor.zones.values() if zone.told_at < since])

    def maps_of(self, site_id: str) -> list[str]:
        """The maps of a site as REST told them."""
        return [floor.id for floor in self.floors.values() if floor.site_id == site_id and floor.told_at is not None]

    def lines(self) -> list[FloorLine]:
        """The floors to pick from, for the operator's page."""
        return lines_of(self)

    def view(self, map_id: str) -> FloorView | None:
        """A floor as it is now, for the same page; None when there is no such map."""
        return view_of(self, map_id)

    def maps(self) -> set[tuple[str, str]]:
        """Every map that REST told: its site and its id."""
        return {(floor.site_id, floor.id) for floor in self.floors.values() if floor.told_at is not None}

    # as a feed

    def name_of(self, kind: str, identity: str) -> str:
        """Return the name of a map or zone."""
        if kind == "map":
            floor = self.floors.get(identity)
            return floor.name if floor is not None else ""
        floor = self._floor_of_zone.get(identity) if kind == "zone" else None
        return floor.zones[identity].name if floor is not None else ""

    def computed(self) -> tuple[Entity, ...]:
        """What is counted here."""
        return (*tables.AGGREGATES, *tables.OPTIONAL)

    def changed(self, changes: Changes) -> None:
        """Floors go with their site."""
        sites = {site.id for site in changes.sites_removed}
        if sites:
            for floor in [floor for floor in self.floors.values() if floor.site_id in sites]:
                self._close(floor)

    def sweep(self, now: float) -> Iterator[int]:
        """Who was not heard of for long is absent; drawings that changed are prepared."""
        self._set_shift()
        for floor in list(self.floors.values()):
            if floor.zones and not floor.prepared and not floor.closed:
                self.engine.place_anew(floor)
                yield 0
        yield from self.engine.sweep(now)
        yield self._named.sweep(now)
        yield from self._heat.sweep(self.floors.values(), self.engine.populations)

    def _set_shift(self) -> None:
        """Clocks drift apart: look at both from time to time rather than at each position."""
        self._books.shift = self._to_unix(0.0) if self._to_unix is not None else NAN
