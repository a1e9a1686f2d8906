"""When to try a broken stream again: pure functions of what happened and a random draw."""

from __future__ import annotations

from typing import Final

from collector.errors import Fatal, RateLimited

FIRST_CEILING_S: Final = 2.0
CEILING_S: Final = 30.0
FATAL_PAUSE_S: Final = 300.0  # a refused token may be replaced or get its rights back; until then do not hammer
_DOUBLINGS: Final = 10  # beyond the cap long before; keeps the number small


def backoff(failures: int, draw: float) -> float:
    """Seconds to wait after `failures` (1...) breaks in a row: full jitter below 2, 4, 8, 16, 30, 30... seconds.

    `draw` is uniform in [0, 1). Full jitter, so that the connections which one outage broke do not come back together.
    """
    return draw * min(CEILING_S, FIRST_CEILING_S * (1 << min(max(failures, 1) - 1, _DOUBLINGS)))


def pause_s(error: Exception | None, failures: int, draw: float) -> float:
    """Seconds to wait after a break by `error`; None: the connection was open and ended.

    Rate limited: what the answer asked for (30 s at least). Fatal: 300 s. Both plus up to a tenth, never less.
    """
    if isinstance(error, RateLimited):
        return error.retry_after_s * (1 + draw / 10)
    if isinstance(error, Fatal):
        return FATAL_PAUSE_S * (1 + draw / 10)
    return backoff(failures, draw)
