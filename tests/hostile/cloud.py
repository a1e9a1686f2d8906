"""A Mist cloud that attacks its client: raw sockets, so that it may also break HTTP, TLS-less and on loopback.

It stands in front of a real simulator. Some requests pass, so that the client gets far enough to be attacked anywhere;
the others are answered by an attack that is drawn at random, or by a random mutation of the good answer.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import hashlib
import json
import os
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    Attack = Callable[["Connection"], Awaitable[None]]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SLOW_S = 2.0  # of attacks by time; a client's own deadlines are tested elsewhere
_MOST_BYTES = 8 * 1024 * 1024  # of an endless answer


class Connection:
    """One connection of the client: what it asked, and what a good answer would be."""

    def __init__(self, cloud: HostileCloud, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.cloud = cloud
        self.rng = cloud.rng
        self.reader = reader
        self.writer = writer
        self.head = b""
        self.good = b""  # of REST: the whole answer of the real cloud

    @property
    def token(self) -> str:
        """The token that the client sent."""
        for line in self.head.decode("latin-1").splitlines():
            name, _, value = line.partition(":")
            if name.lower() == "authorization":
                return value.strip().removeprefix("Token ")
        return "none"

    @property
    def body(self) -> bytes:
        return self.good.partition(b"\r\n\r\n")[2]

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes = b"[]", status: str = "200 OK", **headers: str) -> None:
        """Send a whole answer."""
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        await self.send(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body)

    async def endless(self, head: bytes, chunk: bytes) -> None:
        """Send until the client has enough, or a bound of our own."""
        await self.send(head)
        for _ in range(_MOST_BYTES // len(chunk)):
            await self.send(chunk)


class HostileCloud:
    """Serves REST and streams on two ports, in a thread of its own. A context manager.

    `served` counts attacks by name. `weights` of 0 leave an attack out.
    """

    def __init__(self, rng: Random, api_url: str, stream_url: str, *, pass_share: float = 0.5) -> None:
        self.rng = rng
        self.served: Counter[str] = Counter()
        self.pass_share = pass_share
        self.fuzz_only = False  # mutations of good answers instead of the listed attacks
        self._upstream = {"rest": urlsplit(api_url), "stream": urlsplit(stream_url)}
        self.api_url = self.stream_url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="hostile-cloud", daemon=True)
        self._ready = threading.Event()
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _listen(self) -> None:
        rest = await asyncio.start_server(self._rest, "127.0.0.1", 0, limit=1 << 20)
        stream = await asyncio.start_server(self._stream, "127.0.0.1", 0, limit=1 << 20)
        self._servers = [rest, stream]
        self.api_url = f"http://127.0.0.1:{rest.sockets[0].getsockname()[1]}"
        self.stream_url = f"ws://127.0.0.1:{stream.sockets[0].getsockname()[1]}/api-ws/v1/stream"

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _rest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(Connection(self, reader, writer), self._one_answer)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(Connection(self, reader, writer), self._one_stream)

    async def _serve(self, connection: Connection, serve: Attack) -> None:
        self._writers.add(connection.writer)
        try:
            connection.head = await connection.reader.readuntil(b"\r\n\r\n")
            await serve(connection)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self._writers.discard(connection.writer)
            with contextlib.suppress(OSError):
                connection.writer.close()

    async def _one_answer(self, connection: Connection) -> None:
        connection.good = await self._asked(connection.head)
        if self.rng.random() < self.pass_share:
            self.served["passed"] += 1
            await connection.send(connection.good)
            return
        name, attack = ("mutation", _mutation) if self.fuzz_only else self.rng.choice(REST_ATTACKS)
        self.served[name] += 1
        await attack(connection)

    async def _asked(self, head: bytes) -> bytes:
        """The answer of the real cloud."""
        where = self._upstream["rest"]
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"accept-enc"))]
        writer.write(b"\r\n".join([*lines[:-2], b"Connection: close", b"", b""]))
        answer = await reader.read(-1)
        writer.close()
        return answer

    async def _one_stream(self, connection: Connection) -> None:
        if self.rng.random() < 0.3:
            name, attack = self.rng.choice(HANDSHAKE_ATTACKS) if not self.fuzz_only else ("handshake", _odd_handshake)
            self.served[name] += 1
            await attack(connection)
            return
        await connection.send(_switching(connection.head))
        name, attack = self.rng.choice(STREAM_ATTACKS)
        self.served[name] += 1
        answers = asyncio.ensure_future(_acknowledge(connection)) if self.rng.random() < 0.7 else None
        try:
            await attack(connection)
        finally:
            if answers is not None:
                answers.cancel()


# WebSocket frames, by hand


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, mask: bool = False) -> bytes:
    """One frame, as wrong as asked for."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size = len(payload)
    if size < 126:
        length = bytes([size | (0x80 if mask else 0)])
    elif size < 1 << 16:
        length = bytes([126 | (0x80 if mask else 0)]) + size.to_bytes(2, "big")
    else:
        length = bytes([127 | (0x80 if mask else 0)]) + size.to_bytes(8, "big")
    return bytes([first]) + length + (b"\0\0\0\0" if mask else b"") + payload


def text(value: object) -> bytes:
    return frame(1, json.dumps(value).encode())


def _switching(head: bytes) -> bytes:
    (key,) = (
        line.partition(b":")[2].strip()
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
    )


async def _acknowledge(connection: Connection) -> None:
    """Acknowledge every subscription."""
    reader = connection.reader
    while True:
        first, second = await reader.readexactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        key = await reader.readexactly(4)
        payload = bytes(octet ^ key[at % 4] for at, octet in enumerate(await reader.readexactly(size)))
        if first & 0x0F == 9:
            await connection.send(frame(10, payload))
        elif first & 0x0F == 1:
            with contextlib.suppress(ValueError):
                message = json.loads(payload)
                if channel := message.get("subscribe"):
                    await connection.send(text({"event": "channel_subscribed", "channel": channel}))


# REST


async def _retry_after_year(connection: Connection) -> None:
    date = f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT"
    await connection.answer(b"{}", "429 Too Many Requests", Retry_After=date)


async def _page_total(connection: Connection) -> None:
    await connection.answer(connection.body, X_Page_Total="9" * 5000, X_Page_Limit="1", X_Page_Page="-1")


async def _brackets(connection: Connection) -> None:
    await connection.answer(b"[" * 200_000)


async def _deep_results(connection: Connection) -> None:
    await connection.answer(b'{"results": %b1%b, "total": 1}' % (b"[" * 400, b"]" * 400))


async def _next_with_nul(connection: Connection) -> None:
    link = connection.rng.choice(
        ["/api/v1/x\x00y", "http://[::1", "//evil.example/api/v1/x", "?\ud800", 7, {"a": 1}, "x" * 100_000]
    )
    await connection.answer(json.dumps({"results": [], "next": link, "total": 10**30}).encode())


async def _other_types(connection: Connection) -> None:
    values: list[Any] = [None, 1, "text", [], {}, [None], [1], [[]], {"results": None}, {"results": {}}, {"results": 1}]
    values += [[{"id": ["x"], "mac": {}, "site_id": 5, "name": [1]}], {"privileges": {}}, {"privileges": [1, None, {}]}]
    await connection.answer(json.dumps(connection.rng.choice(values)).encode())


async def _numbers(connection: Connection) -> None:
    digits = b"9" * connection.rng.choice([30, 400, 5000])
    keys = (b"id", b"mac", b"uptime", b"last_seen", b"num_clients", b"cpu_util", b"created_time")
    one = b"{%b}" % b",".join(b'"%b":%b' % (key, digits) for key in keys)
    await connection.answer(b"[%b]" % b",".join([one] * 3))


async def _long_text(connection: Connection) -> None:
    await connection.answer(
        json.dumps([{"id": "x" * 1_000_000, "name": "y" * 1_000_000, "mac": "z" * 100_000}]).encode()
    )


async def _endless_body(connection: Connection) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n["
    await connection.endless(head, b'{"id":"00000000-0000-0000-0000-00000000abcd"},' * 1000)


async def _endless_headers(connection: Connection) -> None:
    await connection.endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 1000)


async def _status(connection: Connection) -> None:
    status = connection.rng.choice(
        ["500 x", "502 x", "503 x", "404 x", "400 x", "999 x", "204 x", "304 x", "100 x", "0 x", "-1 x", "2000 x"]
    )
    await connection.answer(connection.body, status)


async def _redirect(connection: Connection) -> None:
    await connection.answer(
        b"", connection.rng.choice(["301 x", "302 x", "307 x", "308 x"]), Location="http://127.0.0.1:9/steal"
    )


async def _echo(connection: Connection) -> None:
    await connection.answer(
        f"bad token {connection.token}".encode(), f"500 {connection.token}", X_Echo=connection.token
    )


async def _not_http(connection: Connection) -> None:
    await connection.send(
        connection.rng.choice([b"\0" * 1000, b"HTTP/9.9 hello\r\n\r\n", b"\r\n\r\n", b"SSH-2.0-x\r\n", os.urandom(500)])
    )


async def _length(connection: Connection) -> None:
    length = connection.rng.choice(["-1", "99999999999999999999", "0", "7,8", "x", "+3"])
    await connection.answer(connection.body, Content_Length=length)


async def _chunks(connection: Connection) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = connection.rng.choice(
        [b"FFFFFFFFFFFFFFFF\r\nx", b"-5\r\n", b"zz\r\nx\r\n", b"1;" + b"e" * 100_000 + b"\r\nx\r\n", b"3\r\nabc\r\n"]
    )
    await connection.send(head + chunk)


async def _bomb(connection: Connection) -> None:
    await connection.answer(gzip.compress(b" " * 64_000_000 + b"[]"), Content_Encoding="gzip")


async def _not_gzip(connection: Connection) -> None:
    await connection.answer(
        connection.body, Content_Encoding=connection.rng.choice(["gzip", "deflate", "br", "zstd", "x"])
    )


async def _cut(connection: Connection) -> None:
    await connection.send(connection.good[: connection.rng.randrange(len(connection.good) + 1)])


async def _silence(_connection: Connection) -> None:
    await asyncio.sleep(_SLOW_S)


async def _drip(connection: Connection) -> None:
    for octet in connection.good[:40]:
        await connection.send(bytes([octet]))
        await asyncio.sleep(_SLOW_S / 40)


async def _mutation(connection: Connection) -> None:
    """A good answer, a few bytes of which are changed."""
    good = bytearray(connection.good)
    rng = connection.rng
    for _ in range(rng.choice([1, 2, 5, 20])):
        at = rng.randrange(len(good))
        kind = rng.random()
        if kind < 0.4:
            good[at] = rng.randrange(256)
        elif kind < 0.6:
            del good[at : at + rng.randrange(1, 30)]
        elif kind < 0.8:
            good[at:at] = rng.choice(
                [b"[" * 3000, b"9" * 400, b'"', b"{", b"null", b"\\ud800", b"\0", b"\r\n", b"-", b"1e999"]
            )
        else:
            good[at:at] = good[at : at + rng.randrange(1, 200)]
        if not good:
            break
    if rng.random() < 0.8:  # keep the framing right, so that the body is reached
        head, _, body = bytes(good).partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-length", b"transfer"))]
        good = bytearray(b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""]) + body)
    await connection.send(bytes(good))


# Handshakes


async def _handshake_redirect(connection: Connection) -> None:
    await connection.answer(b"", connection.rng.choice(["301 x", "302 x", "307 x"]), Location="ws://127.0.0.1:9/steal")


async def _handshake_status(connection: Connection) -> None:
    await connection.answer(b"no", connection.rng.choice(["500 x", "503 x", "400 x", "999 x", "200 OK", "100 x"]))


async def _handshake_429(connection: Connection) -> None:
    await connection.answer(b"", "429 x", Retry_After=f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT")


async def _handshake_endless(connection: Connection) -> None:
    await connection.endless(b"HTTP/1.1 503 x\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 65536)


async def _handshake_headers(connection: Connection) -> None:
    await connection.endless(b"HTTP/1.1 101 Switching Protocols\r\n", b"X-A: b\r\n" * 1000)


async def _odd_handshake(connection: Connection) -> None:
    """A good handshake, a few bytes of which are changed."""
    good = bytearray(_switching(connection.head))
    for _ in range(connection.rng.randrange(1, 6)):
        at = connection.rng.randrange(len(good))
        good[at : at + connection.rng.randrange(3)] = os.urandom(connection.rng.randrange(4))
    await connection.send(bytes(good) + b"\r\n\r\n")


async def _silent_handshake(_connection: Connection) -> None:
    await asyncio.sleep(_SLOW_S)


# Streams


async def _ping_flood(connection: Connection) -> None:
    pings = frame(9, b"x" * 100) * 500
    for _ in range(100):
        await connection.send(pings)


async def _pings_unread(connection: Connection) -> None:
    connection.writer.transport.get_extra_info("socket")
    connection.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await _ping_flood(connection)
    await asyncio.sleep(_SLOW_S)


async def _data_flood(connection: Connection) -> None:
    one = text({"event": "data", "channel": "/sites/x/stats/devices", "data": json.dumps({"mac": "5c5b35000001"})})
    for _ in range(100):
        await connection.send(one * 100)


async def _odd_frames(connection: Connection) -> None:
    deep = b'{"event":"data","channel":"/sites/x/stats/devices","data":' + b"[" * 5000
    odd = [
        frame(1, deep), frame(1, b"[" * 100_000), frame(1, b"\xff\xfe"), frame(2, os.urandom(1000)), frame(1, b""),
        frame(1, b"null"), frame(1, b"9" * 6000), text({"event": ["data"], "channel": {}, "data": 1}),
        text({"event": "data", "channel": "x" * 100_000, "data": "{}"}), text({"event": "data", "data": "{}"}),
        text({"event": "subscribe_failed", "channel": "/sites/x/stats/devices", "detail": f"no {connection.token}"}),
    ]  # fmt: skip
    for _ in range(50):
        await connection.send(connection.rng.choice(odd))
    await asyncio.sleep(_SLOW_S / 4)


async def _broken_frames(connection: Connection) -> None:
    odd = [
        frame(1, b"x", mask=True), frame(3, b"x"), frame(9, b"x" * 200), frame(1, b"x", rsv=4), frame(0, b"x"),
        b"\x81\x7f" + b"\xff" * 8, b"\x81\x7f" + (1 << 40).to_bytes(8, "big") + b"x" * 1000, frame(9, b"x", fin=False),
        frame(8, b"\x00"), frame(8, (5).to_bytes(2, "big")), frame(8, (1000).to_bytes(2, "big") + b"\xff\xff"),
    ]  # fmt: skip
    await connection.send(connection.rng.choice(odd))
    await asyncio.sleep(_SLOW_S / 4)


async def _endless_fragments(connection: Connection) -> None:
    await connection.send(frame(1, b"{", fin=False))
    for _ in range(200):
        await connection.send(frame(0, b" " * 65536, fin=False))


async def _close_with_token(connection: Connection) -> None:
    reason = f"bye {connection.token}".encode()[:120]
    await connection.send(frame(8, (connection.rng.choice([1000, 1008, 1011, 4000])).to_bytes(2, "big") + reason))


async def _abort(connection: Connection) -> None:
    await asyncio.sleep(connection.rng.random())
    connection.writer.transport.abort()


async def _stream_silence(_connection: Connection) -> None:
    await asyncio.sleep(_SLOW_S)


REST_ATTACKS: list[tuple[str, Attack]] = [
    ("retry_after_year", _retry_after_year), ("page_total", _page_total), ("brackets", _brackets),
    ("deep_results", _deep_results), ("next", _next_with_nul), ("other_types", _other_types), ("numbers", _numbers),
    ("long_text", _long_text), ("endless_body", _endless_body), ("endless_headers", _endless_headers),
    ("status", _status), ("redirect", _redirect), ("echo", _echo), ("not_http", _not_http), ("length", _length),
    ("chunks", _chunks), ("bomb", _bomb), ("not_gzip", _not_gzip), ("cut", _cut), ("silence", _silence),
    ("drip", _drip), ("mutation", _mutation), ("mutation", _mutation), ("mutation", _mutation),
]  # fmt: skip
HANDSHAKE_ATTACKS: list[tuple[str, Attack]] = [
    ("handshake_redirect", _handshake_redirect), ("handshake_status", _handshake_status),
    ("handshake_429", _handshake_429), ("handshake_endless", _handshake_endless),
    ("handshake_headers", _handshake_headers), ("handshake_odd", _odd_handshake),
    ("handshake_silent", _silent_handshake), ("handshake_not_http", _not_http), ("handshake_echo", _echo),
]  # fmt: skip
STREAM_ATTACKS: list[tuple[str, Attack]] = [
    ("ping_flood", _ping_flood), ("pings_unread", _pings_unread), ("data_flood", _data_flood),
    ("odd_frames", _odd_frames), ("broken_frames", _broken_frames), ("endless_fragments", _endless_fragments),
    ("close_with_token", _close_with_token), ("abort", _abort), ("stream_silence", _stream_silence),
]  # fmt: skip
