"""The record of a client: absent, null and present fields."""

import math

import pytest
from msgspec import UNSET

from collector.feeds.client_record import (
    FIELDS,
    ClientRecord,
    band_name,
    duration_s,
    flag_or,
    measured,
    text_or,
    timestamp,
)

NAN, T0 = math.nan, 1_700_000_000.0


def record(**fields):
    """Return a record in which all other fields are absent."""
    absent = [UNSET] * 9 + [NAN] * (len(FIELDS) - 9)
    return ClientRecord._make(absent)._replace(**fields)


def test_one_field_of_the_payload_per_field_of_the_record():
    assert len(FIELDS) == len(ClientRecord._fields)
    assert len(set(FIELDS)) == len(FIELDS)


@pytest.mark.parametrize(
    ("fields", "seconds", "time"),
    [
        ({"uptime": 60.0, "last_seen": T0}, 60.0, T0 - 60),
        ({"assoc_time": T0 - 90, "last_seen": T0}, 90.0, T0 - 90),
        ({"assoc_time": (T0 - 90) * 1000, "last_seen": T0 * 1000}, 90.0, T0 - 90),
        ({"uptime": 60.0, "assoc_time": T0 - 90, "last_seen": T0}, 60.0, T0 - 90),
        ({"uptime": None, "last_seen": T0}, NAN, NAN),
        ({}, NAN, NAN),
    ],
    ids=str,
)
def test_association(fields, seconds, time):
    found = record(**fields)
    assert found.associated_for_s == pytest.approx(seconds, nan_ok=True)
    assert found.associated_at == pytest.approx(time, nan_ok=True)


def test_both_names_of_the_packet_counters():
    old, new = record(rx_packets=1.0, tx_packets=2.0), record(rx_pkts=3.0, rx_packets=1.0, tx_pkts=None, tx_packets=2.0)
    assert (old.traffic[2], old.traffic[3]) == (1.0, 2.0)
    assert (new.traffic[2], new.traffic[3]) == (3.0, 2.0)


@pytest.mark.parametrize(
    ("value", "time"), [(T0, T0), (T0 * 1000, T0), (0.0, NAN), (None, NAN), (NAN, NAN), (-5.0, NAN), (1e30, NAN)]
)
def test_timestamps(value, time):
    assert timestamp(value) == pytest.approx(time, nan_ok=True)


@pytest.mark.parametrize(("value", "found"), [(0.0, True), (5.0, True), (None, False), (NAN, False)])
def test_measured(value, found):
    assert measured(value) is found


@pytest.mark.parametrize(
    ("value", "seconds"), [(300, 300.0), ("250", 250.0), (UNSET, 0.0), (None, 0.0), ([], 0.0), ("x", 0.0)]
)
def test_durations(value, seconds):
    assert duration_s(value) == seconds


def test_texts_and_flags():
    assert [text_or(value, "before") for value in (UNSET, None, "", "new", 7)] == ["before", "", "", "new", "7"]
    assert [flag_or(value, before=True) for value in (NAN, None, 0.0, 1.0, False)] == [True, False, False, True, False]


@pytest.mark.parametrize(
    ("text", "band"), [("24", "2.4"), ("2.4GHz", "2.4"), ("5-dedicated", "5"), ("6", "6"), ("", "")]
)
def test_bands(text, band):
    assert band_name(text) == band
