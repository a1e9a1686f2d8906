"""/-/healthy and /-/ready, for probes. Both need no authentication and no configuration, and answer in microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Ready = Callable[[], Sequence[str]]

_HEADERS = {"Cache-Control": "no-store"}


class HealthEndpoints:
    """Healthy: the event loop turns. Ready: `ready()` gives no reason why not."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    async def healthy(self, _request: web.Request) -> web.Response:
        """Always 200: that it is answered at all is the news."""
        return web.Response(text="healthy\n", headers=_HEADERS)

    async def ready(self, _request: web.Request) -> web.Response:
        """200, or 503 with the reasons, one a line."""
        reasons = self._ready()
        if not reasons:
            return web.Response(text="ready\n", headers=_HEADERS)
        return web.Response(status=503, text="".join(f"{reason}\n" for reason in reasons), headers=_HEADERS)
