"""The way of one position, for one kind on one floor: the hot path of location streams.

`read` is called for each position, hundreds of thousands of times a minute; it looks the person up by hash, the zones
up in the floor's grid, and does nothing else unless they changed. What the kind has in common is bound in the function,
what the floor has of its own stands side by side in a `Lane`: with hundreds of floors and hundred thousands of people
it is the processor's cache that costs. An address is hashed as it came: only where that hash is unknown, its notation
is made normal.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

import msgspec

from collector.catalog import location as tables
from collector.errors import Rejected
from collector.location.engine import labels_of
from collector.location.floor import Border
from collector.location.population import FULL, PLACE, SALT, TOLD, X, Y, key_of
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
    from collector.location.engine import Engine
    from collector.location.floor import Floor, Grid
    from collector.location.population import Population
    from collector.metrics.model import Entity
    from collector.metrics.store import Store

    Read: TypeAlias = Callable[["Lane", object, float], Rejected | None]
    Tell: TypeAlias = Callable[["Lane", "Position", float], None]

CLOSED_MAP = Rejected("unknown_map")
OUT_OF_ORDER = Rejected("out_of_order")
TOO_MANY = Rejected("too_many_entities")
LATEST = struct.Struct("3d").pack_into  # HEARD, X, Y: the first numbers of somebody
WRITE_STEP = 500  # lanes: some milliseconds
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, TypeError)


class Books:
    """What lanes count beside the engine. `shift` is what turns monotonic seconds into Unix ones; NaN: unknown."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self.engine = engine
        self.shift = NAN
        table = engine.map_rows.table
        self.values = table.values
        self.received = table.column("mist_map_positions_received_total")
        self.last = table.column("mist_map_last_position_timestamp_seconds")
        self.touched: list[Lane] = []  # lanes that have counted since they were last written down
        store.unwritten.append(self.write_down)
        self.aps, self.ages, self.rssi = (
            CounterTable(store, entity) for entity in (tables.FLOOR_APS, tables.FLOOR_AGE, tables.FLOOR_RSSI)
        )

    def write_down(self) -> Iterator[int]:
        """Write what lanes have counted into the store, so many in one go."""
        while self.touched:
            some = self.touched[-WRITE_STEP:]
            del self.touched[-WRITE_STEP:]
            for lane in some:
                lane.write_down(self)
            yield len(some)

    def close(self, floor: Floor) -> None:
        """The floor is no more."""
        labels = labels_of(floor)
        for tally in (self.aps, self.ages, self.rssi):
            tally.remove(lambda values: values[:3] == labels)


class Lane:
    """One kind on one floor: what a position needs of both, side by side. Where a column is -1 nothing is counted.

    Positions, their ages and numbers of APs are counted here, and written into the store before a scrape.
    """

    __slots__ = (
        "age_at", "age_s", "ages", "aps", "aps_at", "aps_beyond", "cells", "columns", "entries", "floor", "heard",
        "last_at", "left", "lines", "numbers", "per_px", "ready", "received_at", "rssi_at", "taken", "top",
    )  # fmt: skip

    def __init__(self, books: Books, floor: Floor, kind: int) -> None:
        self.floor = floor
        spec, labels, rows = tables.KINDS[kind], labels_of(floor), books.engine.map_rows
        start = rows.row((*labels, spec.name)) * rows.table.width
        self.received_at, self.last_at = start + books.received, start + books.last
        self.aps_at = first_bucket(books.aps, (*labels, spec.name)) if spec.has_aps else -1
        self.age_at = first_bucket(books.ages, (*labels, spec.name)) if spec.has_time else -1
        self.rssi_at = first_bucket(books.rssi, labels) if spec.has_rssi else -1
        self._begin()
        for zone in floor.zones.values():
            books.engine.row_of(zone, kind)
        floor.listeners.append(self.adopt)
        self.adopt(floor.grid)
        self.ready = floor.prepared  # zones may have been drawn since that grid was laid

    def _begin(self) -> None:
        self.taken, self.heard, self.age_s = 0, NAN, 0.0
        self.ages = [0] * AGE_SUM
        self.aps, self.aps_beyond = [0] * (APS_KNOWN + 1), 0  # by their number, the last: more; and their sum

    def write_down(self, books: Books) -> None:
        """Write what was counted into the store, and begin anew."""
        if not self.floor.closed:
            values = books.values
            values[self.received_at] += self.taken
            values[self.last_at] = self.heard + books.shift
            add_up(books.ages.table.values, self.age_at, [*self.ages, self.age_s])
            add_up(books.aps.table.values, self.aps_at, self._by_bucket())
        self._begin()

    def _by_bucket(self) -> list[float]:
        """How many positions had how many APs, by bucket; and the sum."""
        counts = [0.0] * (len(APS_BOUNDS) + 2)
        for number, count in enumerate(self.aps):
            counts[bisect_left(APS_BOUNDS, number)] += count
        counts[-1] = sum(number * count for number, count in enumerate(self.aps[:-1])) + self.aps_beyond
        return counts

    def adopt(self, grid: Grid | None) -> None:
        """From now on positions are looked up in this grid; None: not before there is a new one."""
        self.ready = grid is not None
        if grid is not None:
            self.per_px, self.left, self.top, self.columns, self.lines = grid[:5]
            self.cells, self.numbers, self.entries = grid[5:]


def add_up(values: array[float], first: int, counts: list[float]) -> None:
    """Add counts to those that stand side by side from `first` on; nothing where that is -1."""
    if first >= 0:
        for at, count in enumerate(counts, first):
            values[at] += count


def first_bucket(tally: CounterTable, labels: tuple[str, ...]) -> int:
    """Where the first bucket of the row with these labels stands."""
    return tally.row(labels) * tally.table.width + tally.table.column(tally.table.entity.families[0].name)


def reader(books: Books, kind: int, tell: Tell | None = None) -> Read:  # noqa: C901 - as `read` in it
    """Make the way in of one kind: `read(lane, payload, now)`, `now` monotonic.

    The payload is that of a channel (text, or parsed already), or a `Position` in pixels. Returns None when a position
    was taken or says nothing new, else why it was refused. `tell` learns of those that were taken.
    """
    spec, people = tables.KINDS[kind], books.engine.populations[kind]
    shape = struct_of(spec)
    from_text, first_of, numbers = msgspec.json.Decoder(shape).decode, people.first.get, people.numbers
    touched, pack, of_rssi = books.touched.append, LATEST, books.rssi.table.values

    def read(lane: Lane, payload: object, now: float) -> Rejected | None:  # noqa: C901, PLR0912 - each call would cost
        try:
            position = payload if type(payload) is Position else from_text(payload)  # type: ignore[arg-type]
        except _UNREADABLE:
            return taken_of(read, lane, slowly(spec, shape, payload), now)
        x, y = position.x, position.y
        seen, aps = position.seen, position.aps
        first: Any = first_of(hash(SALT + position.who))
        if first is None or not lane.ready:
            first = admitted(books.engine, people, lane.floor, position.who, is_mac=spec.has_mac)
            if isinstance(first, Rejected):
                return first
        if seen:
            told = numbers[first + TOLD]
            if seen <= told and not is_later(books.engine, people, first, (lane.floor.id, x, y), seen):
                return OUT_OF_ORDER if seen < told else None
            numbers[first + TOLD] = seen
        column, line = int(x * lane.per_px + lane.left), int(y * lane.per_px + lane.top)
        code = lane.cells[line * lane.columns + column] if 0 <= column < lane.columns and 0 <= line < lane.lines else 0
        if lane.numbers[code] != numbers[first + PLACE]:
            entry = lane.entries[code]
            place = entry.resolve(x, y) if isinstance(entry, Border) else entry
            if place.number != numbers[first + PLACE]:
                books.engine.move(kind, first, place, now, seen)
        pack(numbers, first * 8, now, x, y)
        if not lane.taken:
            touched(lane)
        lane.taken, lane.heard = lane.taken + 1, now
        if seen:
            age = now + books.shift - seen
            if age == age:  # noqa: PLR0124 - NaN where the time is unknown
                lane.ages[bisect_left(AGE_BOUNDS, age)] += 1
                lane.age_s += age if age > 0.0 else 0.0  # noqa: FURB136 - as `max`, without the call
        if aps is not None:
            lane.aps[aps if aps < APS_KNOWN else APS_KNOWN] += 1  # noqa: FURB136 - the same
            if aps >= APS_KNOWN:
                lane.aps_beyond += aps
        if position.rssi is not None and lane.rssi_at >= 0:
            observe(of_rssi, lane.rssi_at, RSSI_BOUNDS, position.rssi)
        if tell is not None:
            tell(lane, position, now)
        return None

    # A kind's own code object: what the interpreter learns of it (its struct, above all) is true at every call.
    return cast("Read", FunctionType(read.__code__.replace(), globals(), "read", None, read.__closure__))


def admitted(engine: Engine, people: Population, floor: Floor, who: str, *, is_mac: bool) -> int | Rejected:
    """Where the numbers begin of somebody whose hash is unknown (new, or known in another notation).

    Also where the floor is not ready: its zones were drawn anew, or it is no more.
    """
    if floor.closed:
        return CLOSED_MAP
    if not floor.prepared:
        engine.place_anew(floor)
    name = mac_of(who) if is_mac else who.lower()
    if not name:
        return NO_IDENTITY
    key = key_of(name)
    first = people.first.get(key)
    if first is None:
        first = people.arrive(key)
    return TOO_MANY if first == FULL else first


def is_later(engine: Engine, people: Population, first: int, position: tuple[str, float, float], seen: float) -> bool:
    """Whether a position, no younger than the last one, counts: of two as old the greater, so that order is all one."""
    numbers = people.numbers
    before = engine.places.of(numbers[first + PLACE])
    if seen < numbers[first + TOLD] or before is None:
        return False
    return position > (before.floor.id, numbers[first + X], numbers[first + Y])


def observe(values: array[float], first: int, bounds: tuple[float, ...], value: float) -> None:
    """Count an observation into the histogram whose first bucket stands at `first`."""
    values[first + bisect_left(bounds, value)] += 1.0
    values[first + len(bounds) + 1] += value


def slowly(spec: tables.LocatedKind, shape: type[Position], payload: object) -> list[Position] | Rejected:
    """Read a payload that is no text of one position: an object parsed already, or what only the tolerant way reads."""
    if isinstance(payload, str):
        return tolerant(spec, payload)
    try:
        one = msgspec.convert(payload, shape)
    except _UNREADABLE:
        return tolerant(spec, payload)
    return [Position(one.who, one.x, one.y, one.seen, one.aps, one.rssi)]


def taken_of(read: Read, lane: Lane, positions: list[Position] | Rejected, now: float) -> Rejected | None:
    """Take several positions, or what was read instead; refused only when every one of them is."""
    if isinstance(positions, Rejected):
        return positions
    outcomes = [read(lane, position, now) for position in positions]
    refused = [outcome for outcome in outcomes if outcome is not None]
    return refused[0] if len(refused) == len(outcomes) else None


def way(read: Read, lane: Lane) -> ChannelHandler:
    """The handler of a channel."""
    return MethodType(read, lane)


def bounds_of(entity: Entity) -> tuple[float, ...]:
    """The bounds of the histogram that is all of this entity."""
    (histogram,) = (family for family in entity.families if isinstance(family, Histogram))
    return histogram.bounds


APS_BOUNDS, AGE_BOUNDS, RSSI_BOUNDS = map(bounds_of, (tables.FLOOR_APS, tables.FLOOR_AGE, tables.FLOOR_RSSI))
AGE_SUM = len(AGE_BOUNDS) + 1
APS_KNOWN = int(APS_BOUNDS[-1]) + 1  # numbers of APs that are counted one by one
