"""The operator's listener: /metrics, /-/healthy, /-/ready, /-/reload, the status page and floors, on one port.

It is handed callables and knows nothing of where their answers come from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from aiohttp import web

from collector.config.web_file import Web
from collector.listener.connection_limits import (
    ConnectionLimiter,
    ConnectionLimits,
    LimitedSite,
    hide_server_header,
    track_in_flight,
)
from collector.serve import status_html
from collector.serve.floor_pages import FloorPages
from collector.serve.guard import Guard
from collector.serve.health import HealthEndpoints
from collector.serve.metrics import MetricsEndpoint
from collector.status import ServerStatus

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from collector.floors import Floors
    from collector.listener.address import Listen
    from collector.serve.events_api import EventsApi
    from collector.serve.guard import Handler
    from collector.serve.health import Ready
    from collector.serve.metrics import Render
    from collector.serve.status_page import StatusPage

    Reload = Callable[[], Awaitable[Sequence[str]]]

SHUTDOWN_S = 2.0  # a scrape under way may finish within this time when the collector stops
DOORS = ConnectionLimits(connections=256, of_one_source=128, keep_s=330.0)  # Prometheus keeps its own for 300 s
_NOT_STORED = {"Cache-Control": "no-store"}
_PAGE_HEADERS = {
    **_NOT_STORED,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """How the listener is guarded: TLS and users, whether probes need a password, whether `POST /-/reload` works."""

    web: Web = field(default_factory=Web)
    health_open: bool = True
    allow_reload: bool = False


class OperatorListener:
    """An async context manager; after `__aenter__` it answers at `port`. Raises ListenError when it cannot listen.

    `render(selection)` gives /metrics, `ready()` the reasons why not ready, `stuck()` what hangs, `status()` what the
    page shows, `reload()` the faults of the configuration that was to be used. `counts` learns who was turned away.
    `floors` are shown below /floors; None: nothing is there.
    """

    def __init__(
        self,
        listen: Listen,
        *,
        render: Render,
        ready: Ready,
        status: Callable[[], StatusPage],
        stuck: Ready = lambda: (),
        reload: Reload | None = None,
        counts: ServerStatus | None = None,
        rules: Rules | None = None,
        floors: Floors | None = None,
        events: EventsApi | None = None,
    ) -> None:
        self._listen = listen
        self._status = status
        self._reload = reload
        self._counts = counts or ServerStatus()
        self.rules = rules or Rules()
        self._guard = Guard(self.rules.web, self._counts, health_open=self.rules.health_open)
        self._doors = ConnectionLimiter(DOORS, self._closed, on_count=self._count_open)
        self._socket: socket.socket | None = None
        self._site: LimitedSite | None = None
        self.port = 0
        health = HealthEndpoints(ready, stuck)
        application = web.Application(client_max_size=0, middlewares=[track_in_flight, self._admit])
        application.on_response_prepare.extend((hide_server_header, self._guard.dress))
        application.router.add_get("/metrics", MetricsEndpoint(render).get)
        application.router.add_get("/-/healthy", health.healthy)
        application.router.add_get("/-/ready", health.ready)
        application.router.add_post("/-/reload", self._post_reload)
        application.router.add_get("/", self._page)
        if floors is not None:
            FloorPages(floors).add_to(application)
        if events is not None:
            events.add_to(application)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)

    async def __aenter__(self) -> Self:
        self._socket = self._listen.bind()
        self.port = self._socket.getsockname()[1]
        await self._runner.setup()
        self._site = await self._open(self._socket)
        return self

    async def use(self, rules: Rules) -> None:
        """Go by these rules from now on. Connections that are open keep the TLS they have."""
        before, self.rules = self.rules, rules
        self._guard.use(rules.web, health_open=rules.health_open)
        if rules.web.tls is not before.web.tls and self._socket is not None and self._site is not None:
            old, self._site = self._site, await self._open(self._socket)
            await old.stop()

    async def _open(self, listener: socket.socket) -> LimitedSite:
        """Accept by the present rules. Both ends of a change hold the same queue, so no caller is turned away."""
        site = LimitedSite(self._runner, listener.dup(), self._doors, tls=self.rules.web.tls)
        await site.start()
        return site

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()
        if self._socket is not None:
            self._socket.close()

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await self._guard.admit(request, handler)
        if answer.status == 503 and request.path == "/metrics":  # noqa: PLR2004 - too many at once
            self._counts.refused["too_many_scrapes"] = self._counts.refused.get("too_many_scrapes", 0) + 1
        return answer

    def refused(self, reason: str) -> None:
        """Count a connection that was not taken."""
        self._closed(reason)

    def _closed(self, reason: str) -> None:
        self._counts.closed[reason] = self._counts.closed.get(reason, 0) + 1

    def _count_open(self, connections: int) -> None:
        self._counts.connections = connections

    async def _post_reload(self, _request: web.Request) -> web.Response:
        """Reload the configuration; 200 when it is in use, 400 with every fault when it is not."""
        if self._reload is None or not self.rules.allow_reload:
            return web.Response(status=403, text="not allowed: server.allow_reload\n", headers=_NOT_STORED)
        faults = await self._reload()
        text = "".join(f"{fault}\n" for fault in faults) or "reloaded\n"
        return web.Response(status=400 if faults else 200, text=text, headers=_NOT_STORED)

    async def _page(self, _request: web.Request) -> web.Response:
        page = status_html.render(self._status())
        return web.Response(text=page, content_type="text/html", headers=_PAGE_HEADERS)
