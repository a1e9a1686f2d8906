"""Who is asking, how much they asked, and the lists that belong to nobody: /self and /const."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.constants import NAMES, constants
from collector.simulator.rest.gate import left_of_hour_s
from collector.simulator.rest.reply import RefusedError, reply

if TYPE_CHECKING:
    from aiohttp import web

    from collector.clock import Clock
    from collector.simulator.atlas import Atlas
    from collector.simulator.rest.gate import Budget
    from collector.simulator.rest.routes import Route
    from collector.simulator.rights import Rights


class Account:
    """Answers about the token itself, and the constants."""

    def __init__(self, atlas: Atlas, rights: Rights, budget: Budget, clock: Clock) -> None:
        self._atlas = atlas
        self._rights = rights
        self._budget = budget
        self._clock = clock

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            ("GET", "/self", self.me),
            ("GET", "/self/usage", self.usage),
            ("GET", "/const/{name}", self.constant),
        ]

    async def me(self, _: web.Request) -> web.Response:
        """Answer as for the token of a user who may read every org that is not denied."""
        privileges = [
            {"scope": "org", "org_id": org["id"], "name": org["name"], "role": "read", "views": []}
            for org in self._atlas.orgs()
            if self._rights.allows_org(org["id"])
        ]
        return reply(
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
        """Answer with the calls made since the last full hour, and the seconds until the next."""
        unix = self._clock.time()
        token = self._rights.token_of(request.headers.get("Authorization")) or ""
        return reply(
            {
                "requests": self._budget.used(token, unix),
                "request_limit": self._budget.limit,
                "seconds": left_of_hour_s(unix),
            }
        )

    async def constant(self, request: web.Request) -> web.Response:
        """Answer with one of the constant lists."""
        name = request.match_info["name"]
        if name not in NAMES:
            raise RefusedError(404, "Not found.")
        return reply(list(constants(name)))
