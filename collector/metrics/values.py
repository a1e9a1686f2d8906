"""Conversion of single JSON values on the tolerant path: one function per value kind.

Each returns the converted value, None if the value is unknown (null, empty text), or a `Rejected` with its reason. The
fast path accepts a subset of these spellings, checked in C, and returns the same values; a property test compares them.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collector.errors import Rejected
from collector.metrics.model import ValueKind

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_A_NUMBER = Rejected("not_a_number")
NOT_FINITE = Rejected("not_finite")
NEGATIVE = Rejected("negative_count")
NOT_A_FLAG = Rejected("not_a_flag")
NOT_TEXT = Rejected("not_text")

_FLAGS = {"true": True, "false": False, "1": True, "0": False}


def number(value: object) -> float | Rejected | None:
    """A finite number, also when written as text ("8", "130")."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return NOT_A_NUMBER
    try:
        converted = float(value)
    except ValueError:
        return NOT_A_NUMBER
    except OverflowError:
        return NOT_FINITE
    return converted if math.isfinite(converted) else NOT_FINITE


def count(value: object) -> float | Rejected | None:
    """A number that is not negative: a counter below zero has overflowed, which Prometheus would take for a reset."""
    converted = number(value)
    return NEGATIVE if isinstance(converted, float) and converted < 0 else converted


def flag(value: object) -> bool | Rejected | None:
    """A boolean, also as 0/1 or text."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    return _FLAGS.get(f"{value:g}" if isinstance(value, float) else str(value).lower(), NOT_A_FLAG)


def time(value: object) -> float | Rejected | None:
    """A time: a number (s or ms, distinguished when it is rendered) or ISO 8601 text; the year 1 means none."""
    converted = number(value)
    if not isinstance(converted, Rejected) or not isinstance(value, str):
        return converted
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return converted
    if moment.year == 1:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def text(value: object) -> str | int | Rejected | None:
    """Text; numbers and booleans are converted to text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return NOT_TEXT


CONVERT: dict[ValueKind, Callable[[object], object]] = {
    ValueKind.NUMBER: number,
    ValueKind.COUNT: count,
    ValueKind.FLAG: flag,
    ValueKind.TIME: time,
    ValueKind.TEXT: text,
}
