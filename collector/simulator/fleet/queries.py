"""Read-only view of a fleet: what REST returns, what scenarios address, and the true state."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from collector.simulator.fleet.context import FleetContext
from collector.simulator.fleet.sites import UNASSIGNED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.simulator.fleet.clients import SiteClients
    from collector.simulator.fleet.device import SimulatedDevice
    from collector.simulator.fleet.floor_presence import FloorPresence
    from collector.simulator.fleet.located_objects import LocatedObject
    from collector.simulator.fleet.plan import FleetPlan
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.site_events import SiteEventSource
    from collector.simulator.fleet.sites import SimulatedOrg, SimulatedSite, ZoneVisits


class FleetQueries:
    """Objects of a fleet by id or MAC address, and the queries of REST, scenarios and tests.

    Raises:
        KeyError: From every method that receives an unknown id or address.
    """

    def __init__(self, plan: FleetPlan) -> None:
        self.plan = plan
        self._context = FleetContext(plan)
        self._orgs: dict[str, SimulatedOrg] = {}
        self._sites: dict[str, SimulatedSite] = {}
        self._clients: dict[str, SiteClients] = {}
        self._event_sources: dict[str, SiteEventSource] = {}
        self._located: dict[str, list[LocatedObject]] = {}
        self._devices: dict[str, SimulatedDevice] = {}

    # REST.

    def orgs(self) -> list[Payload]:
        """Return all orgs."""
        return [org.rest() for org in self._orgs.values()]

    def sites(self, org_id: str) -> list[Payload]:
        """Return the sites of an org."""
        self._orgs[org_id]
        return [site.rest() for site in self._sites.values() if site.org.id == org_id]

    def inventory(self, org_id: str, *, members: bool = False) -> list[Payload]:
        """Return the APs, switches and gateways of an org; `members` adds virtual chassis members (`vc=true`)."""
        self._orgs[org_id]
        owned = [device for device in self._devices.values() if device.org.id == org_id and device.kind != "mxedge"]
        extra = [member for device in owned for member in device.rest_members()] if members else []
        return [device.rest_inventory() for device in owned] + extra

    def device_stats(self, scope_id: str, kind: str = "all") -> list[Payload]:
        """Return the last known state of the devices of an org or a site.

        `kind` is "ap", "switch", "gateway" or "all".
        """
        kinds = ("ap", "switch", "gateway") if kind == "all" else (kind,)
        return [self._rest(device) for device in self._devices_in(scope_id) if device.kind in kinds]

    def mxedge_stats(self, scope_id: str | None = None) -> list[Payload]:
        """Return the last known state of the Mist Edges of an org, a site or, for None, of the fleet."""
        edges = self._devices.values() if scope_id is None else self._devices_in(scope_id)
        return [self._rest(device) for device in edges if device.kind == "mxedge"]

    def ports(self, scope_id: str) -> list[Payload]:
        """Return the switch and gateway ports of an org or a site, as `stats/ports/search` lists them."""
        override, now = self._context.overrides.apply, self._context.schedule.now
        return [
            override("port", device.mac, device.site.id, port, now)
            for device in self._devices_in(scope_id)
            for port in device.rest_ports()
        ]

    def bgp_peers(self, scope_id: str) -> list[Payload]:
        """Return the BGP peers of the gateways of an org or a site, as `stats/bgp_peers/search` lists them."""
        return self._gateway_rows(scope_id, "bgp_peers")

    def vpn_peers(self, scope_id: str) -> list[Payload]:
        """Return the VPN peers, as `stats/vpn_peers/search` lists them."""
        return self._gateway_rows(scope_id, "vpn_peers")

    def wan_tunnels(self, scope_id: str) -> list[Payload]:
        """Return the WAN tunnels, as `stats/tunnels/search?type=wan` lists them."""
        return self._gateway_rows(scope_id, "tunnels")

    def asset_stats(self, site_id: str) -> list[Payload]:
        """Return the named assets that are present at a site, as `stats/assets` lists them."""
        assets = [located for located in self._located[site_id] if located.kind.channel == "assets"]
        return [asset.rest_asset() for asset in assets if asset.present and asset.last_payload]

    def client_stats(self, site_id: str) -> list[Payload]:
        """Return the associated Wi-Fi clients of a site that have sent a frame."""
        return [client.last_payload for client in self._clients[site_id].associated() if client.last_payload]

    def maps(self, site_id: str) -> list[Payload]:
        """Return the floor maps of a site."""
        return self._sites[site_id].rest_maps()

    def zones(self, site_id: str) -> list[Payload]:
        """Return the zones on the maps of a site."""
        return self._sites[site_id].rest_zones()

    def zone_stats(self, site_id: str) -> list[Payload]:
        """Return the zones of a site with the number of Wi-Fi clients, SDK clients and assets in each."""
        inside = {zone.id: list(zone.inside.values()) for floor in self._sites[site_id].maps for zone in floor.zones}
        types = {"num_clients": "wifi", "num_sdkclients": "sdk", "num_assets": "asset"}
        counted = (
            zone | {name: inside[zone["id"]].count(zone_type) for name, zone_type in types.items()}
            for zone in self.zones(site_id)
        )
        override, now = self._context.overrides.apply, self._context.schedule.now
        return [override("zone", zone["id"], site_id, zone, now) for zone in counted]

    def map_stats(self, site_id: str, map_id: str, kind: str) -> list[Payload]:
        """Return the objects that are on a map, as their channel last reported them.

        `kind` is "unconnected_clients", "sdkclients", "assets" or "discovered_assets".
        """
        return [
            located.last_payload
            for located in self._located[site_id]
            if located.kind.channel == kind
            and located.presence.floor.id == map_id
            and located.present
            and located.last_payload
        ]

    def site_settings(self, site_id: str) -> Payload:
        """Return the settings of a site."""
        return self._sites[site_id].rest_settings()

    def site_stats(self, site_id: str) -> Payload:
        """Return the counts of a site."""
        devices = [device for device in self._devices_in(site_id) if device.kind != "mxedge"]
        counts = {"num_clients": len(self._clients[site_id].associated())} | _counts(devices, "devices")
        for kind in ("ap", "switch", "gateway"):
            counts |= _counts([device for device in devices if device.kind == kind], kind)
        return self._sites[site_id].rest_stats() | counts

    def org_stats(self, org_id: str) -> Payload:
        """Return the counts of an org."""
        devices = self._devices_in(org_id)
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
        """Return the recent alarms of an org, newest last."""
        self._orgs[org_id]
        return [alarm for alarm in self._context.alarms if alarm["org_id"] == org_id]

    # Scenarios.

    def site_ids(self) -> list[str]:
        """Return the ids of all sites, and the id of the placeholder site of unassigned devices."""
        return [*self._sites, UNASSIGNED]

    def macs_at(self, scope_id: str, kind: str) -> list[str]:
        """Return the MAC addresses of the devices of one kind in an org or a site."""
        return [device.mac for device in self._devices_in(scope_id) if device.kind == kind]

    # True state.

    def macs(self, kind: str = "all") -> list[str]:
        """Return the MAC addresses of all devices, or of those of one kind."""
        return [mac for mac, device in self._devices.items() if kind in ("all", device.kind)]

    def truth(self, mac: str) -> Payload:
        """Return the true state of a device.

        Returns:
            Identity, connection state and frame count of the device. `state` is all of its frames, merged: only
            fields that it streamed. `resets` are the unix times at which its counters restarted at 0.
        """
        return self._devices[mac].truth()

    def floor_truth(self, seen_since: float = 0.0) -> Payload:
        """Return the true occupancy of maps and zones, by kind of object.

        Args:
            seen_since: If positive, also count objects on a map that have left, but sent a position after this unix
                time.

        Returns:
            `maps`: map id -> kind -> number of objects. `zones`: zone id -> kind -> objects inside, enters, exits and
            the total length of the stays that ended, in seconds.
        """
        maps: dict[str, dict[str, int]] = {}
        zones: dict[str, dict[str, Payload]] = {}
        for site in self._sites.values():
            for floor in site.maps:
                maps[floor.id] = {}
                for zone in floor.zones:
                    inside = Counter(occupant.kind for occupant in zone.inside)
                    zones[zone.id] = {kind: _visits(visits, inside[kind]) for kind, visits in zone.visits.items()}
            for presence in self._presences(site.id):
                if presence.on_map or presence.seen_at > seen_since > 0:
                    on_map = maps[presence.floor.id]
                    on_map[presence.kind] = on_map.get(presence.kind, 0) + 1
        return {"maps": maps, "zones": zones}

    def _presences(self, site_id: str) -> Iterator[FloorPresence]:
        yield from (located.presence for located in self._located[site_id])
        yield from (client.presence for client in self._clients[site_id].clients if client.presence is not None)

    def _org_summary(self, org_id: str) -> tuple[list[SimulatedDevice], int, int]:
        """Return the devices of an org, its number of sites and its number of associated Wi-Fi clients."""
        clients = [self._clients[site.id] for site in self._sites.values() if site.org.id == org_id]
        return self._devices_in(org_id), len(clients), sum(len(of_site.associated()) for of_site in clients)

    def _devices_in(self, scope_id: str) -> list[SimulatedDevice]:
        if scope_id in self._orgs:
            return [device for device in self._devices.values() if device.org.id == scope_id]
        if scope_id != UNASSIGNED:
            self._sites[scope_id]
        return [device for device in self._devices.values() if device.site.id == scope_id]

    def _rest(self, device: SimulatedDevice) -> Payload:
        return device.with_overrides(device.rest(), self._context.schedule.now)

    def _gateway_rows(self, scope_id: str, section: str) -> list[Payload]:
        return [
            row | {"mac": device.mac, "org_id": device.org.id, "site_id": device.site.id}
            for device in self._devices_in(scope_id)
            if device.kind == "gateway"
            for row in self._rest(device).get(section, ())
        ]


def _visits(visits: ZoneVisits, inside: int) -> Payload:
    return {"inside": inside, "enters": visits.enters, "exits": visits.exits, "stayed_s": visits.stayed_s}


def _counts(devices: list[SimulatedDevice], name: str) -> Payload:
    return {f"num_{name}": len(devices), f"num_{name}_connected": sum(device.connected for device in devices)}
