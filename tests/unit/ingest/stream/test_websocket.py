"""What the transport sends and hides; tests/faults play the rest over real sockets."""

import asyncio
import logging

import pytest

from collector.errors import RemoteError, Retryable
from collector.ingest.stream.websocket import WebSocketConnect
from tests.support.clock import ManualClock

TOKEN = "kW9zQ2hX7bTtVn5cRj3mLp8yGf4sDa6e"
HEADERS = {"Authorization": f"Token {TOKEN}"}


async def test_the_proxy_of_the_environment_gets_no_token(monkeypatch):
    requests = []

    async def proxy(reader, writer):
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://user:proxy-password@127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(Retryable, match="502") as raised:
            await WebSocketConnect(ManualClock())("wss://api-ws.mist.invalid/stream", HEADERS)
    (request,) = requests
    assert request.startswith(b"CONNECT api-ws.mist.invalid:443 ")
    assert TOKEN.encode() not in request
    assert "proxy-password" not in str(raised.value)


@pytest.mark.parametrize("proxy", ["http://user:proxy-password@", "http://user:proxy-password@proxy:port"])
async def test_a_malformed_proxy_is_an_error_without_its_password(proxy, monkeypatch):
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(Retryable) as raised:
        await WebSocketConnect(ManualClock())("wss://api-ws.mist.invalid/stream", HEADERS)
    assert "proxy-password" not in str(raised.value)
    assert raised.value.__context__ is None


@pytest.mark.parametrize("url", ["ws://", "ws://[broken/", "ws://127.0.0.1:1/", "ftp://127.0.0.1/", "ws://a\0b/"])
async def test_an_address_that_cannot_be_used(url):
    with pytest.raises(RemoteError) as raised:
        await WebSocketConnect(ManualClock())(url, HEADERS)
    assert raised.value.__context__ is None


def test_the_logger_of_the_library_is_off():
    assert not logging.getLogger("collector.ingest.stream.websocket").isEnabledFor(logging.ERROR)
