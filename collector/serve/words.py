"""Numbers as people read them: ages, counts, sizes, times of day."""

from __future__ import annotations

import datetime as dt

_STEPS = ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h"), (float("inf"), 86_400, "d"))
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_KIB = 1024


def seconds(duration_s: float) -> str:
    """12 s, 3 min, 5 h, 9 d: one number, rounded down, never negative."""
    duration_s = max(0.0, duration_s)
    for below, unit_s, unit in _STEPS:
        if duration_s < below:
            return f"{duration_s // unit_s:.0f} {unit}"
    return "for ever"


def ago(then: float | None, now: float) -> str:
    """How long ago `then` was; "never" when it never happened."""
    return "never" if then is None else f"{seconds(now - then)} ago"


def count(number: int) -> str:
    """1234567 as 1 234 567, with spaces that do not break."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def many(number: int, one: str, more: str = "") -> str:
    """A count of things: 1 site, 3 sites, 2 switches (`more`, where an s is not enough)."""
    return f"{count(number)} {one if number == 1 else more or f'{one}s'}"


def size(number_bytes: float) -> str:
    """Bytes with a binary unit: 1.5 MiB."""
    step = 0
    while number_bytes >= _KIB and step < len(_UNITS) - 1:
        number_bytes /= _KIB
        step += 1
    return f"{number_bytes:.1f} {_UNITS[step]}" if step else f"{number_bytes:.0f} B"


def moment(unix: float) -> str:
    """A time of day in UTC, to the second: 2026-03-01 12:00:05Z."""
    return dt.datetime.fromtimestamp(unix, tz=dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def tally(counts: dict[str, int]) -> str:
    """Counts by word, the largest first: mismatch 3, missing 1."""
    parts = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{word} {count(number)}" for word, number in parts)
