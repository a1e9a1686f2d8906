"""Located objects other than associated clients: unconnected clients, SDK clients, named and discovered assets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.simulator.fleet.floor_presence import FloorPresence
from collector.simulator.fleet.primitives import uuid_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.sites import SimulatedSite

_STAY_S, _AWAY_S = 1500.0, 400.0


@dataclass(frozen=True, kw_only=True)
class LocatedObjectKind:
    """A kind of located object.

    Attributes:
        channel: Last part of the map channel.
        plan_field: Field of the plan that holds the number of objects per site.
        topic: Topic of its location events.
        oui: OUI of its MAC addresses, "" for objects without one.
        zone_type: `type` in zone events, "" for objects without zone events.
    """

    channel: str
    plan_field: str
    topic: str
    oui: str
    zone_type: str = ""

    @property
    def name(self) -> str:
        """Name of the kind in the singular: "asset" for "assets"."""
        return self.channel.removesuffix("s")


LOCATED_OBJECT_KINDS: tuple[LocatedObjectKind, ...] = (
    LocatedObjectKind(
        channel="unconnected_clients", plan_field="unconnected_clients", topic="location-unclient", oui="568400"
    ),
    LocatedObjectKind(channel="sdkclients", plan_field="sdkclients", topic="location-sdk", oui="", zone_type="sdk"),
    LocatedObjectKind(channel="assets", plan_field="assets", topic="location-asset", oui="4a0222", zone_type="asset"),
    LocatedObjectKind(
        channel="discovered_assets", plan_field="discovered_assets", topic="location-asset", oui="7fc293"
    ),
)


class LocatedObject:
    """A located object of a site; its position is sent every `location_cadence_s` seconds while it is present."""

    def __init__(self, context: FleetContext, site: SimulatedSite, kind: LocatedObjectKind, ordinal: int) -> None:
        seed = context.plan.seed
        self.kind, self._context, self._site, self._ordinal = kind, context, site, ordinal
        self.mac = f"{kind.oui}{(site.ordinal * 4096 + ordinal) % (1 << 24):06x}" if kind.oui else ""
        self._id = uuid_of(seed, kind.channel, site.id, ordinal)
        floor = site.maps[ordinal % len(site.maps)]
        self.presence = FloorPresence(context, site, floor, self._zone_identity(), kind.name)
        self.last_payload: Payload = {}
        self.present = False
        self._removed = False

    def arrive(self, at: float) -> None:
        """Arrive at the site and stay for a random time."""
        self.present = True
        self._leaves_at = at + self._site.rng.expovariate(1 / _STAY_S)
        self._call_at(at + self._site.rng.uniform(0, self._context.plan.location_cadence_s), self._send_or_leave)

    def rest_asset(self) -> Payload:
        """Return a named asset as `stats/assets` lists it."""
        zones = [{"id": zone.id, "since": int(since)} for zone, since in self.presence.zones.items()]
        last_seen = self.last_payload["last_seen"]
        return self.last_payload | {
            "id": self._id,
            "name": f"asset {self._ordinal}",
            "map_id": self.presence.floor.id,
            "device_name": f"asset {self._ordinal}",
            "device_id": "00000000-0000-0000-1000-5c5b35000001",
            "by": "asset",
            "manufacture": "Example Tags",
            "rssi": -60 - self._ordinal % 20,
            "beam": self._ordinal % 8 + 1,
            "duration": 60,
            "battery_percent": 90 - self._ordinal % 80,
            "battery_voltage": 3370 - self._ordinal,
            "temperature": 21.5,
            "eddystone_uid_namespace": "2818e3868dec25629ede",
            "eddystone_uid_instance": self.mac,
            "eddystone_url_url": "https://www.example.com",
            "ibeacon_uuid": self._id,
            "ibeacon_major": 13,
            "ibeacon_minor": self._ordinal,
            "mfg_company_id": 935,
            "mfg_data": "648520a1020000",
            "service_packets": [{"uuid": "feaa", "data": "00", "rx_cnt": 5, "last_rx_time": last_seen}],
            "rssizones": [],
            "zones": zones,
            "_ttl": 300,
        }

    def remove(self) -> None:
        """Remove the object, without an event."""
        self.presence.remove()
        self.present, self._removed = False, True

    def _send_or_leave(self, at: float) -> None:
        if at > self._leaves_at:
            self.present = False
            self.presence.leave_floor(at)
            self._call_at(at + self._site.rng.expovariate(1 / _AWAY_S), self.arrive)
            return
        self._send_position(at)
        self._call_at(at + self._context.plan.location_cadence_s, self._send_or_leave)

    def _send_position(self, at: float) -> None:
        self.presence.move(at)
        self.last_payload = self._payload(at)
        channel = f"/sites/{self._site.id}/stats/maps/{self.presence.floor.id}/{self.kind.channel}"
        self._context.send_message(channel, self.last_payload, "map", self.mac or self._id, at)
        self.presence.send_location_events(self.kind.topic, self._location_event_fields(), at)

    def _payload(self, at: float) -> Payload:
        """Return the payload of the map channel, in the format of this kind."""
        position, map_id, seen = self.presence.pixels(), self.presence.floor.id, int(at)
        match self.kind.channel:
            case "clients":
                return {"mac": self.mac, "map_id": map_id, "num_locating_aps": 3 + self._ordinal % 4} | position
            case "unconnected_clients":
                ap = {"ap_mac": "5c5b350e0410", "rssi": float(-60 - self._ordinal % 30), "num_locating_aps": 2}
                common = {"mac": self.mac, "map_id": map_id, "manufacture": "Apple", "last_seen": seen}
                return common | position | ap
            case "sdkclients":
                names = {"id": self._id, "uuid": self._id, "name": f"visitor {self._ordinal}"}
                listed_map = map_id if self._ordinal % 2 == 0 else None  # null in some payloads of the map channel
                return names | {"map_id": listed_map, "last_seen": seen} | position
            case "assets":
                return {"mac": self.mac, "last_seen": seen} | position
            case _:
                return {"mac": self.mac, "map_id": map_id, "manufacture": "Unknown", "last_seen": seen} | position

    def _zone_identity(self) -> Payload:
        """Return the fields that identify the object in zone events."""
        if self.kind.zone_type == "sdk":
            return {"type": "sdk", "id": self._id, "name": f"visitor {self._ordinal}"}
        if self.kind.zone_type == "asset":
            return {"type": "asset", "mac": self.mac, "asset_id": self._id}
        return {"type": "wifi", "mac": self.mac} if self.kind.zone_type else {}

    def _location_event_fields(self) -> Payload:
        """Return the fields of location events that zone events lack."""
        if self.kind.zone_type == "asset":
            return {"battery_voltage": 3370 - self._ordinal, "mfg_company_id": 935, "mfg_data": "648520a1020000"}
        if self.kind.zone_type:
            return {}
        return {"type": "wifi" if "client" in self.kind.channel else "asset", "mac": self.mac}

    def _call_at(self, at: float, call: Callable[[float], None]) -> None:
        self._context.schedule.call_at(at, lambda now: None if self._removed else call(now))


def make_located_objects(context: FleetContext, site: SimulatedSite) -> list[LocatedObject]:
    """Return the located objects of the plan for a site; none of them is present yet."""
    if context.plan.location_cadence_s <= 0 or not site.maps:
        return []
    return [
        LocatedObject(context, site, kind, ordinal)
        for kind in LOCATED_OBJECT_KINDS
        for ordinal in range(getattr(context.plan, kind.plan_field))
    ]
