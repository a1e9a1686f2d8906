"""The stream server at `/api-ws/v1/stream`, based on the `websockets` library (mist/README section 3).

Callers encode every frame once; the server writes it to the socket of each subscriber without waiting for any of them.
A client that reads too slowly is disconnected when its write buffer exceeds the limit; other clients are not affected.
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

from collector.simulator.frames import control_frame
from collector.simulator.permissions import TEST_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from websockets.http11 import Request, Response

    from collector.clock import Clock
    from collector.simulator.faults import Faults
    from collector.simulator.ledger import Ledger
    from collector.simulator.options import CloudOptions
    from collector.simulator.permissions import Permissions

PATH = "/api-ws/v1/stream"

_OPEN_TIMEOUT_S = 5.0
_CLOSE_TIMEOUT_S = 1.0
_DRAIN_TIMEOUT_S = 10.0


@dataclass(eq=False, slots=True)
class StreamClient:
    """A connected client and its channels. A frozen connection is half-open: nothing is read or written."""

    connection: ServerConnection
    channels: set[str] = field(default_factory=set)
    frozen: bool = False


class StreamServer:
    """Serves the stream while its context is open; `stop` and `start` interrupt and resume it."""

    def __init__(
        self, options: CloudOptions, permissions: Permissions, faults: Faults, ledger: Ledger, clock: Clock
    ) -> None:
        self._options = options
        self._permissions = permissions
        self._faults = faults
        self._ledger = ledger
        self._clock = clock
        self._server: Server | None = None
        self._port = options.stream_port
        self._clients: dict[ServerConnection, StreamClient] = {}
        self._by_channel: dict[str, dict[ServerConnection, StreamClient]] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Address for clients; it does not change across `stop` and `start`."""
        scheme = "wss" if self._options.tls else "ws"
        return f"{scheme}://{self._options.host}:{self._port}{PATH}"

    @property
    def clients(self) -> int:
        """Number of connected clients."""
        return len(self._clients)

    @property
    def subscribed(self) -> dict[str, int]:
        """Channel -> number of subscribers."""
        return {channel: len(subscribers) for channel, subscribers in self._by_channel.items()}

    # Listening.

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        if self._server is not None:
            return
        self._server = await serve(
            self._handle_connection,
            self._options.host,
            self._port,
            process_request=self._check_handshake,
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
        """Stop listening; close the connections with `code`, or abort them if it is None."""
        server, self._server = self._server, None
        if server is None:
            return
        for client in list(self._clients.values()):
            if code is None or client.frozen:
                client.connection.transport.abort()
        server.close(code=code or CloseCode.GOING_AWAY)
        await server.wait_closed()

    def _check_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return the response that rejects a handshake, with a JSON body like REST; None to accept it."""
        fault = self._faults.match("handshake_status", self._clock.now())
        if fault is not None:
            return self._reject(connection, fault.status, "refused", fault.retry_after(self._clock.now()))
        if request.path.partition("?")[0] != PATH:
            return self._reject(connection, http.HTTPStatus.NOT_FOUND, "Not found.")
        if self._permissions.token_of(request.headers.get("Authorization")) is None:
            return self._reject(connection, http.HTTPStatus.UNAUTHORIZED, "Invalid token.")
        return None

    def _reject(
        self, connection: ServerConnection, status: int, detail: str, retry_after_s: int | None = None
    ) -> Response:
        self._ledger.connections[f"rejected_{int(status)}"] += 1
        response = connection.respond(http.HTTPStatus(status), orjson.dumps({"detail": detail}).decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        if retry_after_s is not None:
            response.headers["Retry-After"] = str(retry_after_s)
        return response

    # Receiving.

    async def _handle_connection(self, connection: ServerConnection) -> None:
        """Handle the messages of a client until its connection is closed."""
        client = self._clients[connection] = StreamClient(connection)
        self._ledger.connections["opened"] += 1
        try:
            async for message in connection:
                self._handle_message(client, message)
        except ConnectionClosed:
            self._ledger.connections["lost"] += 1
        finally:
            self._ledger.connections["closed"] += 1
            del self._clients[connection]
            for channel in client.channels:
                self._remove_subscriber(connection, channel)

    def _handle_message(self, client: StreamClient, message: str | bytes) -> None:
        """Handle a subscribe or unsubscribe message; any other message is counted and ignored."""
        try:
            decoded: Any = orjson.loads(message)
        except orjson.JSONDecodeError:
            decoded = None
        request = decoded if isinstance(decoded, dict) else {}
        if isinstance(channel := request.get("subscribe"), str):
            self._subscribe(client, channel)
        elif isinstance(channel := request.get("unsubscribe"), str):
            self._unsubscribe(client, channel)
        else:
            self._ledger.subscriptions["invalid_message"] += 1

    def _subscribe(self, client: StreamClient, channel: str) -> None:
        detail = self._permissions.denial_of(channel)
        if not detail and channel not in client.channels and len(client.channels) >= self._options.max_channels:
            detail = f"too many channels, the limit is {self._options.max_channels}"
        if detail:
            self._ledger.subscriptions["failed"] += 1
            self._send_control(client, control_frame("subscribe_failed", channel, detail))
            return
        client.channels.add(channel)
        self._by_channel.setdefault(channel, {})[client.connection] = client
        self._ledger.subscriptions["subscribed"] += 1
        if self._faults.match("drop_acks", self._clock.now(), channel):
            self._ledger.subscriptions["unacknowledged"] += 1
        else:
            self._send_control(client, control_frame("channel_subscribed", channel))
        if channel == TEST_CHANNEL:
            self._send_control(client, b'{"data":"1","event":"data","channel":"/test"}')

    def _unsubscribe(self, client: StreamClient, channel: str) -> None:
        """Remove a subscription and acknowledge it, also for a channel without subscription (inferred)."""
        if channel in client.channels:
            client.channels.discard(channel)
            self._remove_subscriber(client.connection, channel)
        self._ledger.subscriptions["unsubscribed"] += 1
        self._send_control(client, control_frame("channel_unsubscribed", channel))

    def _remove_subscriber(self, connection: ServerConnection, channel: str) -> None:
        subscribers = self._by_channel[channel]
        del subscribers[connection]
        if not subscribers:
            del self._by_channel[channel]

    # Sending.

    def has_subscribers(self, channel: str) -> bool:
        """Return whether a client has subscribed to this channel."""
        return channel in self._by_channel

    def publish(self, channel: str, frame: bytes) -> int:
        """Write a text frame to every subscriber of `channel`; return the number of sockets."""
        return self._write(self._by_channel.get(channel, {}).values(), frame, text=True)

    def write_to_all(self, frame: bytes, *, text: bool) -> int:
        """Write a text or binary frame to every client, regardless of subscriptions; return the number of sockets."""
        return self._write(self._clients.values(), frame, text=text)

    async def drain(self) -> None:
        """Wait until every write buffer is below half of the limit; disconnect clients that time out."""
        await asyncio.sleep(0)
        for client in list(self._clients.values()):
            if client.frozen:
                continue
            try:
                async with asyncio.timeout(_DRAIN_TIMEOUT_S):
                    await client.connection.drain()
            except TimeoutError:
                self._abort_slow(client)
            except ConnectionError:
                pass  # the task of the connection handles it

    def _abort_slow(self, client: StreamClient) -> None:
        self._ledger.connections["too_slow"] += 1
        client.connection.transport.abort()

    def _send_control(self, client: StreamClient, frame: bytes) -> None:
        self._ledger.sent["control"] += self._write((client,), frame, text=True)

    def _write(self, clients: Iterable[StreamClient], frame: bytes, *, text: bool) -> int:
        ready = [client.connection for client in clients if self._is_ready(client)]
        if ready:
            broadcast(ready, frame, text=text)
        return len(ready)

    def _is_ready(self, client: StreamClient) -> bool:
        connection = client.connection
        if client.frozen or connection.protocol.state is not State.OPEN:
            return False
        if connection.transport.get_write_buffer_size() > self._options.buffer_limit_bytes:
            self._abort_slow(client)
            return False
        return not connection.transport.is_closing()

    # Faults.

    def freeze(self) -> None:
        """Make the existing connections half-open: nothing is read, so pings are not answered, and nothing written."""
        for client in self._clients.values():
            client.frozen = True
            client.connection.transport.pause_reading()

    def unfreeze(self) -> None:
        """Resume half-open connections."""
        for client in self._clients.values():
            if client.frozen:
                client.frozen = False
                client.connection.transport.resume_reading()

    def end_denied_subscriptions(self) -> None:
        """End every subscription that is no longer permitted, with `subscribe_failed` (inferred)."""
        for client in list(self._clients.values()):
            for channel in [channel for channel in client.channels if self._permissions.denial_of(channel)]:
                client.channels.discard(channel)
                self._remove_subscriber(client.connection, channel)
                self._ledger.subscriptions["revoked"] += 1
                self._send_control(client, control_frame("subscribe_failed", channel, "permission denied"))
