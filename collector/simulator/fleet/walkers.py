"""People and things that live a day in an office: they come, rest in rooms, walk through doors, lunch, and go home.

A walker is of one kind for good: most are Wi-Fi clients, the others speak on the channel of their kind. It is located
every `location_cadence_s` while it is in the building, at its true place; who goes out is located once more before the
door, outside every zone, and then is heard no more. Crowds come of `lunch` and `evacuate`, called for all at once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from collector.simulator.fleet.offices import CANTEEN, ENTRANCE, ROOMS, STAIRS, out_of
from collector.simulator.fleet.presence import Presence
from collector.simulator.fleet.visitors import Visitor, VisitorKind
from collector.simulator.fleet.world import DAY_S, HOUR_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.offices import Point, Room
    from collector.simulator.fleet.places import FloorMap, Site
    from collector.simulator.fleet.world import World

SPEED_M_S = 1.2
REST_S = 1200.0
LUNCH_S = 1800.0
OUTSIDE_S = 1200.0
"""How long an evacuated building stays empty."""
_AT_HOME = 0.8
"""Share of walks that stay on the floor where one works."""
_APART = 1_000_000
"""Numbers of walkers begin here, so that no visitor has the same id."""
_COME_H, _LUNCH_H, _GO_H = 8.5, 12.0, 17.5
_WORK_FROM_H, _WORK_TO_H = 7.0, 20.0

_KINDS: tuple[tuple[int, VisitorKind], ...] = (
    (12, VisitorKind(channel="clients", counted_by="walkers", topic="location-client", oui="5684da", zone_type="wifi")),
    (15, VisitorKind(channel="unconnected_clients", counted_by="walkers", topic="location-unclient", oui="568401")),
    (17, VisitorKind(channel="sdkclients", counted_by="walkers", topic="location-sdk", oui="", zone_type="sdk")),
    (19, VisitorKind(channel="assets", counted_by="walkers", topic="location-asset", oui="4a0223", zone_type="asset")),
    (20, VisitorKind(channel="discovered_assets", counted_by="walkers", topic="location-asset", oui="7fc294")),
)


def kind_of(ordinal: int) -> VisitorKind:
    """The kind of the walker of this number: of twenty, twelve are clients."""
    return next(kind for until, kind in _KINDS if ordinal % 20 < until)


class Way(Presence):
    """A walk along a way: at any moment between `began` and its end the walker is somewhere on it."""

    def __init__(self, world: World, site: Site, floor: FloorMap, who: Payload, kind: str) -> None:
        super().__init__(world, site, floor, who, kind)
        self.room: Room | None = None
        self._legs: list[tuple[float, float, FloorMap, Point, Point]] = []
        self.x_m, self.y_m = ENTRANCE

    @property
    def arrives(self) -> float:
        """When the walk ends; 0 when there is none."""
        return self._legs[-1][1] if self._legs else 0.0

    def go(self, room: Room | None, floor: FloorMap, at: float) -> None:
        """Set out for a spot in a room (None: out of the building) of a floor."""
        here: Point = (self.x_m, self.y_m)
        way, target = out_of(self.room, here), room.spot(self._site.rng) if room is not None else ENTRANCE
        into = list(reversed(out_of(room, target)))
        if floor is self.floor:
            self._set_out([(self.floor, [*way, *into])], at)
        else:
            self._set_out([(self.floor, [*way, STAIRS]), (floor, [STAIRS, *into])], at)
        self.room = room

    def _set_out(self, parts: list[tuple[FloorMap, list[Point]]], at: float) -> None:
        self._legs = []
        for floor, points in parts:
            for start, end in pairwise(points):
                length_m = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
                self._legs.append((at, at + length_m / SPEED_M_S, floor, start, end))
                at = self._legs[-1][1]

    def move(self, at: float) -> None:
        """Be where the way leads at this moment; tell of zones that are left or entered."""
        while len(self._legs) > 1 and self._legs[0][1] < at:
            self._legs.pop(0)
        if self._legs:
            begins, ends, self.floor, start, end = self._legs[0]
            share = min(1.0, max(0.0, (at - begins) / (ends - begins))) if ends > begins else 1.0
            self.x_m, self.y_m = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        self.be_at(at)


class Walker(Visitor):
    """One walker. Plans of its day hold until it goes out; those of a rest until another place calls."""

    def __init__(self, world: World, site: Site, ordinal: int) -> None:
        super().__init__(world, site, kind_of(ordinal), _APART + ordinal)
        if self.mac:
            self.mac = f"{self.kind.oui}{(site.ordinal * world.plan.walkers + ordinal) % (1 << 24):06x}"
        self.way = Way(world, site, site.maps[0], self._who(), self.kind.name)
        self.presence = self.way
        self._home = site.maps[ordinal % len(site.maps)]
        self._day = self._rests = 0

    def appear(self, at: float) -> None:
        """Come when work begins, or within a minute where it has begun."""
        rng, hour = self._site.rng, at % DAY_S / HOUR_S
        working = _WORK_FROM_H < hour < _WORK_TO_H
        self._later(at + rng.uniform(0, 60.0) if working else _next(at, rng.gauss(_COME_H, 0.7)), self.come)

    def come(self, at: float) -> None:
        """Walk into the building."""
        rng, way = self._site.rng, self.way
        self.there = True
        self._day += 1
        way.floor, way.room, (way.x_m, way.y_m) = self._site.maps[0], None, ENTRANCE
        self._today(_next(at, rng.gauss(_LUNCH_H, 0.4)), self.lunch)
        self._today(_next(at, rng.gauss(_GO_H, 1.0)), self.leave)
        self._to(rng.choice(ROOMS), self._home, at)
        self._today(at + rng.uniform(0, self._world.plan.location_cadence_s), self._be_seen)

    def lunch(self, at: float) -> None:
        """Go to the canteen of some floor, and stay there."""
        if self.there:
            self._to(CANTEEN, self._site.rng.choice(self._site.maps), at, LUNCH_S)

    def leave(self, at: float) -> None:
        """Go home; come again tomorrow."""
        if self.there:
            self._out(at, _next(at + HOUR_S, self._site.rng.gauss(_COME_H, 0.7)))

    def evacuate(self, at: float) -> None:
        """Go out at once; come back when all is over."""
        if self.there:
            self._out(at, at + OUTSIDE_S * self._site.rng.uniform(1.0, 1.5))

    def _out(self, at: float, back: float) -> None:
        self._day += 1
        self._rests += 1
        self.way.go(None, self._site.maps[0], at)
        self._today(at + self._site.rng.uniform(0, self._world.plan.location_cadence_s), self._be_seen)
        self._today(self.way.arrives, self._be_gone)
        self._later(max(back, self.way.arrives + 1.0), self.come)

    def _be_gone(self, at: float) -> None:
        self._be_located_now(at)
        self.presence.vanish(at)
        self.there = False
        self._day += 1

    def _to(self, room: Room, floor: FloorMap, at: float, rest_s: float = REST_S) -> None:
        """Walk to a room and rest there, then go on."""
        self.way.go(room, floor, at)
        self._rests += 1
        rest, day = self._rests, self._day
        until = self.way.arrives + self._site.rng.uniform(0.2, 1.8) * rest_s
        self._later(until, lambda now: self._roam(now) if (rest, day) == (self._rests, self._day) else None)

    def _roam(self, at: float) -> None:
        rng = self._site.rng
        floor = self._home if rng.random() < _AT_HOME else rng.choice(self._site.maps)
        self._to(rng.choice(ROOMS), floor, at)

    def _be_seen(self, at: float) -> None:
        self._be_located_now(at)
        self._today(at + self._world.plan.location_cadence_s, self._be_seen)

    def _today(self, at: float, action: Callable[[float], None]) -> None:
        day = self._day
        self._later(at, lambda now: action(now) if self._day == day else None)


def _next(at: float, hour: float) -> float:
    """The next time that the clock shows this hour."""
    moment = at - at % DAY_S + hour * HOUR_S
    return moment if moment > at else moment + DAY_S


def make_walkers(world: World, site: Site) -> list[Visitor]:
    """Return the walkers that the plan wants for a site, none of them there yet."""
    if world.plan.location_cadence_s <= 0 or not site.maps:
        return []
    return [Walker(world, site, ordinal) for ordinal in range(world.plan.walkers)]
