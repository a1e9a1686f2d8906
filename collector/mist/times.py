"""Every way in which Mist writes a moment, read as one: Unix seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

_MILLISECONDS_FROM: Final = 1e11  # as seconds that would be the year 5138; as milliseconds it is 1973
_NUMERIC: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]*)?").fullmatch


def epoch_s(value: object) -> float | None:
    """Return the moment in `value` as seconds since 1970 (UTC), or None when it names none.

    Reads seconds and milliseconds (above 1e11), both also as text, and ISO 8601 (UTC where it names no zone).
    None for 1970 and before - Mist's "0001-01-01T00:00:00Z" and a zero mean "never" - for what would lie beyond
    the year 5138 even as milliseconds, for NaN and for every other type.
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
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
