"""When to try again: exponential backoff with full jitter, and the `Retry-After` header of an HTTP answer.

Pure functions: a random draw and the present time are arguments, so that tests own both.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from collector.errors import Fatal, RateLimited

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_CEILING_S: Final = 2.0
CEILING_S: Final = 30.0
FATAL_PAUSE_S: Final = 300.0  # a rejected token may be replaced or regain its rights
MIN_RETRY_AFTER_S: Final = 30.0  # Mist's documentation: after a 429 wait at least this long
MAX_RETRY_AFTER_S: Final = 3600.0  # Mist's rate limits reset every hour
_JITTER: Final = 0.1  # share of a requested pause that is added at random, so that shards do not return together
_MAX_DOUBLINGS: Final = 32  # every ceiling is reached long before
_MAX_SECONDS_DIGITS: Final = 9
_MAX_HEADER_LENGTH: Final = 64


def backoff_s(failures: int, draw: float, *, first_s: float = FIRST_CEILING_S, ceiling_s: float = CEILING_S) -> float:
    """Return the pause after `failures` consecutive failures: exponential backoff with full jitter.

    Full jitter spreads the attempts of connections that one outage disconnected.

    Args:
        failures: consecutive failures, from 1.
        draw: a uniform random number in [0, 1).
        first_s: upper bound of the first pause, in seconds; it doubles with each failure.
        ceiling_s: upper bound of every pause, in seconds.
    """
    return draw * min(ceiling_s, first_s * 2.0 ** min(max(failures, 1) - 1, _MAX_DOUBLINGS))


def pause_s(error: Exception | None, failures: int, draw: float) -> float:
    """Return the pause before the next attempt after `error`, in seconds.

    `RateLimited`: the pause that the server requested. `Fatal`: `FATAL_PAUSE_S`. Both plus up to 10 % jitter, never
    less. Any other error, or None for a connection that ended in order: `backoff_s`.
    """
    if isinstance(error, RateLimited):
        return error.retry_after_s * (1 + _JITTER * draw)
    if isinstance(error, Fatal):
        return FATAL_PAUSE_S * (1 + _JITTER * draw)
    return backoff_s(failures, draw)


def retry_after_s(headers: Mapping[str, str], unix_time: float) -> float:
    """Return the pause that a 429 answer requests, in seconds, between `MIN_RETRY_AFTER_S` and `MAX_RETRY_AFTER_S`.

    Args:
        headers: the headers of the answer. `Retry-After` is a number of seconds or an HTTP date (RFC 9110 10.2.3); a
            date is compared with the answer's own `Date` header, or with `unix_time` when there is none.
        unix_time: the present time, seconds since the epoch.

    A missing or malformed header gives `MIN_RETRY_AFTER_S`.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) <= _MAX_SECONDS_DIGITS:
        requested_s = float(text)
    else:
        until = _http_date(text)
        now = _http_date(headers.get("Date", ""))
        requested_s = 0.0 if until is None else until - (unix_time if now is None else now)
    return min(MAX_RETRY_AFTER_S, max(MIN_RETRY_AFTER_S, requested_s))


def _http_date(text: str) -> float | None:
    """Return an HTTP date as seconds since the epoch, None when it is not one. A date without a zone is in UTC."""
    if len(text) > _MAX_HEADER_LENGTH:
        return None
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except Exception:  # noqa: BLE001 - a parser of remote input: whatever it raises, the text is not a date
        return None
