"""The door of a listener: how many may come in, how long they may stand there, and what becomes of those who stammer.

aiohttp bounds one connection (the size of a head, the requests that wait behind one another); here is what bounds them
all together. A connection *works* while a request of it is answered and *rests* otherwise: before its first request,
between two, and while a head trickles in. Resting is limited in time; and when all places are taken, the one that has
rested longest is closed for the newcomer, so that idle connections never lock anybody out.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from aiohttp import web

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NAME: Final = "mist-collector"  # as which listeners answer: no word of versions, which strangers look for
_TLS_HANDSHAKE_S: Final = 10.0
TELL_EVERY_S: Final = 60.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What all connections of one listener may take together; the head of a request is bounded by the last three."""

    connections: int = 512  # open files are the scarce thing: 1024 a process is a common default
    of_one_source: int = 128
    rest_s: float = 20.0  # a connection that has asked nothing yet is closed after this time
    keep_s: float = (
        120.0  # one that has asked is kept so long; longer than a reverse proxy keeps it, or both would race
    )
    linger_s: float = 1.0  # the rest of a refused body is read so long, so that the answer arrives before the end
    line_bytes: int = 4096
    field_bytes: int = 4096
    fields: int = 64


class ConnectionLimiter:
    """Counts who is in. `on_closed(reason)` is told why a connection was ended here: a few fixed words.

    Reasons: too_many (of one source, or no place), crowded_out (rested longest when all places were taken), idle
    (nothing came), slow_head (a head did not become whole), bad_request (it is not HTTP, or too much of it).
    `exempt(address)` tells the sources that may take any number of places: a proxy speaks for many. `on_count` learns
    how many are open.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        on_closed: Callable[[str], None],
        *,
        exempt: Callable[[str], bool] = lambda _: False,
        on_count: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.limits = limits
        self.on_closed = on_closed
        self._exempt = exempt
        self._on_count = on_count
        self._places: dict[str, int] = {}  # taken, by source
        self._resting: dict[LimitedRequestHandler, None] = {}  # the longest first
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.open = 0

    async def drained(self, within_s: float) -> None:
        """Wait until no request is being answered, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._quiet.wait()

    def admit(self, caller: LimitedRequestHandler) -> bool:
        """Give the caller a place, or say that there is none."""
        source, limits = caller.source, self.limits
        if self._places.get(source, 0) >= limits.of_one_source and not self._exempt(caller.address):
            self.on_closed("too_many")
            return False
        if self.open >= limits.connections and not self._make_room():
            self.on_closed("too_many")
            return False
        self._places[source] = self._places.get(source, 0) + 1
        self.open += 1
        self._on_count(self.open)
        return True

    def left(self, caller: LimitedRequestHandler) -> None:
        """Give the caller's place back."""
        self._resting.pop(caller, None)
        self.open -= 1
        self._note_quiet()
        self._on_count(self.open)
        count = self._places[caller.source] - 1
        if count:
            self._places[caller.source] = count
        else:
            del self._places[caller.source]

    def rests(self, caller: LimitedRequestHandler) -> None:
        """Note that the caller has nothing in hand, from now."""
        self._resting.pop(caller, None)
        self._resting[caller] = None
        self._note_quiet()

    def works(self, caller: LimitedRequestHandler) -> None:
        """Note that a request of the caller is being answered."""
        self._resting.pop(caller, None)
        self._quiet.clear()

    def goes(self, caller: LimitedRequestHandler) -> None:
        """Note that the caller is being closed: it is no more among those who may make room."""
        self._resting.pop(caller, None)

    def _note_quiet(self) -> None:
        if len(self._resting) >= self.open:
            self._quiet.set()

    def _make_room(self) -> bool:
        longest = next(iter(self._resting), None)
        if longest is None:
            return False
        longest.end("crowded_out")
        return True


class LimitedRequestHandler(web.RequestHandler):
    """One connection. It does what aiohttp's does, within the limits of its `doors`."""

    __slots__ = ("_doors", "_due", "_heard", "_loop_", "_placed", "_timer", "_working", "address", "source")

    def __init__(self, server: web.Server, doors: ConnectionLimiter, loop: asyncio.AbstractEventLoop) -> None:
        limits = doors.limits
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # as AppRunner takes it: none is written
            auto_decompress=False,  # a signature covers the bytes as they were sent
            keepalive_timeout=3 * max(limits.rest_s, limits.keep_s),  # ours is the shorter one, and is counted
            lingering_time=limits.linger_s,
            max_line_size=limits.line_bytes,
            max_field_size=limits.field_bytes,
            max_headers=limits.fields,
        )
        self._doors = doors
        self._loop_ = loop
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._placed = False
        self._working = False
        self._heard = False  # something came since it rests
        self.address = ""  # of the peer
        self.source = ""  # the same, or the network of an IPv6 address: who has one of it has all

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, or be gone."""
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self.source = source_of(self.address)
        if not self._doors.admit(self):
            cast("asyncio.Transport", transport).abort()
            return
        self._placed = True
        super().connection_made(transport)
        self._rest(self._doors.limits.rest_s)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._placed:
            self._placed = False
            self._doors.left(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note that something came."""
        self._heard = True
        super().data_received(data)

    def works(self) -> None:
        """A request is being answered from now on."""
        self._working = True
        self._doors.works(self)

    def rests(self) -> None:
        """Nothing is in hand from now on."""
        if self._placed:
            self._rest(self._doors.limits.keep_s)

    def _rest(self, seconds: float) -> None:
        self._working = self._heard = False
        self._doors.rests(self)
        self._due = self._loop_.time() + seconds
        if self._timer is not None and self._timer.when() > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop_.call_at(self._due, self._look)

    def _look(self) -> None:
        """See whether it rests for too long; one timer serves many requests."""
        self._timer = None
        if self._working:
            return
        if self._loop_.time() < self._due:
            self._timer = self._loop_.call_at(self._due, self._look)
        else:
            self.end("slow_head" if self._heard else "idle")

    def end(self, reason: str) -> None:
        """Close at once, and count why."""
        self._doors.on_closed(reason)
        self._doors.goes(self)
        transport = self.transport
        if transport is not None:
            transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP in two words; aiohttp would log each with its traceback, and echo some of it."""
        if exc is None or status >= 500:  # noqa: PLR2004 - our own fault
            return super().handle_error(request, status, exc, message)
        self._doors.on_closed("bad_request")
        answer = web.Response(status=status, text="bad request\n", headers={"Server": NAME})
        answer.force_close()
        return answer


class AcceptErrorHandler:
    """What the event loop complains of: a newcomer that cannot be taken for want of a file descriptor.

    asyncio would log that with a traceback, once a second and listener; here it is counted, and logged once a minute.
    Everything else it complains of goes the usual way.
    """

    def __init__(self, on_refused: Callable[[str], None], now: Callable[[], float]) -> None:
        self._on_refused = on_refused
        self._now = now
        self._told_at: float | None = None

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle one complaint; to be set as the loop's exception handler."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)):
            loop.default_exception_handler(context)
            return
        self._on_refused("no_descriptors")
        now = self._now()
        if self._told_at is None or now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            log.error("no_descriptors", why=error.strerror)


def source_of(address: str) -> str:
    """Who that is: the address, or of IPv6 the network of 64 bits, of which one site has all addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


class LimitedSite(web.BaseSite):
    """Serves `runner` on a listening socket, through `doors`; with `tls` over TLS."""

    __slots__ = ("_doors", "_listener")

    def __init__(
        self,
        runner: web.BaseRunner,
        listener: socket.socket,
        doors: ConnectionLimiter,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(runner, ssl_context=tls)
        self._listener = listener
        self._doors = doors

    @property
    def name(self) -> str:
        """Where it listens, as aiohttp asks for it."""
        host, port = self._listener.getsockname()[:2]
        return f"{'https' if self._ssl_context else 'http'}://{host}:{port}"

    async def start(self) -> None:
        """Accept connections from now on."""
        await super().start()
        loop = asyncio.get_running_loop()
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner is not set up")
        self._server = await loop.create_server(
            lambda: LimitedRequestHandler(server, self._doors, loop),
            sock=self._listener,
            ssl=self._ssl_context,
            ssl_handshake_timeout=_TLS_HANDSHAKE_S if self._ssl_context else None,
            backlog=self._backlog,
        )


async def hide_server_header(_request: web.Request, response: web.StreamResponse) -> None:
    """Say nothing of what the listener is made of; to be called before an answer is sent."""
    response.headers["Server"] = NAME


@web.middleware
async def track_in_flight(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the door know of each request while it is answered; a middleware of every application behind doors."""
    caller = request.protocol
    if not isinstance(caller, LimitedRequestHandler):
        return await handler(request)
    caller.works()
    try:
        return await handler(request)
    finally:
        caller.rests()
