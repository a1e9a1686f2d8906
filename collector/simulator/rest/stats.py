"""Endpoints of statistics: devices, Mist Edges, ports, clients, assets, zones, sites, orgs; alarms; service levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.rest.derived import SERVICES, DerivedData
from collector.simulator.rest.responses import (
    ApiError,
    choice_of,
    json_response,
    list_page,
    matching,
    numbered_page,
    scope_of,
    search_page,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from collector.simulator.directory import FleetDirectory
    from collector.simulator.fleet import Fleet
    from collector.simulator.permissions import Permissions
    from collector.simulator.rest.responses import Route

_TYPES = ("ap", "switch", "gateway", "all")
_STATES = ("all", "connected", "disconnected")
_PORT_FILTERS = ("site_id", "mac", "port_id")
_PORT_TYPES = ("all", "switch", "gateway")
_ALARM_FILTERS = ("site_id", "type", "group", "severity")
_MAP_KINDS = ("clients", "unconnected_clients", "sdkclients", "discovered_assets", "assets")


class StatsEndpoints:
    """Last known states. `simulated_time` returns the simulated unix time.

    The device list of an org contains only devices of sites that the token can access (inferred).
    """

    def __init__(
        self, fleet: Fleet, directory: FleetDirectory, permissions: Permissions, simulated_time: Callable[[], float]
    ) -> None:
        self._fleet = fleet
        self._directory = directory
        self._permissions = permissions
        self._derived = DerivedData(fleet)
        self._simulated_time = simulated_time

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        of_org_and_site = (
            ("/stats/devices", self.devices),
            ("/stats/mxedges", self.mxedges),
            ("/stats/ports/search", self.ports),
            ("/stats/assets", self.assets),
            ("/alarms/search", self.alarms),
        )
        return [
            *(
                ("GET", owner + path, handler)
                for owner in ("/orgs/{org_id}", "/sites/{site_id}")
                for path, handler in of_org_and_site
            ),
            ("GET", "/orgs/{org_id}/stats", self.org),
            ("GET", "/orgs/{org_id}/stats/sites", self.sites),
            ("GET", "/orgs/{org_id}/stats/otherdevices/{mac}", self.other_device),
            ("GET", "/orgs/{org_id}/insights/sites-sle", self.service_levels),
            ("GET", "/sites/{site_id}/stats", self.site),
            ("GET", "/sites/{site_id}/stats/clients", self.clients),
            ("GET", "/sites/{site_id}/stats/zones", self.zones),
            ("GET", "/sites/{site_id}/stats/rssizones", self.rssizones),
            ("GET", "/sites/{site_id}/stats/maps/{map_id}/{kind}", self.on_map),
        ]

    async def devices(self, request: web.Request) -> web.Response:
        """Return devices; without the parameter `type` only access points, like Mist."""
        kind = choice_of(request, "type", _TYPES)
        state = choice_of(request, "status", _STATES)
        rows = self._fleet.device_stats(scope_of(request), kind)
        rows = [row for row in rows if self._permissions.allows_site(row.get("site_id") or "")]
        if state != "all":
            rows = [row for row in rows if row.get("status") == state]
        return list_page(request, matching(request, rows, ("site_id", "mac")))

    async def mxedges(self, request: web.Request) -> web.Response:
        """Return Mist Edges."""
        rows = self._fleet.mxedge_stats(scope_of(request))
        return list_page(request, matching(request, rows, ("site_id",)))

    async def ports(self, request: web.Request) -> web.Response:
        """Return switch and gateway ports."""
        kind = choice_of(request, "device_type", _PORT_TYPES)
        rows = [port for port in self._fleet.ports(scope_of(request)) if kind in ("all", port.get("type"))]
        rows = matching(request, rows, _PORT_FILTERS)
        if "up" in request.query:
            rows = [row for row in rows if row.get("up") == (request.query["up"] == "true")]
        return search_page(request, rows, lambda row: f"{row['mac']}|{row['port_id']}", self._simulated_time())

    async def assets(self, request: web.Request) -> web.Response:
        """Return named assets with battery and temperature."""
        ids = request.match_info
        sites = [ids["site_id"]] if "site_id" in ids else [site["id"] for site in self._fleet.sites(ids["org_id"])]
        return list_page(request, [asset for site_id in sites for asset in self._fleet.asset_stats(site_id)])

    async def alarms(self, request: web.Request) -> web.Response:
        """Return the alarms of an org or a site."""
        ids = request.match_info
        rows = [
            alarm
            for alarm in self._fleet.alarms(ids.get("org_id") or self._directory.org_of_site(ids["site_id"]) or "")
            if ids.get("site_id") in (None, alarm.get("site_id"))
        ]
        rows = matching(request, rows, _ALARM_FILTERS)
        return search_page(request, rows, lambda row: f"{row['timestamp']:020.6f}|{row['id']}", self._simulated_time())

    async def org(self, request: web.Request) -> web.Response:
        """Return the counts of an org."""
        return json_response(self._fleet.org_stats(request.match_info["org_id"]))

    async def sites(self, request: web.Request) -> web.Response:
        """Return the counts of every site of an org."""
        sites = self._fleet.sites(request.match_info["org_id"])
        return list_page(request, sites, lambda site: self._fleet.site_stats(site["id"]))

    async def other_device(self, request: web.Request) -> web.Response:
        """Return the statistics of a third-party device."""
        ids = request.match_info
        found = self._derived.other_device(ids["org_id"], ids["mac"], self._simulated_time())
        if found is None:
            raise ApiError(404, "Not found.")
        return json_response(found)

    async def service_levels(self, request: web.Request) -> web.Response:
        """Return the service levels of every site of an org."""
        service = choice_of(request, "sle", SERVICES)
        rows = self._derived.site_sles(request.match_info["org_id"], service)
        return numbered_page(request, rows, self._simulated_time())

    async def site(self, request: web.Request) -> web.Response:
        """Return the counts of a site."""
        return json_response(self._fleet.site_stats(request.match_info["site_id"]))

    async def clients(self, request: web.Request) -> web.Response:
        """Return the Wi-Fi clients of a site; the fleet has no clients on Ethernet ports of APs (`wired=true`)."""
        if request.query.get("wired") == "true":
            return list_page(request, [])
        return list_page(request, self._fleet.client_stats(request.match_info["site_id"]))

    async def zones(self, request: web.Request) -> web.Response:
        """Return the zones of a site and their occupancy; `map_id` is an optional filter."""
        rows = self._directory.zone_stats(request.match_info["site_id"])
        return list_page(request, matching(request, rows, ("map_id",)))

    async def rssizones(self, request: web.Request) -> web.Response:
        """Return the RSSI zones of a site and their occupancy."""
        return list_page(request, self._derived.rssizones(request.match_info["site_id"]))

    async def on_map(self, request: web.Request) -> web.Response:
        """Return the clients or assets on a map, at their last known positions."""
        site_id, map_id, kind = (request.match_info[name] for name in ("site_id", "map_id", "kind"))
        if not self._directory.has_map(site_id, map_id) or kind not in _MAP_KINDS:
            raise ApiError(404, "Not found.")
        if kind == "clients":
            clients = self._fleet.client_stats(site_id)
            return list_page(request, [client for client in clients if client.get("map_id") == map_id])
        return list_page(request, self._fleet.map_stats(site_id, map_id, kind))
