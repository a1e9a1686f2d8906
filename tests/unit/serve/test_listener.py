"""The operator's listener over a real socket: /metrics, health endpoints, the status page."""

import asyncio
import gzip
import socket

import aiohttp
import pytest
from structlog.testing import capture_logs

from collector.errors import ListenError
from collector.listener.address import ListenAddress
from collector.serve import metrics
from collector.serve.listener import OperatorListener
from collector.serve.metrics import Selection
from collector.serve.status_page import StatusPage

LINE = b"mist_ap_up 1\n"


class Served:
    """A listener on a free port whose content a test may change."""

    def __init__(self, host="127.0.0.1", chunks=(LINE, LINE)):
        self.chunks = list(chunks)
        self.asked = []
        self.selections = []
        self.begun, self.ended = asyncio.Semaphore(0), asyncio.Semaphore(0)  # one permit for each rendering
        self.reasons = []
        self.listener = OperatorListener(
            ListenAddress(host, 0), render=self._render, ready=lambda: self.reasons, status=self._status
        )

    async def _render(self, selection):
        self.asked.append(selection.openmetrics)
        self.selections.append(selection)
        self.begun.release()
        try:
            for chunk in self.chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                if isinstance(chunk, asyncio.Event):
                    await chunk.wait()
                else:
                    yield chunk
        finally:
            self.ended.release()

    def _status(self):
        return StatusPage(now=100.0, unix=0.0, started_at=40.0, version="1.2.3", not_ready=self.reasons)

    async def __aenter__(self):
        await self.listener.__aenter__()
        self.session = aiohttp.ClientSession(f"http://localhost:{self.listener.port}", auto_decompress=False)
        return self

    async def __aexit__(self, *exc):
        await self.session.close()
        await self.listener.__aexit__(*exc)

    async def get(self, path, method="GET", **headers):
        async with self.session.request(method, path, headers={"Accept-Encoding": ""} | headers) as response:
            return response, await response.read()


async def test_metrics_are_in_the_text_format_by_default():
    async with Served() as served:
        response, body = await served.get("/metrics")
        assert body == LINE * 2
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "Content-Encoding" not in response.headers
        response, _ = await served.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
        assert response.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert served.asked == [False, True]


@pytest.mark.parametrize("chunks", [[], [LINE], [LINE * 200_000, b"", LINE]], ids=["none", "one", "large"])
async def test_gzip_gives_the_same_bytes(chunks):
    async with Served(chunks=chunks) as served:
        response, body = await served.get("/metrics", **{"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Vary"] == "Accept, Accept-Encoding"
        assert gzip.decompress(body) == b"".join(chunks)
        assert (await served.get("/metrics"))[1] == b"".join(chunks)


async def test_head_has_the_same_headers_and_renders_nothing():
    async with Served() as served:
        full, _ = await served.get("/metrics", **{"Accept-Encoding": "gzip"})
        head, body = await served.get("/metrics", "HEAD", **{"Accept-Encoding": "gzip"})
        assert body == b""
        for name in ("Content-Type", "Content-Encoding", "Vary"):
            assert head.headers[name] == full.headers[name]
        for path in ("/-/healthy", "/-/ready", "/"):
            assert (await served.get(path, "HEAD"))[0].status == 200
    assert served.asked == [False]


async def test_a_rendering_that_fails_at_once_is_answered_500_and_logged_once():
    async with Served(chunks=[RuntimeError("broken")]) as served:
        with capture_logs() as logged:
            for _ in range(3):
                assert (await served.get("/metrics"))[0].status == 500
        served.chunks = [LINE]
        assert (await served.get("/metrics"))[0].status == 200
    assert [entry["event"] for entry in logged] == ["scrape_failed"]


async def test_a_rendering_that_fails_half_way_closes_the_connection():
    async with Served(chunks=[LINE, RuntimeError("broken")]) as served:
        with capture_logs(), pytest.raises(aiohttp.ClientPayloadError):
            await served.get("/metrics")


async def test_a_scraper_that_disconnects_ends_the_rendering_and_logs_no_error(caplog):
    wait = asyncio.Event()
    async with Served(chunks=[LINE, wait, *[LINE * 50_000] * 40]) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.listener.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        await served.begun.acquire()
        writer.transport.abort()
        wait.set()
        await served.ended.acquire()
        served.chunks = [LINE]
        assert (await served.get("/metrics"))[1] == LINE
    assert [record.getMessage() for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}] == []


async def test_the_number_of_concurrent_scrapes_is_limited():
    wait = asyncio.Event()
    async with Served(chunks=[LINE, wait]) as served, asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(served.get(f"/metrics?site={n}")) for n in range(metrics.MAX_SCRAPES)]
        for _ in running:
            await served.begun.acquire()
        response, body = await served.get("/metrics")
        assert (response.status, body) == (503, b"8 scrapes are running already\n")
        wait.set()
        assert {(await task)[0].status for task in running} == {200}


async def test_health_and_readiness():
    async with Served() as served:
        assert (await served.get("/-/ready"))[1] == b"ready\n"
        served.reasons = ["main: inventory not read yet", "main/0: 3 channels wait"]
        response, body = await served.get("/-/ready")
        assert response.status == 503
        assert body == b"main: inventory not read yet\nmain/0: 3 channels wait\n"
        response, body = await served.get("/-/healthy")
        assert (response.status, body) == (200, b"healthy\n")


async def test_the_status_page_has_a_strict_content_security_policy():
    async with Served() as served:
        response, body = await served.get("/")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert b"Version 1.2.3, running for 60 s" in body


async def test_other_paths_and_methods():
    async with Served() as served:
        assert (await served.get("/metrics/"))[0].status == 404
        assert (await served.get("/metrics", "POST"))[0].status == 405
        assert (await served.get("/-/healthy", "DELETE"))[0].status == 405


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this host has no IPv6")
async def test_the_ipv6_wildcard_accepts_ipv4():
    async with Served(host="::") as served:
        for host in ("127.0.0.1", "::1"):
            _, writer = await asyncio.open_connection(host, served.listener.port)
            writer.close()
            await writer.wait_closed()


async def test_a_port_in_use_is_an_error():
    async with Served() as served:
        other = Served()
        other.listener._server._listen = ListenAddress("127.0.0.1", served.listener.port)
        with pytest.raises(ListenError, match="the port is already in use"):
            await other.listener.__aenter__()


async def test_a_scraper_can_select_objects_and_one_site():
    async with Served() as served:
        await served.get("/metrics?collect[]=switch&collect[]=ap&collect[]=ap&site=11-22")
        assert served.selections == [Selection(openmetrics=False, collect=("ap", "switch"), site="11-22")]


async def test_concurrent_scrapers_share_a_rendering():
    gate = asyncio.Event()
    async with Served(chunks=(LINE, gate, LINE)) as served:
        first = asyncio.ensure_future(served.get("/metrics"))
        await served.begun.acquire()
        second = asyncio.ensure_future(served.get("/metrics"))
        other = asyncio.ensure_future(served.get("/metrics?site=x"))
        await served.begun.acquire()
        gate.set()
        bodies = [body for _, body in await asyncio.gather(first, second, other)]
        assert bodies == [LINE + LINE] * 3
        assert len(served.selections) == 2
        await served.get("/metrics")
        assert len(served.selections) == 3, "a complete rendering is not served again"
