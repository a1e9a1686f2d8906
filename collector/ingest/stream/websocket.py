"""The WebSocket transport: the library `websockets` with `frame_reader` on top.

Its settings: `ping_interval=None`, because the session sends the pings; `compression=None`; `recv(decode=False)`,
because orjson takes bytes. The library logs the headers of the request, with the token, at DEBUG: it gets a logger of
its own that is off.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from collector.errors import RemoteError, Retryable
from collector.ingest.proxy import proxy_for
from collector.ingest.stream.frame_reader import FrameReader, HandshakeRejected
from collector.ingest.stream.transport import (
    CLOSE_TIMEOUT_S,
    MAX_FRAME_BYTES,
    NO_CLOSE_FRAME,
    Closed,
    connect_error,
    handshake_error,
    origin,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.clock import Clock
    from collector.ingest.stream.transport import Connection, OnFrames

_LOG: Final = logging.getLogger(__name__)
_LOG.setLevel(logging.CRITICAL)
_QUEUE_FRAMES: Final = 64  # fragments that are read ahead before reading pauses


class WebSocketConnection:
    """One connection; implements `transport.Connection`."""

    def __init__(self, socket: FrameReader, close_timeout_s: float) -> None:
        self._socket = socket
        self._close_timeout_s = close_timeout_s
        self._on_pong: Callable[[], None] | None = None

    async def frames(self, on_frames: OnFrames, on_pong: Callable[[], None]) -> Closed:
        """Read until the connection ends. Only fragmented messages, and what follows them, pass through here."""
        socket, self._on_pong = self._socket, on_pong
        socket.on_frames = on_frames
        try:
            while True:
                frame = await socket.recv(decode=False)
                socket.message_taken()
                on_frames((frame,))
        except Exception as error:
            if socket.error is not None:
                raise socket.error from None
            if not isinstance(error, ConnectionClosed):
                raise
            return socket.violation or _closed(error)
        finally:
            socket.on_frames = None

    async def send(self, text: str) -> None:
        """Send a text frame."""
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            raise Retryable("the connection is closed") from None

    async def ping(self) -> None:
        """Send a ping."""
        try:
            pong = await self._socket.ping()
        except ConnectionClosed:
            raise Retryable("the connection is closed") from None
        cast("asyncio.Future[float]", pong).add_done_callback(self._pong_received)

    def _pong_received(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None and self._on_pong is not None:
            self._on_pong()

    async def close(self) -> None:
        """Perform the closing handshake within the time limit, then abort, whatever the peer does or reads."""
        try:
            with suppress(Exception):  # the socket is aborted in any case
                async with asyncio.timeout(self._close_timeout_s):
                    await self._socket.close()
        finally:
            self._socket.transport.abort()


def _closed(error: ConnectionClosed) -> Closed:
    """Return the close frame that ended the connection: the peer's, or ours for a violation, or none."""
    frame = error.sent if error.rcvd is None or error.rcvd_then_sent is False else error.rcvd
    return Closed(NO_CLOSE_FRAME) if frame is None else Closed(frame.code, frame.reason)


class WebSocketConnect:
    """Opens connections; implements `transport.Connect`.

    Args:
        clock: time, for the limit of control frames and for dates in `Retry-After`.
        close_timeout_s: how long a closing handshake may take.
    """

    def __init__(self, clock: Clock, *, close_timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        self._clock = clock
        self._close_timeout_s = close_timeout_s

    async def __call__(self, url: str, headers: Mapping[str, str]) -> Connection:
        """Open a connection; see `transport.Connect`."""
        outcome = await self._open(url, headers)
        if isinstance(outcome, RemoteError):
            raise outcome  # here: inside an `except` it would be chained to an error that may contain the token
        return WebSocketConnection(outcome, self._close_timeout_s)

    async def _open(self, url: str, headers: Mapping[str, str]) -> FrameReader | RemoteError:
        where = origin(url)
        proxy = None
        try:
            proxy = proxy_for(url)
            connection = await connect(
                url,
                create_connection=cast("Any", partial(FrameReader, now=self._clock.now)),
                additional_headers=headers,
                user_agent_header=None,  # it is among `headers`
                proxy=proxy,
                compression=None,
                ping_interval=None,
                open_timeout=None,  # the stream connection limits the time, by its own clock
                close_timeout=self._close_timeout_s,
                max_size=MAX_FRAME_BYTES,
                max_queue=_QUEUE_FRAMES,
                logger=_LOG,
            )
            return cast("FrameReader", connection)
        except HandshakeRejected as rejected:
            return handshake_error(rejected.status, rejected.headers, where=where, unix_time=self._clock.time())
        except (WebSocketException, OSError, ValueError) as error:
            return connect_error(error, _secrets(headers, proxy), where=where)


def _secrets(headers: Mapping[str, str], proxy: str | None) -> list[str]:
    """Return what no error may contain: the token, and the password of the proxy."""
    _, _, token = headers.get("Authorization", "").rpartition(" ")
    return [secret for secret in (token, urlsplit(proxy or "").password or "") if secret]
