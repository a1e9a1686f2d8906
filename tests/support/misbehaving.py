"""A Mist stream server on loopback that misbehaves on request: real sockets, with the library `websockets`."""

from __future__ import annotations

import asyncio
import contextlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from websockets.http11 import Request


class MisbehavingCloud:
    """Acknowledges and streams like Mist, unless a test sets one of the public attributes."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.answer: tuple[int, dict[str, str]] | None = None  # to the handshake, instead of 101: status, headers
        self.ignore_handshakes = False  # TCP is accepted, the handshake is not answered
        self.ignore_subscriptions = False  # no subscription is acknowledged
        self.refuse: set[str] = set()
        self.lose_acks: dict[str, int] = {}  # by channel, how many acknowledgements are not sent
        self.hold_acks: set[str] = set()  # acknowledged only by `release`
        self.repeat_acks: set[str] = set()
        self.close_when_subscribed: int | None = None  # close with this code when the first channel is acknowledged
        self.close_after_s: float | None = None  # close each connection this long after its handshake

        self.handshakes: list[Headers] = []  # headers of every attempt, also of rejected ones
        self.messages: list[dict[str, str]] = []  # every subscribe and unsubscribe that was received
        self.subscribed: dict[ServerConnection, set[str]] = {}  # of the open connections
        self.pings = 0
        self.outstanding = 0  # requests that are not answered yet
        self.max_outstanding = 0
        self._server: Server | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.kill()

    @property
    def url(self) -> str:
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self._port}/api-ws/v1/stream"

    @property
    def connections(self) -> list[ServerConnection]:
        return list(self.subscribed)

    async def start(self) -> None:
        """Listen; a second call uses the port of the first one."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self._port,
            process_request=self._handshake,
            compression=None,
            ping_interval=None,
            open_timeout=None,
            close_timeout=0.2,
            max_size=None,
            ssl=self.tls,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def kill(self) -> None:
        """Stop as a crashed process does: no close frames, and the port is closed."""
        if self._server is None:
            return
        for connection in self._server.connections | set(self.connections):
            connection.transport.abort()
        self._server.close(close_connections=False)
        await self._server.wait_closed()
        self._server = None

    async def close_all(self, code: int, reason: str = "") -> None:
        for connection in self.connections:
            await connection.close(code, reason)

    def cut_all(self) -> None:
        """Abort every connection, without a close frame."""
        for connection in self.connections:
            connection.transport.abort()

    def write_raw(self, octets: bytes) -> None:
        """Write bytes to every connection, whole frames or not."""
        for connection in self.connections:
            connection.transport.write(octets)

    def go_half_open(self) -> None:
        """Keep the connections open without reading: pings are not answered."""
        for connection in self.connections:
            connection.transport.pause_reading()

    async def release(self) -> None:
        """Send the acknowledgements of `hold_acks`."""
        for connection, channels in self.subscribed.items():
            for channel in sorted(channels & self.hold_acks):
                await _send(connection, event="channel_subscribed", channel=channel)

    async def publish(self, channel: str, payload: object) -> None:
        """Send a data message to every connection that subscribed to `channel`."""
        for connection, channels in self.subscribed.items():
            if channel in channels:
                await _send(connection, event="data", channel=channel, data=payload)

    async def broadcast(self, **frame: object) -> None:
        """Send one object to every connection."""
        for connection in self.connections:
            await _send(connection, **frame)

    async def send_frame(self, frame: bytes | str) -> None:
        """Send one frame with any content to every connection."""
        for connection in self.connections:
            with contextlib.suppress(ConnectionClosed):
                await connection.send(frame)

    async def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append(request.headers)
        if self.ignore_handshakes:
            await connection.wait_closed()
        if self.answer is None:
            return None
        status, headers = self.answer
        return Response(status, HTTPStatus(status).phrase, Headers({"Content-Length": "0"} | headers), b"")

    async def _serve(self, connection: ServerConnection) -> None:
        self.subscribed[connection] = set()
        count_pings(connection, self._pinged)
        if self.close_after_s is not None:
            asyncio.get_running_loop().call_later(self.close_after_s, connection.transport.abort)
        try:
            with contextlib.suppress(ConnectionClosed):
                async for message in connection:
                    await self._take(connection, json.loads(message))
        finally:
            del self.subscribed[connection]

    def _pinged(self) -> None:
        self.pings += 1

    async def _take(self, connection: ServerConnection, message: dict[str, str]) -> None:
        self.messages.append(message)
        if channel := message.get("subscribe"):
            self.outstanding += 1
            self.max_outstanding = max(self.max_outstanding, self.outstanding)
            await asyncio.sleep(0)  # lets further requests arrive, as with a distant server
            await self._subscribe(connection, channel)
        elif channel := message.get("unsubscribe"):
            self.subscribed[connection].discard(channel)
            await _send(connection, event="channel_unsubscribed", channel=channel)

    async def _subscribe(self, connection: ServerConnection, channel: str) -> None:
        if channel in self.refuse:
            self.outstanding -= 1
            await _send(connection, event="subscribe_failed", channel=channel, detail="permission denied")
            return
        self.subscribed[connection].add(channel)
        if self.lose_acks.get(channel, 0) > 0:
            self.lose_acks[channel] -= 1
        elif not self.ignore_subscriptions and channel not in self.hold_acks:
            self.outstanding -= 1
            for _ in range(2 if channel in self.repeat_acks else 1):
                await _send(connection, event="channel_subscribed", channel=channel)
            if self.close_when_subscribed is not None:
                await connection.close(self.close_when_subscribed, "enough")


def count_pings(connection: ServerConnection, on_ping: Callable[[], None]) -> None:
    """Call `on_ping` for each ping frame; the library answers them without an event."""
    receive = connection.protocol.recv_frame

    def recv_frame(frame):
        if frame.opcode.name == "PING":
            on_ping()
        receive(frame)

    connection.protocol.recv_frame = recv_frame


async def _send(connection: ServerConnection, **frame: object) -> None:
    with contextlib.suppress(ConnectionClosed):
        await connection.send(json.dumps(frame))


async def until(condition: Callable[[], object], *, limit_s: float = 20.0) -> None:
    """Wait until `condition` holds, with real sockets; the limit only ends a test that has failed."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - the conditions read plain records, which have no event
            await asyncio.sleep(0.001)


def device_channels(count: int) -> list[str]:
    """Return the device channels of `count` sites."""
    return [f"/sites/{number:08d}-0000-0000-0000-000000000000/stats/devices" for number in range(count)]
