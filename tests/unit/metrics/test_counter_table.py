"""Computed rows: they start at 0, within limits."""

from __future__ import annotations

import pytest

from collector.metrics.counter_table import OTHER, CounterTable, LabelLimiter, counter_tables
from collector.metrics.labels import MAX_VALUE_CHARS
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
def table(store) -> CounterTable:
    return CounterTable(store, EVENTS)


def series(store, name: str) -> dict[str, float]:
    """Return the samples of a metric by their labels."""
    return {key.removeprefix(name): value for key, value in exposed(store).items() if key.startswith(name + "{")}


class TestCounting:
    def test_a_row_starts_at_zero(self, store, table):
        table.row(("s", "t"))
        assert series(store, "events_total") == {'{site_id="s",type="t"}': 0.0}
        assert series(store, "event_delay_seconds_count") == {'{site_id="s",type="t"}': 0.0}

    def test_a_row_is_created_once(self, table):
        row = table.row(("s", "t"))
        table.add(("s", "t"))
        assert table.row(("s", "t")) == row
        assert table.table.get(row, 1) == 1.0
        assert len(table) == 1
        assert ("s", "t") in table
        assert ("s", "u") not in table

    def test_counting(self, store, table):
        table.add(("s", "t"))
        table.add(("s", "t"), by=2.5)
        table.add(("s", "u"), table.table.column("events_total"))
        assert series(store, "events_total") == {'{site_id="s",type="t"}': 3.5, '{site_id="s",type="u"}': 1.0}

    def test_other_columns(self, store, table):
        table.add(("s", "t"), table.table.column("event_last"), -4.0)
        assert series(store, "event_last") == {'{site_id="s",type="t"}': -4.0}

    def test_empty_labels_are_left_out(self, store, table):
        table.add(("", "t"))
        assert series(store, "events_total") == {'{type="t"}': 1.0}

    def test_removed_rows_end(self, store, table):
        for site in ("a", "b"):
            table.add((site, "t"))
        table.remove(lambda values: values[0] == "a")
        assert series(store, "events_total") == {'{site_id="b",type="t"}': 1.0}
        assert len(table) == 1

    def test_unused_rows(self, table):
        table.row(("a", "never touched"))
        for site, now in (("b", 100.0), ("c", 200.0), ("b", 300.0)):
            table.touch((site, "t"), now)
        assert list(table.unused_since(200.0)) == [[]]
        assert list(table.unused_since(201.0)) == [[("c", "t")]]
        assert list(table.unused_since(301.0)) == [[("b", "t"), ("c", "t")]]

    def test_a_row_that_was_removed_starts_at_zero_again(self, store, table):
        table.add(("a", "t"))
        table.remove(lambda _: True)
        table.add(("a", "t"))
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
    def test_a_bound_belongs_to_its_bucket(self, store, table, value, bucket):
        table.observe(("s", "t"), "event_delay_seconds", value)
        buckets = {key.split('le="')[1][:-2]: n for key, n in series(store, "event_delay_seconds_bucket").items()}
        bounds = ["0.1", "1.0", "10.0", "+Inf"]
        assert buckets == {bound: float(bounds.index(bound) >= bounds.index(bucket)) for bound in bounds}

    def test_sum_and_count(self, store, table):
        for value in (0.05, 0.5, 5.0, 50.0):
            table.observe(("s", "t"), "event_delay_seconds", value)
        assert series(store, "event_delay_seconds_sum") == {'{site_id="s",type="t"}': 55.55}
        assert series(store, "event_delay_seconds_count") == {'{site_id="s",type="t"}': 4.0}

    def test_rows_are_independent(self, store, table):
        table.observe(("s", "t"), "event_delay_seconds", 1.0)
        table.observe(("s", "u"), "event_delay_seconds", 2.0)
        assert series(store, "event_delay_seconds_sum") == {
            '{site_id="s",type="t"}': 1.0,
            '{site_id="s",type="u"}': 2.0,
        }

    def test_a_histogram_of_another_entity(self, table):
        with pytest.raises(KeyError):
            table.observe(("s", "t"), "another_seconds", 1.0)


class TestLabelLimiter:
    def test_known_values_are_always_admitted(self):
        types = LabelLimiter(("a", "b"), unknown=0)
        assert [types.admit(value) for value in "abcab"] == ["a", "b", OTHER, "a", "b"]
        assert types.refused == 1

    def test_a_limited_number_of_other_values(self):
        types = LabelLimiter(("a",), unknown=2)
        assert [types.admit(value) for value in "xyzxyaz"] == ["x", "y", OTHER, "x", "y", "a", OTHER]
        assert types.refused == 2

    def test_released_values_make_room(self):
        types = LabelLimiter(("a",), unknown=2)
        assert [types.admit(value) for value in "axyz"] == ["a", "x", "y", OTHER]
        types.release(["a", "x", "another"])
        assert [types.admit(value) for value in "azx"] == ["a", "z", OTHER]

    def test_learned_values(self):
        types = LabelLimiter(("a",), unknown=1)
        types.learn(("b", "c", "d"), limit=3)
        assert [types.admit(value) for value in "abcd"] == ["a", "b", "c", "d"]
        assert types.admit("e") == OTHER


class TestRelabel:
    def test_matching_rows(self, store):
        names = {"s": "old", "t": "old"}
        store.extra_labels = lambda labels: {"site_name": names.get(labels["site_id"], "")}
        table = CounterTable(store, EVENTS)
        table.add(("s", "x"))
        table.add(("t", "x"))
        names.update(s="new", t="new")
        table.relabel(lambda values: values[0] == "s")
        assert set(series(store, "events_total")) == {
            '{site_id="s",type="x",site_name="new"}',
            '{site_id="t",type="x",site_name="old"}',
        }
        assert table in store.counter_tables


class TestRowLimit:
    """Combinations above the limit are counted under `other`."""

    @pytest.fixture
    def table(self, store):
        return CounterTable(store, EVENTS, max_rows=2, keep=1)

    def test_above_the_limit(self, store, table):
        for type_ in "abcd":
            table.add(("s", type_))
        table.add(("s", "a"))
        assert series(store, "events_total") == {
            '{site_id="s",type="a"}': 2.0,
            '{site_id="s",type="b"}': 1.0,
            '{site_id="s",type="other"}': 2.0,
        }
        assert table.refused == 2

    def test_rows_with_other_do_not_count(self, store, table):
        for site in "stu":
            for type_ in "ab":
                table.add((site, type_))
        assert len(table) == 4  # two of the first site, `other` of the two other sites
        assert table.refused == 4

    def test_created_rows_do_not_count(self, table):
        for number in range(10):
            table.create(("s", str(number)))
        table.add(("s", "a"))
        table.add(("s", "b"))
        table.add(("s", "c"))
        assert (len(table), table.refused) == (13, 1)

    def test_a_removed_row_makes_room(self, table):
        for type_ in "abc":
            table.add(("s", type_))
        table.remove(lambda values: values[1] == "a")
        table.add(("s", "d"))
        assert table.refused == 1
        assert ("s", "d") in table

    def test_the_limit_may_change(self, store):
        limit = [1]
        table = CounterTable(store, EVENTS, max_rows=lambda: limit[0])
        table.add(("s", "a"))
        table.add(("s", "b"))
        limit[0] = 2
        table.add(("s", "c"))
        assert list(table) == [("s", "a"), ("other", "other"), ("s", "c")]

    def test_a_histogram_above_the_limit(self, store, table):
        for type_ in "abcd":
            table.observe(("s", type_), "event_delay_seconds", 5.0)
        assert series(store, "event_delay_seconds_count")['{site_id="s",type="other"}'] == 2.0

    def test_admitted_values_have_a_row(self, table):
        assert table.admit(("s", "a")) == ("s", "a")
        for type_ in "abc":
            table.add(("s", type_))
        assert table.admit(("s", "d")) == ("s", "other")
        assert ("s", "other") in table

    def test_every_table_of_a_store_is_listed(self, store, table):
        assert counter_tables(store) == [table]
        assert table.family == "events_total"


class TestLongValues:
    """A limiter keeps shortened values only."""

    def test_a_long_value_is_shortened(self):
        limiter = LabelLimiter(unknown=2)
        shown = limiter.admit("x" * 10_000_000)
        assert len(shown) == MAX_VALUE_CHARS
        assert limiter.admit("x" * 10_000_000) == shown
        assert max(map(len, limiter._admitted)) == MAX_VALUE_CHARS

    def test_learned_values_are_shortened(self):
        limiter = LabelLimiter(unknown=0)
        limiter.learn(["x" * 1000], limit=5)
        assert len(limiter.admit("x" * 1000)) == MAX_VALUE_CHARS
        assert limiter.refused == 0
