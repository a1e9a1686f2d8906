"""What devices, edges, ports, clients, zones, sites and orgs report, and open alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.simulator.rest.derived import Derived
from collector.simulator.rest.paging import page, search
from collector.simulator.rest.reply import RefusedError, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from collector.simulator.atlas import Atlas
    from collector.simulator.fleet import Fleet
    from collector.simulator.rest.routes import Route
    from collector.simulator.rights import Rights

_TYPES = ("ap", "switch", "gateway", "all")
_STATES = ("all", "connected", "disconnected")
_PORT_FILTERS = ("site_id", "mac", "port_id")
_PORT_TYPES = ("all", "switch", "gateway")
_ALARM_FILTERS = ("site_id", "type", "group", "severity")


class Stats:
    """Answers with last known states. `world_time` is the unix time of the simulated world.

    Of devices an org's list names only those at sites that the tokens reach (inferred).
    """

    def __init__(self, fleet: Fleet, atlas: Atlas, rights: Rights, world_time: Callable[[], float]) -> None:
        self._fleet = fleet
        self._atlas = atlas
        self._rights = rights
        self._world_time = world_time

    def routes(self) -> list[Route]:
        """List what is answered here."""
        either = (
            ("/stats/devices", self.devices),
            ("/stats/mxedges", self.mxedges),
            ("/stats/ports/search", self.ports),
            ("/alarms/search", self.alarms),
        )
        return [
            *(
                ("GET", owner + path, answer)
                for owner in ("/orgs/{org_id}", "/sites/{site_id}")
                for path, answer in either
            ),
            ("GET", "/orgs/{org_id}/stats", self.org),
            ("GET", "/orgs/{org_id}/stats/sites", self.sites),
            ("GET", "/sites/{site_id}/stats", self.site),
            ("GET", "/sites/{site_id}/stats/clients", self.clients),
            ("GET", "/sites/{site_id}/stats/zones", self.zones),
            ("GET", "/sites/{site_id}/stats/rssizones", self.rssizones),
        ]

    async def devices(self, request: web.Request) -> web.Response:
        """Answer with devices: access points only unless `type` says otherwise, as Mist does."""
        kind = one_of(request, "type", _TYPES)
        state = one_of(request, "status", _STATES)
        rows = self._fleet.device_stats(scope_of(request), kind)
        rows = [row for row in rows if self._rights.allows_site(row.get("site_id") or "")]
        if state != "all":
            rows = [row for row in rows if row.get("status") == state]
        return page(request, matching(request, rows, ("site_id", "mac")))

    async def mxedges(self, request: web.Request) -> web.Response:
        """Answer with Mist Edges."""
        rows = self._fleet.mxedge_stats(scope_of(request))
        return page(request, matching(request, rows, ("site_id",)))

    async def ports(self, request: web.Request) -> web.Response:
        """Answer with switch and gateway ports."""
        kind = one_of(request, "device_type", _PORT_TYPES)
        rows = [port for port in self._fleet.ports(scope_of(request)) if kind in ("all", port.get("type"))]
        rows = matching(request, rows, _PORT_FILTERS)
        if "up" in request.query:
            rows = [row for row in rows if row.get("up") == (request.query["up"] == "true")]
        return search(request, rows, lambda row: f"{row['mac']}|{row['port_id']}", self._world_time())

    async def org(self, request: web.Request) -> web.Response:
        """Answer with the counts of an org."""
        return reply(self._fleet.org_stats(request.match_info["org_id"]))

    async def sites(self, request: web.Request) -> web.Response:
        """Answer with the counts of every site of an org."""
        sites = self._fleet.sites(request.match_info["org_id"])
        return page(request, sites, lambda site: self._fleet.site_stats(site["id"]))

    async def site(self, request: web.Request) -> web.Response:
        """Answer with the counts of a site."""
        return reply(self._fleet.site_stats(request.match_info["site_id"]))

    async def clients(self, request: web.Request) -> web.Response:
        """Answer with the Wi-Fi clients of a site; no client of an AP's Ethernet port lives here."""
        if request.query.get("wired") == "true":
            return page(request, [])
        return page(request, self._fleet.client_stats(request.match_info["site_id"]))

    async def rssizones(self, request: web.Request) -> web.Response:
        """Answer with the RSSI zones of a site and who is in them."""
        return page(request, Derived(self._fleet).rssizones(request.match_info["site_id"]))

    async def zones(self, request: web.Request) -> web.Response:
        """Answer with the zones of a site and who is in them, also when no map is named."""
        rows = self._atlas.zone_stats(request.match_info["site_id"])
        return page(request, matching(request, rows, ("map_id",)))

    async def alarms(self, request: web.Request) -> web.Response:
        """Answer with the alarms of an org or a site."""
        ids = request.match_info
        rows = [
            alarm
            for alarm in self._fleet.alarms(ids.get("org_id") or self._atlas.org_of_site(ids["site_id"]) or "")
            if ids.get("site_id") in (None, alarm.get("site_id"))
        ]
        rows = matching(request, rows, _ALARM_FILTERS)
        return search(request, rows, lambda row: f"{row['timestamp']:020.6f}|{row['id']}", self._world_time())


def scope_of(request: web.Request) -> str:
    """Return the id of the org or the site that is asked about."""
    ids = request.match_info
    return ids.get("org_id") or ids["site_id"]


def one_of(request: web.Request, name: str, allowed: tuple[str, ...]) -> str:
    """Return a query parameter that takes a few words; the first is the default, another word is refused with 400."""
    value = request.query.get(name, allowed[0])
    if value not in allowed:
        raise RefusedError(400, f"{name} must be one of {', '.join(allowed)}")
    return value


def matching(request: web.Request, rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Keep the rows whose members equal the query parameters of the same names."""
    wanted = {name: request.query[name] for name in names if name in request.query}
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]
