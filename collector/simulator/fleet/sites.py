"""Orgs, sites, floor maps and zones, and their REST objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Protocol

from collector.simulator.fleet import office_layout
from collector.simulator.fleet.primitives import uuid_of

if TYPE_CHECKING:
    from collector.simulator.fleet.primitives import Payload

PPM = 20.0
"""Map pixels per metre of every floor."""

WIDTH_M, HEIGHT_M = 60.0, 40.0

_FLOOR_COUNTS = (1, 1, 2)

OCCUPANCY_LIMIT = 20
"""Number of objects in a zone above which Mist sends an occupancy alert."""

UNASSIGNED = "00000000-0000-0000-0000-000000000000"
"""Site id of objects that belong to an org but to no site."""

_AGE_S = 40_000_000
"""Age of orgs and sites when the simulation starts."""

# name, country, timezone, latitude, longitude, tzoffset (minutes; the format is unverified)
_CITIES: tuple[tuple[str, str, str, float, float, int], ...] = (
    ("Cupertino", "US", "America/Los_Angeles", 37.2956, -122.0330, 960),
    ("Frankfurt", "DE", "Europe/Berlin", 50.1109, 8.6821, 60),
    ("Tokyo", "JP", "Asia/Tokyo", 35.6762, 139.6503, 540),
    ("Sao Paulo", "BR", "America/Sao_Paulo", -23.5505, -46.6333, 1260),
    ("Kraków", "PL", "Europe/Warsaw", 50.0647, 19.9450, 60),
    ("Sydney", "AU", "Australia/Sydney", -33.8688, 151.2093, 600),
)

# Outlines in metres: the second is L-shaped, and two of them share an edge.
_ZONES: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = (
    ("Lobby", ((2.0, 2.0), (20.0, 2.0), (20.0, 15.0), (2.0, 15.0))),
    ("Open space", ((20.0, 2.0), (58.0, 2.0), (58.0, 38.0), (40.0, 38.0), (40.0, 15.0), (20.0, 15.0))),
    ('Lab "B"', ((2.0, 20.0), (18.5, 20.0), (18.5, 38.0), (2.0, 38.0))),
)


@dataclass(eq=False, kw_only=True)
class SimulatedOrg:
    """An organisation."""

    id: str
    name: str
    created_at: float

    def rest(self) -> Payload:
        """Return the object of `/orgs/:id`."""
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


class ZoneOccupant(Protocol):
    """An object whose position is in a zone; `kind` is the kind of object ("client", "asset", ...)."""

    kind: str


@dataclass(slots=True)
class ZoneVisits:
    """Visits of one kind of object to a zone; `stayed_s` is the total length of the stays that ended."""

    enters: int = 0
    exits: int = 0
    stayed_s: float = 0.0

    def add_stay(self, stayed_s: float) -> None:
        """Count a stay that ended."""
        self.exits += 1
        self.stayed_s += stayed_s


@dataclass(eq=False, kw_only=True)
class SimulatedZone:
    """A zone on a map.

    Attributes:
        outline_m: Corners in metres.
        inside: Objects whose position is in the zone -> their `type` in zone events ("wifi", ...).
        visits: Kind of object ("client", ...) -> visits.
    """

    id: str
    name: str
    outline_m: tuple[tuple[float, float], ...]
    inside: dict[ZoneOccupant, str] = field(default_factory=dict)
    visits: dict[str, ZoneVisits] = field(default_factory=dict)

    def visits_of(self, kind: str) -> ZoneVisits:
        """Return the visits of one kind of object."""
        return self.visits.setdefault(kind, ZoneVisits())

    def contains(self, x_m: float, y_m: float) -> bool:
        """Return whether a point is inside the outline; undefined for a point on an edge."""
        inside, (last_x, last_y) = False, self.outline_m[-1]
        for x, y in self.outline_m:
            if (y > y_m) != (last_y > y_m) and x_m < (last_x - x) * (y_m - y) / (last_y - y) + x:
                inside = not inside
            last_x, last_y = x, y
        return inside


@dataclass(eq=False, kw_only=True)
class FloorMap:
    """A floor of a site with its zones and walls, in metres."""

    id: str
    name: str
    zones: list[SimulatedZone]
    walls: list[tuple[tuple[float, float], tuple[float, float]]] = field(default_factory=list)

    def zones_at(self, x_m: float, y_m: float) -> list[SimulatedZone]:
        """Return the zones that contain a point, in metres."""
        return [zone for zone in self.zones if zone.contains(x_m, y_m)]


@dataclass(eq=False, kw_only=True)
class SimulatedSite:
    """A site of an org; `rng` is the source of randomness of its clients and assets."""

    id: str
    org: SimulatedOrg
    ordinal: int
    name: str
    created_at: float
    rng: Random
    maps: list[FloorMap] = field(default_factory=list)

    @property
    def channel(self) -> str:
        """Channel of the devices of the site."""
        return f"/sites/{self.id}/stats/devices"

    @property
    def client_channel(self) -> str:
        """Channel of the Wi-Fi clients of the site."""
        return f"/sites/{self.id}/stats/clients"

    def rest(self) -> Payload:
        """Return the object that `/orgs/:id/sites` lists."""
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
        """Return the fields of `/sites/:id/setting` that affect device reports."""
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
        """Return the fields of `/sites/:id/stats` other than the device counts."""
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
        """Return the objects that `/sites/:id/maps` lists."""
        return [self._rest_map(floor) for floor in self.maps]

    def rest_zones(self) -> list[Payload]:
        """Return the objects that `/sites/:id/zones` lists, with vertices in map pixels."""
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

    def _rest_zone(self, floor: FloorMap, zone: SimulatedZone) -> Payload:
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
    """Return walls in the format of Mist: nodes in map pixels, connected by edges. None without walls."""
    names = {corner: f"N{number}" for number, corner in enumerate(dict.fromkeys(end for wall in walls for end in wall))}
    joined: dict[tuple[float, float], dict[str, str]] = {corner: {} for corner in names}
    for start, end in walls:
        joined[start][names[end]] = "0"
    nodes = [
        {"name": names[x, y], "position": {"x": x * PPM, "y": y * PPM}, "edges": edges}
        for (x, y), edges in joined.items()
    ]
    return {"coordinate": "actual", "nodes": nodes} if nodes else None


def unassigned_site(org: SimulatedOrg) -> SimulatedSite:
    """Return the placeholder site of devices that an org has not assigned to a site."""
    return SimulatedSite(id=UNASSIGNED, org=org, ordinal=0, name="", created_at=org.created_at, rng=Random(org.id))


def make_org(seed: int, ordinal: int, start: float) -> SimulatedOrg:
    """Return the org with this ordinal."""
    return SimulatedOrg(id=uuid_of(seed, "org", ordinal), name=f"Example Org {ordinal + 1}", created_at=start - _AGE_S)


def make_site(seed: int, org: SimulatedOrg, ordinal: int, start: float, office_floors: int = 0) -> SimulatedSite:
    """Return the site with this ordinal in the fleet.

    It has one floor with three zones, or two floors for every third site; with `office_floors` it has that many office
    floors instead.
    """
    levels = range(office_floors or _FLOOR_COUNTS[ordinal % len(_FLOOR_COUNTS)])
    site_id = uuid_of(seed, "site", ordinal)
    return SimulatedSite(
        id=site_id,
        org=org,
        ordinal=ordinal,
        name=f"{_CITIES[ordinal % len(_CITIES)][0]} {ordinal + 1}",
        created_at=start - _AGE_S,
        rng=Random(f"{seed}/site/{ordinal}"),
        maps=[_make_map(seed, ordinal, level, office=office_floors > 0) for level in levels],
    )


def _make_map(seed: int, ordinal: int, level: int, *, office: bool) -> FloorMap:
    outlines = [(room.name, room.outline) for room in office_layout.ROOMS] if office else _ZONES
    zones = [
        SimulatedZone(id=uuid_of(seed, "zone", ordinal, level, index), name=name, outline_m=outline)
        for index, (name, outline) in enumerate(outlines)
    ]
    walls = office_layout.walls() if office else []
    return FloorMap(id=uuid_of(seed, "map", ordinal, level), name=f"Floor {level + 1}", zones=zones, walls=walls)
