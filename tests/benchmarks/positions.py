"""Positions for the benchmarks: people who walk about in offices, as the simulator moves them, and a naive reader.

Five kinds in the simulator's shares, three of five are Wi-Fi clients. With more people than walk, the others walk as
these do under other addresses: on the same floors, or (`crowded` false) on floors of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from prometheus_client import Counter, Gauge

from collector.simulator.fleet import Fleet, FleetPlan, StreamMessage
from collector.simulator.frames import FrameEncoder
from tests.benchmarks import traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import CollectorRegistry

WALKERS = 2000
SITES, FLOORS = 3, 10
CADENCE_S = 5.0
MORNING = 1_767_225_600.0 + 9.5 * 3600
SETTLED_S = 1800.0
QUIET = {**traffic.QUIET, "location_cadence_s": CADENCE_S}


def positions(people: int, rounds: int, *, crowded: bool) -> traffic.Traffic:
    """`rounds` positions of each of `people`, in the order in which they are said."""
    walkers = -(-min(people, WALKERS) // SITES)
    fleet = Fleet(FleetPlan(sites=SITES, aps=1, walkers=walkers, office_floors=FLOORS, start=MORNING, **QUIET))
    fleet.step(fleet.now + SETTLED_S)
    told = traffic.inventory(fleet)
    said = [[one for one in fleet.step(fleet.now + CADENCE_S) if is_position(one)] for _ in range(rounds)]
    heard = {one.mac for one in said[0]}
    floors = [floor for site in told.sites for floor in fleet.maps(site["id"])]
    zones = [zone for site in told.sites for zone in fleet.zones(site["id"])]
    makers = FrameEncoder(nested=True)
    copies = max(1, people // max(1, len(heard)))
    for number in range(1 if crowded else copies):
        other = elsewhere(number)
        told.of_site["maps"] += map(other, floors)
        told.of_site["zones"] += map(other, zones)
    told.frames = [
        makers.encode(
            one.channel if crowded or not number else where(one.channel, number),
            orjson.dumps(alias(one.payload, number, crowded=crowded) if number else one.payload),
        )
        for turn in said
        for number in range(copies)
        for one in turn
        if one.mac in heard
    ]
    told.channels = sorted({orjson.loads(frame)["channel"] for frame in told.frames})
    return told


def is_position(said: object) -> bool:
    return isinstance(said, StreamMessage) and said.kind == "map"


def elsewhere(number: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What gives maps and zones of a copy other ids: the second group of an id counts the copies."""

    def other(row: dict[str, Any]) -> dict[str, Any]:
        ids = {name: renumbered(row[name], number) for name in ("id", "map_id") if name in row}
        return row | ids if number else row

    return other


def renumbered(identity: str, number: int) -> str:
    return f"{identity[:9]}{number:04x}{identity[13:]}"


def where(channel: str, number: int) -> str:
    """The channel of a copy that has floors of its own."""
    parts = channel.split("/")
    parts[5] = renumbered(parts[5], number)
    return "/".join(parts)


def alias(payload: dict[str, Any], number: int, *, crowded: bool) -> dict[str, Any]:
    """What a copy says."""
    said = dict(payload)
    if "mac" in said:
        said["mac"] = traffic.alias(said["mac"], number)
    else:
        said["id"] = said["uuid"] = renumbered(said["id"], number)
    if not crowded and isinstance(said.get("map_id"), str):
        said["map_id"] = renumbered(said["map_id"], number)
    return said


class Positions:
    """What one writes in an afternoon: a gauge for each number of a position, a counter of positions.

    With `zones` it does the work that the product does with them: who is in which zone, by a gauge of occupants. The
    zones of a map are walked through one by one.
    """

    FIELDS = ("x", "y", "num_locating_aps", "rssi", "last_seen")

    def __init__(self, registry: CollectorRegistry, zones: Iterable[dict[str, Any]] = ()) -> None:
        labels = ("site_id", "map_id", "kind", "who")
        self._gauges = {name: Gauge(f"mist_position_{name}", name, labels, registry=registry) for name in self.FIELDS}
        self._count = Counter("mist_positions", "Positions.", labels[:3], registry=registry)
        self._occupants = Gauge("mist_occupants", "Occupants.", ("zone_id", "kind"), registry=registry)
        self._zones: dict[str, list[tuple[str, list[tuple[float, float]]]]] = {}
        for zone in zones:
            corners = [(corner["x"], corner["y"]) for corner in zone["vertices"]]
            self._zones.setdefault(zone["map_id"], []).append((zone["id"], corners))
        self._inside: dict[tuple[str, str], set[str]] = {}

    def apply(self, channel: str, payload: dict[str, Any]) -> None:
        _, _, site_id, _, _, map_id, kind = channel.split("/")
        who = payload.get("mac") or payload.get("id")
        for name, gauge in self._gauges.items():
            value = payload.get(name)
            if value is not None:
                gauge.labels(site_id, map_id, kind, who).set(value)
        self._count.labels(site_id, map_id, kind).inc()
        if self._zones:
            self._locate(map_id, kind, who, payload["x"], payload["y"])

    def _locate(self, map_id: str, kind: str, who: str, x: float, y: float) -> None:
        before = self._inside.get((kind, who), set())
        now = {zone_id for zone_id, corners in self._zones.get(map_id, ()) if contains(corners, x, y)}
        for zone_id in before - now:
            self._occupants.labels(zone_id, kind).dec()
        for zone_id in now - before:
            self._occupants.labels(zone_id, kind).inc()
        self._inside[kind, who] = now


def contains(corners: list[tuple[float, float]], x: float, y: float) -> bool:
    """Even-odd, as in every textbook."""
    inside, (x0, y0) = False, corners[-1]
    for x1, y1 in corners:
        if (y1 > y) != (y0 > y) and x < (x0 - x1) * (y - y1) / (y0 - y1) + x1:
            inside = not inside
        x0, y0 = x1, y1
    return inside
