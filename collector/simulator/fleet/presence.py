"""Where somebody is on a floor, and what Mist tells of zones entered and left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.parts import wander
from collector.simulator.fleet.places import HEIGHT_M, OCCUPANCY_LIMIT, PPM, WIDTH_M

if TYPE_CHECKING:
    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.places import FloorMap, Site, Zone
    from collector.simulator.fleet.world import World

_STRIDE_M = 3.0


class Presence:
    """A walk over one floor. `who` names the walker in zone events (`type` and `mac` or `id`); empty: nobody tells.

    `kind` is what it is counted as: "client", "unconnected_client", "sdkclient", "asset" or "discovered_asset".
    `zones` are those that it is in, with the unix time at which it was first located there.
    """

    def __init__(self, world: World, site: Site, floor: FloorMap, who: Payload, kind: str) -> None:
        self._world, self._site, self.floor, self._who, self.kind = world, site, floor, who, kind
        self.x_m, self.y_m = site.rng.uniform(0, WIDTH_M), site.rng.uniform(0, HEIGHT_M)
        self.zones: dict[Zone, float] = {}
        self.seen_at = 0.0
        self.on_map = False

    def move(self, at: float) -> None:
        """Walk a few metres; tell of a zone that is left or entered."""
        rng = self._site.rng
        self.x_m = wander(rng, self.x_m, 0, WIDTH_M, _STRIDE_M)
        self.y_m = wander(rng, self.y_m, 0, HEIGHT_M, _STRIDE_M)
        self.be_at(at)

    def be_at(self, at: float) -> None:
        """Be located where one is; tell of zones that are left or entered."""
        self.seen_at, self.on_map = at, True
        self._be_in(self.floor.zones_at(self.x_m, self.y_m), at)

    def vanish(self, at: float) -> None:
        """Be nowhere: leave the zones. Who looks on learns it late; a stay ended when one was last seen."""
        self.on_map = False
        self._be_in([], at)

    def forget(self) -> None:
        """Leave the fleet without a word."""
        self.on_map = False
        for zone in self.zones:
            zone.inside.pop(self, None)

    @property
    def who(self) -> str:
        """The `type` of the walker in zone events: "wifi", "sdk", "asset", or "" for those of whom nobody tells."""
        return str(self._who.get("type", ""))

    def pixels(self) -> Payload:
        """Return the place in map pixels, as stats and map channels give it."""
        return {"x": round(self.x_m * PPM, 2), "y": round(self.y_m * PPM, 2)}

    def metres(self) -> Payload:
        """Return the place in metres, as webhooks give it."""
        return {"x": round(self.x_m, 3), "y": round(self.y_m, 3)}

    def located(self, topic: str, extra: Payload, at: float) -> None:
        """Tell the place by webhook, in the topic of its kind and in the common one."""
        if not self._world.plan.location_events:
            return
        ids = {"site_id": self._site.id, "map_id": self.floor.id, "timestamp": int(at)}
        event = ids | self.metres() | self._who | extra
        self._world.event(topic, event, at)
        self._world.event("location", event, at)

    def _be_in(self, zones: list[Zone], at: float) -> None:
        for zone in [zone for zone in self.zones if zone not in zones]:
            zone.inside.pop(self, None)
            zone.visits_of(self.kind).end(self.seen_at - self.zones.pop(zone))
            self._tell(zone, "exit", at)
        for zone in zones:
            if zone not in self.zones:
                self.zones[zone] = at
                zone.inside[self] = self.who
                zone.visits_of(self.kind).enters += 1
                self._tell(zone, "enter", at)
                if len(zone.inside) == OCCUPANCY_LIMIT + 1:
                    self._alert(zone, at)

    def _tell(self, zone: Zone, trigger: str, at: float) -> None:
        if self._who:
            ids = {"site_id": self._site.id, "map_id": self.floor.id, "zone_id": zone.id}
            self._world.event("zone", ids | {"timestamp": int(at), "trigger": trigger} | self._who, at)

    def _alert(self, zone: Zone, at: float) -> None:
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
        self._world.event("occupancy-alerts", event, at)
