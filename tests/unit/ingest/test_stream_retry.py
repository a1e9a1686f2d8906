import pytest

from collector.errors import Fatal, RateLimited, Retryable
from collector.ingest.stream.retry import backoff, pause_s


@pytest.mark.parametrize(
    ("failures", "ceiling"), [(0, 2), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (10**9, 30)]
)
def test_full_jitter_below_a_ceiling_that_doubles(failures, ceiling):
    assert backoff(failures, 0.0) == 0.0
    assert backoff(failures, 0.5) == ceiling / 2
    assert backoff(failures, 0.999) < ceiling


@pytest.mark.parametrize("error", [None, Retryable("down"), RuntimeError("bug")])
def test_what_may_heal_by_itself_backs_off(error):
    assert pause_s(error, 3, 0.5) == 4.0


@pytest.mark.parametrize("failures", [1, 99])
@pytest.mark.parametrize(
    ("error", "least"), [(RateLimited(30.0), 30.0), (RateLimited(798.0), 798.0), (Fatal("no", status=401), 300.0)]
)
def test_who_is_told_to_wait_waits_at_least_so_long(error, least, failures):
    assert pause_s(error, failures, 0.0) == least
    assert least < pause_s(error, failures, 0.999) < least * 1.1
