import asyncio

import pytest

from collector.clock import SystemClock
from collector.errors import Retryable
from collector.ingest.proxy import proxy_for
from collector.ingest.rest.client import RestClient
from collector.mist import clouds
from collector.status import RestStatus


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "wss://api-ws.mist.com/x", None),
        ({"https_proxy": "http://proxy:3128"}, "wss://api-ws.mist.com/x", "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "mist.com"}, "wss://api-ws.mist.com/x", None),
        ({"https_proxy": "http://a", "wss_proxy": "http://b"}, "wss://api-ws.mist.com/x", "http://b"),
        ({"https_proxy": "http://a", "wss_proxy": "http://b"}, "https://api.mist.com", "http://a"),
        ({"https_proxy": "http://proxy"}, "https://127.0.0.1", None),
        ({"https_proxy": "socks5://proxy"}, "wss://api-ws.mist.com/x", None),
        ({"https_proxy": "http://proxy", "http_proxy": "http://proxy"}, "ws://127.0.0.1/x", None),
        ({"https_proxy": "http://proxy"}, "wss://127.0.0.1/x", None),
        ({"https_proxy": "http://proxy"}, "wss://[::1]/x", None),
        ({"https_proxy": "http://proxy"}, "wss://localhost/x", None),
    ],
)
def test_the_proxy_of_the_environment(environ, url, proxy, monkeypatch):
    for name in ("http_proxy", "https_proxy", "wss_proxy", "ws_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy


async def test_rest_goes_through_the_proxy_of_the_environment(monkeypatch):
    """The proxy receives a CONNECT request, without the token."""
    requests = []

    async def proxy(reader, writer):
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        cloud = clouds.from_api_url("https://api.mist.invalid")
        async with RestClient(cloud, lambda: "a-token", RestStatus("main"), SystemClock(), attempts=1) as rest:
            with pytest.raises(Retryable, match="Bad Gateway"):
                await rest.get("/self")
    (asked,) = requests
    assert asked.startswith(b"CONNECT api.mist.invalid:443 ")
    assert b"a-token" not in asked
