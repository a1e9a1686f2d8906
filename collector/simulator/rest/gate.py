"""What stands before every REST call: faults, the token, its budget, its rights."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from aiohttp import web

from collector.simulator.rest.reply import RefusedError, reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from collector.clock import Clock
    from collector.simulator.atlas import Atlas
    from collector.simulator.faults import Faults
    from collector.simulator.ledger import Ledger
    from collector.simulator.rights import Rights

HOUR_S = 3600
_DETAILS = {401: "Invalid token.", 403: "permission denied", 429: "Too many requests.", 500: "Internal error."}


class Budget:
    """Calls a token may make between two full hours of the clock (mist/README section 2).

    `others` says which share of them other programs with the same token have made by now.
    """

    def __init__(self, limit: int, others: Callable[[], float] = float) -> None:
        self.limit = limit
        self._others = others
        self._hour = 0
        self._used: Counter[str] = Counter()

    def used(self, token: str, unix: float) -> int:
        """Return the calls made since the last full hour."""
        self._turn(unix)
        return self._used[token] + int(self._others() * self.limit)

    def spend(self, token: str, unix: float) -> None:
        """Count one call; raise RefusedError(429) with the seconds to the next full hour when none is left."""
        if self.used(token, unix) >= self.limit:
            raise RefusedError(429, _DETAILS[429], left_of_hour_s(unix))
        self._used[token] += 1

    def _turn(self, unix: float) -> None:
        hour = int(unix // HOUR_S)
        if hour != self._hour:
            self._hour = hour
            self._used.clear()


def left_of_hour_s(unix: float) -> int:
    """Return the whole seconds until the next full hour, at least 1."""
    return max(1, math.ceil(HOUR_S - unix % HOUR_S))


class Gate:
    """The middleware of the REST server."""

    def __init__(
        self, *, rights: Rights, atlas: Atlas, faults: Faults, budget: Budget, ledger: Ledger, clock: Clock
    ) -> None:
        self._rights = rights
        self._atlas = atlas
        self._faults = faults
        self._budget = budget
        self._ledger = ledger
        self._clock = clock

    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Return the function that aiohttp calls around every handler."""

        @web.middleware
        async def guard(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            try:
                self._pass(request)
                response = await handler(request)
            except RefusedError as refusal:
                response = refusal.response()
            except web.HTTPException as refusal:
                response = reply({"detail": f"{refusal.reason}."}, status=refusal.status)
            self._count(request, response.status)
            return response

        return guard

    def _pass(self, request: web.Request) -> None:
        now, unix = self._clock.now(), self._clock.time()
        fault = self._faults.strikes("rest_status", now, request.path)
        if fault is not None:
            raise RefusedError(fault.status, _DETAILS.get(fault.status, "error"), fault.retry_after(now))
        token = self._rights.token_of(request.headers.get("Authorization"))
        if token is None:
            raise RefusedError(401, _DETAILS[401])
        self._budget.spend(token, unix)
        self._check_rights(request.match_info)

    def _check_rights(self, ids: web.UrlMappingMatchInfo) -> None:
        org_id, site_id = ids.get("org_id"), ids.get("site_id")
        if org_id is not None:
            if not self._rights.allows_org(org_id):
                raise RefusedError(403, _DETAILS[403])
            if not self._atlas.has_org(org_id):
                raise RefusedError(404, "Not found.")
        if site_id is not None:
            if not self._rights.allows_site(site_id):
                raise RefusedError(403, _DETAILS[403])
            if self._atlas.org_of_site(site_id) is None:
                raise RefusedError(404, "Not found.")

    def _count(self, request: web.Request, status: int) -> None:
        resource = request.match_info.route.resource
        template = resource.canonical if resource is not None else "(unknown)"
        self._ledger.calls[f"{request.method} {template} {status}"] += 1
