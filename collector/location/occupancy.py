"""Occupancy of maps and zones: entities present, entries, exits and dwell time.

Each position is applied in one synchronous step, so that entries minus exits equals occupants at every moment. A
position older than the last one of the same entity is rejected (`out_of_order`); one of the same age counts only if it
is the greater of the two (by map, x, y), so that any order of the same positions has the same result. A position
without a time (those of connected clients) has the time of its arrival.

An entity leaves a zone with its first position outside; one without further positions left when it was last seen. Dwell
time is the difference of the times that the cloud reports if both are known, otherwise of the times of arrival.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from collector.catalog import location as tables
from collector.location.floor import NO_ROW, Floor, Zone, ZoneSets
from collector.location.population import (
    ABSENT,
    ENTERED,
    ENTERED_REPORTED,
    FLOOR,
    LAST_SEEN,
    REPORTED,
    WIDTH,
    ZONE_SET,
    Population,
    Since,
    X,
    Y,
)
from collector.metrics.counter_table import CounterTable
from collector.metrics.model import Histogram, layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.location.floor import ZoneSet
    from collector.metrics.store import Store

SWEEP_STEP = 2000
KIND_NAMES = tuple(kind.name for kind in tables.KINDS)


class Occupancy:
    """The populations of all kinds, by the number of the kind in `tables.KINDS`."""

    def __init__(self, store: Store, *, absent_after_s: float, limit: int) -> None:
        self.zone_sets = ZoneSets()
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
        self._values = table.values  # the array is never replaced, see Table

    # One entity

    def move(self, kind: int, offset: int, zone_set: ZoneSet | None, now: float, reported: float) -> None:
        """Move an entity to another zone set; None means absent."""
        numbers = self.populations[kind].numbers
        before = self.zone_sets.of(numbers[offset + ZONE_SET])
        numbers[offset + ZONE_SET] = zone_set.number if zone_set else ABSENT
        was_on, is_on = before.floor if before else None, zone_set.floor if zone_set else None
        if was_on is not is_on:
            self._change_floor(kind, was_on, is_on)
            numbers[offset + FLOOR] = is_on.index if is_on else ABSENT
        if zones_of(before) or zones_of(zone_set):
            self._change_zones(kind, offset, before, zone_set, Since(now, reported))
        numbers[offset + ENTERED], numbers[offset + ENTERED_REPORTED] = now, reported

    def _change_floor(self, kind: int, left: Floor | None, entered: Floor | None) -> None:
        for floor, by in ((left, -1.0), (entered, 1.0)):
            if floor is not None:
                self.map_rows.add((*labels_of(floor), KIND_NAMES[kind]), self._entities, by)

    def _change_zones(
        self, kind: int, offset: int, before: ZoneSet | None, zone_set: ZoneSet | None, at: Since
    ) -> None:
        population, kept = self.populations[kind], list[object]()
        old, new = zones_of(before), zones_of(zone_set)
        for zone in old:
            since = population.since(offset, zone)
            if zone in new:
                kept += (zone, *since)
            else:
                self._exit(zone, kind, since, at)
        for zone in new:
            if zone not in old:
                self._enter(zone, kind)
        if kept:
            population.earlier[offset] = tuple(kept)
        else:
            population.earlier.pop(offset, None)

    def _enter(self, zone: Zone, kind: int) -> None:
        start = self.row_of(zone, kind)
        self._values[start + self._occupants] += 1.0
        self._values[start + self._enters] += 1.0

    def _exit(self, zone: Zone, kind: int, since: Since, at: Since) -> None:
        start, values = self.row_of(zone, kind), self._values
        values[start + self._occupants] -= 1.0
        values[start + self._exits] += 1.0
        stayed_s = at.reported - since.reported if at.reported and since.reported else at.at - since.at
        stayed_s = max(stayed_s, 0.0)
        values[start + self._dwell + bisect_left(self._bounds, stayed_s)] += 1.0
        values[start + self._dwell + len(self._bounds) + 1] += stayed_s

    def row_of(self, zone: Zone, kind: int) -> int:
        """Return the index of the row of a zone and kind in the store; it is created at zero if there is none."""
        start = zone.rows[kind]
        if start == NO_ROW:
            row = self.zone_rows.row((*labels_of(zone.floor), zone.id, KIND_NAMES[kind]))
            start = zone.rows[kind] = row * self.zone_rows.table.width
        return start

    def occupants(self, zone: Zone) -> dict[str, int]:
        """Return the number of occupants of a zone by kind."""
        starts = [(name, start) for name, start in zip(KIND_NAMES, zone.rows, strict=True) if start != NO_ROW]
        return {name: int(self._values[start + self._occupants]) for name, start in starts}

    def entities_on(self, floor: Floor) -> int:
        """Return the number of entities on a floor."""
        labels = labels_of(floor)
        known = [values for name in KIND_NAMES if (values := (*labels, name)) in self.map_rows]
        return sum(int(self.map_rows.table.get(self.map_rows.row(values), self._entities)) for values in known)

    # All entities of a floor

    def reassign(self, floor: Floor) -> None:
        """Assign every entity of a floor to the zones as they are drawn now, as of when it was last seen."""
        floor.prepare()
        for kind, population in enumerate(self.populations):
            numbers = population.numbers
            for offset in population.on(floor.index):
                self.move_if(kind, offset, floor.find(numbers[offset + X], numbers[offset + Y]))
        floor.settled()

    def move_if(self, kind: int, offset: int, zone_set: ZoneSet | None) -> None:
        """Move an entity as of when it was last seen, unless it stays in the same zones."""
        numbers = self.populations[kind].numbers
        before = self.zone_sets.of(numbers[offset + ZONE_SET])
        if (
            before is not None
            and zone_set is not None
            and before.zones == zone_set.zones
            and before.floor is zone_set.floor
        ):
            numbers[offset + ZONE_SET] = zone_set.number
        elif before is not zone_set:
            self.move(kind, offset, zone_set, numbers[offset + LAST_SEEN], numbers[offset + REPORTED])

    def close(self, floor: Floor) -> None:
        """Remove a floor; every entity on it is absent from now on."""
        for kind, population in enumerate(self.populations):
            for offset in population.on(floor.index):
                self.move_if(kind, offset, None)
        floor.close()
        labels = labels_of(floor)
        for rows in (self.zone_rows, self.map_rows):
            rows.remove(lambda values: values[:3] == labels)

    def erase(self, zone: Zone) -> None:
        """End the rows of a removed zone, which has no occupants."""
        labels = (*labels_of(zone.floor), zone.id)
        self.zone_rows.remove(lambda values: values[:4] == labels)

    # Expiry

    def sweep(self, now: float) -> Iterator[int]:
        """Mark entities without a recent position as absent, and later forget them; yields after short steps."""
        step = SWEEP_STEP * WIDTH
        for kind, population in enumerate(self.populations):
            for start in range(0, len(population.numbers), step):
                yield self._sweep(
                    kind, population, range(start, min(start + step, len(population.numbers)), WIDTH), now
                )

    def _sweep(self, kind: int, population: Population, firsts: range, now: float) -> int:
        absent, forgotten = now - self.absent_after_s, now - 2 * self.absent_after_s
        ended, numbers = 0, population.numbers
        for offset in firsts:
            last_seen = numbers[offset]
            if last_seen < absent:
                if numbers[offset + ZONE_SET] != ABSENT:
                    self.move_if(kind, offset, None)
                    ended += 1
                elif last_seen < forgotten:
                    population.forget(offset)
        return ended


def zones_of(zone_set: ZoneSet | None) -> tuple[Zone, ...]:
    """Return the zones of a zone set; none for an absent entity."""
    return zone_set.zones if zone_set is not None else ()


def labels_of(floor: Floor) -> tuple[str, str, str]:
    """Return the labels of a floor."""
    return floor.org_id, floor.site_id, floor.id
