"""The transport over aiohttp's client.

Settings that matter: `autoping=False`, for with it aiohttp swallows the pongs (so we answer the server's pings here);
`heartbeat=None`, for the session owns the ping; `decode_text=False`, for orjson reads bytes. `receive()` instead of
`async for` saves a coroutine a frame and shows the CLOSE message, which alone tells a close with code 1000 from a lost
connection: aiohttp reports `close_code` 1000 for both.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import WSMsgType

from collector.errors import RemoteError, Retryable
from collector.ingest.stream.transport import (
    CLOSE_WITHIN_S,
    LOST,
    MAX_FRAME_BYTES,
    NO_CODE,
    Closed,
    failure,
    origin,
    proxy_for,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from collector.ingest.stream.transport import Connection, OnFrames


class AiohttpConnection:
    """One connection; implements `transport.Connection`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool], close_within_s: float) -> None:
        self._socket = socket
        self._close_within_s = close_within_s

    async def frames(self, on_frames: OnFrames, on_pong: Callable[[], None]) -> Closed:
        """Read until the connection ends."""
        receive = self._socket.receive
        text, binary = WSMsgType.TEXT, WSMsgType.BINARY  # an attribute of an enum costs 30 ns
        while True:
            message = await receive()
            kind = message.type
            if kind is text or kind is binary:
                on_frames((message.data,))
            elif kind is WSMsgType.PONG:
                on_pong()
            elif kind is WSMsgType.PING:
                await self._answer(message.data)
            elif kind is WSMsgType.CLOSE:
                return Closed(message.data or NO_CODE, message.extra or "")
            elif kind is WSMsgType.ERROR:  # we closed it: a frame broke the protocol or was too big
                return Closed(self._socket.close_code or LOST, str(message.data))
            else:
                return Closed(LOST)

    async def _answer(self, payload: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # the next receive tells how the connection ended
            await self._socket.pong(payload)

    async def send(self, text: str) -> None:
        """Send a text frame."""
        try:
            await self._socket.send_str(text)
        except ConnectionError:
            raise Retryable("the connection is closed") from None

    async def ping(self) -> None:
        """Send a ping."""
        try:
            await self._socket.ping()
        except ConnectionError:
            raise Retryable("the connection is closed") from None

    async def close(self) -> None:
        """Close orderly; the limit covers sending, too, which a full socket could hold up."""
        with contextlib.suppress(TimeoutError):  # being cancelled, aiohttp drops the connection
            async with asyncio.timeout(self._close_within_s):
                await self._socket.close()


class AiohttpConnect:
    """Opens connections; implements `transport.Connect`. Use as an async context manager."""

    def __init__(self, *, close_within_s: float = CLOSE_WITHIN_S) -> None:
        self._close_within_s = close_within_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # The stream itself limits how long opening may take, by its own clock.
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __call__(self, url: str, headers: Mapping[str, str]) -> Connection:
        """Open a connection; see `transport.Connect`."""
        outcome = await self._open(url, headers)
        if isinstance(outcome, RemoteError):
            raise outcome  # out here: inside an `except` it would be chained to an error that holds the request headers
        return AiohttpConnection(outcome, self._close_within_s)

    async def _open(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientWebSocketResponse[bool] | RemoteError:
        if self._session is None:
            raise RuntimeError("use `async with`")
        try:
            return await self._session.ws_connect(
                url,
                headers=headers,
                proxy=proxy_for(url),
                autoping=False,
                heartbeat=None,
                compress=0,
                max_msg_size=MAX_FRAME_BYTES,
                decode_text=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=self._close_within_s),
            )
        except aiohttp.WSServerHandshakeError as error:
            return refusal(error.status, error.headers or {}, where=origin(url))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return failure(error, headers, where=origin(url))
