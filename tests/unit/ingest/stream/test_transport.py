import pytest

from collector.errors import Fatal, RateLimited, Retryable
from collector.ingest.stream.transport import connect_error, handshake_error, origin, peer_text

UNIX = 1763978400.0
TOKEN = "kW9zQ2hX7bTtVn5cRj3mLp8yGf4sDa6e"


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 401, 403, 404])
def test_a_rejected_handshake_needs_operator_action(status):
    error = handshake_error(status, {}, where="wss://x/y", unix_time=UNIX)
    assert (type(error), error.status, error.where) == (Fatal, status, "wss://x/y")


@pytest.mark.parametrize("status", [101, 200, 426, 500, 502, 503, 599])
def test_other_statuses_may_be_transient(status):
    assert type(handshake_error(status, {}, where="", unix_time=UNIX)) is Retryable


def test_429_waits_as_requested():
    error = handshake_error(429, {"Retry-After": "120"}, where="", unix_time=UNIX)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 120.0


def test_secrets_are_masked_in_an_error():
    secrets = [TOKEN, "proxy-password"]
    assert connect_error(OSError("no route"), secrets, where="wss://x").detail == "no route"
    assert connect_error(ValueError(f"bad header {TOKEN}"), secrets, where="wss://x").detail == "bad header ***"
    assert connect_error(ValueError(f"{TOKEN[:20]} u:proxy-password@"), secrets, where="").detail == "*** u:***@"
    assert connect_error(TimeoutError(), secrets, where="wss://x").detail == "TimeoutError"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("maintenance\n", "maintenance"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        (f"token {TOKEN}", "token ***"),
        (f"{TOKEN[:10]}\0{TOKEN[10:]}", "***"),
        ("x" * 190 + TOKEN, "x" * 190 + "***"),
        ("x" * 199 + TOKEN, "x" * 199 + "*"),
        ("x" * 10_000_000, "x" * 200),
        ("", ""),
    ],
)
def test_a_text_of_the_peer_is_printable_short_and_without_the_token(text, shown):
    assert peer_text(text, TOKEN) == shown


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
