import pytest

from collector.errors import Fatal, RateLimited, Retryable
from collector.ingest.stream.disconnect import Disconnect, of_close, of_error, of_session
from collector.ingest.stream.transport import NO_CLOSE_CODE, NO_CLOSE_FRAME, Closed
from collector.mist.session import SessionFailure


@pytest.mark.parametrize(
    ("closed", "reason", "detail"),
    [
        (Closed(1001, "going away\n"), "closed_1001", "closed with code 1001 going away"),
        (Closed(NO_CLOSE_CODE), "closed_1005", "closed with code 1005"),
        (Closed(4711, "x"), "closed_other", "closed with code 4711 x"),
        (Closed(999), "closed_other", "closed with code 999"),
        (Closed(NO_CLOSE_FRAME), "lost", "the connection was lost"),
        (Closed(NO_CLOSE_FRAME, "reset"), "lost", "reset"),
        (Closed(1008, "too many", "control_flood"), "control_flood", "too many"),
        (Closed(1000, "no sesame here"), "closed_1000", "closed with code 1000 no *** here"),
    ],
)
def test_the_end_of_an_open_connection(closed, reason, detail):
    assert of_close(closed, "sesame") == Disconnect(reason, detail)


@pytest.mark.parametrize("reason", ["pong_timeout", "ack_timeout", "silent"])
def test_a_failed_session(reason):
    assert of_session(SessionFailure(reason)).reason == reason


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (RateLimited(30.0), "rate_limited", "rate limited, retry after 30 s (HTTP 429)"),
        (Fatal("no", status=401), "refused", "no (HTTP 401)"),
        (Retryable("no route", where="wss://x"), "connect_failed", "wss://x: no route"),
        (ZeroDivisionError("with a secret"), "internal_error", "ZeroDivisionError"),
    ],
)
def test_an_exception(error, reason, detail):
    assert of_error(error) == Disconnect(reason, detail, error)
