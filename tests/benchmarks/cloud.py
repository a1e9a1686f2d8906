"""The role `cloud`: a stream server that pushes frames made beforehand, and the REST answers a daemon needs to start.

It costs as little as can be, so that it outruns every client: frames are framed once, thirty or so go out in one write.
Clients are told apart by their token. REST knows one token's rights, orgs, sites and devices; whatever else is asked
for is empty.
"""

from __future__ import annotations

import asyncio
import gc
import re
import ssl
import threading
import time
from contextlib import asynccontextmanager
from functools import cached_property
from itertools import cycle
from typing import TYPE_CHECKING

import orjson
from aiohttp import web
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from collector.simulator import frames
from tests.benchmarks import traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.asyncio.server import ServerConnection

START = 1_800_000_000.0
MOMENT = re.compile(rb'(\\?"(?:last_seen|_time)\\?":)(\d{10}(?:\.\d{1,6})?(?!\d))')
ALONE = {"search": {"results": [], "total": 0}, "stats": {}, "setting": {}, "usage": {"requests": 0}}  # not lists
BATCH_BYTES = 256 * 1024
MOST_ZONES = 1000  # that naive is told
WITHOUT_DELAY_S = 0.0002


class Batch:
    """Frames that go out in one write. Before each, their moments are set anew: a device never speaks of the past.

    A moment takes as many characters whatever it is, so only those are overwritten.
    """

    def __init__(self, made: list[bytes]) -> None:
        self.frames = len(made)
        dated = [MOMENT.sub(rb"\g<1>" + stamp_of(0.0), frame) for frame in made]
        self._text = bytearray(b"".join([Frame(Opcode.TEXT, frame).serialize(mask=False) for frame in dated]))
        self._places = [found.start(2) for found in MOMENT.finditer(self._text)]

    def at(self, now: float) -> bytes:
        """The frames as of now, a unix time."""
        stamp, text = stamp_of(now), self._text
        for place in self._places:
            text[place : place + len(stamp)] = stamp
        return bytes(text)


def stamp_of(now: float) -> bytes:
    return b"%014.3f" % (START + now)


class Push:
    """The connections by token, and the frames."""

    def __init__(self, made: list[bytes]) -> None:
        self.batches = list(batched(made))
        self._made = made
        self.connections: dict[str, ServerConnection] = {}
        self._positions: dict[str, cycle[Batch]] = {}
        self._flood: asyncio.Task[int] | None = None
        self._now = 0.0
        self._held = False

    @cached_property
    def singles(self) -> list[Batch]:
        """Every frame alone."""
        return [Batch([frame]) for frame in self._made]

    def _time(self) -> float:
        self._now += 0.0 if self._held else 0.01
        return self._now

    def hold(self) -> None:
        """Let time stand still, so that two clients hear the same."""
        self._held = True

    async def listen(self, connection: ServerConnection) -> None:
        """Acknowledge what a client subscribes to."""
        token = connection.request.headers["Authorization"].removeprefix("Token ")
        self.connections[token] = connection
        try:
            async for message in connection:
                wish = orjson.loads(message)
                if channel := wish.get("subscribe"):
                    await connection.send(frames.control_frame("channel_subscribed", channel), text=True)
        except ConnectionClosed:
            pass

    async def flood(self, to: str, seconds: float) -> int:
        """Write as fast as the client reads; how many frames."""
        connection, pushed = self.connections[to], 0
        batches = self._positions.setdefault(to, cycle(self.batches))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            batch = next(batches)
            connection.transport.write(batch.at(self._time()))
            pushed += batch.frames
            await connection.drain()
        return pushed

    async def once(self, to: str) -> int:
        """Write every frame once, from the first to the last; how many frames."""
        connection = self.connections[to]
        for batch in self.batches:
            connection.transport.write(batch.at(self._time()))
            await connection.drain()
        return sum(batch.frames for batch in self.batches)

    async def pace(self, to: str, rate: float, seconds: float) -> int:
        """Write one frame at a time, `rate` a second; how many frames.

        A thread keeps the time: the timers of an event loop are too coarse for frames a millisecond apart.
        """
        loop, transport = asyncio.get_running_loop(), self.connections[to].transport
        singles = self._positions.setdefault(f"{to}, paced", cycle(self.singles))
        number, stop = round(rate * seconds), threading.Event()

        def keep_time() -> None:
            began = time.monotonic()
            for turn in range(number):
                wait_s = began + turn / rate - time.monotonic()
                if wait_s > WITHOUT_DELAY_S:
                    time.sleep(wait_s)
                if stop.is_set():
                    return
                loop.call_soon_threadsafe(transport.write, next(singles).at(self._time()))

        try:
            await asyncio.to_thread(keep_time)
        finally:
            stop.set()
        return number

    async def begin_flood(self, to: str) -> None:
        """Flood until `end_flood`."""
        self._flood = asyncio.create_task(self.flood(to, float("inf")))

    async def end_flood(self) -> None:
        """Stop the flood."""
        assert self._flood is not None
        self._flood.cancel()
        await asyncio.wait([self._flood])


def batched(made: list[bytes]) -> Iterator[Batch]:
    """Frames in the order of sending, some thirty a write."""
    part, size = [], 0
    for frame in made:
        part.append(frame)
        size += len(frame)
        if size >= BATCH_BYTES:
            yield Batch(part)
            part, size = [], 0
    if part:
        yield Batch(part)


def rest(told: traffic.Traffic) -> web.Application:
    """The REST side."""
    listings = {"sites": told.sites, "inventory": told.devices}

    async def get(request: web.Request) -> web.Response:
        ending = request.path.rpartition("/")[2]
        if ending == "self":
            return web.json_response(
                {"privileges": [{"scope": "org", "org_id": org["id"], "role": "read"} for org in told.orgs]}
            )
        if ending in ALONE:
            return web.json_response(ALONE[ending])
        for org in told.orgs:
            if ending == org["id"]:
                return web.json_response(org)
        listing = listings.get(ending, [])
        if ending in told.of_site:
            listing = [row for row in told.of_site[ending] if f"/{row['site_id']}/" in request.path]
        page, limit = int(request.query.get("page", 1)), int(request.query.get("limit", 100))
        return web.json_response(
            body=orjson.dumps(listing[(page - 1) * limit : page * limit]),
            headers={"X-Page-Total": str(len(listing)), "X-Page-Page": str(page), "X-Page-Limit": str(limit)},
        )

    application = web.Application()
    application.router.add_get("/{path:.*}", get)
    return application


@asynccontextmanager
async def cloud(kind: str, devices: int, rounds: int, certificate: str | None = None):
    told = traffic.make(kind, devices, rounds)
    push = Push(told.frames)
    gc.freeze()
    runner = web.AppRunner(rest(told), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await serve(push.listen, "127.0.0.1", 0, ssl=tls, compression=None, ping_interval=None, close_timeout=0.5)
    async with server:
        scheme, port = ("wss" if tls else "ws"), server.sockets[0].getsockname()[1]
        addresses = {
            "api_url": f"http://127.0.0.1:{runner.addresses[0][1]}",
            "stream_url": f"{scheme}://127.0.0.1:{port}/api-ws/v1/stream",
            "channels": told.channels
            or [f"/sites/{site['id']}/stats/devices" for site in told.sites]
            + [f"/sites/{site['id']}/stats/mxedges" for site in told.sites]
            + [f"/orgs/{org['id']}/stats/mxedges" for org in told.orgs],
            "org_id": told.orgs[0]["id"],
            "maps": len(told.of_site["maps"]),
            "zones": told.of_site["zones"] if len(told.of_site["zones"]) < MOST_ZONES else [],
            "frames": len(told.frames),
            "frame_bytes": told.frame_bytes,
        }
        yield {
            "addresses": lambda: addresses,
            "flood": push.flood,
            "once": push.once,
            "hold": push.hold,
            "pace": push.pace,
            "begin_flood": push.begin_flood,
            "end_flood": push.end_flood,
        }
    await runner.cleanup()
