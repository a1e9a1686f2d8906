import pytest

from collector.backoff import backoff_s, pause_s, retry_after_s
from collector.errors import Fatal, RateLimited, Retryable

TODAY = "Mon, 24 Nov 2025 10:00:00 GMT"
UNIX = 1763978400.0  # the same


@pytest.mark.parametrize(
    ("failures", "ceiling"), [(0, 2), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (10**9, 30)]
)
def test_full_jitter_below_a_ceiling_that_doubles(failures, ceiling):
    assert backoff_s(failures, 0.0) == 0.0
    assert backoff_s(failures, 0.5) == ceiling / 2
    assert backoff_s(failures, 0.999) < ceiling


def test_first_pause_and_ceiling_are_arguments():
    assert [backoff_s(failures, 0.5, first_s=60.0, ceiling_s=200.0) for failures in (1, 2, 3)] == [30.0, 60.0, 100.0]


@pytest.mark.parametrize("error", [None, Retryable("down"), RuntimeError("bug")])
def test_a_transient_error_backs_off(error):
    assert pause_s(error, 3, 0.5) == 4.0


@pytest.mark.parametrize("failures", [1, 99])
@pytest.mark.parametrize(
    ("error", "least"), [(RateLimited(30.0), 30.0), (RateLimited(798.0), 798.0), (Fatal("no", status=401), 300.0)]
)
def test_a_requested_pause_is_never_shortened(error, least, failures):
    assert pause_s(error, failures, 0.0) == least
    assert least < pause_s(error, failures, 0.999) < least * 1.1


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
        ({"Retry-After": "9" * 5000}, 30.0),
        ({"Retry-After": "\u0663\u0663\u0663"}, 30.0),  # digits, but not ASCII
        ({"Retry-After": "tomorrow", "Date": TODAY}, 30.0),
        ({"Retry-After": "Mon, 24 Nov 2025 10:02:00 GMT", "Date": TODAY}, 120.0),
        ({"Retry-After": "Mon, 24 Nov 2025 10:02:00 GMT", "Date": "Mon, 24 Nov 2025 10:01:00 GMT"}, 60.0),
        ({"Retry-After": "Mon, 24 Nov 2025 10:02:00 GMT", "Date": "today"}, 120.0),  # compared with the own clock
        ({"Retry-After": "Mon, 24 Nov 2025 10:02:00 GMT"}, 120.0),
        ({"Retry-After": "Mon, 24 Nov 2025 10:02:00"}, 120.0),  # without a zone: UTC
        ({"Retry-After": "Mon Nov 24 10:02:00 2025"}, 120.0),  # asctime, RFC 9110 5.6.7
        ({"Retry-After": "Mon, 24 Nov 2025 09:00:00 GMT", "Date": TODAY}, 30.0),
        ({"Retry-After": "Mon, 24 Nov 20252025202520252025 10:02:00 GMT"}, 30.0),
        ({"Retry-After": "Mon, 24 Nov 2025 10:02:00 +9999999999"}, 30.0),
        ({"Retry-After": "Mon, 24 Nov 9999 23:59:59 -2359"}, 3600.0),
        ({"Retry-After": "Mon, 24 Nov 0001 00:00:00 +2359"}, 30.0),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after_s(headers, UNIX) == seconds
