"""Orgs, sites, inventory, maps and zones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.simulator.rest.derived import Derived
from collector.simulator.rest.paging import page
from collector.simulator.rest.reply import reply

if TYPE_CHECKING:
    from aiohttp import web

    from collector.simulator.atlas import Atlas
    from collector.simulator.fleet import Fleet
    from collector.simulator.rest.routes import Route

_INVENTORY_FILTERS = ("type", "site_id", "mac", "serial", "model", "name")


class Places:
    """Answers who and what there is. The gate has already seen to it that the org or site exists."""

    def __init__(self, fleet: Fleet, atlas: Atlas) -> None:
        self._fleet = fleet
        self._atlas = atlas

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            ("GET", "/orgs/{org_id}", self.org),
            ("GET", "/orgs/{org_id}/sites", self.sites),
            ("GET", "/orgs/{org_id}/inventory", self.inventory),
            ("GET", "/sites/{site_id}", self.site),
            ("GET", "/sites/{site_id}/setting", self.setting),
            ("GET", "/sites/{site_id}/maps", self.maps),
            ("GET", "/sites/{site_id}/zones", self.zones),
            ("GET", "/sites/{site_id}/rssizones", self.rssizones),
        ]

    async def org(self, request: web.Request) -> web.Response:
        """Answer with one org."""
        return reply(self._atlas.org(request.match_info["org_id"]))

    async def sites(self, request: web.Request) -> web.Response:
        """Answer with the sites of an org."""
        return page(request, self._fleet.sites(request.match_info["org_id"]))

    async def inventory(self, request: web.Request) -> web.Response:
        """Answer with the devices that an org owns; members of a virtual chassis are not listed one by one."""
        rows = self._fleet.inventory(request.match_info["org_id"])
        for name in _INVENTORY_FILTERS:
            if name in request.query:
                rows = [row for row in rows if row.get(name) == request.query[name]]
        if request.query.get("unassigned") == "true":
            rows = [row for row in rows if not row.get("site_id")]
        return page(request, rows)

    async def site(self, request: web.Request) -> web.Response:
        """Answer with one site."""
        return reply(self._site(request.match_info["site_id"]))

    async def setting(self, request: web.Request) -> web.Response:
        """Answer with the settings of a site."""
        return reply(self._fleet.site_settings(request.match_info["site_id"]))

    async def maps(self, request: web.Request) -> web.Response:
        """Answer with the floor maps of a site."""
        return page(request, self._fleet.maps(request.match_info["site_id"]))

    async def zones(self, request: web.Request) -> web.Response:
        """Answer with the zones of a site."""
        return page(request, self._fleet.zones(request.match_info["site_id"]))

    async def rssizones(self, request: web.Request) -> web.Response:
        """Answer with the RSSI zones of a site."""
        rows = Derived(self._fleet).rssizones(request.match_info["site_id"])
        return page(request, [{key: row[key] for key in row if not key.startswith("num_")} for row in rows])

    def _site(self, site_id: str) -> dict[str, Any]:
        org_id = self._fleet.site_settings(site_id)["org_id"]
        return next(site for site in self._fleet.sites(org_id) if site["id"] == site_id)
