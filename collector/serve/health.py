"""/-/healthy and /-/ready, for probes. Both need no authentication and no configuration, and answer in microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Ready = Callable[[], Sequence[str]]

_HEADERS = {"Cache-Control": "no-store"}


class HealthEndpoints:
    """Healthy: `stuck()` names nothing that hangs. Ready: `ready()` gives no reason why not."""

    def __init__(self, ready: Ready, stuck: Ready) -> None:
        self._ready = ready
        self._stuck = stuck

    async def healthy(self, _request: web.Request) -> web.Response:
        """200 while the work gets on, or 503 with what hangs: then a restart helps, and nothing else does."""
        return _answer("healthy", self._stuck())

    async def ready(self, _request: web.Request) -> web.Response:
        """200, or 503 with the reasons, one a line."""
        return _answer("ready", self._ready())


def _answer(good: str, reasons: Sequence[str]) -> web.Response:
    if not reasons:
        return web.Response(text=f"{good}\n", headers=_HEADERS)
    return web.Response(status=503, text="".join(f"{reason}\n" for reason in reasons), headers=_HEADERS)
