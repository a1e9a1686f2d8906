"""The way of one position, for one kind on one floor: the hot path of location streams.

`take` is called for each position, hundreds of thousands of times a minute; it looks the person up by hash, the zones
up in the floor's grid, and does nothing else unless they changed. What the kind has in common is bound in the function,
what the floor has of its own stands side by side in a `Lane`: with hundreds of floors and hundred thousands of people
it is the processor's cache that costs. An address is hashed as it came: only where that hash is unknown, its notation
is made normal.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from collector.catalog import location as tables
from collector.errors import Rejected
from collector.location.engine import labels_of
from collector.location.floor import Border
from collector.location.population import FULL, PLACE, SALT, TOLD, X, Y, key_of
from collector.location.positions import NO_IDENTITY, struct_of, tolerant
from collector.metrics.model import Histogram
from collector.metrics.store import NAN
from collector.metrics.tally import Tally
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable
    from typing import TypeAlias

    from collector.catalog.feed import Apply
    from collector.location.engine import Engine
    from collector.location.floor import Floor, Grid
    from collector.location.population import Population
    from collector.metrics.model import Entity
    from collector.metrics.store import Store

    Read: TypeAlias = Callable[["Lane", object, float], Rejected | None]
    Take: TypeAlias = Callable[["Lane", str, float, float, float, float], Rejected | None]

CLOSED_MAP = Rejected("unknown_map")
OUT_OF_ORDER = Rejected("out_of_order")
REPEATED = Rejected("repeated")  # nothing new, and nothing wrong
TOO_MANY = Rejected("too_many_entities")
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


class Books:
    """What lanes count beside the engine. `shift` is what turns monotonic seconds into Unix ones; NaN: unknown."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self.engine = engine
        self.shift = NAN
        table = engine.map_rows.table
        self.received = table.column("mist_map_positions_received_total")
        self.last = table.column("mist_map_last_position_timestamp_seconds")
        self.aps, self.ages, self.rssi = (
            Tally(store, entity) for entity in (tables.FLOOR_APS, tables.FLOOR_AGE, tables.FLOOR_RSSI)
        )

    def close(self, floor: Floor) -> None:
        """The floor is no more."""
        labels = labels_of(floor)
        for tally in (self.aps, self.ages, self.rssi):
            tally.forget(lambda values: values[:3] == labels)


class Lane:
    """One kind on one floor: what a position needs of both, side by side. Where a column is -1 nothing is counted."""

    __slots__ = (
        "age_at", "aps_at", "cells", "columns", "entries", "floor", "last_at", "left", "lines", "numbers", "per_px",
        "ready", "received_at", "rssi_at", "top",
    )  # fmt: skip

    def __init__(self, books: Books, floor: Floor, kind: int) -> None:
        self.floor = floor
        spec, labels, rows = tables.KINDS[kind], labels_of(floor), books.engine.map_rows
        start = rows.born((*labels, spec.name)) * rows.table.width
        self.received_at, self.last_at = start + books.received, start + books.last
        self.aps_at = first_bucket(books.aps, (*labels, spec.name)) if spec.aps else -1
        self.age_at = first_bucket(books.ages, (*labels, spec.name)) if spec.timed else -1
        self.rssi_at = first_bucket(books.rssi, labels) if spec.rssi else -1
        for zone in floor.zones.values():
            books.engine.row_of(zone, kind)
        floor.listeners.append(self.adopt)
        self.adopt(floor.grid)

    def adopt(self, grid: Grid | None) -> None:
        """From now on positions are looked up in this grid; None: not before there is a new one."""
        self.ready = grid is not None
        if grid is not None:
            self.per_px, self.left, self.top, self.columns, self.lines = grid[:5]
            self.cells, self.numbers, self.entries = grid[5:]


def first_bucket(tally: Tally, labels: tuple[str, ...]) -> int:
    """Where the first bucket of the row with these labels stands."""
    return tally.born(labels) * tally.table.width + tally.table.column(tally.table.entity.families[0].name)


def taker(books: Books, kind: int) -> Take:
    """Make the way in for positions in pixels of one kind: `take(lane, who, x, y, seen, now)`.

    `seen` is Unix seconds or 0, `now` monotonic. It returns None when the position was taken, REPEATED when it says
    nothing new, or why it was refused.
    """
    engine = books.engine
    people = engine.populations[kind]
    first_of, numbers, move = people.first.get, people.numbers, engine.move
    values, ages = engine.map_rows.table.values, books.ages.table.values
    is_mac, salt = tables.KINDS[kind].mac, SALT

    def take(  # noqa: PLR0917 - keywords would cost for each position
        lane: Lane, who: str, x: float, y: float, seen: float, now: float
    ) -> Rejected | None:
        first = first_of(hash(salt + who))
        if first is None or not lane.ready:
            made = admitted(engine, people, lane.floor, who, is_mac=is_mac)
            if isinstance(made, Rejected):
                return made
            first = made
        if seen:
            if seen <= numbers[first + TOLD] and not is_later(engine, people, first, (lane.floor.id, x, y), seen):
                return OUT_OF_ORDER if seen < numbers[first + TOLD] else REPEATED
            numbers[first + TOLD] = seen
        column, line = int(x * lane.per_px + lane.left), int(y * lane.per_px + lane.top)
        inside = 0 <= column < lane.columns and 0 <= line < lane.lines
        code = lane.cells[line * lane.columns + column] if inside else 0
        if lane.numbers[code] != numbers[first + PLACE]:
            entry = lane.entries[code]
            place = entry.resolve(x, y) if isinstance(entry, Border) else entry
            if place.number != numbers[first + PLACE]:
                move(kind, first, place, now, seen)
        numbers[first], numbers[first + X], numbers[first + Y] = now, x, y
        values[lane.received_at] += 1.0
        unix = values[lane.last_at] = now + books.shift
        if seen and unix == unix:  # noqa: PLR0124 - NaN where the time is unknown
            observe(ages, lane.age_at, AGE_BOUNDS, max(0.0, unix - seen))
        return None

    return take


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


def reader(books: Books, kind: int, take: Take) -> Read:
    """Make what turns the payloads of a channel into positions: `read(lane, payload, now)`."""
    spec = tables.KINDS[kind]
    struct = struct_of(spec)
    from_text, convert = msgspec.json.Decoder(struct).decode, msgspec.convert
    more = observer(books) if spec.aps or spec.rssi else None

    def read(lane: Lane, payload: object, now: float) -> Rejected | None:
        try:
            position = from_text(payload) if type(payload) is str else convert(payload, struct)
        except _UNREADABLE:
            return slowly(lane, payload, now)
        outcome = take(lane, position.who, position.x, position.y, position.seen, now)
        if outcome is not None:
            return outcome if outcome is not REPEATED else None
        if more is not None:
            more(lane, position.aps, position.rssi)
        return None

    def slowly(lane: Lane, payload: object, now: float) -> Rejected | None:
        positions = tolerant(spec, payload)
        if isinstance(positions, Rejected):
            return positions
        outcomes = [take(lane, one.who, one.x, one.y, one.seen, now) for one in positions]
        for one, outcome in zip(positions, outcomes, strict=True):
            if outcome is None and more is not None:
                more(lane, one.aps, one.rssi)
        refused = [outcome for outcome in outcomes if outcome is not None and outcome is not REPEATED]
        return refused[0] if len(refused) == len(outcomes) else None

    return read


def observer(books: Books) -> Callable[[Lane, int | None, float | None], None]:
    """Make what counts how many APs made a position, and how strong a signal was."""
    of_aps, of_rssi = books.aps.table.values, books.rssi.table.values

    def more(lane: Lane, aps: int | None, rssi: float | None) -> None:
        if aps is not None:
            first = lane.aps_at
            of_aps[first + (APS_BUCKETS[aps] if aps < len(APS_BUCKETS) else len(APS_BOUNDS))] += 1.0
            of_aps[first + len(APS_BOUNDS) + 1] += aps
        if rssi is not None and lane.rssi_at >= 0:
            observe(of_rssi, lane.rssi_at, RSSI_BOUNDS, rssi)

    return more


class Ways:
    """The ways in of one kind, over all floors. `watch` may wrap the taking of positions."""

    def __init__(self, books: Books, kind: int, watch: Callable[[Take], Take] | None = None) -> None:
        take = taker(books, kind)
        self.take = watch(take) if watch is not None else take
        self._read = reader(books, kind, self.take)

    def channel(self, lane: Lane) -> Apply:
        """The handler of a channel."""
        return partial(self._read, lane)


def bounds_of(entity: Entity) -> tuple[float, ...]:
    """The bounds of the histogram that is all of this entity."""
    (histogram,) = (family for family in entity.families if isinstance(family, Histogram))
    return histogram.bounds


APS_BOUNDS, AGE_BOUNDS, RSSI_BOUNDS = map(bounds_of, (tables.FLOOR_APS, tables.FLOOR_AGE, tables.FLOOR_RSSI))
APS_BUCKETS = tuple(bisect_left(APS_BOUNDS, count) for count in range(int(APS_BOUNDS[-1]) + 1))  # by number of APs
