"""The transport over the `websockets` library, with frames read by `frame_reader`.

Settings that matter: `ping_interval=None`, for the session owns the ping; `compression=None`; `recv(decode=False)`,
for orjson reads bytes. Its own logger writes the request headers at DEBUG, the token among them: ours cannot.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Self, cast

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from collector.errors import RemoteError, Retryable
from collector.ingest.stream.frame_reader import FrameReader
from collector.ingest.stream.transport import (
    CLOSE_WITHIN_S,
    LOST,
    MAX_FRAME_BYTES,
    Closed,
    failure,
    origin,
    proxy_for,
    refusal,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from collector.ingest.stream.transport import Connection, OnFrames

_LOG: Final = logging.getLogger(__name__)
_LOG.setLevel(logging.CRITICAL)  # secrets below, and the stream reports every break itself
_QUEUE_FRAMES: Final = 64  # frames read ahead of the callback before the socket is paused


class WebsocketsConnection:
    """One connection; implements `transport.Connection`."""

    def __init__(self, socket: FrameReader) -> None:
        self._socket = socket
        self._on_pong: Callable[[], None] | None = None

    async def frames(self, on_frames: OnFrames, on_pong: Callable[[], None]) -> Closed:
        """Read until the connection ends. Only what does not come as one whole frame passes through here."""
        socket, self._on_pong = self._socket, on_pong
        socket.take = on_frames
        try:
            while True:
                frame = await socket.recv(decode=False)
                socket.returned()
                on_frames((frame,))
        except ConnectionClosed as closed:
            if socket.bug is not None:
                raise socket.bug from None
            return _closed(closed)
        finally:
            socket.take = None

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
        cast("asyncio.Future[float]", pong).add_done_callback(self._ponged)

    def _ponged(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None and self._on_pong is not None:
            self._on_pong()

    async def close(self) -> None:
        """Close orderly; `close_timeout` bounds it."""
        await self._socket.close()


def _closed(error: ConnectionClosed) -> Closed:
    """Tell who ended it: their close frame, ours (a frame broke the protocol or was too big), or nobody's."""
    frame = error.sent if error.rcvd is None or error.rcvd_then_sent is False else error.rcvd
    return Closed(LOST) if frame is None else Closed(frame.code, frame.reason)


class WebsocketsConnect:
    """Opens connections; implements `transport.Connect`. Use as an async context manager."""

    def __init__(self, *, close_within_s: float = CLOSE_WITHIN_S) -> None:
        self._close_within_s = close_within_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: each connection is its stream's to close."""

    async def __call__(self, url: str, headers: Mapping[str, str]) -> Connection:
        """Open a connection; see `transport.Connect`."""
        outcome = await self._open(url, headers)
        if isinstance(outcome, RemoteError):
            raise outcome  # out here: inside an `except` it would be chained to an error that may hold the headers
        return WebsocketsConnection(outcome)

    async def _open(self, url: str, headers: Mapping[str, str]) -> FrameReader | RemoteError:
        try:
            opened = await connect(
                url,
                create_connection=FrameReader,
                additional_headers=headers,
                user_agent_header=None,  # the stream sends its own
                proxy=proxy_for(url),
                compression=None,
                ping_interval=None,
                open_timeout=None,  # the stream itself limits how long opening may take, by its own clock
                close_timeout=self._close_within_s,
                max_size=MAX_FRAME_BYTES,
                max_queue=_QUEUE_FRAMES,
                logger=_LOG,
            )
            return cast("FrameReader", opened)
        except InvalidStatus as error:
            answer = error.response
            return refusal(answer.status_code, answer.headers, where=origin(url))
        except (InvalidHandshake, InvalidURI, OSError, ValueError) as error:
            return failure(error, headers, where=origin(url))
