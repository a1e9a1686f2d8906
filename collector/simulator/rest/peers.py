"""What gateways and Mist Edges are connected to: WAN tunnels, VPN and BGP peers, tunnels of Mist Edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.simulator.rest.derived import Derived
from collector.simulator.rest.paging import search
from collector.simulator.rest.stats import matching, one_of, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from collector.simulator.fleet import Fleet
    from collector.simulator.rest.routes import Route

_TUNNEL_TYPES = ("wxtunnel", "wan")
_FILTERS = ("site_id", "mac", "mxcluster_id", "ap", "neighbor_mac", "vrf_name")


class Peers:
    """Answers with peers as they are now, whatever window is asked for."""

    def __init__(self, fleet: Fleet, world_time: Callable[[], float]) -> None:
        self._fleet = fleet
        self._derived = Derived(fleet)
        self._world_time = world_time

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            ("GET", "/orgs/{org_id}/stats/bgp_peers/search", self.bgp_peers),
            ("GET", "/sites/{site_id}/stats/bgp_peers/search", self.bgp_peers),
            ("GET", "/orgs/{org_id}/stats/vpn_peers/search", self.vpn_peers),
            ("GET", "/orgs/{org_id}/stats/tunnels/search", self.tunnels),
        ]

    async def bgp_peers(self, request: web.Request) -> web.Response:
        """Answer with BGP neighbours."""
        return self._found(request, self._fleet.bgp_peers(scope_of(request)), "mac", "node", "vrf_name", "neighbor")

    async def vpn_peers(self, request: web.Request) -> web.Response:
        """Answer with VPN peers."""
        rows = self._fleet.vpn_peers(scope_of(request))
        return self._found(request, rows, "mac", "node", "port_id", "peer_mac", "peer_port_id")

    async def tunnels(self, request: web.Request) -> web.Response:
        """Answer with the tunnels of gateways (`type=wan`), else with those of Mist Edges, as Mist does."""
        if one_of(request, "type", _TUNNEL_TYPES) == "wan":
            return self._found(request, self._fleet.wan_tunnels(scope_of(request)), "mac", "node", "tunnel_name")
        rows = self._derived.mxtunnels(scope_of(request), self._world_time())
        return self._found(request, rows, "mxtunnel_id", "mxedge_id", "ap")

    def _found(self, request: web.Request, rows: list[dict[str, Any]], *key: str) -> web.Response:
        found = matching(request, rows, _FILTERS)
        return search(request, found, lambda row: "|".join(str(row.get(name, "")) for name in key), self._world_time())
