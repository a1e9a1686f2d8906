"""Middleware of the REST API: injected faults, authentication, hourly call limit and permissions."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from aiohttp import web

from collector.simulator.rest.responses import ApiError, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Middleware

    from collector.clock import Clock
    from collector.simulator.directory import FleetDirectory
    from collector.simulator.faults import Faults
    from collector.simulator.ledger import Ledger
    from collector.simulator.permissions import Permissions
    from collector.simulator.rest.responses import Handler

HOUR_S = 3600
_DETAILS = {401: "Invalid token.", 403: "permission denied", 429: "Too many requests.", 500: "Internal error."}


class HourlyCallLimit:
    """Limit of the calls of a token per hour of the clock (mist/README section 2).

    `foreign_share` returns the share of the limit that other programs with the same token have used.
    """

    def __init__(self, limit: int, foreign_share: Callable[[], float] = float) -> None:
        self.limit = limit
        self._foreign_share = foreign_share
        self._hour = 0
        self._used: Counter[str] = Counter()

    def used(self, token: str, unix: float) -> int:
        """Return the number of calls of a token in the hour of this unix time."""
        hour = int(unix // HOUR_S)
        if hour != self._hour:
            self._hour = hour
            self._used.clear()
        return self._used[token] + int(self._foreign_share() * self.limit)

    def count(self, token: str, unix: float) -> None:
        """Count one call.

        Raises:
            ApiError: With status 429 and the seconds until the next hour if the limit is reached.
        """
        if self.used(token, unix) >= self.limit:
            raise ApiError(429, _DETAILS[429], seconds_to_next_hour(unix))
        self._used[token] += 1


def seconds_to_next_hour(unix: float) -> int:
    """Return the seconds until the next hour of the clock, rounded up and at least 1."""
    return max(1, math.ceil(HOUR_S - unix % HOUR_S))


class RestMiddleware:
    """Checks every request before its handler, turns errors into JSON and counts the call in the ledger."""

    def __init__(
        self,
        *,
        permissions: Permissions,
        directory: FleetDirectory,
        faults: Faults,
        call_limit: HourlyCallLimit,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._permissions = permissions
        self._directory = directory
        self._faults = faults
        self._call_limit = call_limit
        self._ledger = ledger
        self._clock = clock

    def function(self) -> Middleware:
        """Return the middleware function for aiohttp."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                self._check(request)
                response = await handler(request)
            except ApiError as error:
                response = error.response()
            except web.HTTPException as error:
                response = json_response({"detail": f"{error.reason}."}, status=error.status)
            self._count(request, response.status)
            return response

        return middleware

    def _check(self, request: web.Request) -> None:
        now, unix = self._clock.now(), self._clock.time()
        fault = self._faults.match("rest_status", now, request.path)
        if fault is not None:
            raise ApiError(fault.status, _DETAILS.get(fault.status, "error"), fault.retry_after(now))
        token = self._permissions.token_of(request.headers.get("Authorization"))
        if token is None:
            raise ApiError(401, _DETAILS[401])
        self._call_limit.count(token, unix)
        self._check_permissions(request.match_info)

    def _check_permissions(self, ids: web.UrlMappingMatchInfo) -> None:
        org_id, site_id = ids.get("org_id"), ids.get("site_id")
        if org_id is not None:
            if not self._permissions.allows_org(org_id):
                raise ApiError(403, _DETAILS[403])
            if not self._directory.has_org(org_id):
                raise ApiError(404, "Not found.")
        if site_id is not None:
            if not self._permissions.allows_site(site_id):
                raise ApiError(403, _DETAILS[403])
            if self._directory.org_of_site(site_id) is None:
                raise ApiError(404, "Not found.")

    def _count(self, request: web.Request, status: int) -> None:
        resource = request.match_info.route.resource
        template = resource.canonical if resource is not None else "(unknown)"
        self._ledger.calls[f"{request.method} {template} {status}"] += 1
