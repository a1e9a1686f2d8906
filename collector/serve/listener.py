"""The operator's listener: /metrics, /-/healthy, /-/ready, /-/reload, status page, event list and floor pages.

It receives callables and does not know where their results come from.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from aiohttp import web

from collector.listener.authentication import Authenticator
from collector.listener.client_address import AuthenticatedSources
from collector.listener.connection_limits import ConnectionLimiter, ConnectionLimits
from collector.listener.http_server import LimitedServer
from collector.listener.web_config import WebConfig
from collector.serve import status_html
from collector.serve.events_page import EventsPage
from collector.serve.floor_pages import FloorPages
from collector.serve.health import HealthEndpoints
from collector.serve.metrics import MetricsEndpoint
from collector.status import ServerStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from collector.floors import Floors
    from collector.listener.address import ListenAddress
    from collector.listener.http_server import Handler
    from collector.serve.events_api import EventsApi
    from collector.serve.events_page import Portals
    from collector.serve.health import Reasons
    from collector.serve.metrics import Render
    from collector.serve.status_page import StatusPage

    Reload = Callable[[], Awaitable[Sequence[str]]]

SHUTDOWN_GRACE_S: Final = 0.75  # for requests in flight when the collector stops
CONNECTION_LIMITS: Final = ConnectionLimits(
    max_connections=256,
    max_per_source=128,
    keepalive_timeout_s=330.0,  # Prometheus keeps its connections for 300 s
)
_HEALTH_PATHS: Final = frozenset({"/-/healthy", "/-/ready"})
_NO_STORE: Final = {"Cache-Control": "no-store"}
_PAGE_HEADERS: Final = {
    **_NO_STORE,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class OperatorAccess:
    """Who may request what.

    Attributes:
        web: TLS, client certificates, users, headers.
        health_open: the health endpoints require no password: few probes can send one.
        allow_reload: `POST /-/reload` reloads the configuration.
    """

    web: WebConfig = field(default_factory=WebConfig)
    health_open: bool = True
    allow_reload: bool = False

    @property
    def open_paths(self) -> frozenset[str]:
        """The paths that require no password."""
        return _HEALTH_PATHS if self.health_open else frozenset()


class OperatorListener:
    """An async context manager; it serves between `__aenter__`, which sets `port`, and `__aexit__`.

    Args:
        listen: address to bind; `__aenter__` raises ListenError when that fails.
        render: returns the exposition of a selection.
        ready: returns the reasons why the collector is not ready.
        status: returns the content of the status page.
        stuck: returns what makes no progress.
        reload: reloads the configuration and returns its faults.
        counts: receives the counts of connections and rejected requests.
        access: who may request what.
        floors: shown below /floors; None: the floor pages do not exist.
        events: answers /api/v1/events; None: neither this path nor the page /events exists.
        portals: returns the address of Mist's portal by organization ID, for the links of /events.
    """

    def __init__(
        self,
        listen: ListenAddress,
        *,
        render: Render,
        ready: Reasons,
        status: Callable[[], StatusPage],
        stuck: Reasons = lambda: (),
        reload: Reload | None = None,
        counts: ServerStatus | None = None,
        access: OperatorAccess | None = None,
        floors: Floors | None = None,
        events: EventsApi | None = None,
        portals: Portals = dict,
    ) -> None:
        self._status = status
        self._reload = reload
        self._counts = counts or ServerStatus()
        self.access = access or OperatorAccess()
        authenticated = AuthenticatedSources(time.monotonic)
        self._authenticator = Authenticator(
            self.access.web,
            open_paths=self.access.open_paths,
            on_rejected=self._count_rejected,
            authenticated=authenticated,
        )
        application = web.Application(client_max_size=0, middlewares=[self._authenticate])
        application.on_response_prepare.append(self._authenticator.add_headers)
        application.router.add_get("/metrics", MetricsEndpoint(render).get)
        health = HealthEndpoints(ready, stuck)
        application.router.add_get("/-/healthy", health.healthy)
        application.router.add_get("/-/ready", health.ready)
        application.router.add_post("/-/reload", self._post_reload)
        application.router.add_get("/", self._get_status_page)
        if floors is not None:
            FloorPages(floors).add_to(application)
        if events is not None:
            events.add_to(application)
            EventsPage(portals, floors=floors is not None).add_to(application)
        limiter = ConnectionLimiter(
            CONNECTION_LIMITS, self._count_closed, authenticated=authenticated, on_count=self._count_open
        )
        self._server = LimitedServer(listen, application, limiter, grace_s=SHUTDOWN_GRACE_S)

    @property
    def port(self) -> int:
        """TCP port, 0 before `__aenter__`."""
        return self._server.port

    async def __aenter__(self) -> Self:
        await self._server.start(self.access.web.tls)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._server.stop()

    async def use(self, access: OperatorAccess) -> None:
        """Use other rules for requests, and another TLS context for connections, from now on."""
        self.access = access
        self._authenticator.use(access.web, open_paths=access.open_paths)
        self._server.use_tls(access.web.tls)

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await self._authenticator.rejection(request) or await handler(request)
        if answer.status == 503 and request.path == "/metrics":  # noqa: PLR2004 - too many at once
            self._count_rejected("too_many_scrapes")
        return answer

    def _count_rejected(self, reason: str) -> None:
        self._counts.refused[reason] = self._counts.refused.get(reason, 0) + 1

    def _count_closed(self, reason: str) -> None:
        self._counts.closed[reason] = self._counts.closed.get(reason, 0) + 1

    def _count_open(self, connections: int) -> None:
        self._counts.connections = connections

    async def _post_reload(self, _request: web.Request) -> web.Response:
        """Reload the configuration: 200 when it is in use, 400 with all faults when it is not."""
        if self._reload is None or not self.access.allow_reload:
            return web.Response(status=403, text="not allowed: server.allow_reload\n", headers=_NO_STORE)
        faults = await self._reload()
        text = "".join(f"{fault}\n" for fault in faults) or "reloaded\n"
        return web.Response(status=400 if faults else 200, text=text, headers=_NO_STORE)

    async def _get_status_page(self, _request: web.Request) -> web.Response:
        page = status_html.render(self._status())
        return web.Response(text=page, content_type="text/html", headers=_PAGE_HEADERS)
