"""Endpoints of orgs, sites, inventory, maps, zones and third-party devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.simulator.rest.derived import DerivedData
from collector.simulator.rest.responses import json_response, list_page, matching

if TYPE_CHECKING:
    from aiohttp import web

    from collector.simulator.directory import FleetDirectory
    from collector.simulator.fleet import Fleet
    from collector.simulator.rest.responses import Route

_INVENTORY_FILTERS = ("type", "site_id", "mac", "serial", "model", "name")
_OTHER_DEVICE_FILTERS = ("vendor", "mac", "serial", "model", "name")


class SiteEndpoints:
    """Configuration objects. The middleware has checked that the org or the site exists."""

    def __init__(self, fleet: Fleet, directory: FleetDirectory) -> None:
        self._fleet = fleet
        self._directory = directory
        self._derived = DerivedData(fleet)

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [
            ("GET", "/orgs/{org_id}", self.org),
            ("GET", "/orgs/{org_id}/sites", self.sites),
            ("GET", "/orgs/{org_id}/inventory", self.inventory),
            ("GET", "/orgs/{org_id}/otherdevices", self.other_devices),
            ("GET", "/sites/{site_id}", self.site),
            ("GET", "/sites/{site_id}/setting", self.setting),
            ("GET", "/sites/{site_id}/maps", self.maps),
            ("GET", "/sites/{site_id}/zones", self.zones),
            ("GET", "/sites/{site_id}/rssizones", self.rssizones),
        ]

    async def org(self, request: web.Request) -> web.Response:
        """Return an org."""
        return json_response(self._directory.org(request.match_info["org_id"]))

    async def sites(self, request: web.Request) -> web.Response:
        """Return the sites of an org."""
        return list_page(request, self._fleet.sites(request.match_info["org_id"]))

    async def inventory(self, request: web.Request) -> web.Response:
        """Return the devices of an org; members of a virtual chassis are not listed."""
        rows = matching(request, self._fleet.inventory(request.match_info["org_id"]), _INVENTORY_FILTERS)
        if request.query.get("unassigned") == "true":
            rows = [row for row in rows if not row.get("site_id")]
        return list_page(request, rows)

    async def other_devices(self, request: web.Request) -> web.Response:
        """Return the third-party devices of an org, without statistics."""
        rows = self._derived.other_devices(request.match_info["org_id"])
        return list_page(request, matching(request, rows, _OTHER_DEVICE_FILTERS))

    async def site(self, request: web.Request) -> web.Response:
        """Return a site."""
        return json_response(self._site(request.match_info["site_id"]))

    async def setting(self, request: web.Request) -> web.Response:
        """Return the settings of a site."""
        return json_response(self._fleet.site_settings(request.match_info["site_id"]))

    async def maps(self, request: web.Request) -> web.Response:
        """Return the floor maps of a site."""
        return list_page(request, self._fleet.maps(request.match_info["site_id"]))

    async def zones(self, request: web.Request) -> web.Response:
        """Return the zones of a site."""
        return list_page(request, self._fleet.zones(request.match_info["site_id"]))

    async def rssizones(self, request: web.Request) -> web.Response:
        """Return the RSSI zones of a site, without counts."""
        rows = self._derived.rssizones(request.match_info["site_id"])
        return list_page(request, [{key: row[key] for key in row if not key.startswith("num_")} for row in rows])

    def _site(self, site_id: str) -> dict[str, Any]:
        org_id = self._fleet.site_settings(site_id)["org_id"]
        return next(site for site in self._fleet.sites(org_id) if site["id"] == site_id)
