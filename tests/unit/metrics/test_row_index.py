"""Rows of objects: creation, removal, expiry, change of kind, change of labels."""

from __future__ import annotations

import pytest

from collector.metrics.compiler import ObjectKind
from collector.metrics.model import BY_KEY, Entity, Gauge
from collector.metrics.row_index import NO_ROW, RowIndex
from collector.metrics.store import Store
from tests.support.bench import Bench, exposed

RECORD = Entity("record", labels=("mac",), ttl_s=None, families=(Gauge("up", "up", "Up."),))
STATS = Entity("stats", labels=("mac",), ttl_s=100.0, families=(Gauge("clients", "clients", "Clients."),))
OTHERS = Entity("others", labels=("mac",), ttl_s=100.0, families=(Gauge("ports", "ports", "Ports."),))
PORT = Entity(
    "port",
    within=STATS,
    at="port.{port}",
    labels={"port": BY_KEY},
    ttl_s=50.0,
    families=(Gauge("port_up", "up", "Up."),),
)
UNIT = Entity(
    "unit", within=PORT, at="units[*]", labels={"unit": BY_KEY}, ttl_s=20.0, families=(Gauge("unit_up", "up", "Up."),)
)

EVERYTHING = {"up": 1, "clients": 2, "port": {"a": {"up": 1, "units": [{"up": 1}]}}}


@pytest.fixture
def bench() -> Bench:
    return Bench((RECORD, STATS), PORT, UNIT)


class TestObjects:
    def test_an_identity_has_one_object(self, bench):
        place = bench.kind.object_rows("m", ("m",))
        assert bench.kind.object_rows("m", ("m",)) is place
        assert bench.row_index.objects == {"m": place}

    def test_the_first_message_creates_the_rows(self, bench):
        place = bench.kind.object_rows("m", ("m",))
        assert place.rows == [NO_ROW, NO_ROW]
        bench.apply({})
        assert place.rows == [0, 0]

    def test_other_labels_end_its_rows(self, bench):
        bench.apply(EVERYTHING)
        bench.kind.object_rows("m", ("renamed",))
        assert bench.exposed() == {}
        assert all(len(table) == 0 for table in bench.store.tables.values())

    def test_remove_ends_every_series(self, bench):
        bench.apply(EVERYTHING)
        bench.apply({"clients": 3}, mac="n")
        assert bench.row_index.remove("m")
        assert bench.exposed() == {'clients{mac="n"}': 3.0}
        assert not bench.row_index.remove("m")


class TestAnotherKind:
    """A device turns out to be a switch: rows of tables that both kinds have stay."""

    @pytest.fixture
    def kinds(self) -> tuple[Store, ObjectKind, ObjectKind]:
        store, row_index = Store(), RowIndex(("mac",))
        one = ObjectKind("one", store, row_index, (RECORD, STATS), (PORT, UNIT))
        return store, one, ObjectKind("two", store, row_index, (RECORD, OTHERS))

    def test_shared_rows_stay(self, kinds):
        store, one, two = kinds
        one.write(one.decode(EVERYTHING), one.object_rows("m", ("m",)), 1.0)
        two.write(two.decode({"ports": 48}), two.object_rows("m", ("m",)), 2.0)
        assert exposed(store) == {'up{mac="m"}': 1.0, 'ports{mac="m"}': 48.0}

    def test_other_labels_end_all_rows(self, kinds):
        store, one, two = kinds
        one.write(one.decode(EVERYTHING), one.object_rows("m", ("m",)), 1.0)
        two.object_rows("m", ("n",))
        assert exposed(store) == {}

    def test_and_back(self, kinds):
        store, one, two = kinds
        for kind in (one, two, one):
            kind.write(kind.decode({"up": 1}), kind.object_rows("m", ("m",)), 1.0)
        assert exposed(store) == {'up{mac="m"}': 1.0}
        assert [len(store.tables[name]) for name in ("record", "stats", "others")] == [1, 1, 0]


class TestSweep:
    def test_each_table_has_its_own_time_to_live(self, bench):
        bench.apply(EVERYTHING, now=0.0)
        expected = [
            (20.0, {"up", "clients", "port_up", "unit_up"}),
            (20.5, {"up", "clients", "port_up"}),
            (50.5, {"up", "clients"}),
            (100.5, {"up"}),
            (1e9, {"up"}),
        ]
        for now, left in expected:
            bench.sweep(now)
            assert {name.partition("{")[0] for name in bench.exposed()} == left

    def test_updated_rows_stay(self, bench):
        bench.apply(EVERYTHING, now=0.0)
        bench.apply({"port": {"a": {}}}, now=90.0)
        bench.sweep(110.0)
        assert {name.partition("{")[0] for name in bench.exposed()} == {"up", "clients", "port_up"}

    def test_rows_inside_an_expired_row_end(self, bench):
        """Though they were spoken of later, as no real sender does."""
        bench.apply(EVERYTHING, now=0.0)
        bench.apply({"port": {"a": {"units": [{"up": 1}]}}}, now=10.0)
        child = bench.row_index.objects["m"].children[0]["a"]
        bench.store.tables["port"].set(child.rows[0], 0, 0.0)
        bench.sweep(55.0)
        assert len(bench.store.tables["unit"]) == 0

    def test_expiry_is_reported_once(self, bench):
        bench.apply(EVERYTHING, now=0.0)
        assert bench.sweep(50.5) == []
        assert bench.sweep(100.5) == ["m"]
        assert bench.sweep(200.0) == []

    def test_a_message_creates_the_rows_again(self, bench):
        bench.apply(EVERYTHING, now=0.0)
        bench.sweep(1000.0)
        assert bench.apply({"clients": 5}, now=1001.0) == {'up{mac="m"}': 1.0, 'clients{mac="m"}': 5.0}

    def test_only_these_identities(self, bench):
        bench.apply(EVERYTHING, mac="a", now=0.0)
        bench.apply(EVERYTHING, mac="b", now=0.0)
        ended = bench.row_index.sweep(1000.0, ["a", "gone"], lambda *_: None)
        assert ended == 2  # and the unit went along with its port
        assert {name for name in bench.exposed() if 'mac="a"' in name} == {'up{mac="a"}'}
        assert len([name for name in bench.exposed() if 'mac="b"' in name]) == 4

    def test_the_time_to_live_may_change(self, bench):
        bench.apply(EVERYTHING, now=0.0)
        bench.store.tables["stats"].ttl_s = 1000.0
        assert bench.sweep(500.0) == []
        assert 'clients{mac="m"}' in bench.exposed()


class TestRelabel:
    """What the store adds to every row (names, when asked for) may change."""

    @pytest.fixture
    def names(self, bench) -> dict[str, str]:
        names = {"m": "old"}
        bench.store.extra_labels = lambda labels: {"name": names.get(labels["mac"], "")}
        return names

    def test_every_row_follows(self, bench, names):
        bench.apply(EVERYTHING)
        names["m"] = 'n"ew'
        bench.row_index.relabel(bench.row_index.objects["m"])
        assert set(bench.exposed()) == {
            r'up{mac="m",name="n\"ew"}',
            r'clients{mac="m",name="n\"ew"}',
            r'port_up{mac="m",name="n\"ew",port="a"}',
            r'unit_up{mac="m",name="n\"ew",port="a",unit="0"}',
        }

    def test_later_rows_too(self, bench, names):
        bench.apply({"port": {"a": {"up": 1}}})
        names["m"] = "new"
        bench.row_index.relabel(bench.row_index.objects["m"])
        assert set(bench.apply({"port": {"b": {"up": 1}}})) == {
            'port_up{mac="m",name="new",port="a"}',
            'port_up{mac="m",name="new",port="b"}',
        }

    def test_no_name_no_label(self, bench, names):
        bench.apply({"clients": 1})
        names.clear()
        bench.row_index.relabel(bench.row_index.objects["m"])
        assert set(bench.exposed()) == {'clients{mac="m"}'}
