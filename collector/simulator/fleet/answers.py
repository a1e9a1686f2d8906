"""What the inhabitants of a fleet look like to REST, and what is true of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from collector.simulator.fleet.places import UNASSIGNED
from collector.simulator.fleet.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.simulator.fleet.bends import Bends
    from collector.simulator.fleet.clients import Crowd
    from collector.simulator.fleet.device import Device
    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.places import Org, Site, Visits
    from collector.simulator.fleet.plan import FleetPlan
    from collector.simulator.fleet.presence import Presence
    from collector.simulator.fleet.site_life import SiteLife
    from collector.simulator.fleet.visitors import Visitor


class Answers:
    """The inhabitants, by id or MAC, and every question that REST or a test asks of them.

    Unknown ids and addresses raise KeyError.
    """

    def __init__(self, plan: FleetPlan) -> None:
        self.plan = plan
        self._world = World(plan)
        self._orgs: dict[str, Org] = {}
        self._sites: dict[str, Site] = {}
        self._crowds: dict[str, Crowd] = {}
        self._lives: dict[str, SiteLife] = {}
        self._visitors: dict[str, list[Visitor]] = {}
        self._devices: dict[str, Device] = {}

    # What REST asks.

    def orgs(self) -> list[Payload]:
        """All orgs."""
        return [org.rest() for org in self._orgs.values()]

    def sites(self, org_id: str) -> list[Payload]:
        """The sites of an org."""
        self._orgs[org_id]
        return [site.rest() for site in self._sites.values() if site.org.id == org_id]

    def inventory(self, org_id: str, *, members: bool = False) -> list[Payload]:
        """The APs, switches and gateways that an org owns; `members` adds those of virtual chassis (`vc=true`)."""
        self._orgs[org_id]
        owned = [device for device in self._devices.values() if device.org.id == org_id and device.kind != "mxedge"]
        extra = [member for device in owned for member in device.rest_members()] if members else []
        return [device.rest_inventory() for device in owned] + extra

    def device_stats(self, scope_id: str, kind: str = "all") -> list[Payload]:
        """The last known state of the devices of an org or a site; `kind` "ap", "switch", "gateway" or "all"."""
        kinds = ("ap", "switch", "gateway") if kind == "all" else (kind,)
        return [self._rest(device) for device in self._within(scope_id) if device.kind in kinds]

    def mxedge_stats(self, scope_id: str | None = None) -> list[Payload]:
        """The last known state of the Mist Edges: all, or those of an org or a site."""
        edges = self._devices.values() if scope_id is None else self._within(scope_id)
        return [self._rest(device) for device in edges if device.kind == "mxedge"]

    def ports(self, scope_id: str) -> list[Payload]:
        """The switch and gateway ports of an org or a site, as `stats/ports/search` lists them."""
        bend, now = self._world.bends.apply, self._world.agenda.now
        return [
            bend("port", device.mac, device.site.id, port, now)
            for device in self._within(scope_id)
            for port in device.rest_ports()
        ]

    def bgp_peers(self, scope_id: str) -> list[Payload]:
        """The BGP neighbours of the gateways of an org or a site, as `stats/bgp_peers/search` lists them."""
        return self._gateway_rows(scope_id, "bgp_peers")

    def vpn_peers(self, scope_id: str) -> list[Payload]:
        """The VPN peers, as `stats/vpn_peers/search` lists them."""
        return self._gateway_rows(scope_id, "vpn_peers")

    def wan_tunnels(self, scope_id: str) -> list[Payload]:
        """The WAN tunnels, as `stats/tunnels/search?type=wan` lists them."""
        return self._gateway_rows(scope_id, "tunnels")

    def asset_stats(self, site_id: str) -> list[Payload]:
        """The named assets of a site that are there, as `stats/assets` lists them: with battery and temperature."""
        assets = [visitor for visitor in self._visitors[site_id] if visitor.kind.channel == "assets"]
        return [asset.rest_asset() for asset in assets if asset.there and asset.known]

    def client_stats(self, site_id: str) -> list[Payload]:
        """The Wi-Fi clients of a site that have spoken and are associated."""
        return [client.known for client in self._crowds[site_id].associated() if client.known]

    def maps(self, site_id: str) -> list[Payload]:
        """The floor maps of a site."""
        return self._sites[site_id].rest_maps()

    def zones(self, site_id: str) -> list[Payload]:
        """The zones on the maps of a site."""
        return self._sites[site_id].rest_zones()

    def zone_stats(self, site_id: str) -> list[Payload]:
        """The zones of a site with how many are in each now: Wi-Fi clients, app users, assets."""
        inside = {zone.id: list(zone.inside.values()) for floor in self._sites[site_id].maps for zone in floor.zones}
        names = {"num_clients": "wifi", "num_sdkclients": "sdk", "num_assets": "asset"}
        counted = (
            zone | {name: inside[zone["id"]].count(who) for name, who in names.items()} for zone in self.zones(site_id)
        )
        bend, now = self._world.bends.apply, self._world.agenda.now
        return [bend("zone", zone["id"], site_id, zone, now) for zone in counted]

    def map_stats(self, site_id: str, map_id: str, kind: str) -> list[Payload]:
        """Who is located on a map, as its channel said last.

        `kind` is "unconnected_clients", "sdkclients", "assets" or "discovered_assets".
        """
        return [
            visitor.known
            for visitor in self._visitors[site_id]
            if visitor.kind.channel == kind and visitor.presence.floor.id == map_id and visitor.there and visitor.known
        ]

    def site_settings(self, site_id: str) -> Payload:
        """The settings of a site."""
        return self._sites[site_id].rest_settings()

    def site_stats(self, site_id: str) -> Payload:
        """The counts of a site."""
        devices = [device for device in self._within(site_id) if device.kind != "mxedge"]
        counts = {"num_clients": len(self._crowds[site_id].associated())} | _count(devices, "devices")
        for kind in ("ap", "switch", "gateway"):
            counts |= _count([device for device in devices if device.kind == kind], kind)
        return self._sites[site_id].rest_stats() | counts

    def org_stats(self, org_id: str) -> Payload:
        """The counts of an org."""
        devices = self._within(org_id)
        connected = sum(device.connected for device in devices)
        return self._orgs[org_id].rest() | {
            "num_sites": len(self.sites(org_id)),
            "num_devices": len(devices),
            "num_devices_connected": connected,
            "num_devices_disconnected": len(devices) - connected,
            "num_inventory": len(devices),
            "sle": [{"path": "coverage", "user_minutes": {"ok": 988.1, "total": 1004.0}}],
        }

    def alarms(self, org_id: str) -> list[Payload]:
        """The alarms raised lately in an org, newest last."""
        self._orgs[org_id]
        return [alarm for alarm in self._world.alarms if alarm["org_id"] == org_id]

    # What scenarios ask.

    @property
    def bends(self) -> Bends:
        """What is held at a value whatever the fleet does."""
        return self._world.bends

    def tell(self, topic: str, event: Payload, at: float) -> None:
        """Say a webhook event; an alarm is found by the alarm search, too, as it was last said."""
        if topic == "alarms":
            others = [alarm for alarm in self._world.alarms if alarm["id"] != event["id"]]
            self._world.alarms.clear()
            self._world.alarms.extend([*others, event])
        self._world.event(topic, event, at)

    def site_ids(self) -> list[str]:
        """The ids of all sites, and that of what belongs to none."""
        return [*self._sites, UNASSIGNED]

    def macs_at(self, scope_id: str, kind: str) -> list[str]:
        """The addresses of the devices of a kind in an org or a site."""
        return [device.mac for device in self._within(scope_id) if device.kind == kind]

    # The truth.

    def macs(self, kind: str = "all") -> list[str]:
        """The addresses of all devices of a kind."""
        return [mac for mac, device in self._devices.items() if kind in ("all", device.kind)]

    def truth(self, mac: str) -> Payload:
        """What a perfect listener knows of a device.

        `state` is its frames merged, so only what it streamed; `resets` are the unix times at which its counters
        fell to 0; besides kind, mac, id, name, model, org_id, site_id, connected, frames, last_seen.
        """
        return self._devices[mac].truth()

    def floor_truth(self, seen_since: float = 0.0) -> Payload:
        """Who is on maps and in zones, as located last: by map and by zone, each by kind.

        Of a zone: how many are in it, came and went, and how long those who went had stayed together (seconds from the
        first to the last or the next position). On a map are those located since `seen_since` (unix), or still there.
        """
        maps: dict[str, dict[str, int]] = {}
        zones: dict[str, dict[str, Payload]] = {}
        for site in self._sites.values():
            for floor in site.maps:
                maps[floor.id] = {}
                for zone in floor.zones:
                    inside = Counter(presence.kind for presence in zone.inside)
                    zones[zone.id] = {kind: vars_of(visits, inside[kind]) for kind, visits in zone.visits.items()}
            for presence in self._presences(site.id):
                if presence.on_map or presence.seen_at > seen_since > 0:
                    on_map = maps[presence.floor.id]
                    on_map[presence.kind] = on_map.get(presence.kind, 0) + 1
        return {"maps": maps, "zones": zones}

    def _presences(self, site_id: str) -> Iterator[Presence]:
        yield from (visitor.presence for visitor in self._visitors[site_id])
        yield from (client.presence for client in self._crowds[site_id].clients if client.presence is not None)

    def _look(self, org_id: str) -> tuple[list[Device], int, int]:
        """The devices of an org, and how many sites and Wi-Fi clients on air it has."""
        crowds = [self._crowds[site.id] for site in self._sites.values() if site.org.id == org_id]
        return self._within(org_id), len(crowds), sum(len(crowd.associated()) for crowd in crowds)

    def _within(self, scope_id: str) -> list[Device]:
        if scope_id in self._orgs:
            return [device for device in self._devices.values() if device.org.id == scope_id]
        if scope_id != UNASSIGNED:
            self._sites[scope_id]
        return [device for device in self._devices.values() if device.site.id == scope_id]

    def _rest(self, device: Device) -> Payload:
        """A device as REST lists it, bent where a scenario bends it."""
        return device.bent(device.rest(), self._world.agenda.now)

    def _gateway_rows(self, scope_id: str, section: str) -> list[Payload]:
        return [
            row | {"mac": device.mac, "org_id": device.org.id, "site_id": device.site.id}
            for device in self._within(scope_id)
            if device.kind == "gateway"
            for row in self._rest(device).get(section, ())
        ]


def vars_of(visits: Visits, inside: int) -> Payload:
    """The visits of one kind to a zone."""
    return {"inside": inside, "enters": visits.enters, "exits": visits.exits, "stayed_s": visits.stayed_s}


def _count(devices: list[Device], what: str) -> Payload:
    return {f"num_{what}": len(devices), f"num_{what}_connected": sum(device.connected for device in devices)}
