"""Endpoints of the API token itself (`/self`) and of the constants (`/const`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.constants import NAMES, constants
from collector.simulator.rest.middleware import seconds_to_next_hour
from collector.simulator.rest.responses import ApiError, json_response

if TYPE_CHECKING:
    from aiohttp import web

    from collector.clock import Clock
    from collector.simulator.directory import FleetDirectory
    from collector.simulator.permissions import Permissions
    from collector.simulator.rest.middleware import HourlyCallLimit
    from collector.simulator.rest.responses import Route


class IdentityEndpoints:
    """Privileges and usage of the token, and the lists of constants."""

    def __init__(
        self, directory: FleetDirectory, permissions: Permissions, call_limit: HourlyCallLimit, clock: Clock
    ) -> None:
        self._directory = directory
        self._permissions = permissions
        self._call_limit = call_limit
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [
            ("GET", "/self", self.self_),
            ("GET", "/self/usage", self.usage),
            ("GET", "/const/{name}", self.constant),
        ]

    async def self_(self, _: web.Request) -> web.Response:
        """Return a user with the role "read" in every org that is not denied."""
        privileges = [
            {"scope": "org", "org_id": org["id"], "name": org["name"], "role": "read", "views": []}
            for org in self._directory.orgs()
            if self._permissions.allows_org(org["id"])
        ]
        return json_response(
            {
                "email": "collector@example.com",
                "first_name": "Collector",
                "last_name": "Simulated",
                "via_sso": False,
                "privileges": privileges,
                "tags": [],
            }
        )

    async def usage(self, request: web.Request) -> web.Response:
        """Return the calls in this hour, the limit and the seconds until the next hour."""
        unix = self._clock.time()
        token = self._permissions.token_of(request.headers.get("Authorization")) or ""
        return json_response(
            {
                "requests": self._call_limit.used(token, unix),
                "request_limit": self._call_limit.limit,
                "seconds": seconds_to_next_hour(unix),
            }
        )

    async def constant(self, request: web.Request) -> web.Response:
        """Return a list of constants."""
        name = request.match_info["name"]
        if name not in NAMES:
            raise ApiError(404, "Not found.")
        return json_response(list(constants(name)))
