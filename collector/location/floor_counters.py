"""Applying one position, for one kind on one floor: the hot path of location streams.

`read` runs for each position, hundreds of thousands of times per minute. It looks up the entity by hash and the zones
in the floor's grid, and does nothing else unless they changed. What a kind has in common is bound in the function; what
a floor has of its own is stored contiguously in `FloorCounters`, because with hundreds of floors and hundreds of
thousands of entities CPU cache misses dominate. An address is hashed as received; only if the hash is unknown is its
notation normalized.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

import msgspec

from collector.catalog import location as tables
from collector.errors import Rejected
from collector.location.floor import BorderCell
from collector.location.occupancy import labels_of
from collector.location.population import FULL, REPORTED, SALT, ZONE_SET, X, Y, key_of
from collector.location.positions import NO_IDENTITY, Position, struct_of, tolerant
from collector.metrics.counter_table import CounterTable
from collector.metrics.model import Histogram
from collector.metrics.store import NAN
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from collector.feeds.feed import ChannelHandler
    from collector.location.floor import Floor, Grid
    from collector.location.occupancy import Occupancy
    from collector.location.population import Population
    from collector.metrics.model import Entity
    from collector.metrics.store import Store

    ReadPosition: TypeAlias = Callable[["FloorCounters", object, float], Rejected | None]
    OnPosition: TypeAlias = Callable[["FloorCounters", "Position", float], None]

CLOSED_MAP = Rejected("unknown_map")
OUT_OF_ORDER = Rejected("out_of_order")
TOO_MANY = Rejected("too_many_entities")
LATEST = struct.Struct("3d").pack_into  # LAST_SEEN, X, Y: the first numbers of an entity
WRITE_STEP = 500  # floors and kinds; some milliseconds
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, TypeError)


class LocationCounters:
    """Counters of all floors beside occupancy. `shift` converts monotonic to Unix seconds; NaN when it is unknown."""

    def __init__(self, store: Store, occupancy: Occupancy) -> None:
        self.occupancy = occupancy
        self.shift = NAN
        table = occupancy.map_rows.table
        self.values = table.values
        self.received = table.column("mist_map_positions_received_total")
        self.last = table.column("mist_map_last_position_timestamp_seconds")
        self.touched: list[FloorCounters] = []  # that have counted since they were last flushed
        store.flush_hooks.append(self.flush)
        self.aps, self.ages, self.rssi = (
            CounterTable(store, entity) for entity in (tables.FLOOR_APS, tables.FLOOR_AGE, tables.FLOOR_RSSI)
        )

    def flush(self) -> Iterator[int]:
        """Write pending counts into the store, in steps."""
        while self.touched:
            some = self.touched[-WRITE_STEP:]
            del self.touched[-WRITE_STEP:]
            for counters in some:
                counters.flush(self)
            yield len(some)

    def close(self, floor: Floor) -> None:
        """Remove the rows of a floor."""
        labels = labels_of(floor)
        for tally in (self.aps, self.ages, self.rssi):
            tally.remove(lambda values: values[:3] == labels)


class FloorCounters:
    """The state that a position of one kind on one floor needs. A column of -1 means that it is not counted.

    Positions, their ages and numbers of APs are counted here and written into the store before a scrape.
    """

    __slots__ = (
        "age_at",
        "age_s",
        "ages",
        "aps",
        "aps_at",
        "aps_beyond",
        "cells",
        "columns",
        "entries",
        "floor",
        "last_at",
        "last_seen",
        "left",
        "lines",
        "numbers",
        "per_px",
        "ready",
        "received_at",
        "rssi_at",
        "taken",
        "top",
    )  # fmt: skip

    def __init__(self, all_counters: LocationCounters, floor: Floor, kind: int) -> None:
        self.floor = floor
        spec, labels, rows = tables.KINDS[kind], labels_of(floor), all_counters.occupancy.map_rows
        start = rows.row((*labels, spec.name)) * rows.table.width
        self.received_at, self.last_at = start + all_counters.received, start + all_counters.last
        self.aps_at = first_bucket(all_counters.aps, (*labels, spec.name)) if spec.has_aps else -1
        self.age_at = first_bucket(all_counters.ages, (*labels, spec.name)) if spec.has_time else -1
        self.rssi_at = first_bucket(all_counters.rssi, labels) if spec.has_rssi else -1
        self._reset()
        for zone in floor.zones.values():
            all_counters.occupancy.row_of(zone, kind)
        floor.listeners.append(self.use_grid)
        self.use_grid(floor.grid)
        self.ready = floor.prepared  # zones may have changed since that grid was made

    def _reset(self) -> None:
        self.taken, self.last_seen, self.age_s = 0, NAN, 0.0
        self.ages = [0] * AGE_SUM
        self.aps, self.aps_beyond = [0] * (APS_KNOWN + 1), 0  # by number of APs, the last: more; and their sum

    def flush(self, all_counters: LocationCounters) -> None:
        """Add the pending counts to the store and reset them."""
        if not self.floor.closed:
            values = all_counters.values
            values[self.received_at] += self.taken
            values[self.last_at] = self.last_seen + all_counters.shift
            add_counts(all_counters.ages.table.values, self.age_at, [*self.ages, self.age_s])
            add_counts(all_counters.aps.table.values, self.aps_at, self._by_bucket())
        self._reset()

    def _by_bucket(self) -> list[float]:
        """Return the number of positions by number of APs, per bucket, and the sum."""
        counts = [0.0] * (len(APS_BOUNDS) + 2)
        for number, count in enumerate(self.aps):
            counts[bisect_left(APS_BOUNDS, number)] += count
        counts[-1] = sum(number * count for number, count in enumerate(self.aps[:-1])) + self.aps_beyond
        return counts

    def use_grid(self, grid: Grid | None) -> None:
        """Use this grid for lookups from now on; None until there is a new one."""
        self.ready = grid is not None
        if grid is not None:
            self.per_px, self.left, self.top, self.columns, self.lines = grid[:5]
            self.cells, self.numbers, self.entries = grid[5:]


def add_counts(values: array[float], offset: int, counts: list[float]) -> None:
    """Add counts to the consecutive cells from `offset` on; do nothing if that is -1."""
    if offset >= 0:
        for at, count in enumerate(counts, offset):
            values[at] += count


def first_bucket(tally: CounterTable, labels: tuple[str, ...]) -> int:
    """Return the index of the first bucket of the row with these labels."""
    return tally.row(labels) * tally.table.width + tally.table.column(tally.table.entity.families[0].name)


def reader(all_counters: LocationCounters, kind: int, on_position: OnPosition | None = None) -> ReadPosition:  # noqa: C901 - as `read` in it
    """Make the function that applies positions of one kind: `read(counters, payload, now)`, `now` monotonic.

    The payload is that of a channel (text or parsed) or a `Position` in pixels. The function returns None when the
    position was applied or repeats a known one, otherwise the reason of its rejection. `on_position` is called with
    applied positions.
    """
    spec, population = tables.KINDS[kind], all_counters.occupancy.populations[kind]
    shape = struct_of(spec)
    from_text, first_of, numbers = msgspec.json.Decoder(shape).decode, population.offsets.get, population.numbers
    touched, pack, of_rssi = all_counters.touched.append, LATEST, all_counters.rssi.table.values

    def read(counters: FloorCounters, payload: object, now: float) -> Rejected | None:  # noqa: C901, PLR0912 - each call would cost
        try:
            position = payload if type(payload) is Position else from_text(payload)  # type: ignore[arg-type]
        except _UNREADABLE:
            return apply_all(read, counters, parse_slow(spec, shape, payload), now)
        x, y = position.x, position.y
        seen, aps = position.seen, position.aps
        offset: Any = first_of(hash(SALT + position.who))
        if offset is None or not counters.ready:
            offset = admitted(all_counters.occupancy, population, counters.floor, position.who, is_mac=spec.has_mac)
            if isinstance(offset, Rejected):
                return offset
        if seen:
            reported = numbers[offset + REPORTED]
            if seen <= reported and not is_later(
                all_counters.occupancy, population, offset, (counters.floor.id, x, y), seen
            ):
                return OUT_OF_ORDER if seen < reported else None
            numbers[offset + REPORTED] = seen
        column, line = int(x * counters.per_px + counters.left), int(y * counters.per_px + counters.top)
        code = (
            counters.cells[line * counters.columns + column]
            if 0 <= column < counters.columns and 0 <= line < counters.lines
            else 0
        )
        if counters.numbers[code] != numbers[offset + ZONE_SET]:
            entry = counters.entries[code]
            zone_set = entry.resolve(x, y) if isinstance(entry, BorderCell) else entry
            if zone_set.number != numbers[offset + ZONE_SET]:
                all_counters.occupancy.move(kind, offset, zone_set, now, seen)
        pack(numbers, offset * 8, now, x, y)
        if not counters.taken:
            touched(counters)
        counters.taken, counters.last_seen = counters.taken + 1, now
        if seen:
            age = now + all_counters.shift - seen
            if age == age:  # noqa: PLR0124 - NaN where the time is unknown
                counters.ages[bisect_left(AGE_BOUNDS, age)] += 1
                counters.age_s += age if age > 0.0 else 0.0  # noqa: FURB136 - as `max`, without the call
        if aps is not None:
            counters.aps[aps if aps < APS_KNOWN else APS_KNOWN] += 1  # noqa: FURB136 - the same
            if aps >= APS_KNOWN:
                counters.aps_beyond += aps
        if position.rssi is not None and counters.rssi_at >= 0:
            observe(of_rssi, counters.rssi_at, RSSI_BOUNDS, position.rssi)
        if on_position is not None:
            on_position(counters, position, now)
        return None

    # A code object per kind: the interpreter's inline caches (of its struct, above all) are valid at every call.
    return cast("ReadPosition", FunctionType(read.__code__.replace(), globals(), "read", None, read.__closure__))


def admitted(occupancy: Occupancy, population: Population, floor: Floor, who: str, *, is_mac: bool) -> int | Rejected:
    """Return the offset of an entity whose hash is unknown: new, or known in another notation.

    Also called if the floor is not ready: its zones changed, or it was removed.
    """
    if floor.closed:
        return CLOSED_MAP
    if not floor.prepared:
        occupancy.reassign(floor)
    name = mac_of(who) if is_mac else who.lower()
    if not name:
        return NO_IDENTITY
    key = key_of(name)
    offset = population.offsets.get(key)
    if offset is None:
        offset = population.add(key)
    return TOO_MANY if offset == FULL else offset


def is_later(
    occupancy: Occupancy, population: Population, offset: int, position: tuple[str, float, float], seen: float
) -> bool:
    """Return whether a position that is not newer than the last one counts: of two with equal times the greater one.

    Any order of the same positions thus has the same result.
    """
    numbers = population.numbers
    before = occupancy.zone_sets.of(numbers[offset + ZONE_SET])
    if seen < numbers[offset + REPORTED] or before is None:
        return False
    return position > (before.floor.id, numbers[offset + X], numbers[offset + Y])


def observe(values: array[float], offset: int, bounds: tuple[float, ...], value: float) -> None:
    """Add an observation to the histogram whose first bucket is at `offset`."""
    values[offset + bisect_left(bounds, value)] += 1.0
    values[offset + len(bounds) + 1] += value


def parse_slow(spec: tables.LocatedKind, shape: type[Position], payload: object) -> list[Position] | Rejected:
    """Parse a payload that is not the text of one position: a parsed object, or one that needs the tolerant parser."""
    if isinstance(payload, str):
        return tolerant(spec, payload)
    try:
        one = msgspec.convert(payload, shape)
    except _UNREADABLE:
        return tolerant(spec, payload)
    return [Position(one.who, one.x, one.y, one.seen, one.aps, one.rssi)]


def apply_all(
    read: ReadPosition, counters: FloorCounters, positions: list[Position] | Rejected, now: float
) -> Rejected | None:
    """ChannelHandler several positions; rejected only if every one of them is."""
    if isinstance(positions, Rejected):
        return positions
    outcomes = [read(counters, position, now) for position in positions]
    refused = [outcome for outcome in outcomes if outcome is not None]
    return refused[0] if len(refused) == len(outcomes) else None


def handler_of(read: ReadPosition, counters: FloorCounters) -> ChannelHandler:
    """Return the handler of a channel."""
    return MethodType(read, counters)


def bounds_of(entity: Entity) -> tuple[float, ...]:
    """Return the bounds of the only histogram of an entity."""
    (histogram,) = (family for family in entity.families if isinstance(family, Histogram))
    return histogram.bounds


APS_BOUNDS, AGE_BOUNDS, RSSI_BOUNDS = map(bounds_of, (tables.FLOOR_APS, tables.FLOOR_AGE, tables.FLOOR_RSSI))
AGE_SUM = len(AGE_BOUNDS) + 1
APS_KNOWN = int(APS_BOUNDS[-1]) + 1  # numbers of APs with a counter of their own
