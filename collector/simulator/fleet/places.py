"""Orgs, sites, floor maps and zones, as REST answers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from collector.simulator.fleet import offices
from collector.simulator.fleet.ids import uuid_of

if TYPE_CHECKING:
    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.presence import Presence

PPM = 20.0
"""Map pixels a metre, the same on every floor."""

WIDTH_M, HEIGHT_M = 60.0, 40.0

_FLOORS = (1, 1, 2)

OCCUPANCY_LIMIT = 20
"""How many may be in a zone before Mist alerts."""

UNASSIGNED = "00000000-0000-0000-0000-000000000000"
"""The site id of what belongs to the org alone."""

_AGE_S = 40_000_000
"""Places were set up this long before the fleet's time begins."""

# name, country, timezone, latitude, longitude, tzoffset (minutes, as Mist counts them: unverified)
_CITIES: tuple[tuple[str, str, str, float, float, int], ...] = (
    ("Cupertino", "US", "America/Los_Angeles", 37.2956, -122.0330, 960),
    ("Frankfurt", "DE", "Europe/Berlin", 50.1109, 8.6821, 60),
    ("Tokyo", "JP", "Asia/Tokyo", 35.6762, 139.6503, 540),
    ("Sao Paulo", "BR", "America/Sao_Paulo", -23.5505, -46.6333, 1260),
    ("Kraków", "PL", "Europe/Warsaw", 50.0647, 19.9450, 60),
    ("Sydney", "AU", "Australia/Sydney", -33.8688, 151.2093, 600),
)

# Outlines in metres; the second is L-shaped, and two of them share an edge.
_ZONES: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = (
    ("Lobby", ((2.0, 2.0), (20.0, 2.0), (20.0, 15.0), (2.0, 15.0))),
    ("Open space", ((20.0, 2.0), (58.0, 2.0), (58.0, 38.0), (40.0, 38.0), (40.0, 15.0), (20.0, 15.0))),
    ('Lab "B"', ((2.0, 20.0), (18.5, 20.0), (18.5, 38.0), (2.0, 38.0))),
)


@dataclass(eq=False, kw_only=True)
class Org:
    """An organisation."""

    id: str
    name: str
    created_at: float

    def rest(self) -> Payload:
        """Return what `/orgs/:id` answers."""
        created = int(self.created_at)
        return {
            "id": self.id,
            "name": self.name,
            "alarmtemplate_id": None,
            "allow_mist": True,
            "created_time": created,
            "modified_time": created + 86_400,
            "msp_id": None,
            "orggroup_ids": [],
            "session_expiry": 1440,
        }


@dataclass(slots=True)
class Visits:
    """Who came into a zone and went, of one kind; `stayed_s` adds up the stays that ended."""

    enters: int = 0
    exits: int = 0
    stayed_s: float = 0.0

    def end(self, stayed_s: float) -> None:
        """Somebody went."""
        self.exits += 1
        self.stayed_s += stayed_s


@dataclass(eq=False, kw_only=True)
class Zone:
    """A named outline on a map: its corners in metres, and who is `inside`, each with what it is ("wifi", ...).

    `visits` has by kind ("client", ...) who came and went.
    """

    id: str
    name: str
    outline_m: tuple[tuple[float, float], ...]
    inside: dict[Presence, str] = field(default_factory=dict)
    visits: dict[str, Visits] = field(default_factory=dict)

    def visits_of(self, kind: str) -> Visits:
        """The visits of one kind."""
        return self.visits.setdefault(kind, Visits())

    def holds(self, x_m: float, y_m: float) -> bool:
        """Whether a point lies in the outline (on its edge: either answer)."""
        inside, (last_x, last_y) = False, self.outline_m[-1]
        for x, y in self.outline_m:
            if (y > y_m) != (last_y > y_m) and x_m < (last_x - x) * (y_m - y) / (last_y - y) + x:
                inside = not inside
            last_x, last_y = x, y
        return inside


@dataclass(eq=False, kw_only=True)
class FloorMap:
    """A floor of a site with its zones."""

    id: str
    name: str
    zones: list[Zone]

    walls: list[tuple[tuple[float, float], tuple[float, float]]] = field(default_factory=list)

    def zones_at(self, x_m: float, y_m: float) -> list[Zone]:
        """Return the zones at a point in metres."""
        return [zone for zone in self.zones if zone.holds(x_m, y_m)]


@dataclass(eq=False, kw_only=True)
class Site:
    """A site of an org; `rng` is the chance of all clients that live there."""

    id: str
    org: Org
    ordinal: int
    name: str
    created_at: float
    rng: Random
    maps: list[FloorMap] = field(default_factory=list)

    @property
    def channel(self) -> str:
        """The channel on which the devices of this site speak."""
        return f"/sites/{self.id}/stats/devices"

    @property
    def client_channel(self) -> str:
        """The channel on which the Wi-Fi clients of this site are reported."""
        return f"/sites/{self.id}/stats/clients"

    def rest(self) -> Payload:
        """Return what `/orgs/:id/sites` lists for this site."""
        city, country, timezone, lat, lng, _ = _CITIES[self.ordinal % len(_CITIES)]
        return {
            "id": self.id,
            "org_id": self.org.id,
            "name": self.name,
            "address": f"{self.ordinal + 1} Main Street, {city}",
            "country_code": country,
            "timezone": timezone,
            "latlng": {"lat": lat, "lng": lng},
            "sitegroup_ids": [],
            "alarmtemplate_id": None,
            "aptemplate_id": None,
            "gatewaytemplate_id": None,
            "networktemplate_id": None,
            "rftemplate_id": None,
            "secpolicy_id": None,
            "sitetemplate_id": None,
            "notes": "",
            "created_time": int(self.created_at),
            "modified_time": int(self.created_at) + 86_400,
        }

    def rest_settings(self) -> Payload:
        """Return what `/sites/:id/setting` answers: the part that changes what is heard of devices."""
        return {
            "id": self.id,
            "site_id": self.id,
            "org_id": self.org.id,
            "device_updown_threshold": 0,
            "ap_updown_threshold": 0,
            "switch_updown_threshold": 0,
            "gateway_updown_threshold": 0,
            "analytic": {"enabled": True},
            "engagement": {"dwell_tags": {"passerby": "1-300", "bounce": "301-14400"}},
            "created_time": int(self.created_at),
            "modified_time": int(self.created_at) + 86_400,
        }

    def rest_stats(self) -> Payload:
        """Return the part of `/sites/:id/stats` that does not count devices."""
        lat, lng, tzoffset = _CITIES[self.ordinal % len(_CITIES)][3:]
        return self.rest() | {
            "analyticEnabled": True,
            "engagementEnabled": True,
            "lat": lat,
            "lng": lng,
            "msp_id": None,
            "tzoffset": tzoffset,
        }

    def rest_maps(self) -> list[Payload]:
        """Return what `/sites/:id/maps` lists."""
        return [self._rest_map(floor) for floor in self.maps]

    def rest_zones(self) -> list[Payload]:
        """Return what `/sites/:id/zones` lists; vertices are map pixels."""
        return [self._rest_zone(floor, zone) for floor in self.maps for zone in floor.zones]

    def _rest_map(self, floor: FloorMap) -> Payload:
        return {
            "id": floor.id,
            "name": floor.name,
            "org_id": self.org.id,
            "site_id": self.id,
            "type": "image",
            "width": int(WIDTH_M * PPM),
            "height": int(HEIGHT_M * PPM),
            "width_m": WIDTH_M,
            "height_m": HEIGHT_M,
            "ppm": PPM,
            "origin_x": 0,
            "origin_y": 0,
            "orientation": 0,
            "locked": True,
            "flags": {},
            "occupancy_limit": 100,
            "wall_path": wall_path(floor.walls),
            "created_time": int(self.created_at),
            "modified_time": int(self.created_at),
        }

    def _rest_zone(self, floor: FloorMap, zone: Zone) -> Payload:
        return {
            "id": zone.id,
            "name": zone.name,
            "map_id": floor.id,
            "org_id": self.org.id,
            "site_id": self.id,
            "occupancy_limit": OCCUPANCY_LIMIT,
            "vertices": [{"x": x * PPM, "y": y * PPM} for x, y in zone.outline_m],
            "vertices_m": [{"x": x, "y": y} for x, y in zone.outline_m],
            "created_time": int(self.created_at),
            "modified_time": int(self.created_at),
        }


def wall_path(walls: list[tuple[tuple[float, float], tuple[float, float]]]) -> Payload | None:
    """Return walls as Mist draws them: nodes in pixels, joined by edges. None when there are no walls."""
    names = {corner: f"N{number}" for number, corner in enumerate(dict.fromkeys(end for wall in walls for end in wall))}
    joined: dict[tuple[float, float], dict[str, str]] = {corner: {} for corner in names}
    for start, end in walls:
        joined[start][names[end]] = "0"
    nodes = [
        {"name": names[x, y], "position": {"x": x * PPM, "y": y * PPM}, "edges": edges}
        for (x, y), edges in joined.items()
    ]
    return {"coordinate": "actual", "nodes": nodes} if nodes else None


def no_site(org: Org) -> Site:
    """Return the place of what an org has not assigned to any site."""
    return Site(id=UNASSIGNED, org=org, ordinal=0, name="", created_at=org.created_at, rng=Random(org.id))


def make_org(seed: int, ordinal: int, start: float) -> Org:
    """Return the org of that ordinal."""
    return Org(id=uuid_of(seed, "org", ordinal), name=f"Example Org {ordinal + 1}", created_at=start - _AGE_S)


def make_site(seed: int, org: Org, ordinal: int, start: float, office_floors: int = 0) -> Site:
    """Return the site of that ordinal in the whole fleet: one floor with three zones; every third site has two.

    With `office_floors` it has so many floors of an office instead.
    """
    levels = range(office_floors or _FLOORS[ordinal % len(_FLOORS)])
    site_id = uuid_of(seed, "site", ordinal)
    return Site(
        id=site_id,
        org=org,
        ordinal=ordinal,
        name=f"{_CITIES[ordinal % len(_CITIES)][0]} {ordinal + 1}",
        created_at=start - _AGE_S,
        rng=Random(f"{seed}/site/{ordinal}"),
        maps=[_make_map(seed, ordinal, level, office=office_floors > 0) for level in levels],
    )


def _make_map(seed: int, ordinal: int, level: int, *, office: bool) -> FloorMap:
    outlines = [(room.name, room.outline) for room in offices.ROOMS] if office else _ZONES
    zones = [
        Zone(id=uuid_of(seed, "zone", ordinal, level, place), name=name, outline_m=outline)
        for place, (name, outline) in enumerate(outlines)
    ]
    walls = offices.walls() if office else []
    return FloorMap(id=uuid_of(seed, "map", ordinal, level), name=f"Floor {level + 1}", zones=zones, walls=walls)
