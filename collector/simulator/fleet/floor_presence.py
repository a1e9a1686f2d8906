"""Position of a client or an asset on a floor, and the zone events that follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.primitives import random_walk
from collector.simulator.fleet.sites import HEIGHT_M, OCCUPANCY_LIMIT, PPM, WIDTH_M

if TYPE_CHECKING:
    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.sites import FloorMap, SimulatedSite, SimulatedZone

_STEP_M = 3.0


class FloorPresence:
    """Position of one object on a floor, moved by a random walk.

    Args:
        context: Shared state of the fleet.
        site: The site.
        floor: The floor.
        identity: Fields that identify the object in zone events (`type` and `mac` or `id`); empty for an object that
            has no zone events.
        kind: Kind of object: "client", "unconnected_client", "sdkclient", "asset" or "discovered_asset".

    Attributes:
        zones: Zones at the position -> unix time of the first position in the zone.
        seen_at: Unix time of the latest position.
        on_map: Whether the object is on the floor.
    """

    def __init__(
        self, context: FleetContext, site: SimulatedSite, floor: FloorMap, identity: Payload, kind: str
    ) -> None:
        self._context, self._site, self.floor, self._identity, self.kind = context, site, floor, identity, kind
        self.x_m, self.y_m = site.rng.uniform(0, WIDTH_M), site.rng.uniform(0, HEIGHT_M)
        self.zones: dict[SimulatedZone, float] = {}
        self.seen_at = 0.0
        self.on_map = False

    @property
    def zone_type(self) -> str:
        """`type` of the object in zone events: "wifi", "sdk" or "asset"; "" for an object without zone events."""
        return str(self._identity.get("type", ""))

    def move(self, at: float) -> None:
        """Move a few metres and update the zones."""
        rng = self._site.rng
        self.x_m = random_walk(rng, self.x_m, 0, WIDTH_M, _STEP_M)
        self.y_m = random_walk(rng, self.y_m, 0, HEIGHT_M, _STEP_M)
        self.locate(at)

    def locate(self, at: float) -> None:
        """Report the present position: update the zones and send the events for zones left and entered."""
        self.seen_at, self.on_map = at, True
        self._update_zones(self.floor.zones_at(self.x_m, self.y_m), at)

    def leave_floor(self, at: float) -> None:
        """Leave the floor and its zones; the stays in the zones end at the latest position."""
        self.on_map = False
        self._update_zones([], at)

    def remove(self) -> None:
        """Leave the floor and its zones without an event."""
        self.on_map = False
        for zone in self.zones:
            zone.inside.pop(self, None)

    def pixels(self) -> Payload:
        """Return the position in map pixels, the unit of statistics and map channels."""
        return {"x": round(self.x_m * PPM, 2), "y": round(self.y_m * PPM, 2)}

    def metres(self) -> Payload:
        """Return the position in metres, the unit of webhooks."""
        return {"x": round(self.x_m, 3), "y": round(self.y_m, 3)}

    def send_location_events(self, topic: str, extra: Payload, at: float) -> None:
        """Send the position in the topic of its kind and in `location`, if the plan has location events."""
        if not self._context.plan.location_events:
            return
        ids = {"site_id": self._site.id, "map_id": self.floor.id, "timestamp": int(at)}
        event = ids | self.metres() | self._identity | extra
        self._context.send_event(topic, event, at)
        self._context.send_event("location", event, at)

    def _update_zones(self, zones: list[SimulatedZone], at: float) -> None:
        for zone in [zone for zone in self.zones if zone not in zones]:
            zone.inside.pop(self, None)
            zone.visits_of(self.kind).add_stay(self.seen_at - self.zones.pop(zone))
            self._send_zone_event(zone, "exit", at)
        for zone in zones:
            if zone not in self.zones:
                self.zones[zone] = at
                zone.inside[self] = self.zone_type
                zone.visits_of(self.kind).enters += 1
                self._send_zone_event(zone, "enter", at)
                if len(zone.inside) == OCCUPANCY_LIMIT + 1:
                    self._send_occupancy_alert(zone, at)

    def _send_zone_event(self, zone: SimulatedZone, trigger: str, at: float) -> None:
        if self._identity:
            ids = {"site_id": self._site.id, "map_id": self.floor.id, "zone_id": zone.id}
            event = ids | {"timestamp": int(at), "trigger": trigger} | self._identity
            self._context.send_event("zone", event, at)

    def _send_occupancy_alert(self, zone: SimulatedZone, at: float) -> None:
        alert = {
            "type": "COMPLIANCE-VIOLATION",
            "zone_id": zone.id,
            "zone_name": zone.name,
            "map_id": self.floor.id,
            "org_id": self._site.org.id,
            "current_occupancy": len(zone.inside),
            "occupancy_limit": OCCUPANCY_LIMIT,
            "timestamp": int(at),
        }
        event = {"site_id": self._site.id, "site_name": self._site.name, "alert_events": [alert]}
        self._context.send_event("occupancy-alerts", event, at)
