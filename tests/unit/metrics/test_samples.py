"""Samples of the store without holes, which every exposition format is printed from."""

from __future__ import annotations

import math

import pytest

from collector.metrics import samples
from collector.metrics.counter_table import CounterTable
from collector.metrics.model import BY_KEY, Counter, Entity, Gauge, Histogram, Info, Scale, StateSet
from collector.metrics.samples import HistogramRow, HistogramSamples, SampleFilter, Samples
from collector.metrics.store import Store
from tests.support.bench import Bench

DEVICE = Entity(
    "device",
    labels=("mac",),
    families=(
        Gauge("device_load_ratio", "load", "Load.", Scale(per=100.0)),
        Counter("device_bytes_total", "bytes", "Bytes."),
        StateSet("device_power", "power", "Power.", ("dc", "poe")),
        Info("device_info", {"model": "model"}, "Names."),
    ),
)
PORT = Entity("port", within=DEVICE, at="ports[*]", families=(Gauge("port_up", "up", "Up."),), labels={"port": BY_KEY})
EVENTS = Entity("events", labels=("site",), families=(Histogram("event_delay_seconds", "Delays.", (0.5, 1.0)),))


def read(store: Store, selected: SampleFilter = samples.ALL) -> dict[str, list]:
    """Every family that has samples, with its batches."""
    found = {family.name: list(batches) for family, batches in samples.families(store, selected)}
    return {name: batches for name, batches in found.items() if batches}


@pytest.fixture
def bench() -> Bench:
    return Bench(DEVICE, PORT)


class TestColumns:
    def test_values_are_in_base_units_and_without_holes(self, bench):
        for number in range(4):
            bench.apply({"load": 50 + number, "bytes": number if number % 2 else None}, mac=str(number))
        found = read(bench.store)
        labels = [f'mac="{number}"'.encode() for number in range(4)]
        assert found["device_load_ratio"] == [Samples(b"", labels, None, [0.50, 0.51, 0.52, 0.53])]
        assert found["device_bytes_total"] == [Samples(b"", labels[1::2], None, [1.0, 3.0])]
        assert "device_power" not in found

    def test_each_column_has_its_constant_labels(self, bench):
        bench.apply({"power": "poe"})
        assert read(bench.store)["device_power"] == [
            Samples(f'state="{state}",'.encode(), [b'mac="m"'], None, [float(state == "poe")])
            for state in ("dc", "poe", "other")
        ]

    def test_nested_rows_have_endings(self, bench):
        bench.apply({"ports": [{"up": 1}, {}, {"up": 0}]})
        (ports,) = read(bench.store)["port_up"]
        assert (ports.labels, ports.endings, ports.values) == (
            [b'mac="m"'] * 2,
            [b',port="0"', b',port="2"'],
            [1.0, 0.0],
        )

    def test_info_families_have_the_value_1(self, bench):
        bench.apply({"model": "AP45"})
        assert read(bench.store)["device_info"] == [Samples(b"", [b'model="AP45",mac="m"'], [b""], [1.0])]

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_what_is_not_finite_is_a_hole(self, bench, value):
        bench.apply({"load": 1})
        bench.store.tables["device"].set(0, 1, value)
        assert read(bench.store) == {}

    def test_values_whose_sum_overflows_are_no_holes(self, bench):
        for mac in "ab":
            bench.apply({"bytes": 1.7e308}, mac=mac)
        (found,) = read(bench.store)["device_bytes_total"]
        assert found.values == [1.7e308] * 2

    def test_slices(self, bench, monkeypatch):
        monkeypatch.setattr(samples, "SLICE_ROWS", 2)
        for number in range(5):
            bench.apply({"bytes": number}, mac=str(number))
        assert [len(batch) for batch in read(bench.store)["device_bytes_total"]] == [2, 2, 1]

    def test_an_exception_names_the_family(self, bench, monkeypatch):
        bench.apply({"load": 1})
        monkeypatch.setattr(Scale, "render", lambda _self, _column: 1 / 0)
        with pytest.raises(ZeroDivisionError) as caught:
            read(bench.store)
        assert caught.value.__notes__ == ["while reading the family device_bytes_total"]


class TestFilter:
    def test_families_by_name(self, bench):
        bench.apply({"load": 1, "bytes": 2, "model": "AP45"})
        assert list(read(bench.store, SampleFilter(lambda name: name.endswith("_total")))) == ["device_bytes_total"]

    def test_rows_by_label_text(self, bench):
        for mac in "ab":
            bench.apply({"bytes": 2, "model": "AP45", "load": None, "ports": [{"up": 1}]}, mac=mac)
        found = read(bench.store, SampleFilter(labels=b'mac="b"'))
        assert {name: batch.labels for name, (batch,) in found.items()} == {
            "device_bytes_total": [b'mac="b"'],
            "device_info": [b'model="AP45",mac="b"'],
            "port_up": [b'mac="b"'],
        }

    def test_only_a_complete_exposition_counts_the_series(self, bench):
        bench.apply({"bytes": 2}, mac="a")
        bench.apply({"bytes": 2}, mac="b")
        read(bench.store, SampleFilter(labels=b'mac="b"'))
        assert bench.store.series_by_family() == {"device_bytes_total": 2}
        bench.store.tables["device"].free_row(0)
        read(bench.store)
        assert bench.store.series_by_family() == {"device_bytes_total": 1}


class TestHistograms:
    def test_counts_are_cumulative(self):
        store = Store(lambda: 7.0)
        table = CounterTable(store, EVENTS)
        for value in (0.1, 0.7, 3.0):
            table.observe(("a",), "event_delay_seconds", value)
        row = HistogramRow(b'site="a"', [1.0, 2.0, 3.0], 3.8, 7.0)
        assert read(store) == {"event_delay_seconds": [HistogramSamples((0.5, 1.0), [row])]}
        assert store.series_by_family() == {"event_delay_seconds": 5}


class TestCreated:
    def test_of_counters_that_the_collector_counts(self):
        now = [7.0]
        store = Store(lambda: now[0])
        counted = Entity(
            "counted", labels=("a",), families=(Counter("counted_total", None, "C."), Gauge("g", None, "G."))
        )
        table = CounterTable(store, counted)
        for now[0], value in ((7.0, "x"), (8.0, "y")):
            table.add((value,))
        found = read(store)
        assert found["counted_total"] == [Samples(b"", [b'a="x"', b'a="y"'], None, [1.0, 1.0], [7.0, 8.0])]
        assert found["g"][0].created is None
