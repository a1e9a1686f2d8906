"""/metrics: the exposition, streamed chunk by chunk, so that it is never in memory as a whole.

Compression is isal's level 1: an eighth of zlib's CPU time on this text. Scrapes cost the daemon more CPU time than
anything else.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp import web
from isal import isal_zlib

from collector.metrics import text_format
from collector.serve import negotiation
from collector.serve.sharing import SharedRenderings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    Render = Callable[["Selection"], AsyncGenerator[bytes]]

log = structlog.get_logger()

SLICE_BYTES: Final = 1 << 19  # compressed at a time: about 1 ms
MAX_SCRAPES: Final = 8  # at once; each holds a compressor and a chunk
SCRAPE_TIMEOUT_S: Final = 120.0  # the connection of a scraper that reads slower is closed
_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31  # zlib's notation for a gzip header and a window of 32 KiB


@dataclass(frozen=True, slots=True)
class Selection:
    """What a scraper requests; with different selections one collector can be several scrape jobs.

    Attributes:
        openmetrics: OpenMetrics instead of the Prometheus text format.
        collect: object names (`?collect[]=ap&collect[]=switch`: families `mist_ap_*`, `mist_switch_*`); empty for all.
        site: id of a site (`?site=...`); empty for all.
    """

    openmetrics: bool = False
    collect: tuple[str, ...] = ()
    site: str = ""


class MetricsEndpoint:
    """The handler of /metrics. `render(selection)` returns the exposition; concurrent scrapers share one."""

    def __init__(self, render: Render, *, scrape_timeout_s: float = SCRAPE_TIMEOUT_S) -> None:
        self._render = render
        self._scrape_timeout_s = scrape_timeout_s
        self._shared = SharedRenderings()
        self._running = 0
        self._failing = False

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer one scrape; 503 when too many run at once."""
        if self._running >= MAX_SCRAPES:
            return web.Response(status=503, text=f"{MAX_SCRAPES} scrapes are running already\n")
        self._running += 1
        try:
            async with asyncio.timeout(self._scrape_timeout_s):
                response = await self._answer(request)
        except Exception as error:
            if not self._failing:
                log.exception("scrape_failed")
            self._failing = True
            if request.writer.output_size > 0:  # the connection is closed, which fails the scrape
                raise ConnectionError("a part of the exposition is sent") from error
            return web.Response(status=500, text="internal error\n")
        finally:
            self._running -= 1
        self._failing = False
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        selection, gzip = _selection_of(request), _accepts_gzip(request)
        response = web.StreamResponse(headers={"Vary": "Accept, Accept-Encoding", "Cache-Control": "no-store"})
        response.headers["Content-Type"] = text_format.OPENMETRICS if selection.openmetrics else text_format.TEXT
        if gzip:
            response.headers["Content-Encoding"] = "gzip"
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        chunks = self._shared.chunks((selection, gzip), lambda: self._start(selection, gzip=gzip))
        async with contextlib.aclosing(chunks):  # a scrape that fails leaves it unfinished
            with contextlib.suppress(ConnectionError):  # the scraper closed the connection
                await _send(chunks, request, response)
        return response

    def _start(self, selection: Selection, *, gzip: bool) -> AsyncGenerator[bytes]:
        chunks = self._render(selection)
        return gzipped(chunks) if gzip else chunks


def _selection_of(request: web.Request) -> Selection:
    openmetrics = negotiation.wants_openmetrics(",".join(request.headers.getall("Accept", [])))
    collect = tuple(sorted(set(request.query.getall("collect[]", []))))
    return Selection(openmetrics, collect, request.query.get("site", ""))


def _accepts_gzip(request: web.Request) -> bool:
    return negotiation.accepts_gzip(",".join(request.headers.getall("Accept-Encoding", [])))


async def _send(chunks: AsyncIterator[bytes], request: web.Request, response: web.StreamResponse) -> None:
    """Write the body. The headers are sent with the first chunk, so that an error before it is a plain 500."""
    async for chunk in chunks:
        if not response.prepared:
            await response.prepare(request)
        await response.write(chunk)
    if not response.prepared:
        await response.prepare(request)
    await response.write_eof()


async def gzipped(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield the chunks as one gzip stream, with a turn of the event loop after each slice."""
    compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP_WINDOW)
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            view = memoryview(chunk)
            for start in range(0, len(view), SLICE_BYTES):
                packed = compressor.compress(view[start : start + SLICE_BYTES])
                if packed:
                    yield packed
                await asyncio.sleep(0)
    yield compressor.flush()
