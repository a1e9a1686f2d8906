"""/floors: floors as they are now, live. A list, a page for each, its frames as server-sent events, style and script.

What it costs is bounded: so many viewers at once, a frame a second each, and one frame made for all who watch the same
floor. A stream ends by itself from time to time, so that a browser asks again and passes the guard again.
"""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import TYPE_CHECKING, Final

from aiohttp import web

from collector.serve import floor_frames, floor_html, markup
from collector.serve.floor_sketch import sketch_of

if TYPE_CHECKING:
    from collector.floors import Floors, FloorView
    from collector.serve.floor_sketch import Sketch

FRAME_S: Final = 1.0
MOST_VIEWERS: Final = 64
STREAM_S: Final = 900.0  # a browser opens the next one by itself
WRITE_S: Final = 10.0  # a viewer that reads slower than this is let go
RETRY_MS: Final = 2000
_NOT_STORED: Final = {"Cache-Control": "no-store"}
_PAGE_HEADERS: Final = {
    **_NOT_STORED,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
}


class Picture:
    """One floor that is watched: its last frame, made at most once a second for all who watch it."""

    def __init__(self, floors: Floors, map_id: str) -> None:
        self.viewers = 0
        self._floors = floors
        self._map_id = map_id
        self._sketch: Sketch | None = None
        self._made_at: float | None = None
        self._event: bytes | None = None

    def event(self) -> bytes | None:
        """The frame as an event; None when there is no such floor any more."""
        now = self._floors.clock.now()
        if self._made_at is None or now - self._made_at >= FRAME_S:
            self._made_at = now
            view = self._floors.view(self._map_id)
            self._event = None if view is None else self._drawn(view, now)
        return self._event

    def _drawn(self, view: FloorView, now: float) -> bytes:
        self._sketch = sketch_of(view, self._sketch)
        frame = floor_frames.frame_of(view, self._sketch, now=now, unix=self._floors.clock.time())
        return floor_frames.event_of(frame)


class FloorPages:
    """The handlers. `add_to` gives them their paths; `close` ends every stream, before the listener ends."""

    def __init__(self, floors: Floors) -> None:
        self._floors = floors
        self._pictures: dict[str, Picture] = {}
        self._closing = asyncio.Event()
        files = resources.files("collector.serve") / "assets"
        self._style = markup.STYLE + (files / "floor.css").read_text()
        self._script = (files / "floor.js").read_text()

    def add_to(self, application: web.Application) -> None:
        """Answer below /floors."""
        router = application.router
        router.add_get("/floors", self.index)
        router.add_get("/floors/floor.css", self.style)
        router.add_get("/floors/floor.js", self.script)
        router.add_get("/floors/{map_id}", self.floor)
        router.add_get("/floors/{map_id}/events", self.events, allow_head=False)
        application.on_shutdown.append(self.close)

    async def close(self, _application: web.Application) -> None:
        """End every stream now."""
        self._closing.set()

    @property
    def viewers(self) -> int:
        """How many watch now."""
        return sum(picture.viewers for picture in self._pictures.values())

    async def style(self, _request: web.Request) -> web.Response:
        """The style sheet."""
        return web.Response(text=self._style, content_type="text/css", headers=_NOT_STORED)

    async def script(self, _request: web.Request) -> web.Response:
        """The script."""
        return web.Response(text=self._script, content_type="text/javascript", headers=_NOT_STORED)

    async def index(self, _request: web.Request) -> web.Response:
        """The list of floors."""
        return _page(floor_html.floors_page(self._floors.lines(), self._floors.site_name))

    async def floor(self, request: web.Request) -> web.Response:
        """One floor as it is now."""
        view = self._floors.view(request.match_info["map_id"])
        if view is None:
            return _page(floor_html.missing_page(), 404)
        sketch, clock = sketch_of(view), self._floors.clock
        frame = floor_frames.frame_of(view, sketch, now=clock.now(), unix=clock.time())
        return _page(floor_html.floor_page(view, sketch, frame, self._floors.site_name(view.site_id)))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The frames of one floor: 404 when it is not known, 503 when too many watch already."""
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return web.Response(status=403, text="not from another site\n", headers=_NOT_STORED)
        if self.viewers >= MOST_VIEWERS:
            text = f"{MOST_VIEWERS} watch already\n"
            return web.Response(status=503, text=text, headers={**_NOT_STORED, "Retry-After": "30"})
        map_id = request.match_info["map_id"]
        picture = self._pictures.get(map_id) or Picture(self._floors, map_id)
        if picture.event() is None:
            return web.Response(status=404, text="no such floor\n", headers=_NOT_STORED)
        self._pictures[map_id] = picture
        picture.viewers += 1
        try:
            return await self._stream(request, picture)
        finally:
            picture.viewers -= 1
            if not picture.viewers:
                del self._pictures[map_id]

    async def _stream(self, request: web.Request, picture: Picture) -> web.StreamResponse:
        headers = {**_NOT_STORED, "X-Accel-Buffering": "no"}  # a proxy passes each frame on at once
        response = web.StreamResponse(headers=headers)
        response.content_type = "text/event-stream"
        response.charset = "utf-8"
        await response.prepare(request)
        try:
            await self._write(response, picture)
        except ConnectionError:
            pass
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # its end would wait for the viewer, too
        return response

    async def _write(self, response: web.StreamResponse, picture: Picture) -> None:
        """Write frames until the floor goes, the time is over, the viewer leaves or does not read, or all ends."""
        clock = self._floors.clock
        ends_at = clock.now() + STREAM_S
        await response.write(b"retry: %d\n\n" % RETRY_MS)
        while clock.now() < ends_at and not self._closing.is_set() and (event := picture.event()) is not None:
            async with asyncio.timeout(WRITE_S):
                await response.write(event)
            await self._pause(FRAME_S)

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until all ends."""
        nap = asyncio.ensure_future(self._floors.clock.sleep(seconds))
        end = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait((nap, end), return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            end.cancel()


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html", headers=_PAGE_HEADERS)
