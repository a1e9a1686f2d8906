"""The operator's listener: /metrics, /-/healthy, /-/ready and the status page, on one port.

It is handed callables and knows nothing of where their answers come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from aiohttp import web

from collector.serve import status_html
from collector.serve.health import HealthEndpoints
from collector.serve.metrics import MetricsEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from collector.listen import Listen
    from collector.serve.health import Ready
    from collector.serve.metrics import Render
    from collector.serve.status_page import StatusPage

SHUTDOWN_S = 2.0  # a scrape under way may finish within this time when the collector stops
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class OperatorListener:
    """An async context manager; after `__aenter__` it answers at `port`. Raises ListenError when it cannot listen.

    `render(openmetrics)` gives /metrics, `ready()` the reasons why not ready, `stuck()` what hangs, `status()` what the
    page shows.
    """

    def __init__(
        self,
        listen: Listen,
        *,
        render: Render,
        ready: Ready,
        status: Callable[[], StatusPage],
        stuck: Ready = lambda: (),
    ) -> None:
        self._listen = listen
        self._status = status
        self.port = 0
        health = HealthEndpoints(ready, stuck)
        application = web.Application()
        application.router.add_get("/metrics", MetricsEndpoint(render).get)
        application.router.add_get("/-/healthy", health.healthy)
        application.router.add_get("/-/ready", health.ready)
        application.router.add_get("/", self._page)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)

    async def __aenter__(self) -> Self:
        listener = self._listen.bind()
        self.port = listener.getsockname()[1]
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _page(self, _request: web.Request) -> web.Response:
        page = status_html.render(self._status())
        return web.Response(text=page, content_type="text/html", headers=_PAGE_HEADERS)
