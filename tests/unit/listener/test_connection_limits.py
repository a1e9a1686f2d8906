"""The door of a listener, apart from what is abused in tests/faults."""

import asyncio

import pytest
from aiohttp import web

from collector.listener.address import ListenAddress
from collector.listener.connection_limits import (
    AcceptErrorHandler,
    ConnectionLimiter,
    ConnectionLimits,
    LimitedSite,
    source_of,
    track_in_flight,
)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_one_source(address, source):
    assert source_of(address) == source


class Served:
    """A listener whose handler waits for `go`."""

    def __init__(self, **limits):
        self.closed, self.counts = [], []
        self.go = asyncio.Event()
        self.doors = ConnectionLimiter(ConnectionLimits(**limits), self.closed.append, on_count=self.counts.append)
        application = web.Application(middlewares=[track_in_flight])
        application.router.add_get("/", self._get)
        self.runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def _get(self, _request):
        await self.go.wait()
        return web.Response(text="ok")

    async def __aenter__(self):
        listener = ListenAddress("127.0.0.1", 0).bind()
        self.port = listener.getsockname()[1]
        await self.runner.setup()
        self.site = LimitedSite(self.runner, listener, self.doors)
        await self.site.start()
        assert self.site.name == f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        await self.runner.cleanup()

    async def ask(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return reader, writer


async def test_who_has_asked_is_kept_longer_than_who_has_not():
    async with Served(rest_s=0.02, keep_s=3600.0) as served:
        served.go.set()
        reader, writer = await served.ask()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        silent, _writer = await asyncio.open_connection("127.0.0.1", served.port)
        assert await silent.read() == b""
        assert served.closed == ["idle"]
        assert served.doors.open == 1
        writer.close()
        _writer.close()


async def test_the_end_waits_for_who_is_being_answered():
    async with Served() as served:
        reader, writer = await served.ask()
        idle, idle_writer = await asyncio.open_connection("127.0.0.1", served.port)
        while served.doors.open < 2 or served.doors._quiet.is_set():  # noqa: ASYNC110 - plain records
            await asyncio.sleep(0)
        await served.site.stop()
        waiting = asyncio.ensure_future(served.doors.drained(20.0))
        await asyncio.sleep(0)
        assert not waiting.done()
        served.go.set()
        await waiting
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        for one in (writer, idle_writer):
            one.close()
        assert idle is not reader


async def test_the_end_waits_no_longer_than_it_may():
    async with Served() as served:
        _, writer = await served.ask()
        while served.doors._quiet.is_set():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        await served.doors.drained(0.01)
        assert not served.doors._quiet.is_set()
        served.go.set()
        writer.close()


def test_descriptors_are_told_of_once_a_minute_and_everything_else_as_ever():
    refused, now, others = [], [0.0], []

    class Loop:
        def default_exception_handler(self, context):
            others.append(context)

    mat = AcceptErrorHandler(refused.append, lambda: now[0])
    for _ in range(3):
        mat(Loop(), {"message": "socket.accept() out of system resource", "exception": OSError(24, "Too many")})
    assert refused == ["no_descriptors"] * 3
    mat(Loop(), {"message": "x", "exception": OSError(5, "I/O")})
    mat(Loop(), {"message": "y"})
    assert [context["message"] for context in others] == ["x", "y"]
