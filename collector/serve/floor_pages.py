"""/floors: live floor pages: a list, a page per floor, frames as server-sent events, style sheet and script.

The cost is bounded: a maximum number of viewers, one frame per second, and one frame for all viewers of a floor. A
stream ends after a while, so that the browser reconnects and authenticates again.
"""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import TYPE_CHECKING, Final

from aiohttp import web

from collector.serve import floor_frames, floor_html, markup
from collector.serve.floor_sketch import sketch_of
from collector.serve.markup import NO_STORE, SCRIPTED_PAGE_HEADERS

if TYPE_CHECKING:
    from collector.floors import Floors, FloorView
    from collector.serve.floor_sketch import Sketch

FRAME_S: Final = 1.0
MAX_VIEWERS: Final = 64
STREAM_S: Final = 900.0  # the browser then reconnects
WRITE_S: Final = 10.0  # a viewer that does not read for this long is disconnected
RETRY_MS: Final = 2000


class FloorFrames:
    """The frames of one floor, at most one per second for all of its viewers."""

    def __init__(self, floors: Floors, map_id: str) -> None:
        self.viewers = 0
        self._floors = floors
        self._map_id = map_id
        self._sketch: Sketch | None = None
        self._made_at: float | None = None
        self._event: bytes | None = None

    def event(self) -> bytes | None:
        """Return the present frame as an event; None if the floor no longer exists."""
        now = self._floors.clock.now()
        if self._made_at is None or now - self._made_at >= FRAME_S:
            self._made_at = now
            view = self._floors.view(self._map_id)
            self._event = None if view is None else self._render(view, now)
        return self._event

    def _render(self, view: FloorView, now: float) -> bytes:
        self._sketch = sketch_of(view, self._sketch)
        frame = floor_frames.frame_of(view, self._sketch, now=now, unix=self._floors.clock.time())
        return floor_frames.event_of(frame)


class FloorPages:
    """The handlers of /floors. `add_to` registers them; `close` ends every stream before the listener closes."""

    def __init__(self, floors: Floors) -> None:
        self._floors = floors
        self._frames: dict[str, FloorFrames] = {}
        self._closing = asyncio.Event()
        files = resources.files("collector.serve") / "assets"
        self._style = markup.STYLE + (files / "floor.css").read_text()
        self._script = (files / "floor.js").read_text()

    def add_to(self, application: web.Application) -> None:
        """Register the handlers."""
        router = application.router
        router.add_get("/floors", self.index)
        router.add_get("/floors/floor.css", self.style)
        router.add_get("/floors/floor.js", self.script)
        router.add_get("/floors/{map_id}", self.floor)
        router.add_get("/floors/{map_id}/events", self.events, allow_head=False)
        application.on_shutdown.append(self.close)

    async def close(self, _application: web.Application) -> None:
        """End every stream."""
        self._closing.set()

    @property
    def viewers(self) -> int:
        """Number of open streams."""
        return sum(frames.viewers for frames in self._frames.values())

    async def style(self, _request: web.Request) -> web.Response:
        """Return the style sheet."""
        return web.Response(text=self._style, content_type="text/css", headers=NO_STORE)

    async def script(self, _request: web.Request) -> web.Response:
        """Return the script."""
        return web.Response(text=self._script, content_type="text/javascript", headers=NO_STORE)

    async def index(self, _request: web.Request) -> web.Response:
        """Return the list of floors."""
        return _page(floor_html.floors_page(self._floors.lines(), self._floors.site_name))

    async def floor(self, request: web.Request) -> web.Response:
        """Return the page of one floor."""
        view = self._floors.view(request.match_info["map_id"])
        if view is None:
            return _page(floor_html.missing_page(), 404)
        sketch, clock = sketch_of(view), self._floors.clock
        frame = floor_frames.frame_of(view, sketch, now=clock.now(), unix=clock.time())
        return _page(floor_html.floor_page(view, sketch, frame, self._floors.site_name(view.site_id)))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream the frames of one floor; 404 if it is unknown, 503 with too many viewers."""
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return web.Response(status=403, text="cross-site request\n", headers=NO_STORE)
        if self.viewers >= MAX_VIEWERS:
            text = f"too many viewers (limit {MAX_VIEWERS})\n"
            return web.Response(status=503, text=text, headers={**NO_STORE, "Retry-After": "30"})
        map_id = request.match_info["map_id"]
        frames = self._frames.get(map_id) or FloorFrames(self._floors, map_id)
        if frames.event() is None:
            return web.Response(status=404, text="no such floor\n", headers=NO_STORE)
        self._frames[map_id] = frames
        frames.viewers += 1
        try:
            return await self._stream(request, frames)
        finally:
            frames.viewers -= 1
            if not frames.viewers:
                del self._frames[map_id]

    async def _stream(self, request: web.Request, frames: FloorFrames) -> web.StreamResponse:
        headers = {**NO_STORE, "X-Accel-Buffering": "no"}  # a proxy must not buffer frames
        response = web.StreamResponse(headers=headers)
        response.content_type = "text/event-stream"
        response.charset = "utf-8"
        await response.prepare(request)
        try:
            await self._write(response, frames)
        except ConnectionError:
            pass
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # an orderly close would wait for the viewer, too
        return response

    async def _write(self, response: web.StreamResponse, frames: FloorFrames) -> None:
        """Write frames until the floor is removed, the time is up, the viewer is slow or gone, or the server stops."""
        clock = self._floors.clock
        ends_at = clock.now() + STREAM_S
        await response.write(b"retry: %d\n\n" % RETRY_MS)
        while clock.now() < ends_at and not self._closing.is_set() and (event := frames.event()) is not None:
            async with asyncio.timeout(WRITE_S):
                await response.write(event)
            await self._pause(FRAME_S)

    async def _pause(self, seconds: float) -> None:
        """Wait, or return early when the listener closes."""
        pause = asyncio.ensure_future(self._floors.clock.sleep(seconds))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait((pause, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            closing.cancel()


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html", headers=SCRIPTED_PAGE_HEADERS)
