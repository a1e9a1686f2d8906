"""A small REST server on loopback that answers exactly as a test defines it, correctly or not."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
from aiohttp import web

from collector.ingest.rest.client import RestClient
from collector.mist.clouds import Cloud
from collector.status import RestStatus

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

TOKEN = "an-org-token"


class SkippingClock:
    """A clock on which a sleep takes no real time; `naps` keeps the length of each, in seconds."""

    def __init__(self, now: float = 1000.0, unix: float = 1_700_000_000.0) -> None:
        self.naps: list[float] = []
        self._now = now
        self._offset = unix - now

    def now(self) -> float:
        return self._now

    def time(self) -> float:
        return self._now + self._offset

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.naps.append(seconds)
            self._now += seconds
        await asyncio.sleep(0)


@dataclass
class Reply:
    """One HTTP answer.

    Attributes:
        body: JSON, unless it is bytes.
        reason: the reason phrase of the status line.
        cut: the connection is closed in the middle of the body.
        hangs: no answer comes.
        endless: the body is repeated without an end.
        raw: bytes that are sent instead of an HTTP answer.
    """

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    cut: bool = False
    hangs: bool = False
    endless: bool = False
    raw: bytes = b""


@dataclass
class Call:
    """One request as it arrived."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


class RestCloud:
    """Serves `replies[path]` in order, and the last one from then on; a reply may be a function of the query."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.calls: list[Call] = []
        self.called = asyncio.Event()
        self.url = ""
        self.sent_bytes = 0  # of bodies without an end
        self.replies: defaultdict[str, list[Any]] = defaultdict(list)
        self._runner: web.AppRunner | None = None
        self._closing = asyncio.Event()

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http{'s' if self.tls else ''}://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    def answer(self, path: str, *replies: Any) -> None:
        """Set what ``/api/v1`` + `path` answers: JSON, a `Reply`, or a function of the query that returns one."""
        self.replies["/api/v1" + path] = list(replies)

    def listing(self, path: str, entries: list[Any], *, headers: bool = True, largest: int = 1000) -> None:
        """Serve `entries` in pages as Mist does, with or without the `X-Page-*` headers."""
        self.answer(path, lambda query: page_of(entries, query, headers=headers, largest=largest))

    def paths(self) -> list[str]:
        """Return the paths that were called, in order, without the prefix."""
        return [call.path.removeprefix("/api/v1") for call in self.calls]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(Call(request.path, dict(request.query), dict(request.headers)))
        self.called.set()
        waiting = self.replies.get(request.path)
        if not waiting:
            return web.json_response({"detail": "Not found."}, status=404)
        reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        reply = reply(dict(request.query)) if callable(reply) else reply
        reply = reply if isinstance(reply, Reply) else Reply(reply)
        if reply.hangs:
            await self._closing.wait()
        body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
        if reply.raw:
            request.transport.write(reply.raw)
            request.transport.close()
            return web.Response()
        if reply.cut:
            return await self._cut(request, body)
        headers = {"Content-Type": "application/json"} | reply.headers
        if reply.endless:
            return await self._repeat(request, reply, headers, body)
        return web.Response(status=reply.status, reason=reply.reason, body=body, headers=headers)

    async def _repeat(
        self, request: web.Request, reply: Reply, headers: dict[str, str], body: bytes
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, reason=reply.reason, headers=headers)
        try:
            await response.prepare(request)
            while not self._closing.is_set():
                await response.write(body)
                self.sent_bytes += len(body)
        except ConnectionError:
            pass  # the client has hung up
        return response

    @staticmethod
    async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        request.transport.close()
        return response


def page_of(entries: list[Any], query: dict[str, str], *, headers: bool, largest: int = 1000) -> Reply:
    limit, page = min(int(query.get("limit", 100)), largest), int(query.get("page", 1))
    counted = {"X-Page-Limit": str(limit), "X-Page-Page": str(page), "X-Page-Total": str(len(entries))}
    return Reply(entries[(page - 1) * limit : page * limit], headers=counted if headers else {})


@asynccontextmanager
async def rest_of(
    url: str, *, token: Callable[[], str] = lambda: TOKEN, timeout_s: float = 10.0, clock: Any = None, **kwargs: Any
) -> AsyncIterator[RestClient]:
    """A `RestClient` of `url` with a clock that skips sleeps, and with the same jitter in every run."""

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s))

    cloud = Cloud("test", url, "ws://127.0.0.1:9/unused")
    clock = clock or SkippingClock()
    rng = random.Random(7)
    async with RestClient(cloud, token, RestStatus("main"), clock, session=session, rng=rng, **kwargs) as rest:
        yield rest
