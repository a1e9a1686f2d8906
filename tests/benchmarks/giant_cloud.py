"""The role `giant_cloud`: REST and stream of a `GiantFleet`, cheap enough to outrun the daemon, strict as Mist is.

REST lists by page with `X-Page-*` headers, counts every call, and refuses what is beyond the hour's 5000 with 429. The
stream acknowledges up to 2000 channels a connection and refuses the rest. From the acknowledgement of its channel on
each device speaks once a round, the devices spread over the round's `period_s`; 0 lets them speak as fast as they
are heard.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from collector.simulator import frames
from collector.simulator.rest.derived import SERVICES
from tests.benchmarks.giant_fleet import GiantFleet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from websockets.asyncio.server import ServerConnection

CALLS_AN_HOUR = 5000
CHANNELS_A_CONNECTION = 2000
MOST_BUFFERED = 4 * 1024 * 1024  # bytes a connection; a daemon that reads no faster delays the round
TICK_S = 0.01


class Calls:
    """Every REST call: when, and of what."""

    def __init__(self) -> None:
        self.of = Counter[str]()
        self.by_hour = Counter[int]()
        self.refused = 0

    @property
    def this_hour(self) -> int:
        return self.by_hour[int(time.time() // 3600)]

    def admit(self, name: str) -> bool:
        """Count one; whether the hour has it."""
        hour = int(time.time() // 3600)
        self.of[name] += 1
        self.by_hour[hour] += 1
        within = self.by_hour[hour] <= CALLS_AN_HOUR
        self.refused += not within
        return within


class Rest:
    """The listings. A page is made when it is asked for."""

    def __init__(self, fleet: GiantFleet) -> None:
        self._fleet = fleet
        self.calls = Calls()
        org, sites = f"/orgs/{fleet.org['id']}", range(len(fleet.site_ids))
        devices = range(fleet.devices)
        self._pages: dict[str, tuple[Sequence[int], Callable[[int], bytes]]] = {
            f"{org}/sites": (sites, lambda number: fleet.of_site("sites", number)),
            f"{org}/inventory": (devices, fleet.entry),
            f"{org}/stats/devices": (devices, fleet.stats),
            f"{org}/stats/sites": (sites, lambda number: fleet.of_site("stats/sites", number)),
        }

    async def get(self, request: web.Request) -> web.Response:
        """Answer any GET."""
        path = request.path.removeprefix("/api/v1")
        if not self.calls.admit(self._named(path)):
            return web.Response(status=429, headers={"Retry-After": str(int(3600 - time.time() % 3600) + 1)})
        return self._answer(path, request.query)

    def _named(self, path: str) -> str:
        """The path without its ids."""
        known = ("{org}" if part == self._fleet.org["id"] else part for part in path.split("/"))
        return "/".join("{site}" if len(part) == len(self._fleet.site_ids[0]) else part for part in known)

    def _answer(self, path: str, query: dict[str, str]) -> web.Response:
        single = self._single(path)
        if single is not None:
            return web.json_response(body=orjson.dumps(single))
        if path.endswith("/insights/sites-sle"):
            return self._levels(query)
        if path.endswith("/maps"):
            place = self._fleet.place_of(path.split("/")[2])
            return paged([place], query, lambda number: self._fleet.of_site("maps", number))
        rows, make = self._pages.get(path, ((), bytes))
        return paged(rows if query.get("status") != "disconnected" else (), query, make)

    def _single(self, path: str) -> dict[str, Any] | None:
        """An answer that is one object."""
        org = self._fleet.org
        return {
            "/self": {"privileges": [{"scope": "org", "org_id": org["id"], "role": "read"}]},
            "/self/usage": {"requests": self.calls.this_hour, "request_limit": CALLS_AN_HOUR},
            f"/orgs/{org['id']}": org,
            f"/orgs/{org['id']}/stats": {"num_sites": len(self._fleet.site_ids), "num_devices": self._fleet.devices},
        }.get(path) or ({"results": [], "total": 0} if path.endswith("/search") else None)

    def _levels(self, query: dict[str, str]) -> web.Response:
        assert query["sle"] in SERVICES
        rows = range(len(self._fleet.site_ids))
        shown = page_of(rows, query)
        body = b",".join([self._fleet.of_site(query["sle"], number) for number in shown])
        counts = b'"total":%d,"page":%d,"limit":%d' % (len(rows), int(query["page"]), int(query["limit"]))
        return web.json_response(body=b'{"results":[' + body + b"]," + counts + b"}")


def page_of(rows: Sequence[int], query: dict[str, str]) -> Sequence[int]:
    """What is on the page that is asked for."""
    page, limit = int(query.get("page", 1)), min(1000, int(query.get("limit", 100)))
    return rows[(page - 1) * limit : page * limit]


def paged(rows: Sequence[int], query: dict[str, str], make: Callable[[int], bytes]) -> web.Response:
    """One page of a list, counted in its headers."""
    counts = {"Total": len(rows), "Page": query.get("page", 1), "Limit": query.get("limit", 100)}
    return web.json_response(
        body=b"[" + b",".join([make(number) for number in page_of(rows, query)]) + b"]",
        headers={f"X-Page-{name}": str(count) for name, count in counts.items()},
    )


class Stream:
    """The WebSocket side: who subscribed to what, and who has spoken."""

    def __init__(self, fleet: GiantFleet) -> None:
        self._fleet = fleet
        self.handshakes: list[float] = []
        self.subscribed: list[float] = []  # when each was acknowledged
        self.refused = 0
        self.largest = 0  # channels of one connection
        self._carried: dict[str, ServerConnection] = {}
        self._spoken = bytearray(fleet.devices)
        self.last_message_at: list[float] = []  # when each device spoke for the first time
        self.frames = 0

    async def listen(self, connection: ServerConnection) -> None:
        """Acknowledge what a client subscribes to, as many channels as a connection may have."""
        self.handshakes.append(time.monotonic())
        own: set[str] = set()
        try:
            async for message in connection:
                wish = orjson.loads(message)
                if channel := wish.get("subscribe"):
                    await connection.send(self._answer(channel, own, connection), text=True)
                elif channel := wish.get("unsubscribe"):
                    own.discard(channel)
                    await connection.send(frames.control_frame("channel_unsubscribed", channel), text=True)
        except ConnectionClosed:
            pass
        finally:
            for channel in own:
                if self._carried.get(channel) is connection:
                    del self._carried[channel]

    def _answer(self, channel: str, own: set[str], connection: ServerConnection) -> bytes:
        if len(own) >= CHANNELS_A_CONNECTION:
            self.refused += 1
            return frames.control_frame("subscribe_failed", channel, "too many channels")
        own.add(channel)
        self.largest = max(self.largest, len(own))
        self._carried[channel] = connection
        self.subscribed.append(time.monotonic())
        return frames.control_frame("channel_subscribed", channel)

    def silent(self) -> int:
        """How many devices can be heard and have not spoken yet."""
        fleet = self._fleet
        heard = [number for number, channel in enumerate(fleet.channels) if channel in self._carried]
        return sum(self._spoken.count(0, at * fleet.aps, (at + 1) * fleet.aps) for at in heard)

    async def speak(self, period_s: float) -> None:
        """Let every device speak that can be heard, once a round, for ever."""
        while True:
            began, next_, total = time.monotonic(), 0, self._fleet.devices
            while next_ < total:
                due = int((time.monotonic() - began) / period_s * total) if period_s else next_ + 200
                due = min(total, due)
                for number in range(next_, due):
                    await self._say(number)
                next_ = due
                await asyncio.sleep(TICK_S if period_s else 0)

    async def _say(self, number: int) -> None:
        connection = self._carried.get(self._fleet.channels[self._fleet.site_of(number)])
        if connection is None or connection.transport.is_closing():
            return
        while connection.transport.get_write_buffer_size() > MOST_BUFFERED:  # noqa: ASYNC110 - nobody tells when it is
            await asyncio.sleep(TICK_S)
        connection.transport.write(self._fleet.frame(number, time.time()))
        self.frames += 1
        if not self._spoken[number]:
            self._spoken[number] = 1
            self.last_message_at.append(time.monotonic())


@asynccontextmanager
async def giant_cloud(sites: int, aps: int, period_s: float):
    fleet = GiantFleet(sites, aps)
    rest, stream = Rest(fleet), Stream(fleet)
    gc.freeze()
    application = web.Application()
    application.router.add_get("/{path:.*}", rest.get)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = await serve(stream.listen, "127.0.0.1", 0, compression=None, ping_interval=None, close_timeout=0.5)
    async with server:
        speaking = asyncio.create_task(stream.speak(period_s))
        yield {
            "addresses": lambda: {
                "api_url": f"http://127.0.0.1:{runner.addresses[0][1]}",
                "stream_url": f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/api-ws/v1/stream",
                "frame_bytes": fleet.frame_bytes,
                "object_bytes": fleet.object_bytes,
            },
            "seen": lambda: {
                "calls": dict(rest.calls.of),
                "calls_by_hour": list(rest.calls.by_hour.values()),
                "calls_refused": rest.calls.refused,
                "handshakes": stream.handshakes,
                "subscribed": stream.subscribed,
                "refused": stream.refused,
                "largest": stream.largest,
                "frames": stream.frames,
                "spoken": len(stream.last_message_at),
                "silent": stream.silent(),
                "spoken_at": stream.last_message_at[-1] if stream.last_message_at else None,
            },
        }
        speaking.cancel()
    await runner.cleanup()
