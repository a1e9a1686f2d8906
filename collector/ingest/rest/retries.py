"""What REST tries again, and after how long: two pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.errors import RateLimited, Retryable

if TYPE_CHECKING:
    import random

    from collector.errors import RemoteError

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0
SPREAD = 0.1  # share of a wait that the cloud asked for, added at random, so that shards do not return together


def is_retried(error: RemoteError) -> bool:
    """Say whether trying again can heal it: network trouble, 5xx and 429 may; 400, 401, 403 and 404 do not."""
    return isinstance(error, Retryable | RateLimited)


def backoff_s(
    attempt: int, rng: random.Random, *, first_s: float = FIRST_PAUSE_S, cap_s: float = LONGEST_PAUSE_S
) -> float:
    """Return a pause in seconds after failed `attempt` (1, 2, ...): doubling up to `cap_s`, half of it at random."""
    pause_s = min(cap_s, first_s * 2.0 ** min(attempt - 1, 32))
    return rng.uniform(pause_s / 2, pause_s)


def pause_s(error: RemoteError, attempt: int, rng: random.Random) -> float:
    """Return how long to wait before trying again; never less than a 429 asked for in `Retry-After`."""
    pause = backoff_s(attempt, rng)
    if isinstance(error, RateLimited):
        asked_s = error.retry_after_s
        return max(pause, asked_s + rng.uniform(0.0, SPREAD * asked_s))
    return pause
