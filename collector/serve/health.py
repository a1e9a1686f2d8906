"""/-/healthy and /-/ready, for probes: neither depends on the configuration, both answer in microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Reasons = Callable[[], Sequence[str]]

_HEADERS: Final = {"Cache-Control": "no-store"}


class HealthEndpoints:
    """The two handlers.

    Args:
        ready: returns the reasons why the collector is not ready.
        stuck: returns what makes no progress.
    """

    def __init__(self, ready: Reasons, stuck: Reasons) -> None:
        self._ready = ready
        self._stuck = stuck

    async def healthy(self, _request: web.Request) -> web.Response:
        """Return 200, or 503 with the parts that make no progress and the tasks that keep failing."""
        return _respond("healthy", self._stuck())

    async def ready(self, _request: web.Request) -> web.Response:
        """Return 200, or 503 with the reasons, one per line."""
        return _respond("ready", self._ready())


def _respond(text: str, reasons: Sequence[str]) -> web.Response:
    if not reasons:
        return web.Response(text=f"{text}\n", headers=_HEADERS)
    return web.Response(status=503, text="".join(f"{reason}\n" for reason in reasons), headers=_HEADERS)
