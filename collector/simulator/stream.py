"""The stream server: `/api-ws/v1/stream`, by the `websockets` library (mist/README section 3).

Every frame is made once, as bytes, by the caller; here it is only framed and written to each socket that subscribed,
without waiting for any of them. A client whose socket does not drain is cut off when too much waits for it; the others
never notice.
"""

from __future__ import annotations

import asyncio
import http
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import orjson
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.protocol import State

from collector.simulator import frames
from collector.simulator.rights import TEST_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from websockets.http11 import Request, Response

    from collector.clock import Clock
    from collector.simulator.faults import Faults
    from collector.simulator.ledger import Ledger
    from collector.simulator.options import CloudOptions
    from collector.simulator.rights import Rights

PATH = "/api-ws/v1/stream"

_OPEN_TIMEOUT_S = 5.0
_CLOSE_TIMEOUT_S = 1.0
_SLOW_S = 10.0


@dataclass(eq=False, slots=True)
class Listener:
    """One connected client and the channels it subscribed to; a frozen one is half-open."""

    connection: ServerConnection
    channels: set[str] = field(default_factory=set)
    frozen: bool = False


class StreamServer:
    """Serves the stream while its context is open; `stop` and `start` take it down and bring it back in between."""

    def __init__(self, options: CloudOptions, rights: Rights, faults: Faults, ledger: Ledger, clock: Clock) -> None:
        self._options = options
        self._rights = rights
        self._faults = faults
        self._ledger = ledger
        self._clock = clock
        self._server: Server | None = None
        self._port = options.stream_port
        self._listeners: dict[ServerConnection, Listener] = {}
        self._by_channel: dict[str, dict[ServerConnection, Listener]] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where clients connect; it stays the same when the server comes back."""
        scheme = "wss" if self._options.tls else "ws"
        return f"{scheme}://{self._options.host}:{self._port}{PATH}"

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._listeners)

    @property
    def subscribed(self) -> dict[str, int]:
        """How many clients each channel has."""
        return {channel: len(listeners) for channel, listeners in self._by_channel.items()}

    # Coming and going.

    async def start(self) -> None:
        """Listen; on the same port as before if there was one."""
        if self._server is not None:
            return
        self._server = await serve(
            self._listen,
            self._options.host,
            self._port,
            process_request=self._admit,
            ssl=self._options.tls,
            compression="deflate" if self._options.compression == "deflate" else None,
            ping_interval=self._options.server_ping_s,
            open_timeout=_OPEN_TIMEOUT_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            write_limit=self._options.buffer_limit_bytes // 2,
            server_header=None,
            logger=logging.getLogger("collector.simulator.stream"),
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self, code: int | None = None) -> None:
        """Listen no more. Clients get a close frame with `code`, or are cut off without a word when it is None."""
        server, self._server = self._server, None
        if server is None:
            return
        for listener in list(self._listeners.values()):
            if code is None or listener.frozen:
                listener.connection.transport.abort()
        server.close(code=code or CloseCode.GOING_AWAY)
        await server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse a handshake, with the reason in a JSON body as REST gives it, or let it pass with None."""
        fault = self._faults.strikes("handshake_status", self._clock.now())
        if fault is not None:
            return self._refuse(connection, fault.status, "refused", fault.retry_after(self._clock.now()))
        if request.path.partition("?")[0] != PATH:
            return self._refuse(connection, http.HTTPStatus.NOT_FOUND, "Not found.")
        if self._rights.token_of(request.headers.get("Authorization")) is None:
            return self._refuse(connection, http.HTTPStatus.UNAUTHORIZED, "Invalid token.")
        return None

    def _refuse(
        self, connection: ServerConnection, status: int, detail: str, retry_after_s: int | None = None
    ) -> Response:
        self._ledger.connections[f"refused_{int(status)}"] += 1
        response = connection.respond(http.HTTPStatus(status), orjson.dumps({"detail": detail}).decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        if retry_after_s is not None:
            response.headers["Retry-After"] = str(retry_after_s)
        return response

    # Receiving.

    async def _listen(self, connection: ServerConnection) -> None:
        """Live with one client until it goes."""
        listener = self._listeners[connection] = Listener(connection)
        self._ledger.connections["opened"] += 1
        try:
            async for message in connection:
                self._obey(listener, message)
        except ConnectionClosed:
            self._ledger.connections["broken"] += 1
        finally:
            self._ledger.connections["closed"] += 1
            del self._listeners[connection]
            for channel in listener.channels:
                self._drop(connection, channel)

    def _obey(self, listener: Listener, message: str | bytes) -> None:
        """Do what a client's message asks; one that asks nothing known is counted and ignored."""
        try:
            request: Any = orjson.loads(message)
        except orjson.JSONDecodeError:
            request = None
        wish = request if isinstance(request, dict) else {}
        if isinstance(channel := wish.get("subscribe"), str):
            self._subscribe(listener, channel)
        elif isinstance(channel := wish.get("unsubscribe"), str):
            self._unsubscribe(listener, channel)
        else:
            self._ledger.subscriptions["not_understood"] += 1

    def _subscribe(self, listener: Listener, channel: str) -> None:
        why_not = self._rights.why_not(channel)
        if not why_not and channel not in listener.channels and len(listener.channels) >= self._options.max_channels:
            why_not = f"too many channels, the limit is {self._options.max_channels}"
        if why_not:
            self._ledger.subscriptions["refused"] += 1
            self._control(listener, frames.control("subscribe_failed", channel, why_not))
            return
        listener.channels.add(channel)
        self._by_channel.setdefault(channel, {})[listener.connection] = listener
        self._ledger.subscriptions["subscribed"] += 1
        if self._faults.strikes("drop_acks", self._clock.now(), channel):
            self._ledger.subscriptions["unacknowledged"] += 1
        else:
            self._control(listener, frames.control("channel_subscribed", channel))
        if channel == TEST_CHANNEL:
            self._control(listener, b'{"data":"1","event":"data","channel":"/test"}')

    def _unsubscribe(self, listener: Listener, channel: str) -> None:
        """Forget a channel and say so, also when it was not subscribed (inferred)."""
        if channel in listener.channels:
            listener.channels.discard(channel)
            self._drop(listener.connection, channel)
        self._ledger.subscriptions["unsubscribed"] += 1
        self._control(listener, frames.control("channel_unsubscribed", channel))

    def _drop(self, connection: ServerConnection, channel: str) -> None:
        listeners = self._by_channel[channel]
        del listeners[connection]
        if not listeners:
            del self._by_channel[channel]

    # Sending.

    def publish(self, channel: str, frame: bytes) -> int:
        """Write a text frame to every client of `channel`; return to how many."""
        return self._write(self._by_channel.get(channel, {}).values(), frame, text=True)

    def has_listeners(self, channel: str) -> bool:
        """Whether anybody subscribed to this channel."""
        return channel in self._by_channel

    def shout(self, kind: str, frame: bytes, *, text: bool) -> int:
        """Write rubbish of this kind to every client, subscribed or not; return to how many."""
        sockets = self._write(self._listeners.values(), frame, text=text)
        self._ledger.sent["rubbish"] += sockets
        self._ledger.rubbish[kind] += sockets
        return sockets

    async def drain(self) -> None:
        """Wait while more than half of the limit waits for a client; cut off who does not read within `_SLOW_S`."""
        await asyncio.sleep(0)
        for listener in list(self._listeners.values()):
            if listener.frozen:
                continue
            try:
                async with asyncio.timeout(_SLOW_S):
                    await listener.connection.drain()
            except TimeoutError:
                self._cut(listener)
            except ConnectionError:
                pass  # it went meanwhile; its own task knows

    def _cut(self, listener: Listener) -> None:
        self._ledger.connections["too_slow"] += 1
        listener.connection.transport.abort()

    def _control(self, listener: Listener, frame: bytes) -> None:
        self._ledger.sent["control"] += self._write((listener,), frame, text=True)

    def _write(self, listeners: Iterable[Listener], frame: bytes, *, text: bool) -> int:
        ready = [listener.connection for listener in listeners if self._is_ready(listener)]
        if ready:
            broadcast(ready, frame, text=text)
        return len(ready)

    def _is_ready(self, listener: Listener) -> bool:
        connection = listener.connection
        if listener.frozen or connection.protocol.state is not State.OPEN:
            return False
        if connection.transport.get_write_buffer_size() > self._options.buffer_limit_bytes:
            self._cut(listener)
            return False
        return not connection.transport.is_closing()

    # Trouble.

    def freeze(self) -> None:
        """Make the connections of now half-open: nothing is read (so no ping is answered), nothing is written."""
        for listener in self._listeners.values():
            listener.frozen = True
            listener.connection.transport.pause_reading()

    def thaw(self) -> None:
        """Let half-open connections live again."""
        for listener in self._listeners.values():
            if listener.frozen:
                listener.frozen = False
                listener.connection.transport.resume_reading()

    def recheck(self) -> None:
        """End every subscription that the token has no right to any more, with `subscribe_failed` (inferred)."""
        for listener in list(self._listeners.values()):
            for channel in [channel for channel in listener.channels if self._rights.why_not(channel)]:
                listener.channels.discard(channel)
                self._drop(listener.connection, channel)
                self._ledger.subscriptions["revoked"] += 1
                self._control(listener, frames.control("subscribe_failed", channel, "permission denied"))
