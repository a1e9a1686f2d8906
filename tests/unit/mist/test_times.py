from __future__ import annotations

import math

import pytest

from collector.mist.times import epoch_s

READ = [
    (1552408871, 1552408871.0),
    (1763546876.209649, 1763546876.209649),
    (1782127701568, 1782127701.568),  # nac-accounting, captured
    (1782127701568.0, 1782127701.568),
    ("1552408871", 1552408871.0),
    ("1763546876.25", 1763546876.25),
    ("1782127701568", 1782127701.568),
    ("2026-06-22T11:28:21Z", 1782127701.0),
    ("2026-06-22T11:28:21.5Z", 1782127701.5),
    ("2026-06-22T13:28:21+02:00", 1782127701.0),
    ("2026-06-22T11:28:21", 1782127701.0),
    ("2026-06-22 11:28:21", 1782127701.0),
    (99_999_999_999, 99_999_999_999.0),
    (100_000_000_001, 100_000_000.001),
]

NONE = [
    None,
    True,
    0,
    -1,
    0.0,
    "0",
    "",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1970-01-01T00:00:00Z",
    "yesterday",
    "nan",
    "inf",
    "1_552_408_871",
    " 1552408871",
    "-1552408871",
    "\u0661\u0662\u0663",
    math.nan,
    math.inf,
    -math.inf,
    1e300,
    10**400,
    "9" * 400,
    1782127701568000,  # microseconds would be read as a far future
    [1552408871],
    {"timestamp": 1},
]


@pytest.mark.parametrize(("value", "seconds"), READ)
def test_a_time_is_converted_to_unix_seconds(value, seconds):
    converted = epoch_s(value)
    assert isinstance(converted, float)
    assert converted == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("value", NONE)
def test_other_values_are_none(value):
    assert epoch_s(value) is None
