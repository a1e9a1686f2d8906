"""A TCP server on loopback whose answers a test writes byte by byte, and the bytes of WebSocket frames."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import socket
import struct
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3


class RawPeer:
    """Serves each connection with `serve(reader, writer)`; a connection stays open until that returns.

    Attributes:
        heads: the request head of each connection that called `read_head`.
        accepted: number of connections so far.
        ended: number of connections that the client has closed or reset, as far as `client_gone` was awaited.
    """

    def __init__(
        self,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        tls: ssl.SSLContext | None = None,
        *,
        receive_buffer: int = 0,
    ) -> None:
        self.heads: list[bytes] = []
        self.accepted = 0
        self.ended = 0
        self._serve = serve
        self._tls = tls
        self._receive_buffer = receive_buffer  # bytes, of the kernel; 0: its default
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0))
        if self._receive_buffer:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        self._server = await asyncio.start_server(self._accept, sock=listening, ssl=self._tls)
        self.port = listening.getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self.port}/api-ws/v1/stream"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def read_head(self, reader: asyncio.StreamReader) -> bytes:
        """Read and note the head of a request."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        return head

    async def upgrade(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Perform the opening handshake of a server."""
        writer.write(switching(await self.read_head(reader)))

    async def client_gone(self, reader: asyncio.StreamReader) -> None:
        """Read until the client closes or resets the connection, and count that."""
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        self.ended += 1


def switching(head: bytes) -> bytes:
    """The answer 101 to a request."""
    found = re.search(rb"(?i)sec-websocket-key: (\S+)\r\n", head)
    assert found is not None
    accept = base64.b64encode(hashlib.sha1(found[1] + _GUID.encode()).digest())  # noqa: S324 - as the RFC requires
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def frame(opcode: int, body: bytes = b"", *, last: bool = True, flags: int = 0) -> bytes:
    """One frame of a server; `flags` are the reserved bits."""
    length = len(body)
    head = bytes([(0x80 if last else 0) | flags | opcode])
    if length < 126:
        return head + bytes([length]) + body
    if length < 1 << 16:
        return head + b"\x7e" + struct.pack(">H", length) + body
    return head + b"\x7f" + struct.pack(">Q", length) + body
