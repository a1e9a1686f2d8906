"""Who is located on a floor without being a Wi-Fi client: passers-by, app users, assets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.simulator.fleet.ids import uuid_of
from collector.simulator.fleet.presence import Presence

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.places import Site
    from collector.simulator.fleet.world import World

_STAYS_S, _AWAY_S = 1500.0, 400.0


@dataclass(frozen=True, kw_only=True)
class VisitorKind:
    """`channel` is the last part of the map's channel, `counted_by` the field of the plan, `oui` of its addresses."""

    channel: str
    counted_by: str
    topic: str
    oui: str
    zone_type: str = ""

    @property
    def name(self) -> str:
        """What one of them is called: "asset" of "assets"."""
        return self.channel.removesuffix("s")


VISITOR_KINDS: tuple[VisitorKind, ...] = (
    VisitorKind(
        channel="unconnected_clients", counted_by="unconnected_clients", topic="location-unclient", oui="568400"
    ),
    VisitorKind(channel="sdkclients", counted_by="sdkclients", topic="location-sdk", oui="", zone_type="sdk"),
    VisitorKind(channel="assets", counted_by="assets", topic="location-asset", oui="4a0222", zone_type="asset"),
    VisitorKind(channel="discovered_assets", counted_by="discovered_assets", topic="location-asset", oui="7fc293"),
)


class Visitor:
    """One visitor of a site. While it is there it is located every `location_cadence_s` seconds."""

    def __init__(self, world: World, site: Site, kind: VisitorKind, ordinal: int) -> None:
        seed = world.plan.seed
        self.kind, self._world, self._site, self._ordinal = kind, world, site, ordinal
        self.mac = f"{kind.oui}{(site.ordinal * 4096 + ordinal) % (1 << 24):06x}" if kind.oui else ""
        self._id = uuid_of(seed, kind.channel, site.id, ordinal)
        self.presence = Presence(world, site, site.maps[ordinal % len(site.maps)], self._who(), kind.name)
        self.known: Payload = {}
        self.there = False
        self._gone = False

    def appear(self, at: float) -> None:
        """Come in, for a while."""
        self.there = True
        self._until = at + self._site.rng.expovariate(1 / _STAYS_S)
        self._later(at + self._site.rng.uniform(0, self._world.plan.location_cadence_s), self._be_located)

    def rest_asset(self) -> Payload:
        """Return a named asset as `stats/assets` lists it."""
        zones = [{"id": zone.id, "since": int(since)} for zone, since in self.presence.zones.items()]
        return self.known | {
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
            "service_packets": [{"uuid": "feaa", "data": "00", "rx_cnt": 5, "last_rx_time": self.known["last_seen"]}],
            "rssizones": [],
            "zones": zones,
            "_ttl": 300,
        }

    def forget(self) -> None:
        """Leave the fleet without a word."""
        self.presence.forget()
        self.there, self._gone = False, True

    def _be_located(self, at: float) -> None:
        if at > self._until:
            self.there = False
            self.presence.vanish(at)
            self._later(at + self._site.rng.expovariate(1 / _AWAY_S), self.appear)
            return
        self._be_located_now(at)
        self._later(at + self._world.plan.location_cadence_s, self._be_located)

    def _be_located_now(self, at: float) -> None:
        self.presence.move(at)
        self.known = self._frame(at)
        channel = f"/sites/{self._site.id}/stats/maps/{self.presence.floor.id}/{self.kind.channel}"
        self._world.emit(channel, self.known, "map", self.mac or self._id, at)
        self.presence.located(self.kind.topic, self._heard(), at)

    def _frame(self, at: float) -> Payload:
        """Return what the map's channel says of it: each kind in its own words."""
        place, map_id, seen = self.presence.pixels(), self.presence.floor.id, int(at)
        match self.kind.channel:
            case "clients":
                return {"mac": self.mac, "map_id": map_id, "num_locating_aps": 3 + self._ordinal % 4} | place
            case "unconnected_clients":
                ap = {"ap_mac": "5c5b350e0410", "rssi": float(-60 - self._ordinal % 30), "num_locating_aps": 2}
                return {"mac": self.mac, "map_id": map_id, "manufacture": "Apple", "last_seen": seen} | place | ap
            case "sdkclients":
                names = {"id": self._id, "uuid": self._id, "name": f"visitor {self._ordinal}"}
                known = map_id if self._ordinal % 2 == 0 else None  # some say no map, though the channel names one
                return names | {"map_id": known, "last_seen": seen} | place
            case "assets":
                return {"mac": self.mac, "last_seen": seen} | place
            case _:
                return {"mac": self.mac, "map_id": map_id, "manufacture": "Unknown", "last_seen": seen} | place

    def _who(self) -> Payload:
        if self.kind.zone_type == "sdk":
            return {"type": "sdk", "id": self._id, "name": f"visitor {self._ordinal}"}
        if self.kind.zone_type == "asset":
            return {"type": "asset", "mac": self.mac, "asset_id": self._id}
        return {"type": "wifi", "mac": self.mac} if self.kind.zone_type else {}

    def _heard(self) -> Payload:
        if self.kind.zone_type == "asset":
            return {"battery_voltage": 3370 - self._ordinal, "mfg_company_id": 935, "mfg_data": "648520a1020000"}
        return (
            {}
            if self.kind.zone_type
            else {"type": "wifi" if "client" in self.kind.channel else "asset", "mac": self.mac}
        )

    def _later(self, at: float, action: Callable[[float], None]) -> None:
        self._world.agenda.put(at, lambda now: None if self._gone else action(now))


def make_visitors(world: World, site: Site) -> list[Visitor]:
    """Return the visitors that the plan wants for a site, none of them there yet."""
    if world.plan.location_cadence_s <= 0 or not site.maps:
        return []
    return [
        Visitor(world, site, kind, ordinal)
        for kind in VISITOR_KINDS
        for ordinal in range(getattr(world.plan, kind.counted_by))
    ]
