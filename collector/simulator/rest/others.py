"""Third-party devices, and the service levels of sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.rest.derived import SERVICES, Derived
from collector.simulator.rest.paging import numbered, page
from collector.simulator.rest.reply import RefusedError, reply
from collector.simulator.rest.stats import matching, one_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from collector.simulator.fleet import Fleet
    from collector.simulator.rest.routes import Route


class Others:
    """Answers what is derived from the fleet. The gate has already seen to it that the org exists."""

    def __init__(self, fleet: Fleet, world_time: Callable[[], float]) -> None:
        self._derived = Derived(fleet)
        self._world_time = world_time

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            ("GET", "/orgs/{org_id}/otherdevices", self.listed),
            ("GET", "/orgs/{org_id}/stats/otherdevices/{mac}", self.measured),
            ("GET", "/orgs/{org_id}/insights/sites-sle", self.levels),
        ]

    async def listed(self, request: web.Request) -> web.Response:
        """Answer with the third-party devices of an org, without measurements."""
        rows = self._derived.other_devices(request.match_info["org_id"])
        return page(request, matching(request, rows, ("vendor", "mac", "serial", "model", "name")))

    async def measured(self, request: web.Request) -> web.Response:
        """Answer with what one of them reports."""
        ids = request.match_info
        found = self._derived.other_device(ids["org_id"], ids["mac"], self._world_time())
        if found is None:
            raise RefusedError(404, "Not found.")
        return reply(found)

    async def levels(self, request: web.Request) -> web.Response:
        """Answer with the service levels of every site."""
        service = one_of(request, "sle", SERVICES)
        return numbered(request, self._derived.site_sles(request.match_info["org_id"], service), self._world_time())
