"""A peer that violates the protocol on purpose: redirects, floods, answers without end, secrets that it sends back."""

import asyncio
import json
import logging
import ssl
import struct
import traceback

import orjson
import pytest
from websockets.client import ClientProtocol

from collector.daemon.supervisor import Supervisor
from collector.errors import Fatal, RateLimited, RemoteError, Retryable
from collector.ingest.stream.connection import StreamConnection
from collector.ingest.stream.frame_reader import CONTROL_FRAMES_BURST, MAX_FRAGMENTS, MAX_HEAD_BYTES
from collector.ingest.token_gate import TokenGate
from tests.support.certificates import Authority
from tests.support.misbehaving import device_channels, until
from tests.support.raw_peer import CLOSE, CONTINUATION, PING, PONG, TEXT, RawPeer, frame, switching
from tests.support.streaming import PoolUnderTest, all_up, real_turns, running

A, B, C = device_channels(3)
TOKEN = "kW9zQ2hX7bTtVn5cRj3mLp8yGf4sDa6e"
HEADERS = {"Authorization": f"Token {TOKEN}"}
DISCONNECTS = "mist_collector_connection_breaks_total"
END_S = 20.0  # only ends a test that has failed


def message(number, channel=A):
    return json.dumps({"event": "data", "channel": channel, "data": number}).encode()


# The handshake


@pytest.mark.fault(
    "Stream",
    "The handshake is answered with a redirect to another host",
    held="It is not followed: the other host receives no connection. The collector retries every 5 minutes.",
)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status, start, fault):
    async def redirect(reader, writer):
        await peer.read_head(reader)
        location = f"Location: {other.url}\r\n".encode()
        writer.write(b"HTTP/1.1 %d Moved\r\n%bContent-Length: 0\r\n\r\n" % (status, location))
        await peer.client_gone(reader)

    async def listen(reader, writer):
        await other.upgrade(reader, writer)
        await other.client_gone(reader)

    async with RawPeer(listen) as other, RawPeer(redirect) as peer:
        pool = await start([A], url=peer.url, token=lambda: TOKEN)
        await until(lambda: pool.connection.disconnects)
        assert pool.connection.disconnects == {"refused": 1}
        assert f"(HTTP {status})" in pool.connection.last_disconnect
        assert 300.0 <= pool.pause_s() <= 330.0
        await pool.clock.advance(299.0)
        await real_turns()
        assert (peer.accepted, other.accepted) == (1, 0)
    fault.told(pool.samples(), DISCONNECTS, reason="refused")
    fault.logged("stream_disconnected", reason="refused")


async def endless(writer, piece):
    while True:
        writer.write(piece)
        await writer.drain()


BODIES = {
    "endless": (b"", b"x" * 65536),
    "endless, in chunks": (b"Transfer-Encoding: chunked\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "of 10 GB": (b"Content-Length: 10000000000\r\n", b"x" * 65536),
    "of a length with 5,000 digits": (b"Content-Length: " + b"9" * 5000 + b"\r\n", b""),
    "two lengths": (b"Content-Length: 1\r\nContent-Length: 2\r\n", b"x"),
    "in an unknown coding": (b"Transfer-Encoding: gzip\r\n", b"\x1f\x8b" * 1000),
    "never sent": (b"Content-Length: 100\r\n", b""),
}


@pytest.mark.fault(
    "Stream",
    "The handshake is rejected with 401 or 403, and with a body that is endless, huge, malformed or never sent",
    held="The body is not read. The collector retries every 5 minutes, as for any rejected handshake.",
)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", [401, 403])
async def test_the_body_of_a_rejection_is_not_read(status, body, start, fault):
    headers, piece = BODIES[body]

    async def reject(reader, writer):
        await peer.read_head(reader)
        writer.write(b"HTTP/1.1 %d No\r\n%b\r\n" % (status, headers))
        if body.startswith(("endless", "of 10 GB")):
            await endless(writer, piece)
        writer.write(piece)
        await peer.client_gone(reader)

    async with RawPeer(reject) as peer:
        pool = await start([A], url=peer.url)
        await until(lambda: pool.connection.disconnects)
        assert pool.connection.disconnects == {"refused": 1}
        assert pool.connection.state == "refused"
        assert 300.0 <= pool.pause_s() <= 330.0
    fault.told(pool.samples(), DISCONNECTS, reason="refused")


HEADS = {
    "headers without end": b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * MAX_HEAD_BYTES,
    "a header without end": b"HTTP/1.1 401 No\r\nX: " + b"y" * MAX_HEAD_BYTES,
    "not HTTP": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n",
    "not HTTP, binary": bytes(range(256)) * 100,
    "a status of 20 digits": b"HTTP/1.1 40100000000000000000 No\r\n\r\n",
    "a status that is negative": b"HTTP/1.1 -101 No\r\n\r\n",
    "101 without an upgrade": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "101 of HTTP/1.0": b"HTTP/1.0 101 Switching Protocols\r\n\r\n",
    "101 without a phrase": b"HTTP/1.1 101\r\n\r\n",
    "101 with a body": b"HTTP/1.1 101 X\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: gzip\r\n\r\n",
    "no end": b"HTTP/1.1 401 No\r\n",
    "nothing": b"",
}


@pytest.mark.fault(
    "Stream",
    "The answer to the handshake is not HTTP, has headers without end, or a malformed status",
    held="At most 16 KB are read. The collector retries with exponential backoff.",
)
@pytest.mark.parametrize("head", HEADS)
async def test_a_malformed_answer_to_the_handshake(head, start, fault):
    async def answer(reader, writer):
        await peer.read_head(reader)
        writer.write(HEADS[head])
        if writer.can_write_eof():
            writer.write_eof()
        await peer.client_gone(reader)

    async with RawPeer(answer) as peer:
        pool = await start([A], url=peer.url)
        await until(lambda: pool.connection.disconnects)
        assert pool.connection.disconnects == {"connect_failed": 1}
        assert pool.pause_s() <= 2.0
        await pool.pass_until(lambda: peer.accepted >= 3)
    fault.told(pool.samples(), DISCONNECTS, reason="connect_failed")


@pytest.mark.fault(
    "Stream",
    "The answer to the handshake arrives byte by byte, without end",
    held="The attempt ends after 30 s.",
)
async def test_an_answer_that_never_ends_times_out(start, fault):
    async def drip(reader, writer):
        await peer.read_head(reader)
        for octet in b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"y" * 1000:
            writer.write(bytes([octet]))
            await asyncio.sleep(0.001)
        await peer.client_gone(reader)

    async with RawPeer(drip) as peer:
        pool = await start([A], url=peer.url)
        await until(lambda: peer.heads)
        took = await pool.pass_until(lambda: pool.connection.disconnects, limit_s=31)
        assert pool.connection.disconnects == {"connect_timeout": 1}
    fault.right_after(took, 31)
    fault.told(pool.samples(), DISCONNECTS, reason="connect_timeout")


@pytest.mark.fault(
    "Stream",
    "The handshake is answered with 429 and a `Retry-After` that no parser expects",
    held="The collector waits 30 s to one hour.",
)
@pytest.mark.parametrize(
    "value",
    [
        b"Mon, 24 Nov 20252025202520252025 10:00:00 GMT",
        b"9" * 5000,
        b"-1",
        b"1e400",
        b"Mon, 99 Nov 2025 99:99:99 +9999999999999",
        b"\xd9\xa1\xd9\xa2",
        b"",
    ],
)
async def test_a_malformed_retry_after(value, start, fault):
    async def limit(reader, writer):
        await peer.read_head(reader)
        writer.write(b"HTTP/1.1 429 Slow\r\nRetry-After: " + value + b"\r\nDate: " + value + b"\r\n\r\n")
        await peer.client_gone(reader)

    async with RawPeer(limit) as peer:
        pool = await start([A], url=peer.url)
        await until(lambda: pool.connection.disconnects)
        assert pool.connection.disconnects == {"rate_limited": 1}
        assert 30.0 <= pool.pause_s() <= 3600.0 * 1.1
    fault.told(pool.samples(), DISCONNECTS, reason="rate_limited")


ERRORS = [RecursionError, OverflowError, KeyError, AssertionError, UnicodeDecodeError, StopIteration, MemoryError]


def raised(kind):
    """An exception of this type, with a message that contains the token."""
    text = f"unexpected {TOKEN}"
    return UnicodeDecodeError("ascii", text.encode(), 0, 1, text) if kind is UnicodeDecodeError else kind(text)


@pytest.mark.fault(
    "Stream",
    "The library raises an unexpected exception while it parses the answer to the handshake",
    held="It ends this attempt only. It is logged once, without the token; the collector retries with backoff.",
)
@pytest.mark.parametrize("kind", [kind for kind in ERRORS if not issubclass(kind, ValueError)])  # those are expected
async def test_an_unexpected_exception_in_the_handshake(kind, cloud, start, monkeypatch, fault):
    def process_response(_self, _response):
        raise raised(kind)

    with monkeypatch.context() as patch:
        patch.setattr(ClientProtocol, "process_response", process_response)
        pool = await start([A], token=lambda: TOKEN)
        await pool.pass_until(lambda: pool.disconnects() >= 4)
    assert set(pool.connection.disconnects) == {"internal_error"}
    await pool.pass_until(pool.all_up)
    assert sum(line["event"] == "stream_internal_error" for line in fault.lines) == 1
    assert TOKEN not in str(fault.lines)
    assert TOKEN not in pool.connection.last_disconnect
    fault.told(pool.samples(), DISCONNECTS, at_least=4, reason="internal_error")
    fault.logged("stream_internal_error")


# Frames


@pytest.mark.fault(
    "Stream",
    "An unexpected exception is raised while a frame is parsed",
    held="The frame is dropped with the reason `internal_error`. The frames after it are handled.",
)
@pytest.mark.parametrize("kind", ERRORS)
async def test_an_unexpected_exception_in_a_frame(kind, cloud, start, monkeypatch, fault):
    loads = orjson.loads

    def raising(raw):
        if b"trap" in bytes(raw if not isinstance(raw, str) else raw.encode()):
            raise raised(kind)
        return loads(raw)

    pool = await start([A], token=lambda: TOKEN)
    await all_up(pool)
    monkeypatch.setattr(orjson, "loads", raising)
    for _ in range(3):
        await cloud.publish(A, "trap")
        await cloud.publish(A, "next")
    await until(lambda: len(pool.payloads) == 3)
    assert pool.connection.disconnects == {}
    assert pool.frames.dropped == {"internal_error": 3}
    assert pool.balanced()
    assert sum(line["event"] == "frame_parsing_failed" for line in fault.lines) == 1
    assert TOKEN not in str(fault.lines)
    fault.told(pool.samples(), "mist_collector_stream_frames_dropped_total", reason="internal_error")
    fault.logged("frame_parsing_failed")


PINGS = frame(PING, b"p" * 125)


@pytest.mark.fault(
    "Stream",
    "The peer sends 50,000 pings and reads nothing",
    held="The connection is closed with the reason `control_flood` and replaced. Closing has a deadline.",
)
@pytest.mark.parametrize("control", [PINGS, frame(PONG), PINGS + frame(TEXT, message(1))])
async def test_a_flood_of_control_frames(control, start, fault):
    async def flood(reader, writer):
        await peer.upgrade(reader, writer)
        for _ in range(50_000):
            writer.write(control)
            await writer.drain()
        await asyncio.Event().wait()

    async with asyncio.timeout(END_S), RawPeer(flood) as peer:
        pool = await start([A], url=peer.url)
        await pool.pass_until(lambda: pool.connection.disconnects.get("control_flood", 0) >= 3)
        assert set(pool.connection.disconnects) == {"control_flood"}
        assert pool.frames.received <= CONTROL_FRAMES_BURST * pool.connection.connects
        assert pool.balanced()
    fault.told(pool.samples(), DISCONNECTS, at_least=3, reason="control_flood")
    fault.logged("stream_disconnected", reason="control_flood")


@pytest.mark.fault(
    "Stream",
    "The peer sends pings and data at a moderate rate and reads nothing",
    held="The connection is closed with the reason `control_flood` when 64 KB of answers are not read.",
)
async def test_a_peer_that_never_reads_the_pongs(start, fault):
    async def serve(reader, writer):
        await peer.upgrade(reader, writer)
        reader._transport.pause_reading()
        while True:
            await proceed.acquire()
            writer.write(PINGS * (CONTROL_FRAMES_BURST - 10) + frame(TEXT, message(1)))

    proceed = asyncio.Semaphore(0)
    async with RawPeer(serve, receive_buffer=4096) as peer:
        pool = await start([A], url=peer.url, silent_after_s=1e9)
        await until(lambda: pool.connection.state == "open")

        for number in range(1, 1000):
            proceed.release()
            await until(lambda number=number: pool.frames.received == number or pool.connection.disconnects)
            if pool.connection.disconnects:
                break
            await pool.clock.advance(10.0)
        assert pool.connection.disconnects == {"control_flood": 1}
        assert pool.connection.last_disconnect == "the peer does not read the answers to its pings"
    fault.told(pool.samples(), DISCONNECTS, reason="control_flood")
    fault.logged("stream_disconnected", reason="control_flood")


async def test_a_peer_that_pings_every_second_is_answered(cloud, start):
    pool = await start([A], silent_after_s=9999.0)
    await all_up(pool)
    (connection,) = cloud.connections
    for _ in range(3 * CONTROL_FRAMES_BURST):
        await (await connection.ping())
        await pool.clock.advance(1.0, settle=1)
    assert pool.connection.disconnects == {}


@pytest.mark.fault(
    "Stream",
    "A message arrives in an endless number of fragments",
    held="The connection is closed after 4,096 fragments and replaced.",
)
@pytest.mark.parametrize("body", [b"", b"x"])
async def test_a_message_of_endless_fragments(body, cloud, start, fault):
    pool = await start([A])
    await all_up(pool)
    cloud.write_raw(frame(TEXT, b"{", last=False) + frame(CONTINUATION, body, last=False) * (MAX_FRAGMENTS + 1))
    await until(lambda: pool.connection.disconnects)
    assert pool.connection.disconnects == {"closed_1009": 1}
    await pool.pass_until(pool.all_up)
    fault.told(pool.samples(), DISCONNECTS, reason="closed_1009")


# Closing


async def test_closing_has_a_deadline(connect):
    async def never_read(reader, writer):
        await peer.upgrade(reader, writer)
        await asyncio.Event().wait()

    async with RawPeer(never_read) as peer:
        connection = await connect(peer.url, HEADERS)
        sending = asyncio.ensure_future(connection.send("x" * 30_000_000))
        reading = asyncio.ensure_future(connection.frames(lambda _: None, lambda: None))
        await real_turns()
        assert not sending.done()
        async with asyncio.timeout(END_S):
            await connection.close()
            await asyncio.wait([sending, reading])


@pytest.mark.fault(
    "Stream",
    "The peer sends a close frame and keeps the TCP connection open",
    held="The connection is closed at the deadline of the closing handshake and replaced.",
)
@pytest.mark.parametrize("more", [b"", b"x" * 65536])
async def test_a_close_frame_without_the_end_of_the_connection(more, start, fault):
    async def stay(reader, writer):
        await peer.upgrade(reader, writer)
        await reader.read(1)  # the subscription: afterwards the collector has nothing to send
        subscribed = json.dumps({"event": "channel_subscribed", "channel": A}).encode()
        writer.write(frame(TEXT, subscribed) + frame(CLOSE, struct.pack(">H", 1001)))
        while more:
            writer.write(more)
            await writer.drain()
        await asyncio.Event().wait()

    async with RawPeer(stay) as peer:
        pool = await start([A], url=peer.url)
        await until(lambda: pool.connection.disconnects)  # without any time of the clock: no ping found it
        assert pool.connection.disconnects == {"closed_1001": 1}
        await pool.pass_until(lambda: peer.accepted >= 2)
    fault.told(pool.samples(), DISCONNECTS, reason="closed_1001")


def serving(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    return context


STAGES = ["TLS handshake", "request", "head", "flood", "not reading", "close frame", "data"]


@pytest.mark.fault(
    "Stream",
    "The collector stops while the peer is silent, floods, or does not read, at each stage of a connection",
    held="Each connection is closed at once, or at the deadline of the closing handshake.",
)
@pytest.mark.parametrize("stage", STAGES)
async def test_stopping_at_each_stage_of_a_connection(stage, connect, clock, fault):
    async def serve(reader, writer):
        if stage == "TLS handshake":
            await reader.read(1)
        elif stage == "request":
            await peer.read_head(reader)
        elif stage == "head":
            head = await peer.read_head(reader)
            writer.write(switching(head)[:-3])
        else:
            await peer.upgrade(reader, writer)
        reached.set()
        if stage == "flood":
            await endless(writer, PINGS * 10)
        elif stage == "data":
            await endless(writer, frame(TEXT, message(1)) * 100)
        elif stage == "close frame":
            writer.write(frame(CLOSE, struct.pack(">H", 1001)))
        if stage == "not reading":
            await asyncio.Event().wait()
        await peer.client_gone(reader)

    reached = asyncio.Event()
    async with asyncio.timeout(END_S), RawPeer(serve) as peer:
        url = peer.url.replace("ws:", "wss:") if stage == "TLS handshake" else peer.url
        async with running(PoolUnderTest(url, connect, clock), [A]) as pool:
            await reached.wait()
            await real_turns()
        assert pool.connection.state == "idle"
        if stage not in {"flood", "data", "not reading"}:
            await until(lambda: peer.ended)
    fault.fell(pool.samples(), "mist_collector_connection_up")


async def test_tls_with_a_peer_that_never_reads(tmp_path, connect, clock, monkeypatch):
    """The buffers of TLS are bounded and dropped like those of TCP."""
    authority = Authority(tmp_path)

    async def flood(reader, writer):
        await peer.upgrade(reader, writer)
        await endless(writer, PINGS * 100 + frame(TEXT, message(1)))

    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with asyncio.timeout(END_S), RawPeer(flood, serving(authority)) as peer:
        pool = PoolUnderTest(peer.url, connect, clock)
        async with running(pool, [A]):
            await until(lambda: pool.connection.disconnects)
            assert pool.connection.disconnects == {"control_flood": 1}


# Secrets

ECHOES = {
    "in a header": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n",
    "as the protocol": b"HTTP/1.1 101 X\r\nUpgrade: %b\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    "in the reason phrase": b"HTTP/1.1 401 Bad token %b\r\n\r\n",
    "in a body": b"HTTP/1.1 403 No\r\nContent-Length: 46\r\n\r\nno such token %b",
    "in a redirect": b"HTTP/1.1 302 Found\r\nLocation: https://example.invalid/?token=%b\r\n\r\n",
    "in Retry-After": b"HTTP/1.1 429 Slow\r\nRetry-After: %b\r\n\r\n",
    "instead of HTTP": b"%b\r\n\r\n",
}


@pytest.mark.fault(
    "Stream",
    "The peer sends the token back in the answer to the handshake",
    held="It is masked in the log, on the status page and in every exception.",
)
@pytest.mark.parametrize("echo", ECHOES)
async def test_a_token_that_the_handshake_sends_back(echo, connect, start, caplog, fault):
    async def answer(reader, writer):
        await peer.read_head(reader)
        writer.write(ECHOES[echo] % TOKEN.encode())
        await peer.client_gone(reader)

    caplog.set_level(logging.DEBUG)
    async with RawPeer(answer) as peer:
        with pytest.raises(RemoteError) as raised:
            await connect(peer.url, HEADERS)
        pool = await start([A], url=peer.url, token=lambda: TOKEN)
        await until(lambda: pool.connection.disconnects)
    assert type(raised.value) in {Retryable, RateLimited, Fatal}
    assert TOKEN not in "".join(traceback.format_exception(raised.value))
    assert TOKEN not in repr(pool.connection)
    assert TOKEN not in caplog.text
    assert TOKEN not in str(fault.lines)
    fault.told(pool.samples(), DISCONNECTS)
    fault.logged("stream_disconnected")


@pytest.mark.fault(
    "Stream",
    "The peer sends the token back in a close reason or in the detail of a rejected subscription, whole or in part",
    held="It is masked in the log and on the status page.",
)
@pytest.mark.parametrize(
    "text", [TOKEN, f"no such token: {TOKEN}", "x" * 100 + TOKEN, TOKEN[:20], f"{TOKEN[:16]}\0{TOKEN[16:]}"]
)
async def test_a_token_that_the_stream_sends_back(text, cloud, start, fault):
    pool = await start([A, B], token=lambda: TOKEN)
    await all_up(pool)
    await cloud.broadcast(event="subscribe_failed", channel=B, detail=text)
    await until(lambda: pool.states()[B] == "refused")
    assert TOKEN[:8] not in repr(pool.connection)
    await cloud.close_all(4000, text[:123])
    await until(lambda: pool.connection.disconnects)
    assert "***" in pool.connection.last_disconnect
    for shown in (repr(pool.connection), str(fault.lines)):
        assert not any(TOKEN[at : at + 8] in shown for at in range(len(TOKEN) - 7))
    fault.told(pool.samples(), DISCONNECTS, reason="closed_other")
    fault.logged("subscription_rejected")
    fault.logged("stream_disconnected", reason="closed_other")


# The pool


@pytest.mark.fault(
    "Stream",
    "The task of one connection raises an unexpected exception",
    held="It is restarted with backoff, alone. The other connections of the account are not affected.",
)
async def test_a_bug_of_one_connection_ends_no_other(cloud, start, clock, monkeypatch, fault):
    disconnected = StreamConnection._disconnected
    raised_for = []

    def failing(self, ended, pause):
        if self.status.name == "main/0" and not raised_for:
            raised_for.append(self.status.name)
            raise ZeroDivisionError
        disconnected(self, ended, pause)

    monkeypatch.setattr(StreamConnection, "_disconnected", failing)
    supervisor = Supervisor(clock)
    pool = await start([A, B], max_channels=1, supervise=supervisor)
    await pool.pass_until(pool.all_up)
    (first,) = [one for one in cloud.connections if A in cloud.subscribed[one]]
    first.transport.abort()
    await until(lambda: raised_for)
    await cloud.publish(B, "1")
    await until(lambda: pool.payloads)
    assert pool.payloads == [(B, "1")]
    await pool.pass_until(pool.all_up)
    assert [status.connects for status in pool.statuses] == [2, 1]
    assert supervisor.tasks["stream"].restarts == 1
    fault.logged("task_failed", task="stream")


@pytest.mark.fault(
    "Stream",
    "Mist rejects the token of an account with many connections",
    held=(
        "The first 401 holds back every connection of the account. After 5 minutes, or when the token is replaced, one "
        "of them tries first. When it succeeds the others follow one by one."
    ),
)
async def test_one_401_holds_back_every_connection_of_the_account(cloud, start, clock, fault):
    cloud.answer = (401, {})
    gate = TokenGate(clock)
    pool = await start(device_channels(5), max_channels=1, gate=gate)
    await pool.pass_until(lambda: not gate.is_open, step_s=0.02)
    await pool.pass_until(lambda: clock.now() >= 1299.0)
    assert len(cloud.handshakes) == 1
    await pool.pass_until(lambda: len(cloud.handshakes) == 2, limit_s=2)
    await pool.pass_until(lambda: clock.now() >= 1590.0)
    assert len(cloud.handshakes) == 2, "the probe was rejected, too"
    assert min(status.alive_at for status in pool.statuses) >= clock.now() - 300.0, "waiting is not a hang"
    fault.told(pool.samples(), DISCONNECTS, reason="refused")

    cloud.answer = None
    gate.token_changed()
    pool.pool.retry_now()
    began = clock.now()
    await pool.pass_until(pool.all_up, step_s=0.1, limit_s=20)
    assert clock.now() - began >= 4 * 0.25, "paced"
    assert gate.is_open
    assert len(cloud.handshakes) == 7


async def test_403_does_not_close_the_gate(cloud, start, clock):
    cloud.answer = (403, {})
    gate = TokenGate(clock)
    pool = await start([A], gate=gate)
    await until(lambda: pool.connection.disconnects)
    assert gate.is_open
