"""Endpoints of peers and tunnels: BGP and VPN peers, WAN tunnels, tunnels of Mist Edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.simulator.rest.derived import DerivedData
from collector.simulator.rest.responses import choice_of, matching, scope_of, search_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from collector.simulator.fleet import Fleet
    from collector.simulator.rest.responses import Route

_TUNNEL_TYPES = ("wxtunnel", "wan")
_FILTERS = ("site_id", "mac", "mxcluster_id", "ap", "neighbor_mac", "vrf_name")


class PeerEndpoints:
    """Present state of peers and tunnels, regardless of the requested time window."""

    def __init__(self, fleet: Fleet, simulated_time: Callable[[], float]) -> None:
        self._fleet = fleet
        self._derived = DerivedData(fleet)
        self._simulated_time = simulated_time

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [
            ("GET", "/orgs/{org_id}/stats/bgp_peers/search", self.bgp_peers),
            ("GET", "/sites/{site_id}/stats/bgp_peers/search", self.bgp_peers),
            ("GET", "/orgs/{org_id}/stats/vpn_peers/search", self.vpn_peers),
            ("GET", "/orgs/{org_id}/stats/tunnels/search", self.tunnels),
        ]

    async def bgp_peers(self, request: web.Request) -> web.Response:
        """Return BGP peers."""
        return self._page(request, self._fleet.bgp_peers(scope_of(request)), "mac", "node", "vrf_name", "neighbor")

    async def vpn_peers(self, request: web.Request) -> web.Response:
        """Return VPN peers."""
        rows = self._fleet.vpn_peers(scope_of(request))
        return self._page(request, rows, "mac", "node", "port_id", "peer_mac", "peer_port_id")

    async def tunnels(self, request: web.Request) -> web.Response:
        """Return WAN tunnels of gateways for `type=wan`, otherwise the tunnels of Mist Edges, like Mist."""
        if choice_of(request, "type", _TUNNEL_TYPES) == "wan":
            return self._page(request, self._fleet.wan_tunnels(scope_of(request)), "mac", "node", "tunnel_name")
        rows = self._derived.mxtunnels(scope_of(request), self._simulated_time())
        return self._page(request, rows, "mxtunnel_id", "mxedge_id", "ap")

    def _page(self, request: web.Request, rows: list[dict[str, Any]], *key: str) -> web.Response:
        """Return a page of the rows that match the filters; `key` are the fields that identify a row."""
        found = matching(request, rows, _FILTERS)
        return search_page(
            request, found, lambda row: "|".join(str(row.get(name, "")) for name in key), self._simulated_time()
        )
