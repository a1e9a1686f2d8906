"""Accepting connections over real sockets: limits before TLS, handshakes, errors of accept."""

import asyncio
import errno
import socket
import ssl
from contextlib import asynccontextmanager, suppress

import pytest
from structlog.testing import capture_logs

from collector.listener import acceptor
from collector.listener.acceptor import Acceptor
from collector.listener.address import ListenAddress
from collector.listener.client_address import AuthenticatedSources
from collector.listener.connection_limits import ConnectionLimiter, ConnectionLimits
from tests.support.certificates import Authority


class Echo(asyncio.Protocol):
    """Sends back what it receives."""

    def __init__(self, connection):
        self.connection = connection

    def connection_made(self, transport):
        self.transport = transport
        self.connection.abort = transport.abort
        self.connection.wait_for_first_request()

    def data_received(self, data):
        self.transport.write(data)

    def connection_lost(self, _exc):
        self.connection.release()


class Accepting:
    """An acceptor on a free port."""

    def __init__(self, *, tls=None, protocol=Echo, **limits):
        self.closed = []
        self.protocols = []
        self.limiter = ConnectionLimiter(
            ConnectionLimits(**limits), self.closed.append, authenticated=AuthenticatedSources(lambda: 0.0)
        )
        self.listening = ListenAddress("127.0.0.1", 0).bind()
        self.port = self.listening.getsockname()[1]
        self.protocol = protocol
        self.acceptor = Acceptor(self.listening, self.limiter, self._new_protocol, tls=tls)

    def _new_protocol(self, connection):
        protocol = self.protocol(connection)
        self.protocols.append(protocol)
        return protocol

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def until(self, condition):
        async with asyncio.timeout(20.0):  # only ends a test that has failed
            while not condition():  # noqa: ASYNC110 - a state of the process, not an event
                await asyncio.sleep(0.001)


@asynccontextmanager
async def accepting(**how):
    accepted = Accepting(**how)
    accepted.acceptor.start()
    try:
        yield accepted
    finally:
        accepted.acceptor.close()
        accepted.limiter.abort_all()
        await accepted.until(lambda: not accepted.acceptor._tasks)
        await asyncio.sleep(0)


@pytest.fixture
def server_tls(tmp_path):
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1", file="server"))
    context.authority = authority.file
    return context


async def test_a_connection_reaches_its_protocol_with_its_first_byte():
    async with accepting() as accepted:
        reader, writer = await accepted.connect()
        await accepted.until(lambda: accepted.limiter.open == 1)
        assert accepted.protocols == []
        writer.write(b"a")
        assert await reader.read(1) == b"a"
        assert accepted.protocols[0].connection.address == "127.0.0.1"
        writer.close()
        await accepted.until(lambda: accepted.limiter.open == 0)
        assert accepted.closed == []


async def test_a_silent_connection_that_leaves_is_no_error():
    async with accepting() as accepted:
        _, writer = await accepted.connect()
        await accepted.until(lambda: accepted.limiter.open == 1)
        writer.close()
        await accepted.until(lambda: accepted.limiter.open == 0)
        _, writer = await accepted.connect()
        await accepted.until(lambda: accepted.limiter.open == 1)
        linger = socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, *linger)  # close sends a reset
        writer.close()
        await accepted.until(lambda: accepted.limiter.open == 0)
        assert (accepted.closed, accepted.protocols) == ([], [])


async def test_silent_connections_are_counted_evicted_and_timed_out():
    async with accepting(max_connections=8, max_per_source=20, first_request_timeout_s=3600.0) as accepted:
        silent = [await accepted.connect() for _ in range(12)]
        await accepted.until(lambda: accepted.closed == ["evicted"] * 5)
        assert accepted.limiter.open == 7
        assert await silent[0][0].read() == b""
        for _, writer in silent:
            writer.close()
    async with accepting(first_request_timeout_s=0.01) as accepted:
        reader, writer = await accepted.connect()
        assert await reader.read() == b""
        assert accepted.closed == ["idle"]
        writer.close()


async def test_tls(server_tls):
    async with accepting(tls=server_tls) as accepted:
        context = ssl.create_default_context(cafile=server_tls.authority)
        reader, writer = await asyncio.open_connection("127.0.0.1", accepted.port, ssl=context)
        writer.write(b"a")
        assert await reader.read(1) == b"a"
        accepted.acceptor.tls = None
        plain_reader, plain_writer = await accepted.connect()
        plain_writer.write(b"b")
        assert await plain_reader.read(1) == b"b"
        writer.write(b"c")
        assert await reader.read(1) == b"c"
        for one in (writer, plain_writer):
            one.close()


async def test_what_is_not_tls_is_counted(server_tls):
    async with accepting(tls=server_tls) as accepted:
        reader, writer = await accepted.connect()
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.read()
        await accepted.until(lambda: accepted.closed == ["tls_handshake_failed"])
        assert accepted.limiter.open == 0
        writer.close()


async def test_a_handshake_that_stops_half_way_times_out(server_tls):
    async with accepting(tls=server_tls, tls_handshake_timeout_s=0.02) as accepted:
        reader, writer = await accepted.connect()
        writer.write(b"\x16\x03\x01\x02\x00\x01")
        assert await reader.read() == b""
        assert accepted.closed == ["tls_handshake_timeout"]
        assert accepted.limiter.open == 0
        writer.close()


async def test_a_client_that_leaves_during_the_handshake_is_no_error(server_tls):
    async with accepting(tls=server_tls) as accepted:
        _, writer = await accepted.connect()
        writer.write(b"\x16\x03\x01\x02\x00\x01")
        await accepted.until(lambda: accepted.acceptor._tasks)
        writer.close()
        await accepted.until(lambda: accepted.limiter.open == 0)
        assert accepted.closed == []


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "in the handshake"])
async def test_close_ends_what_has_not_reached_its_protocol(server_tls, sent):
    accepted = Accepting(tls=server_tls)
    accepted.acceptor.start()
    reader, writer = await accepted.connect()
    writer.write(sent)
    await accepted.until(lambda: accepted.acceptor._tasks if sent else accepted.limiter.open == 1)
    accepted.acceptor.close()
    assert await reader.read() == b""
    await accepted.until(lambda: accepted.limiter.open == 0 and not accepted.acceptor._tasks)
    writer.close()


async def test_a_connection_that_is_closed_before_its_task_runs_is_closed():
    async with accepting() as accepted:
        client, server = socket.socketpair()
        connection = accepted.limiter.admit("192.0.2.1")
        accepted.acceptor.open(server, connection)
        connection.close("evicted")
        await accepted.until(lambda: not accepted.acceptor._tasks)
        assert server.fileno() == -1
        client.close()


async def test_a_bug_of_a_protocol_is_logged_and_costs_one_connection():
    class Broken(Echo):
        def __init__(self, connection):
            raise ZeroDivisionError

    async with accepting(protocol=Broken) as accepted:
        with capture_logs() as logged:
            reader, writer = await accepted.connect()
            writer.write(b"a")
            with suppress(ConnectionError):
                await reader.read()
        assert [line["event"] for line in logged] == ["connection_failed"]
        assert accepted.limiter.open == 0
        writer.close()


class FailingSocket:
    """A listening socket whose accept fails first."""

    def __init__(self, listening, errors):
        self._listening = listening
        self.errors = errors

    def accept(self):
        if self.errors:
            raise self.errors.pop(0)
        return self._listening.accept()

    def __getattr__(self, name):
        return getattr(self._listening, name)


async def test_errors_of_accept_are_survived_counted_and_logged_once(monkeypatch):
    monkeypatch.setattr(acceptor, "RETRY_S", 0.001)
    accepted = Accepting()
    errors = [OSError(errno.EMFILE, "Too many"), OSError(errno.ENFILE, "Too many"), OSError(errno.EPERM, "no")]
    accepted.acceptor._listening = FailingSocket(accepted.listening, [ConnectionAbortedError(), *errors])
    with capture_logs() as logged:
        accepted.acceptor.start()
        reader, writer = await accepted.connect()
        writer.write(b"a")
        assert await reader.read(1) == b"a"
    assert accepted.closed == ["no_descriptors", "no_descriptors", "accept_failed"]
    assert [line["event"] for line in logged] == ["no_descriptors"]
    accepted.acceptor.close()
    accepted.limiter.abort_all()
    writer.close()


async def test_close_while_accept_is_paused():
    accepted = Accepting()
    accepted.acceptor._listening = FailingSocket(accepted.listening, [OSError(errno.EMFILE, "Too many")])
    accepted.acceptor.start()
    _, writer = await accepted.connect()
    await accepted.until(lambda: accepted.closed)
    accepted.acceptor.close()
    assert accepted.listening.fileno() == -1
    writer.close()
