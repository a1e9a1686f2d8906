"""Who is located: assets of a site or an org, and everybody on a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.rest.paging import page
from collector.simulator.rest.reply import RefusedError

if TYPE_CHECKING:
    from aiohttp import web

    from collector.simulator.atlas import Atlas
    from collector.simulator.fleet import Fleet
    from collector.simulator.rest.routes import Route

_KINDS = ("unconnected_clients", "sdkclients", "discovered_assets", "assets")


class Located:
    """Answers with the last known places."""

    def __init__(self, fleet: Fleet, atlas: Atlas) -> None:
        self._fleet = fleet
        self._atlas = atlas

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            ("GET", "/orgs/{org_id}/stats/assets", self.assets),
            ("GET", "/sites/{site_id}/stats/assets", self.assets),
            ("GET", "/sites/{site_id}/stats/maps/{map_id}/{kind}", self.on_map),
        ]

    async def assets(self, request: web.Request) -> web.Response:
        """Answer with named assets, their battery and temperature."""
        ids = request.match_info
        sites = [ids["site_id"]] if "site_id" in ids else [site["id"] for site in self._fleet.sites(ids["org_id"])]
        return page(request, [asset for site_id in sites for asset in self._fleet.asset_stats(site_id)])

    async def on_map(self, request: web.Request) -> web.Response:
        """Answer with the clients, visitors or assets on a map."""
        site_id, map_id, kind = (request.match_info[name] for name in ("site_id", "map_id", "kind"))
        if not self._atlas.has_map(site_id, map_id) or kind not in (*_KINDS, "clients"):
            raise RefusedError(404, "Not found.")
        if kind == "clients":
            return page(request, [one for one in self._fleet.client_stats(site_id) if one.get("map_id") == map_id])
        return page(request, self._fleet.map_stats(site_id, map_id, kind))
