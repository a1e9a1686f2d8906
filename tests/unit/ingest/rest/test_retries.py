"""What is tried again, and when."""

from __future__ import annotations

import random

import pytest

from collector.errors import Fatal, RateLimited, RemoteError, Retryable
from collector.ingest.rest.retries import backoff_s, is_retried, pause_s


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (Retryable("reset by peer"), True),
        (RateLimited(30.0), True),
        (Fatal("refused", status=403), False),
        (RemoteError("unknown"), False),
    ],
)
def test_only_what_heals_is_retried(error, retried):
    assert is_retried(error) is retried


@pytest.mark.parametrize(("attempt", "longest"), [(1, 2.0), (2, 4.0), (4, 16.0), (5, 30.0), (10_000, 30.0)])
def test_the_pause_doubles_to_a_cap_and_is_spread_over_its_upper_half(attempt, longest):
    pauses = [backoff_s(attempt, random.Random(seed)) for seed in range(200)]
    assert all(longest / 2 <= pause <= longest for pause in pauses)
    assert max(pauses) - min(pauses) > longest / 4


def test_a_429_is_never_asked_again_before_its_time():
    pauses = [pause_s(RateLimited(798.0), 1, random.Random(seed)) for seed in range(200)]
    assert all(798.0 <= pause <= 798.0 * 1.1 for pause in pauses)
    assert len(set(pauses)) > 100


def test_a_429_that_asks_for_little_still_backs_off():
    assert pause_s(RateLimited(1.0), 5, random.Random(1)) >= 15.0
