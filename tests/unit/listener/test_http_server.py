"""The HTTP server within connection limits, over real sockets."""

import asyncio

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from collector.error_log import ErrorLog
from collector.errors import ListenError
from collector.listener import http_server
from collector.listener.address import ListenAddress
from collector.listener.client_address import AuthenticatedSources
from collector.listener.connection_limits import ConnectionLimiter, ConnectionLimits
from collector.listener.http_server import LimitedServer, connection_of, track_in_flight


class Served:
    """A server whose handler waits for `go`."""

    def __init__(self, *, grace_s=0.02, **limits):
        self.closed, self.counts = [], []
        self.go = asyncio.Event()
        self.addresses = []
        self.limiter = ConnectionLimiter(
            ConnectionLimits(**limits),
            self.closed.append,
            authenticated=AuthenticatedSources(lambda: 0.0),
            on_count=self.counts.append,
        )
        application = web.Application()
        application.router.add_get("/", self._get)
        application.router.add_get("/large", self._get_large)
        application.router.add_get("/failing", self._fail)
        application.router.add_get("/late", self._fail_late)
        application.router.add_get("/failing/slow", self._time_out)
        self.server = LimitedServer(ListenAddress("127.0.0.1", 0), application, self.limiter, grace_s=grace_s)

    async def _get(self, request):
        self.addresses.append(connection_of(request).address)
        await self.go.wait()
        return web.Response(text="ok")

    async def _get_large(self, _request):
        return web.Response(body=b"x" * 20_000_000)

    async def _fail(self, _request):
        raise ZeroDivisionError("confidential")

    async def _time_out(self, _request):
        raise TimeoutError("confidential")

    async def _fail_late(self, request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begin")
        raise ZeroDivisionError("confidential")

    async def __aenter__(self):
        await self.server.start()
        return self

    async def __aexit__(self, *_):
        await self.server.stop()

    async def request(self, path="/"):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        return reader, writer

    async def until(self, condition):
        async with asyncio.timeout(20.0):  # only ends a test that has failed
            while not condition():  # noqa: ASYNC110 - as in test_acceptor
                await asyncio.sleep(0.001)


async def test_after_a_request_the_connection_is_kept_longer():
    async with Served(first_request_timeout_s=0.02, keepalive_timeout_s=3600.0) as served:
        served.go.set()
        reader, writer = await served.request()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        silent, silent_writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        assert await silent.read() == b""
        assert served.closed == ["idle"]
        assert served.limiter.open == 1
        assert served.addresses == ["127.0.0.1"]
        writer.close()
        silent_writer.close()


async def test_stop_waits_for_requests_in_flight():
    async with Served(grace_s=20.0) as served:
        reader, writer = await served.request()
        idle, idle_writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        await served.until(lambda: served.addresses and served.limiter.open == 2)
        stopping = asyncio.ensure_future(served.server.stop())
        assert await idle.read() == b""
        assert not stopping.done()
        served.go.set()
        await stopping
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        for one in (writer, idle_writer):
            one.close()


async def test_stop_ends_after_the_grace_time():
    async with Served() as served:
        reader, writer = await served.request()
        await served.until(lambda: served.addresses)
        await served.server.stop()
        assert await reader.read() == b""
        assert served.limiter.open == 0
        served.go.set()
        writer.close()


async def test_stop_does_not_wait_for_a_client_that_does_not_read():
    async with Served() as served:
        _, writer = await served.request("/large")
        writer.transport.pause_reading()
        await served.until(lambda: served.counts)
        await served.until(lambda: not served.limiter._in_flight)
        await served.server.stop()
        assert served.limiter.open == 0
        writer.transport.abort()


async def test_invalid_http_gets_a_fixed_response():
    async with Served() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(b"<script>\r\n\r\n")
        response = await reader.read()
        assert response.startswith(b"HTTP/1.0 400 ")
        assert response.endswith(b"\r\n\r\nbad request\n")
        assert served.closed == ["bad_request"]
        writer.close()


async def test_the_server_header_names_no_version():
    async with Served() as served, aiohttp.ClientSession(f"http://127.0.0.1:{served.server.port}") as session:
        served.go.set()
        for path in ("/", "/none"):
            async with session.get(path) as response:
                assert response.headers["Server"] == "mist-collector"


async def test_a_port_in_use_is_an_error():
    async with Served() as served:
        where = ListenAddress("127.0.0.1", served.server.port)
        other = LimitedServer(where, web.Application(), served.limiter, grace_s=0.0)
        with pytest.raises(ListenError, match="already in use"):
            await other.start()


async def test_a_request_of_another_server_has_no_limits():
    async def handler(_request):
        return web.Response(text="ok")

    request = make_mocked_request("GET", "/")
    assert connection_of(request) is None
    assert (await track_in_flight(request, handler)).text == "ok"


@pytest.mark.parametrize("path", ["/failing", "/failing/slow"])
async def test_a_failing_handler_gets_a_fixed_response_and_one_log_line(monkeypatch, path):
    monkeypatch.setattr(http_server, "_ERROR_LOG", ErrorLog())
    with structlog.testing.capture_logs() as logs:
        async with Served() as served:
            for _ in range(3):
                reader, writer = await served.request(path)
                response = await reader.read()
                assert response.startswith(b"HTTP/1.1 500 ")
                assert b"\r\nServer: mist-collector\r\n" in response
                assert response.endswith(b"\r\n\r\ninternal error\n")
                writer.close()
            assert served.closed == ["handler_failed"] * 3
    (line,) = logs
    assert line["event"] == "request_failed"
    assert line["error"] in {"ZeroDivisionError", "TimeoutError"}


async def test_a_handler_that_fails_within_its_answer_ends_the_connection(monkeypatch):
    monkeypatch.setattr(http_server, "_ERROR_LOG", ErrorLog())
    async with Served() as served:
        reader, writer = await served.request("/late")
        response = await reader.read()
        assert response.startswith(b"HTTP/1.1 200 ")
        assert b"begin" in response
        assert b"internal error" not in response
        assert served.closed == ["handler_failed"]
        writer.close()
