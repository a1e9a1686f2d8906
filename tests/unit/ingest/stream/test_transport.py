import asyncio

import pytest

from collector.clock import SystemClock
from collector.errors import Fatal, RateLimited, Retryable
from collector.ingest.rest.client import Rest
from collector.ingest.stream import transports
from collector.ingest.stream.transport import failure, origin, proxy_for, refusal, retry_after_s
from collector.mist import clouds
from collector.status import RestStatus

TODAY = "Mon, 24 Nov 2025 10:00:00 GMT"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_somebody_has_to_act(status):
    error = refusal(status, {}, where="wss://x/y")
    assert (type(error), error.status, error.where) == (Fatal, status, "wss://x/y")


@pytest.mark.parametrize("status", [200, 301, 426, 500, 502, 503])
def test_nobody_has_to_act(status):
    assert type(refusal(status, {}, where="")) is Retryable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 30.0),
        ({"Retry-After": ""}, 30.0),
        ({"Retry-After": "0"}, 30.0),
        ({"Retry-After": " 798 "}, 798.0),
        ({"Retry-After": "-5"}, 30.0),
        ({"Retry-After": "1e9"}, 30.0),
        ({"Retry-After": "99999999"}, 3600.0),
        ({"Retry-After": "tomorrow", "Date": TODAY}, 30.0),
        ({"Retry-After": "Mon, 24 Nov 2025 10:02:00 GMT", "Date": TODAY}, 120.0),
        ({"Retry-After": "Mon, 24 Nov 2025 10:02:00", "Date": TODAY}, 30.0),  # a naive date, not comparable
        ({"Retry-After": "Mon, 24 Nov 2025 10:02:00 GMT"}, 30.0),
        ({"Retry-After": "Mon, 24 Nov 2025 09:00:00 GMT", "Date": TODAY}, 30.0),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after_s(headers) == seconds
    error = refusal(429, headers, where="")
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == seconds


def test_words_that_hold_a_header_value_are_withheld():
    headers = {"Authorization": "Token sesame"}
    assert failure(OSError("no route"), headers, where="wss://x").detail == "no route"
    assert failure(ValueError("bad header 'Token sesame'"), headers, where="wss://x").detail == "ValueError"
    assert failure(TimeoutError(), headers, where="wss://x").detail == "TimeoutError"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://api-ws.mist.com/api-ws/v1/stream", "wss://api-ws.mist.com/api-ws/v1/stream"),
        ("ws://me:secret@127.0.0.1:8080/x?token=y#z", "ws://127.0.0.1:8080/x"),
        ("ws://[::1]:8080/x", "ws://[::1]:8080/x"),
        ("ws://[broken", ""),
    ],
)
def test_what_an_error_may_show_of_a_url(url, shown):
    assert origin(url) == shown


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


@pytest.mark.parametrize("name", transports.NAMES)
def test_transports_have_names(name):
    assert callable(transports.by_name(name))


def test_there_is_no_other_transport():
    with pytest.raises(KeyError):
        transports.by_name("carrier-pigeon")


async def test_rest_goes_through_the_proxy_of_the_environment(monkeypatch):
    """The proxy is asked for a tunnel to the cloud, and is not shown the token."""
    heard = []

    async def proxy(reader, writer):
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        cloud = clouds.from_api_url("https://api.mist.invalid")
        async with Rest(cloud, lambda: "a-token", RestStatus("main"), SystemClock(), attempts=1) as rest:
            with pytest.raises(Retryable, match="Bad Gateway"):
                await rest.get("/self")
    (asked,) = heard
    assert asked.startswith(b"CONNECT api.mist.invalid:443 ")
    assert b"a-token" not in asked
