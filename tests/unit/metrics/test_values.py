"""Conversion of single JSON values."""

from __future__ import annotations

import math

import pytest

from collector.errors import Rejected
from collector.metrics import values
from collector.metrics.model import ValueKind


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5.0),
        (-0.5, -0.5),
        ("8", 8.0),
        ("-1.5e3", -1500.0),
        (2**53, 2.0**53),
        (10**30, 1e30),
        (None, None),
        ("", None),
        (True, values.NOT_A_NUMBER),
        ("eight", values.NOT_A_NUMBER),
        ([], values.NOT_A_NUMBER),
        ({}, values.NOT_A_NUMBER),
        (math.nan, values.NOT_FINITE),
        (math.inf, values.NOT_FINITE),
        ("nan", values.NOT_FINITE),
        ("-Infinity", values.NOT_FINITE),
        ("1e999", values.NOT_FINITE),
        (10**400, values.NOT_FINITE),
    ],
)
def test_number(value, expected):
    assert values.number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (7, 7.0),
        ("7", 7.0),
        (None, None),
        (-1, values.NEGATIVE),
        ("-1", values.NEGATIVE),
        (True, values.NOT_A_NUMBER),
        (math.nan, values.NOT_FINITE),
    ],
)
def test_count(value, expected):
    assert values.count(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        (1.0, True),
        (0.0, False),
        ("true", True),
        ("FALSE", False),
        ("1", True),
        ("0", False),
        (None, None),
        ("", None),
        (2, values.NOT_A_FLAG),
        (0.5, values.NOT_A_FLAG),
        ("yes", values.NOT_A_FLAG),
        ([], values.NOT_A_FLAG),
        ({}, values.NOT_A_FLAG),
    ],
)
def test_flag(value, expected):
    assert values.flag(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_774_576_960, 1_774_576_960.0),
        (1_774_576_960_123, 1_774_576_960_123.0),  # milliseconds are found apart when rendered
        ("1774576960", 1_774_576_960.0),
        ("2026-03-27T02:02:40Z", 1_774_576_960.0),
        ("2026-03-27T02:02:40.5+00:00", 1_774_576_960.5),
        ("2026-03-27T03:02:40+01:00", 1_774_576_960.0),
        ("2026-03-27T02:02:40", 1_774_576_960.0),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        ("soon", values.NOT_A_NUMBER),
        ("2026-13-01T00:00:00Z", values.NOT_A_NUMBER),
        (True, values.NOT_A_NUMBER),
        ([], values.NOT_A_NUMBER),
        (math.inf, values.NOT_FINITE),
    ],
)
def test_time(value, expected):
    assert values.time(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ("", ""),
        (None, None),
        (5, 5),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
        (173.3, "173.3"),
        (2.0, "2"),
        (1234567.0, "1234567"),
        (1234567.25, "1234567.25"),
        ([], values.NOT_TEXT),
        ({}, values.NOT_TEXT),
        (math.nan, values.NOT_TEXT),
        (math.inf, values.NOT_TEXT),
    ],
)
def test_text(value, expected):
    assert values.text(value) == expected
    assert type(values.text(value)) is type(expected)


def test_every_kind_can_be_converted():
    assert set(values.CONVERT) == set(ValueKind)


def test_reasons_are_bounded_words():
    reasons = [one for one in vars(values).values() if isinstance(one, Rejected)]
    assert len({one.reason for one in reasons}) == len(reasons) == 5
