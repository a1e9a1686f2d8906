"""Counters that are counted here: born at zero, within caps."""

from __future__ import annotations

import pytest

from collector.metrics.counter_table import OTHER, CounterTable, LabelLimiter
from collector.metrics.model import Counter, Entity, Gauge, Histogram
from collector.metrics.store import Store
from tests.support.bench import exposed

EVENTS = Entity(
    "events",
    labels=("site_id", "type"),
    ttl_s=None,
    families=(
        Counter("events_total", None, "Events."),
        Histogram("event_delay_seconds", "Delays.", (0.1, 1.0, 10.0)),
        Gauge("event_last", None, "Last."),
    ),
)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def tally(store) -> CounterTable:
    return CounterTable(store, EVENTS)


def series(store, name: str) -> dict[str, float]:
    """One metric's samples by its labels."""
    return {key.removeprefix(name): value for key, value in exposed(store).items() if key.startswith(name + "{")}


class TestCounting:
    def test_a_row_is_born_at_zero(self, store, tally):
        tally.born(("s", "t"))
        assert series(store, "events_total") == {'{site_id="s",type="t"}': 0.0}
        assert series(store, "event_delay_seconds_count") == {'{site_id="s",type="t"}': 0.0}

    def test_it_is_born_once(self, tally):
        row = tally.born(("s", "t"))
        tally.add(("s", "t"))
        assert tally.born(("s", "t")) == row
        assert tally.table.get(row, 1) == 1.0
        assert len(tally) == 1
        assert ("s", "t") in tally
        assert ("s", "u") not in tally

    def test_counting(self, store, tally):
        tally.add(("s", "t"))
        tally.add(("s", "t"), by=2.5)
        tally.add(("s", "u"), tally.table.column("events_total"))
        assert series(store, "events_total") == {'{site_id="s",type="t"}': 3.5, '{site_id="s",type="u"}': 1.0}

    def test_other_columns(self, store, tally):
        tally.add(("s", "t"), tally.table.column("event_last"), -4.0)
        assert series(store, "event_last") == {'{site_id="s",type="t"}': -4.0}

    def test_empty_labels_are_left_out(self, store, tally):
        tally.add(("", "t"))
        assert series(store, "events_total") == {'{type="t"}': 1.0}

    def test_forgetting(self, store, tally):
        for site in ("a", "b"):
            tally.add((site, "t"))
        tally.forget(lambda values: values[0] == "a")
        assert series(store, "events_total") == {'{site_id="b",type="t"}': 1.0}
        assert len(tally) == 1

    def test_what_was_marked_and_then_silent_is_found(self, tally):
        tally.born(("a", "never marked"))
        for site, now in (("b", 100.0), ("c", 200.0), ("b", 300.0)):
            tally.mark((site, "t"), now)
        assert list(tally.silent(200.0)) == [[]]
        assert list(tally.silent(201.0)) == [[("c", "t")]]
        assert list(tally.silent(301.0)) == [[("b", "t"), ("c", "t")]]

    def test_what_was_forgotten_begins_at_zero(self, store, tally):
        tally.add(("a", "t"))
        tally.forget(lambda _: True)
        tally.add(("a", "t"))
        assert series(store, "events_total") == {'{site_id="a",type="t"}': 1.0}


class TestHistograms:
    @pytest.mark.parametrize(
        ("value", "bucket"),
        [
            (-1.0, "0.1"),
            (0.0, "0.1"),
            (0.1, "0.1"),
            (0.100001, "1.0"),
            (1.0, "1.0"),
            (10.0, "10.0"),
            (10.5, "+Inf"),
            (1e9, "+Inf"),
        ],
    )
    def test_a_bound_belongs_to_its_bucket(self, store, tally, value, bucket):
        tally.observe(("s", "t"), "event_delay_seconds", value)
        buckets = {key.split('le="')[1][:-2]: n for key, n in series(store, "event_delay_seconds_bucket").items()}
        bounds = ["0.1", "1.0", "10.0", "+Inf"]
        assert buckets == {bound: float(bounds.index(bound) >= bounds.index(bucket)) for bound in bounds}

    def test_sum_and_count(self, store, tally):
        for value in (0.05, 0.5, 5.0, 50.0):
            tally.observe(("s", "t"), "event_delay_seconds", value)
        assert series(store, "event_delay_seconds_sum") == {'{site_id="s",type="t"}': 55.55}
        assert series(store, "event_delay_seconds_count") == {'{site_id="s",type="t"}': 4.0}

    def test_rows_are_apart(self, store, tally):
        tally.observe(("s", "t"), "event_delay_seconds", 1.0)
        tally.observe(("s", "u"), "event_delay_seconds", 2.0)
        assert series(store, "event_delay_seconds_sum") == {
            '{site_id="s",type="t"}': 1.0,
            '{site_id="s",type="u"}': 2.0,
        }

    def test_only_its_own(self, tally):
        with pytest.raises(KeyError):
            tally.observe(("s", "t"), "another_seconds", 1.0)


class TestBounded:
    def test_what_is_known_is_always_admitted(self):
        types = LabelLimiter(("a", "b"), unknown=0)
        assert [types.admit(value) for value in "abcab"] == ["a", "b", OTHER, "a", "b"]
        assert types.refused == 1

    def test_so_many_unknown_ones(self):
        types = LabelLimiter(("a",), unknown=2)
        assert [types.admit(value) for value in "xyzxyaz"] == ["x", "y", OTHER, "x", "y", "a", OTHER]
        assert types.refused == 2

    def test_a_place_is_free_again(self):
        types = LabelLimiter(("a",), unknown=2)
        assert [types.admit(value) for value in "axyz"] == ["a", "x", "y", OTHER]
        types.release(["a", "x", "never heard of"])
        assert [types.admit(value) for value in "azx"] == ["a", "z", OTHER]

    def test_what_is_learnt_later(self):
        types = LabelLimiter(("a",), unknown=1)
        types.know(("b", "c", "d"), limit=3)
        assert [types.admit(value) for value in "abcd"] == ["a", "b", "c", "d"]
        assert types.admit("e") == OTHER


class TestRelabel:
    def test_rows_concerned(self, store):
        names = {"s": "old", "t": "old"}
        store.extra_labels = lambda labels: {"site_name": names.get(labels["site_id"], "")}
        tally = CounterTable(store, EVENTS)
        tally.add(("s", "x"))
        tally.add(("t", "x"))
        names.update(s="new", t="new")
        tally.relabel(lambda values: values[0] == "s")
        assert set(series(store, "events_total")) == {
            '{site_id="s",type="x",site_name="new"}',
            '{site_id="t",type="x",site_name="old"}',
        }
        assert tally in store.counter_tables
