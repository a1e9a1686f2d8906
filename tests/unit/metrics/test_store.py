"""Tables and rows: columns, creation, release, quarantine during scrapes, flushes."""

from __future__ import annotations

import math

import pytest

from collector.metrics.model import Counter, Entity, Gauge, Histogram, Info, StateSet
from collector.metrics.store import Store
from collector.metrics.text_format import render
from tests.support.bench import exposed

THING = Entity(
    "thing",
    labels=("name",),
    families=(
        Gauge("thing_heat", "heat", "Heat."),
        Gauge("thing_level", "left", "Level.", labels={"side": "left"}),
        Gauge("thing_level", "right", "Level.", labels={"side": "right"}),
        StateSet("thing_state", "state", "State.", ("on", "off")),
        Info("thing_info", {"model": "model"}, "Names."),
        Histogram("thing_wait_seconds", "Waits.", (1.0, 2.0)),
    ),
)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def table(store):
    return store.table(THING)


def label(number: int) -> bytes:
    """The label text of a row."""
    return f'name="{number}"'.encode()


class TestColumns:
    def test_a_column_is_found_by_family_and_constant_labels(self, table):
        assert table.column("thing_heat") == 1
        assert {table.column("thing_level", side=side) for side in ("left", "right")} == {2, 3}
        assert [table.column("thing_state", state=state) for state in ("on", "off", "other")] == [4, 5, 6]
        assert table.column("thing_wait_seconds") == 7
        assert table.width == 11

    def test_an_unknown_column_is_a_key_error(self, table):
        with pytest.raises(KeyError):
            table.column("thing_level")

    def test_columns_are_unique(self, store):
        twice = Entity("twice", labels=("a",), families=(Gauge("x", "a", "X."), Gauge("x", "b", "X.")))
        with pytest.raises(ValueError, match="twice: x has two columns"):
            store.table(twice)

    def test_a_family_has_one_help_text(self, store, table):
        other = Entity("other", labels=("a",), families=(Gauge("thing_heat", "a", "Something else."),))
        with pytest.raises(ValueError, match="thing_heat has two types or two HELP texts"):
            store.table(other)

    def test_a_family_has_one_type(self, store):
        store.table(Entity("one", labels=("a",), families=(Gauge("x_total", "a", "X."),)))
        with pytest.raises(ValueError, match="has two types or two HELP texts"):
            store.table(Entity("two", labels=("a",), families=(Counter("x_total", "a", "X."),)))

    def test_a_family_can_have_several_tables(self, store, table):
        other = store.table(Entity("other", labels=("a",), families=(Gauge("thing_heat", "a", "Heat."),)))
        table.set(table.new_row(label(1)), 1, 5.0)
        other.set(other.new_row(b'a="2"'), 1, 6.0)
        assert exposed(store) == {'thing_heat{name="1"}': 5.0, 'thing_heat{a="2"}': 6.0}

    def test_a_table_has_one_entity(self, store, table):
        assert store.table(THING) is table
        with pytest.raises(ValueError, match="two entities are named thing"):
            store.table(Entity("thing", families=()))


class TestRows:
    def test_a_new_row_is_all_holes(self, store, table):
        row = table.new_row(label(1))
        assert all(math.isnan(table.get(row, column)) for column in range(table.width))
        assert exposed(store) == {}

    def test_values_are_of_their_row(self, table):
        rows = [table.new_row(label(number)) for number in range(5)]
        for row in rows:
            table.set(row, 1, float(row))
        assert [table.get(row, 1) for row in rows] == [0.0, 1.0, 2.0, 3.0, 4.0]

    def test_growth_keeps_the_values(self, table):
        """The array moves while it grows; a writer holds it, not its memory."""
        held = table.values
        for number in range(1000):
            table.set(table.new_row(label(number)), 1, float(number))
        assert table.values is held
        assert [table.get(row, 1) for row in table.rows()] == [float(n) for n in range(1000)]
        assert len(table) == 1000

    def test_a_reused_row_is_blank(self, store, table):
        row = table.new_row(label(1))
        table.set(row, 1, 5.0)
        table.free_row(row)
        assert len(table) == 0
        assert exposed(store) == {}
        assert table.new_row(label(2)) == row
        assert math.isnan(table.get(row, 1))

    def test_a_row_is_freed_once(self, table):
        row = table.new_row(label(1))
        table.free_row(row)
        with pytest.raises(ValueError, match="row 0 is already free"):
            table.free_row(row)

    def test_rows_in_use(self, table):
        rows = [table.new_row(label(number)) for number in range(4)]
        table.free_row(rows[1])
        assert list(table.rows()) == [0, 2, 3]

    def test_the_whole_ending_is_inherited_by_default(self, table):
        assert table.inherited_labels(table.new_row(b'name="1"', b',x="2"')) == (b'name="1"', b',x="2"')
        assert table.inherited_labels(table.new_row(b'name="1"', b',x="2"', 0)) == (b'name="1"', b"")


class TestQuarantine:
    """A row that is freed while an exposition is under way does not become another series in it."""

    def test_a_freed_row_is_not_reused(self, store, table):
        row = table.new_row(label(1))
        store.begin_scrape()
        table.free_row(row)
        assert table.new_row(label(2)) != row

    def test_the_same_key_reuses_it(self, store, table):
        row = table.new_row(label(1))
        store.begin_scrape()
        table.free_row(row)
        assert table.new_row(label(1)) == row

    def test_it_ends_with_the_last_scrape(self, store, table):
        row = table.new_row(label(1))
        scrapes = [store.begin_scrape(), store.begin_scrape()]
        table.free_row(row)
        store.end_scrape(scrapes[1])
        assert table.new_row(label(2)) != row
        store.end_scrape(scrapes[0])
        assert table.new_row(label(3)) == row

    def test_scrapes_that_always_overlap_release_rows(self, store, table):
        scrape = store.begin_scrape()
        for number in range(100):
            table.free_row(table.new_row(label(number)))
            following = store.begin_scrape()
            store.end_scrape(scrape)
            scrape = following
        assert len(table.labels) <= 3

    def test_a_quarantined_row_is_not_in_use(self, store, table):
        rows = [table.new_row(label(number)) for number in range(3)]
        scrape = store.begin_scrape()
        table.free_row(rows[1])
        assert len(table) == 2
        store.end_scrape(scrape)
        assert len(table) == 2

    def test_only_one_of_two_rows_with_equal_labels_is_quarantined(self, store, table):
        rows = [table.new_row(label(1)), table.new_row(label(1))]
        store.begin_scrape()
        for row in rows:
            table.free_row(row)
        assert {table.new_row(label(1)), table.new_row(label(2))} == set(rows)

    def test_no_series_appears_twice_in_one_exposition(self, store, table):
        """Half of an exposition is out when its first row ends and another is made."""
        rows = [table.new_row(label(number)) for number in range(3)]
        for row in rows:
            table.set(row, 1, 1.0)
            table.set(row, 2, 1.0)
        scrape = store.begin_scrape()
        chunks = render(store)
        found = next(chunks)
        table.free_row(rows[0])
        table.set(table.new_row(label(7)), 1, 1.0)
        table.set(table.new_row(label(0)), 2, 1.0)
        found += b"".join(chunks)
        store.end_scrape(scrape)
        lines = [line.rpartition(" ")[0] for line in found.decode().splitlines() if not line.startswith("#")]
        assert len(set(lines)) == len(lines)


def test_series_by_family_are_those_of_the_last_exposition(store, table):
    table.set(table.new_row(label(1)), 1, 1.0)
    assert store.series_by_family() == {}
    exposed(store)
    assert store.series_by_family() == {"thing_heat": 1}
    table.free_row(0)
    exposed(store)
    assert store.series_by_family() == {}


class TestFlush:
    @pytest.fixture
    def now(self) -> list[float]:
        return [100.0]

    @pytest.fixture
    def counted(self) -> Entity:
        return Entity("counted", labels=("name",), families=(Counter("counted_total", None, "Counted."),))

    def test_hooks_write_their_rows_in_steps(self, store):
        steps = []
        store.flush_hooks.append(lambda: iter(steps.append(number) for number in range(3)))
        store.flush_hooks.append(lambda: iter(()))
        assert len(list(store.flush())) == 3
        assert steps == [0, 1, 2]

    def test_a_row_that_a_flush_creates_may_have_been_counted_since_the_flush_before(self, now, counted):
        store = Store(lambda: now[0])
        table = store.table(counted)
        table.record_created()
        created = []

        def hook():
            row = table.new_row(label(len(created)))
            created.append(table.created[row])
            yield

        store.flush_hooks.append(hook)
        for time in (130.0, 160.0):
            now[0] = time
            list(store.flush())
        assert created == [100.0, 130.0]
        assert store.creation_time() == 160.0

    def test_a_flush_that_is_abandoned_changes_nothing(self, now):
        store = Store(lambda: now[0])
        store.flush_hooks.append(lambda: iter(range(3)))
        flush = store.flush()
        next(flush)
        assert store.creation_time() == 100.0
        flush.close()
        now[0] = 130.0
        assert store.creation_time() == 130.0
        next(store.flush())


class TestCreated:
    def test_only_tables_with_counters_or_histograms_record_it(self, store):
        table = store.table(Entity("gauges", labels=("x",), families=(Gauge("gauge", None, "G."),)))
        table.record_created()
        assert table.created is None

    def test_a_reused_row_has_the_time_of_its_last_creation(self):
        now = [100.0]
        store = Store(lambda: now[0])
        table = store.table(Entity("counted", labels=("x",), families=(Counter("c_total", None, "C."),)))
        table.record_created()
        row = table.new_row(label(1))
        table.free_row(row)
        now[0] = 200.0
        assert table.new_row(label(2)) == row
        assert list(table.created) == [200.0]
