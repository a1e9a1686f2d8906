"""Conversion of the time formats that Mist uses to Unix seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

_MILLISECONDS_FROM: Final = 1e11  # seconds: the year 5138; milliseconds: 1973
_NUMERIC: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]*)?").fullmatch


def epoch_s(value: object) -> float | None:
    """Return a time as seconds since 1970 (UTC), or None if `value` is not a time.

    Accepts seconds and milliseconds (above 1e11), both as numbers or text, and ISO 8601 (UTC if it has no time zone).
    Returns None for 1970 and earlier (Mist writes "never" as "0001-01-01T00:00:00Z" or 0), for times after the year
    5138, for NaN and for other types.
    """
    if isinstance(value, str):
        value = float(value) if _NUMERIC(value) else _iso_s(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if 0 < value < _MILLISECONDS_FROM:
        return float(value)
    if _MILLISECONDS_FROM <= value < _MILLISECONDS_FROM * 1000:
        return value / 1000
    return None


def _iso_s(text: str) -> float | None:
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
