"""Numbers in a form for people: durations, counts, sizes, times of day."""

from __future__ import annotations

import datetime as dt

_STEPS = ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h"), (float("inf"), 86_400, "d"))
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_KIB = 1024


def seconds(duration_s: float) -> str:
    """Return a duration as one number, rounded down and never negative: 12 s, 3 min, 5 h, 9 d."""
    duration_s = max(0.0, duration_s)
    for below, unit_s, unit in _STEPS:
        if duration_s < below:
            return f"{duration_s // unit_s:.0f} {unit}"
    return "forever"


def ago(then: float | None, now: float) -> str:
    """Return how long ago `then` was; "never" if it is None."""
    return "never" if then is None else f"{seconds(now - then)} ago"


def count(number: int) -> str:
    """Return 1234567 as 1 234 567, with narrow no-break spaces."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def many(number: int, one: str, more: str = "") -> str:
    """Return a count with its noun: 1 site, 3 sites, 2 switches (`more` is an irregular plural)."""
    return f"{count(number)} {one if number == 1 else more or f'{one}s'}"


def size(number_bytes: float) -> str:
    """Return bytes with a binary unit: 1.5 MiB."""
    step = 0
    while number_bytes >= _KIB and step < len(_UNITS) - 1:
        number_bytes /= _KIB
        step += 1
    return f"{number_bytes:.1f} {_UNITS[step]}" if step else f"{number_bytes:.0f} B"


def moment(unix: float) -> str:
    """Return a time in UTC, to the second: 2026-03-01 12:00:05Z."""
    return dt.datetime.fromtimestamp(unix, tz=dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def tally(counts: dict[str, int]) -> str:
    """Return counts by word, the largest first: mismatch 3, missing 1."""
    parts = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{word} {count(number)}" for word, number in parts)
