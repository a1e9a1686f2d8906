"""/metrics: the exposition, streamed chunk by chunk, so that a million samples are never held twice.

Compression is isal's level 1: an eighth of zlib's time on this text, and scrapes are the largest work of the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from aiohttp import web
from isal import isal_zlib

from collector.serve import negotiation
from collector.serve.sharing import SharedRenderings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    Render = Callable[["Selection"], AsyncGenerator[bytes]]

log = structlog.get_logger()

SLICE_BYTES = 1 << 19  # compressed at a time: about 1 ms, so that the event loop is never held up
MOST_SCRAPES = 8  # at once; each holds its own compressor and a chunk
SCRAPE_LIMIT_S = 120.0  # a scraper that reads slower than this is cut off
_LEVEL = 1
_GZIP_WINDOW = 31  # zlib's way of saying: gzip framing, 32 KB window


@dataclass(frozen=True, slots=True)
class Selection:
    """What a scraper asks for.

    `collect` are object names (`?collect[]=ap&collect[]=switch`: families `mist_ap_*`, `mist_switch_*`), none for all;
    `site` is a site's id (`?site=...`), "" for all. So one collector can be several scrape jobs.
    """

    openmetrics: bool = False
    collect: tuple[str, ...] = ()
    site: str = ""


class MetricsEndpoint:
    """The handler of /metrics. `render(selection)` gives the exposition; scrapers that come together share one."""

    def __init__(self, render: Render, *, scrape_limit_s: float = SCRAPE_LIMIT_S) -> None:
        self._render = render
        self._scrape_limit_s = scrape_limit_s
        self._shared = SharedRenderings()
        self._running = 0
        self._failing = False

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer one scrape; 503 when too many run at once."""
        if self._running >= MOST_SCRAPES:
            return web.Response(status=503, text=f"{MOST_SCRAPES} scrapes are running already\n")
        self._running += 1
        try:
            async with asyncio.timeout(self._scrape_limit_s):
                response = await self._answer(request)
        except Exception:
            # Before the first byte aiohttp answers 500; after it the connection is cut, which the scraper notices.
            if not self._failing:
                log.exception("scrape_failed")
            self._failing = True
            raise
        finally:
            self._running -= 1
        self._failing = False
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        openmetrics = negotiation.wants_openmetrics(",".join(request.headers.getall("Accept", [])))
        selection = Selection(
            openmetrics, tuple(sorted(set(request.query.getall("collect[]", [])))), request.query.get("site", "")
        )
        zipped = negotiation.accepts_gzip(",".join(request.headers.getall("Accept-Encoding", [])))
        response = web.StreamResponse(headers={"Vary": "Accept, Accept-Encoding", "Cache-Control": "no-store"})
        response.headers["Content-Type"] = negotiation.OPENMETRICS if selection.openmetrics else negotiation.TEXT
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        chunks = self._shared.chunks((selection, zipped), lambda: self._begin(selection, zipped=zipped))
        async with contextlib.aclosing(chunks):  # a broken scrape leaves it half way
            with contextlib.suppress(ConnectionError):  # the scraper went away: its business, and nothing to log
                await _send(chunks, request, response)
        return response

    def _begin(self, selection: Selection, *, zipped: bool) -> AsyncGenerator[bytes]:
        chunks = self._render(selection)
        return gzipped(chunks) if zipped else chunks


def selection_of(request: web.Request) -> Selection:
    """What the request asks for, by its query and its Accept header."""
    openmetrics = negotiation.wants_openmetrics(",".join(request.headers.getall("Accept", [])))
    collect = tuple(sorted(set(request.query.getall("collect[]", []))))
    return Selection(openmetrics, collect, request.query.get("site", ""))


async def _send(chunks: AsyncIterator[bytes], request: web.Request, response: web.StreamResponse) -> None:
    """Write the body. The head goes out with the first chunk: a renderer that fails at once is still a plain 500."""
    async for chunk in chunks:
        if not response.prepared:
            await response.prepare(request)
        await response.write(chunk)
    if not response.prepared:
        await response.prepare(request)
    await response.write_eof()


async def gzipped(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The chunks as one gzip stream, giving the event loop a turn after each slice."""
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
