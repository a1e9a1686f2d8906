"""The handshake is rejected."""

import logging
import traceback

import pytest

from collector.errors import ConfigError, Fatal, Fault, RateLimited, RemoteError, Retryable
from tests.support.misbehaving import device_channels, until

(A,) = device_channels(1)
SECRET = "sesame"
HEADERS = {"Authorization": f"Token {SECRET}"}


@pytest.mark.fault(
    "Stream",
    "The handshake is rejected: 401, 403, 404",
    held="The connection state is `refused`, with the reason. The collector retries every 5 minutes.",
)
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_rejected_handshake_is_retried_every_5_minutes(cloud, start, status, fault):
    cloud.answer = (status, {})
    pool = await start([A])
    await until(lambda: pool.connection.disconnects)
    assert pool.connection.state == "refused"
    assert f"(HTTP {status})" in pool.connection.last_disconnect
    assert pool.connection.disconnects == {"refused": 1}
    assert 300.0 <= pool.pause_s() <= 330.0
    await pool.clock.advance(299.0)
    assert len(cloud.handshakes) == 1
    cloud.answer = None
    fault.right_after(await pool.pass_until(pool.all_up), 330)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="refused")
    fault.logged("stream_disconnected", reason="refused")
    fault.told(pool.samples(), "mist_collector_connection_up")


async def test_a_replaced_token_is_tried_at_once(cloud, start):
    tokens = ["old"]
    cloud.answer = (401, {})
    pool = await start([A], token=lambda: tokens[-1])
    await until(lambda: pool.connection.state == "refused")
    tokens.append("new")
    cloud.answer = None
    pool.pool.retry_now()
    await pool.pass_until(pool.all_up, limit_s=2)
    assert [headers["Authorization"] for headers in cloud.handshakes] == ["Token old", "Token new"]


@pytest.mark.fault(
    "Stream",
    "The handshake is answered with 429, with and without `Retry-After`",
    held="The next attempt is made after `Retry-After`, and after 30 s at the earliest.",
)
@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({}, 30.0),
        ({"Retry-After": "3"}, 30.0),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "soon"}, 30.0),
        ({"Date": "Mon, 24 Nov 2025 10:00:00 GMT", "Retry-After": "Mon, 24 Nov 2025 10:01:30 GMT"}, 90.0),
    ],
)
async def test_429_waits_for_retry_after(cloud, start, headers, least, fault):
    cloud.answer = (429, headers)
    pool = await start([A])
    await until(lambda: pool.connection.disconnects)
    assert pool.connection.disconnects == {"rate_limited": 1}
    assert least <= pool.pause_s() <= least * 1.1
    await pool.clock.advance(least - 1.0)
    assert len(cloud.handshakes) == 1
    cloud.answer = None
    await pool.pass_until(pool.all_up)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="rate_limited")
    fault.logged("stream_disconnected", reason="rate_limited")


@pytest.mark.fault(
    "Stream",
    "The handshake is answered with 5xx",
    held="The collector retries with exponential backoff.",
)
async def test_a_server_error_is_retried_with_back_off(cloud, start, fault):
    cloud.answer = (500, {})
    pool = await start([A])
    await until(lambda: pool.connection.disconnects)
    assert pool.connection.state == "waiting"
    assert pool.connection.disconnects == {"connect_failed": 1}
    assert pool.pause_s() <= 2.0
    await pool.pass_until(lambda: len(cloud.handshakes) == 4)
    cloud.answer = None
    fault.right_after(await pool.pass_until(pool.all_up), 40)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="connect_failed")
    fault.logged("stream_disconnected", reason="connect_failed")


def no_such_file():
    raise FileNotFoundError(2, "No such file or directory", "/etc/token")


def not_configured():
    raise ConfigError("mist.yaml", [Fault("accounts[0].token_env", "MIST_API_TOKEN is not set")])


@pytest.mark.fault(
    "Stream",
    "The token is missing, empty or malformed",
    held="No handshake is sent. The connection state gives the reason, without the token.",
)
@pytest.mark.parametrize(
    ("token", "words"),
    [
        (no_such_file, "/etc/token"),
        (not_configured, "MIST_API_TOKEN is not set"),
        (lambda: "", "empty"),
        (lambda: "two words", "contains spaces"),
        (lambda: "line\nbreak", "not printable ASCII"),
        (lambda: "schlüssel", "not printable ASCII"),
    ],
)
async def test_a_token_that_is_not_valid(cloud, start, token, words, fault):
    pool = await start([A], token=token)
    await until(lambda: pool.connection.disconnects)
    assert pool.connection.state == "refused"
    assert words in pool.connection.last_disconnect
    for secret in ("two words", "line", "schlüssel"):
        assert secret not in pool.connection.last_disconnect
    assert cloud.handshakes == []
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="refused")
    fault.logged("stream_disconnected", reason="refused")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [((401, {}), Fatal), ((404, {}), Fatal), ((429, {}), RateLimited), ((503, {}), Retryable), ((302, {}), Fatal)],
)
async def test_the_token_is_in_no_error_and_no_log(cloud, connect, answer, kind, caplog):
    caplog.set_level(logging.DEBUG)
    cloud.answer = answer
    with pytest.raises(RemoteError) as raised:
        await connect(cloud.url, HEADERS)
    error = raised.value
    assert type(error) is kind
    assert error.status == answer[0]
    assert error.where == cloud.url
    assert error.__context__ is None
    assert error.__cause__ is None
    for text in (str(error), repr(error), *traceback.format_exception(error)):
        assert SECRET not in text
    # The server runs in this process, too, and logs the request.
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not any(SECRET in line for line in ours)


async def test_a_closed_port(cloud, connect):
    await cloud.kill()
    with pytest.raises(Retryable) as raised:
        await connect(cloud.url, HEADERS)
    assert raised.value.__context__ is None
