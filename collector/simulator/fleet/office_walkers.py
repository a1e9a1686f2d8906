"""Walkers: clients and assets that move through an office for a working day.

A walker has one kind; most walkers are Wi-Fi clients, the others report on the channel of their kind. Its position is
sent every `location_cadence_s` seconds while it is in the building. A walker that leaves sends one more position in
front of the building, outside every zone. `lunch` and `evacuate`, called for all walkers of a site, move them at the
same time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from collector.simulator.fleet.context import DAY_S, HOUR_S
from collector.simulator.fleet.floor_presence import FloorPresence
from collector.simulator.fleet.located_objects import LocatedObject, LocatedObjectKind
from collector.simulator.fleet.office_layout import CANTEEN, ENTRANCE, ROOMS, STAIRS, path_to_corridor

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.office_layout import OfficeRoom, Point
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.sites import FloorMap, SimulatedSite

SPEED_M_S = 1.2
STAY_S = 1200.0
LUNCH_S = 1800.0
EVACUATION_S = 1200.0
"""Minimum time before a walker returns to an evacuated building."""

_HOME_FLOOR_SHARE = 0.8
"""Share of walks whose destination is on the walker's own floor."""
_FIRST_ORDINAL = 1_000_000
"""First ordinal of a walker, above those of the other located objects so that ids are unique."""
_ARRIVAL_H, _LUNCH_H, _DEPARTURE_H = 8.5, 12.0, 17.5
_WORK_FROM_H, _WORK_TO_H = 7.0, 20.0

# Of twenty walkers, those below the number are of the kind.
_KINDS: tuple[tuple[int, LocatedObjectKind], ...] = (
    (12, LocatedObjectKind(channel="clients", plan_field="walkers", topic="location-client", oui="5684da",
                           zone_type="wifi")),
    (15, LocatedObjectKind(channel="unconnected_clients", plan_field="walkers", topic="location-unclient",
                           oui="568401")),
    (17, LocatedObjectKind(channel="sdkclients", plan_field="walkers", topic="location-sdk", oui="", zone_type="sdk")),
    (19, LocatedObjectKind(channel="assets", plan_field="walkers", topic="location-asset", oui="4a0223",
                           zone_type="asset")),
    (20, LocatedObjectKind(channel="discovered_assets", plan_field="walkers", topic="location-asset", oui="7fc294")),
)  # fmt: skip


def kind_of(ordinal: int) -> LocatedObjectKind:
    """Return the kind of the walker with this ordinal."""
    return next(kind for until, kind in _KINDS if ordinal % 20 < until)


class RoutedPresence(FloorPresence):
    """A position that follows a route at walking speed.

    Attributes:
        room: Room of the destination, None for outside of the building.
    """

    def __init__(
        self, context: FleetContext, site: SimulatedSite, floor: FloorMap, identity: Payload, kind: str
    ) -> None:
        super().__init__(context, site, floor, identity, kind)
        self.room: OfficeRoom | None = None
        self._legs: list[tuple[float, float, FloorMap, Point, Point]] = []  # start and end time, floor, start, end
        self.x_m, self.y_m = ENTRANCE

    @property
    def arrives_at(self) -> float:
        """Unix time at which the route ends; 0 without a route."""
        return self._legs[-1][1] if self._legs else 0.0

    def start_route(self, room: OfficeRoom | None, floor: FloorMap, at: float) -> None:
        """Start a route to a random point of a room on a floor; out of the building if `room` is None."""
        here: Point = (self.x_m, self.y_m)
        start = path_to_corridor(self.room, here)
        target = room.random_point(self._site.rng) if room is not None else ENTRANCE
        end = list(reversed(path_to_corridor(room, target)))
        if floor is self.floor:
            self._set_legs([(self.floor, [*start, *end])], at)
        else:
            self._set_legs([(self.floor, [*start, STAIRS]), (floor, [STAIRS, *end])], at)
        self.room = room

    def move(self, at: float) -> None:
        """Move to the point of the route for this time and update the zones."""
        while len(self._legs) > 1 and self._legs[0][1] < at:
            self._legs.pop(0)
        if self._legs:
            begins, ends, self.floor, start, end = self._legs[0]
            share = min(1.0, max(0.0, (at - begins) / (ends - begins))) if ends > begins else 1.0
            self.x_m, self.y_m = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        self.locate(at)

    def _set_legs(self, paths: list[tuple[FloorMap, list[Point]]], at: float) -> None:
        self._legs = []
        for floor, points in paths:
            for start, end in pairwise(points):
                length_m = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
                self._legs.append((at, at + length_m / SPEED_M_S, floor, start, end))
                at = self._legs[-1][1]


class OfficeWalker(LocatedObject):
    """A walker. Calls scheduled for its day are dropped when it leaves; the end of a stay when it walks elsewhere."""

    def __init__(self, context: FleetContext, site: SimulatedSite, ordinal: int) -> None:
        super().__init__(context, site, kind_of(ordinal), _FIRST_ORDINAL + ordinal)
        if self.mac:
            self.mac = f"{self.kind.oui}{(site.ordinal * context.plan.walkers + ordinal) % (1 << 24):06x}"
        self.route = RoutedPresence(context, site, site.maps[0], self._zone_identity(), self.kind.name)
        self.presence = self.route
        self._home_floor = site.maps[ordinal % len(site.maps)]
        self._day = self._stay_number = 0

    def arrive(self, at: float) -> None:
        """Arrive at the start of work, or within a minute during working hours."""
        rng, hour = self._site.rng, at % DAY_S / HOUR_S
        working = _WORK_FROM_H < hour < _WORK_TO_H
        arrival = at + rng.uniform(0, 60.0) if working else _next_time(at, rng.gauss(_ARRIVAL_H, 0.7))
        self._call_at(arrival, self.enter_building)

    def enter_building(self, at: float) -> None:
        """Enter the building, walk to a room and schedule lunch and departure."""
        rng, route = self._site.rng, self.route
        self.present = True
        self._day += 1
        route.floor, route.room, (route.x_m, route.y_m) = self._site.maps[0], None, ENTRANCE
        self._call_today(_next_time(at, rng.gauss(_LUNCH_H, 0.4)), self.lunch)
        self._call_today(_next_time(at, rng.gauss(_DEPARTURE_H, 1.0)), self.leave_building)
        self._walk_to(rng.choice(ROOMS), self._home_floor, at)
        self._call_today(at + rng.uniform(0, self._context.plan.location_cadence_s), self._send_periodically)

    def lunch(self, at: float) -> None:
        """Walk to the canteen of a random floor and stay there."""
        if self.present:
            self._walk_to(CANTEEN, self._site.rng.choice(self._site.maps), at, LUNCH_S)

    def leave_building(self, at: float) -> None:
        """Leave until the next day."""
        if self.present:
            self._exit(at, _next_time(at + HOUR_S, self._site.rng.gauss(_ARRIVAL_H, 0.7)))

    def evacuate(self, at: float) -> None:
        """Leave the building now and return after the evacuation."""
        if self.present:
            self._exit(at, at + EVACUATION_S * self._site.rng.uniform(1.0, 1.5))

    def _exit(self, at: float, return_at: float) -> None:
        self._day += 1
        self._stay_number += 1
        self.route.start_route(None, self._site.maps[0], at)
        next_position_at = at + self._site.rng.uniform(0, self._context.plan.location_cadence_s)
        self._call_today(next_position_at, self._send_periodically)
        self._call_today(self.route.arrives_at, self._disappear)
        self._call_at(max(return_at, self.route.arrives_at + 1.0), self.enter_building)

    def _disappear(self, at: float) -> None:
        self._send_position(at)
        self.presence.leave_floor(at)
        self.present = False
        self._day += 1

    def _walk_to(self, room: OfficeRoom, floor: FloorMap, at: float, mean_stay_s: float = STAY_S) -> None:
        """Walk to a room, stay there for a random time and walk to another room."""
        self.route.start_route(room, floor, at)
        self._stay_number += 1
        stay, day = self._stay_number, self._day
        until = self.route.arrives_at + self._site.rng.uniform(0.2, 1.8) * mean_stay_s
        self._call_at(until, lambda now: self._walk_on(now) if (stay, day) == (self._stay_number, self._day) else None)

    def _walk_on(self, at: float) -> None:
        rng = self._site.rng
        floor = self._home_floor if rng.random() < _HOME_FLOOR_SHARE else rng.choice(self._site.maps)
        self._walk_to(rng.choice(ROOMS), floor, at)

    def _send_periodically(self, at: float) -> None:
        self._send_position(at)
        self._call_today(at + self._context.plan.location_cadence_s, self._send_periodically)

    def _call_today(self, at: float, call: Callable[[float], None]) -> None:
        day = self._day
        self._call_at(at, lambda now: call(now) if self._day == day else None)


def _next_time(at: float, hour: float) -> float:
    """Return the next unix time after `at` at this hour of the day (UTC)."""
    time = at - at % DAY_S + hour * HOUR_S
    return time if time > at else time + DAY_S


def make_walkers(context: FleetContext, site: SimulatedSite) -> list[LocatedObject]:
    """Return the walkers of the plan for a site; none of them is present yet."""
    if context.plan.location_cadence_s <= 0 or not site.maps:
        return []
    return [OfficeWalker(context, site, ordinal) for ordinal in range(context.plan.walkers)]
