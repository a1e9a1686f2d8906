"""The way of one position, for one kind on one floor: the hot path of location streams.

`Lane.take` is called for each position, hundreds of thousands of times a minute; it looks the person up by hash, the
zones up in the floor's grid, and does nothing else unless they changed. Everything that it needs is bound when the lane
is made. A person's address is hashed as it came: only where that hash is unknown, its notation is made normal.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import msgspec

from collector.catalog import location as tables
from collector.errors import Rejected
from collector.location.engine import KIND_NAMES, labels_of
from collector.location.floor import Border
from collector.location.population import ABSENT, SALT, key_of
from collector.location.positions import NO_IDENTITY, Position, struct_of, tolerant
from collector.metrics.model import Histogram, layout
from collector.metrics.tally import Tally
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from collector.catalog.feed import Apply
    from collector.location.engine import Engine
    from collector.location.floor import Floor
    from collector.location.population import Population
    from collector.metrics.model import Entity
    from collector.metrics.store import Store

    Take: TypeAlias = Callable[[str, float, float, float, float], Rejected | None]

CLOSED_MAP = Rejected("unknown_map")
OUT_OF_ORDER = Rejected("out_of_order")
REPEATED = Rejected("repeated")  # nothing new, and nothing wrong
TOO_MANY = Rejected("too_many_entities")
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


class Books:
    """What lanes count beside the engine. `shift` is what turns monotonic seconds into Unix ones; None: unknown."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self.engine = engine
        self.shift: float | None = None
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
    """One kind on one floor. `take` is the way in for positions in pixels; `apply` for payloads of its channel.

    `take(who, x, y, seen, now)`: `seen` is Unix seconds or 0, `now` monotonic. It returns None when the position was
    taken, REPEATED when it says nothing new, or why it was refused.
    """

    def __init__(
        self, books: Books, floor: Floor, kind: int, watch: Callable[[Take, Floor], Take] | None = None
    ) -> None:
        take = taker(books, floor, kind)
        self.take = watch(take, floor) if watch is not None else take
        self.apply = reader(books, floor, kind, self.take)
        for zone in floor.zones.values():
            books.engine.row_of(zone, kind)


def taker(books: Books, floor: Floor, kind: int) -> Take:  # noqa: C901 - counts the branches of what it makes
    """Make `Lane.take`. Its locals are bound here once; see `Population` for what the arrays hold."""
    engine = books.engine
    people = engine.populations[kind]
    slots, places, heard, told, xs, ys = (
        people.slots, people.place, people.heard, people.told, people.x, people.y,
    )  # fmt: skip
    labels = (*labels_of(floor), KIND_NAMES[kind])
    values, start = engine.map_rows.table.values, engine.map_rows.born(labels) * engine.map_rows.table.width
    received, last = start + books.received, start + books.last
    observe_age = observer(books.ages, tables.FLOOR_AGE, labels) if tables.KINDS[kind].timed else None
    is_mac, salt, move = tables.KINDS[kind].mac, SALT, engine.move

    def take(who: str, x: float, y: float, seen: float, now: float) -> Rejected | None:  # noqa: C901 - saves a call a position
        if not floor.prepared:
            if floor.closed:
                return CLOSED_MAP
            engine.place_anew(floor)
        slot = slots.get(hash(salt + who))
        if slot is None:
            found = slot_of(people, who, is_mac=is_mac)
            if isinstance(found, Rejected):
                return found
            slot = found
        if seen:
            if seen <= told[slot] and not is_later(people, slot, (floor.id, x, y), seen):
                return OUT_OF_ORDER if seen < told[slot] else REPEATED
            told[slot] = seen
        if floor.left <= x < floor.right and floor.top <= y < floor.bottom:
            row, column = int((y - floor.top) * floor.per_px), int((x - floor.left) * floor.per_px)
            entry = floor.entries[floor.cells[row * floor.columns + column]]
            place = entry.resolve(x, y) if isinstance(entry, Border) else entry
        else:
            place = floor.nowhere
        if place is not places[slot]:
            move(kind, slot, place, now, seen)
        heard[slot], xs[slot], ys[slot] = now, x, y
        values[received] += 1.0
        shift = books.shift
        if shift is not None:
            values[last] = now + shift
            if seen and observe_age is not None:
                observe_age(max(0.0, now + shift - seen))
        return None

    return take


def slot_of(people: Population, who: str, *, is_mac: bool) -> int | Rejected:
    """The slot of somebody whose hash is unknown: known in another notation, or new."""
    name = mac_of(who) if is_mac else who.lower()
    if not name:
        return NO_IDENTITY
    key = key_of(name)
    slot = people.slots.get(key)
    if slot is None:
        slot = people.arrive(key)
    return TOO_MANY if slot == ABSENT else slot


def is_later(people: Population, slot: int, position: tuple[str, float, float], seen: float) -> bool:
    """Whether a position, no younger than the last one, counts: of two as old the greater, so that order is all one."""
    before = people.place[slot]
    if seen < people.told[slot] or before is None:
        return False
    return position > (before.floor.id, people.x[slot], people.y[slot])


def reader(books: Books, floor: Floor, kind: int, take: Take) -> Apply:
    """Make `Lane.apply`: payloads of the channel into positions."""
    spec, labels = tables.KINDS[kind], labels_of(floor)
    observe_aps = observer(books.aps, tables.FLOOR_APS, (*labels, spec.name)) if spec.aps else None
    observe_rssi = observer(books.rssi, tables.FLOOR_RSSI, labels) if spec.rssi else None
    struct = struct_of(spec)
    from_text, convert = msgspec.json.Decoder(struct).decode, msgspec.convert

    def apply(payload: object, now: float) -> Rejected | None:
        try:
            position = from_text(payload) if type(payload) is str else convert(payload, struct)
        except _UNREADABLE:
            return slowly(payload, now)
        return settle(position, now)

    def settle(position: Position, now: float) -> Rejected | None:
        outcome = take(position.who, position.x, position.y, position.seen, now)
        if outcome is not None:
            return outcome if outcome is not REPEATED else None
        if observe_aps is not None and position.aps is not None:
            observe_aps(position.aps)
        if observe_rssi is not None and position.rssi is not None:
            observe_rssi(position.rssi)
        return None

    def slowly(payload: object, now: float) -> Rejected | None:
        positions = tolerant(spec, payload)
        if isinstance(positions, Rejected):
            return positions
        rejected = [settle(position, now) for position in positions]
        return rejected[0] if all(rejected) else None

    return apply


def observer(tally: Tally, entity: Entity, labels: tuple[str, ...]) -> Callable[[float], None]:
    """What observes into the histogram of one row, bound to it."""
    column, bounds = next((c, family.bounds) for family, c in layout(entity) if isinstance(family, Histogram))
    values, first = tally.table.values, tally.born(labels) * tally.table.width + column
    total = first + len(bounds) + 1

    def observe(value: float) -> None:
        values[first + bisect_left(bounds, value)] += 1.0
        values[total] += value

    return observe
