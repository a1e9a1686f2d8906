"""Moves people between places, and keeps the counts: who is on a map, in a zone, who came, who went, for how long.

All of it happens in one synchronous step for each position, so enters minus exits equals occupants at every moment.
A position that is older than the last one known of the same person is refused (`out_of_order`); one that is as old
counts only if it is the greater of the two (by map, x, y), so that any order of the same positions ends alike. One that
says nothing of time (those of connected clients) is as new as its arrival.

Somebody leaves a zone at the moment of the first position outside it; who is seen no more left when last seen. A stay
lasts from the moments that the cloud gives, where both ends have one, else from those of arrival.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from collector.catalog import location as tables
from collector.location.floor import NOT_BORN, Floor, Places, Zone
from collector.location.population import (
    ABSENT,
    ENTERED,
    ENTERED_TOLD,
    FLOOR,
    HEARD,
    PLACE,
    TOLD,
    WIDTH,
    Population,
    Since,
    X,
    Y,
)
from collector.metrics.counter_table import CounterTable
from collector.metrics.model import Histogram, layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.location.floor import Place
    from collector.metrics.store import Store

SWEEP_STEP = 2000
KIND_NAMES = tuple(kind.name for kind in tables.KINDS)


class Engine:
    """All populations, by the number of their kind in `tables.KINDS`."""

    def __init__(self, store: Store, *, absent_after_s: float, limit: int) -> None:
        self.places = Places()
        self.populations = [Population(limit) for _ in tables.KINDS]
        self.absent_after_s = absent_after_s
        self.zone_rows = CounterTable(store, tables.ZONE_KIND)
        self.map_rows = CounterTable(store, tables.FLOOR_KIND)
        self._entities = self.map_rows.table.column("mist_map_entities")
        table = self.zone_rows.table
        self._occupants = table.column("mist_zone_occupants")
        self._enters, self._exits = table.column("mist_zone_enters_total"), table.column("mist_zone_exits_total")
        self._dwell, self._bounds = next(
            (column, family.bounds) for family, column in layout(tables.ZONE_KIND) if isinstance(family, Histogram)
        )
        self._values = table.values  # one array for good, see Table

    # one person

    def move(self, kind: int, first: int, place: Place | None, now: float, told: float) -> None:
        """Somebody is in another place (None: absent) since then."""
        numbers = self.populations[kind].numbers
        before = self.places.of(numbers[first + PLACE])
        numbers[first + PLACE] = place.number if place else ABSENT
        was_on, is_on = before.floor if before else None, place.floor if place else None
        if was_on is not is_on:
            self._change_floor(kind, was_on, is_on)
            numbers[first + FLOOR] = is_on.index if is_on else ABSENT
        if zones_of(before) or zones_of(place):
            self._change_zones(kind, first, before, place, Since(now, told))
        numbers[first + ENTERED], numbers[first + ENTERED_TOLD] = now, told

    def _change_floor(self, kind: int, left: Floor | None, entered: Floor | None) -> None:
        for floor, by in ((left, -1.0), (entered, 1.0)):
            if floor is not None:
                self.map_rows.add((*labels_of(floor), KIND_NAMES[kind]), self._entities, by)

    def _change_zones(self, kind: int, first: int, before: Place | None, place: Place | None, at: Since) -> None:
        people, kept = self.populations[kind], list[object]()
        old, new = zones_of(before), zones_of(place)
        for zone in old:
            since = people.since(first, zone)
            if zone in new:
                kept += (zone, *since)
            else:
                self._exit(zone, kind, since, at)
        for zone in new:
            if zone not in old:
                self._enter(zone, kind)
        if kept:
            people.earlier[first] = tuple(kept)
        else:
            people.earlier.pop(first, None)

    def _enter(self, zone: Zone, kind: int) -> None:
        start = self.row_of(zone, kind)
        self._values[start + self._occupants] += 1.0
        self._values[start + self._enters] += 1.0

    def _exit(self, zone: Zone, kind: int, since: Since, at: Since) -> None:
        start, values = self.row_of(zone, kind), self._values
        values[start + self._occupants] -= 1.0
        values[start + self._exits] += 1.0
        stayed_s = at.told - since.told if at.told and since.told else at.at - since.at
        stayed_s = max(stayed_s, 0.0)
        values[start + self._dwell + bisect_left(self._bounds, stayed_s)] += 1.0
        values[start + self._dwell + len(self._bounds) + 1] += stayed_s

    def row_of(self, zone: Zone, kind: int) -> int:
        """Where the row of a zone and a kind begins in the store, made at zero when there is none."""
        start = zone.rows[kind]
        if start == NOT_BORN:
            row = self.zone_rows.row((*labels_of(zone.floor), zone.id, KIND_NAMES[kind]))
            start = zone.rows[kind] = row * self.zone_rows.table.width
        return start

    def occupants(self, zone: Zone) -> dict[str, int]:
        """How many of each kind are in a zone."""
        starts = [(name, start) for name, start in zip(KIND_NAMES, zone.rows, strict=True) if start != NOT_BORN]
        return {name: int(self._values[start + self._occupants]) for name, start in starts}

    def people_on(self, floor: Floor) -> int:
        """How many are on a floor, all kinds together."""
        labels = labels_of(floor)
        known = [values for name in KIND_NAMES if (values := (*labels, name)) in self.map_rows]
        return sum(int(self.map_rows.table.get(self.map_rows.row(values), self._entities)) for values in known)

    # all of a floor

    def place_anew(self, floor: Floor) -> None:
        """The zones of a floor were drawn anew: everybody on it is where the new drawing says, since last seen."""
        floor.prepare()
        for kind, people in enumerate(self.populations):
            numbers = people.numbers
            for first in people.on(floor.index):
                self.move_if(kind, first, floor.find(numbers[first + X], numbers[first + Y]))
        floor.settled()

    def move_if(self, kind: int, first: int, place: Place | None) -> None:
        """Move somebody as of when last heard of; who stays in the same zones has not moved."""
        numbers = self.populations[kind].numbers
        before = self.places.of(numbers[first + PLACE])
        if before is not None and place is not None and before.zones == place.zones and before.floor is place.floor:
            numbers[first + PLACE] = place.number
        elif before is not place:
            self.move(kind, first, place, numbers[first + HEARD], numbers[first + TOLD])

    def close(self, floor: Floor) -> None:
        """The floor is no more, and nobody on it."""
        for kind, people in enumerate(self.populations):
            for first in people.on(floor.index):
                self.move_if(kind, first, None)
        floor.close()
        labels = labels_of(floor)
        for rows in (self.zone_rows, self.map_rows):
            rows.remove(lambda values: values[:3] == labels)

    def erase(self, zone: Zone) -> None:
        """The rows of a zone that is no more end; nobody may be in it."""
        labels = (*labels_of(zone.floor), zone.id)
        self.zone_rows.remove(lambda values: values[:4] == labels)

    # time

    def sweep(self, now: float) -> Iterator[int]:
        """Who was not heard of for long is absent, and later forgotten; yields after short steps."""
        step = SWEEP_STEP * WIDTH
        for kind, people in enumerate(self.populations):
            for start in range(0, len(people.numbers), step):
                yield self._sweep(kind, people, range(start, min(start + step, len(people.numbers)), WIDTH), now)

    def _sweep(self, kind: int, people: Population, firsts: range, now: float) -> int:
        absent, forgotten = now - self.absent_after_s, now - 2 * self.absent_after_s
        ended, numbers = 0, people.numbers
        for first in firsts:
            heard = numbers[first]
            if heard < absent:
                if numbers[first + PLACE] != ABSENT:
                    self.move_if(kind, first, None)
                    ended += 1
                elif heard < forgotten:
                    people.forget(first)
        return ended


def zones_of(place: Place | None) -> tuple[Zone, ...]:
    """The zones of a place; none where somebody is absent."""
    return place.zones if place is not None else ()


def labels_of(floor: Floor) -> tuple[str, str, str]:
    """The labels of everything on a floor."""
    return floor.org_id, floor.site_id, floor.id
