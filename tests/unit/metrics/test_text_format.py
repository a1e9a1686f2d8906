"""The exposition formats, read back by prometheus-client: every value, every label, nothing else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from collector.metrics import samples as metric_samples
from collector.metrics.counter_table import CounterTable
from collector.metrics.labels import render_pairs
from collector.metrics.model import Counter, Entity, Gauge, Histogram, Info, Scale, StateSet
from collector.metrics.store import Store
from collector.metrics.text_format import EOF, render, render_all
from tests.support import golden

THING = Entity(
    "thing",
    labels=("name",),
    families=(
        Gauge("thing_heat_celsius", "heat", "Heat."),
        Gauge("thing_load_ratio", "load", "Load.", Scale(per=100.0)),
        Counter("thing_received_bytes_total", "bytes", 'A "quoted" \\ sentence.'),
        StateSet("thing_power", "power", "Power.", ("on", "off"), labels={"kind": "x"}),
        Info("thing_info", {"model": "model"}, "Names."),
    ),
)
EVENTS = Entity("events", labels=("site",), families=(Histogram("event_delay_seconds", "Delays.", (0.5, 1.0)),))
EMPTY = Entity("empty", families=(Gauge("nothing_here", "x", "Nothing."),))


@pytest.fixture
def store() -> Store:
    store = Store()
    store.table(THING)
    store.table(EMPTY)
    return store


def add(store: Store, name: str, **values: float) -> int:
    """A row of `thing` with some values."""
    table = store.table(THING)
    row = table.new_row(render_pairs({"name": name}))
    for family, value in values.items():
        table.set(row, table.column(f"thing_{family}"), value)
    return row


def both(store: Store) -> dict:
    """The samples, the same in both formats."""
    text = golden.samples(render_all(store).decode())
    openmetrics = golden.samples(render_all(store, openmetrics=True).decode(), openmetrics=True)
    assert {key: value for key, value in openmetrics.items() if not key[0].endswith("_created")} == text
    return text


def families(store: Store, *, openmetrics: bool) -> dict[str, tuple[str, str, str]]:
    """Type, unit and help as the reader understands them."""
    text = render_all(store, openmetrics=openmetrics).decode()
    return {f.name: (f.type, f.unit, f.documentation) for f in (parse_openmetrics if openmetrics else parse_text)(text)}


class TestValues:
    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_every_number_is_read_back(self, value):
        store = Store()
        add(store, "a", heat_celsius=value)
        (found,) = both(store).values()
        assert found == value
        assert math.copysign(1, found) == math.copysign(1, value)

    @given(st.text(min_size=1, max_size=50))
    def test_every_label_is_read_back(self, name):
        store = Store()
        add(store, name, heat_celsius=1.0)
        ((_, labels),) = both(store)
        assert dict(labels) == {"name": name}

    def test_scales(self, store):
        add(store, "a", load_ratio=57.0)
        assert list(both(store).values()) == [0.57]

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_what_is_not_finite_is_a_hole(self, store, value):
        add(store, "a", heat_celsius=value)
        assert render_all(store) == b""

    def test_what_overflows_in_base_units_is_a_hole(self):
        store = Store()
        table = store.table(Entity("e", labels=("a",), families=(Gauge("e_bytes", "x", "E.", Scale(times=1e6)),)))
        table.set(table.new_row(b'a="1"'), 1, 1e305)
        assert render_all(store) == b""

    def test_holes_among_values(self, store):
        for number in range(10):
            add(store, str(number), **({"heat_celsius": float(number)} if number % 3 else {}))
        found = {dict(labels)["name"]: value for (_, labels), value in both(store).items()}
        assert found == {str(number): float(number) for number in range(10) if number % 3}

    def test_freed_rows_have_no_samples(self, store):
        rows = [add(store, str(number), heat_celsius=1.0) for number in range(5)]
        for row in (rows[0], rows[3], rows[4]):
            store.table(THING).free_row(row)
        assert [dict(labels)["name"] for _, labels in both(store)] == ["1", "2"]

    def test_a_row_without_labels(self):
        store = Store()
        table = store.table(Entity("e", families=(Gauge("e", "x", "E."),)))
        table.set(table.new_row(b""), 1, 5.0)
        assert both(store) == {("e", frozenset()): 5.0}


class TestFamilies:
    def test_text(self, store):
        row = add(store, "a", heat_celsius=1.0, received_bytes_total=2.0)
        store.table(THING).infos[0].texts[row] = b'model="x",'
        assert families(store, openmetrics=False) == {
            "thing_heat_celsius": ("gauge", "", "Heat."),
            "thing_received_bytes": ("counter", "", 'A "quoted" \\ sentence.'),
            "thing_info": ("gauge", "", "Names."),
        }

    def test_openmetrics(self, store):
        row = add(store, "a", heat_celsius=1.0, received_bytes_total=2.0)
        store.table(THING).infos[0].texts[row] = b'model="x",'
        assert families(store, openmetrics=True) == {
            "thing_heat_celsius": ("gauge", "celsius", "Heat."),
            "thing_received_bytes": ("counter", "bytes", 'A "quoted" \\ sentence.'),
            "thing": ("info", "", "Names."),
        }

    def test_the_header_of_a_counter(self, store):
        """The text format knows no other: promtool finds `x_total` without a type otherwise."""
        add(store, "a", received_bytes_total=2.0)
        assert b"# TYPE thing_received_bytes_total counter\n" in render_all(store)
        assert b"# TYPE thing_received_bytes counter\n# UNIT" in render_all(store, openmetrics=True)

    def test_families_without_samples_are_left_out(self, store):
        assert render_all(store) == b""
        assert render_all(store, openmetrics=True) == EOF
        add(store, "a", heat_celsius=1.0)
        assert b"nothing_here" not in render_all(store)

    def test_each_appears_once_and_in_order(self, store):
        other = Entity("other", labels=("x",), families=(Gauge("thing_heat_celsius", "x", "Heat."),))
        table = store.table(other)
        table.set(table.new_row(b'x="1"'), 1, 5.0)
        add(store, "a", heat_celsius=1.0, received_bytes_total=2.0, load_ratio=3.0)
        headers = [line.split()[2] for line in render_all(store).decode().splitlines() if line.startswith("# TYPE")]
        assert headers == ["thing_heat_celsius", "thing_load_ratio", "thing_received_bytes_total"]
        assert len(both(store)) == 4

    def test_constant_labels_precede_those_of_the_row(self, store):
        table = store.table(THING)
        row = add(store, "a")
        for state, value in (("on", 1.0), ("off", 0.0)):
            table.set(row, table.column("thing_power", kind="x", state=state), value)
        assert both(store) == {
            ("thing_power", frozenset({("kind", "x"), ("state", "on"), ("name", "a")})): 1.0,
            ("thing_power", frozenset({("kind", "x"), ("state", "off"), ("name", "a")})): 0.0,
        }


class TestSlices:
    """Long columns are rendered in slices; the result is the same."""

    @pytest.fixture(params=[1, 2, 3, 7, 100])
    def rows_a_slice(self, request, monkeypatch) -> int:
        monkeypatch.setattr(metric_samples, "SLICE_ROWS", request.param)
        return request.param

    def fill(self, store: Store) -> None:
        table = store.table(THING)
        for number in range(20):
            row = add(store, str(number), **({"heat_celsius": float(number)} if number not in {4, 5, 6, 11} else {}))
            if number % 2:
                table.infos[0].texts[row] = f'model="{number}",'.encode()
        table.free_row(7)

    def test_the_whole_is_the_same(self, store, rows_a_slice):
        self.fill(store)
        found = both(store)
        heat = {dict(labels)["name"]: value for (name, labels), value in found.items() if name == "thing_heat_celsius"}
        assert heat == {str(number): float(number) for number in range(20) if number not in {4, 5, 6, 7, 11}}
        models = {dict(labels)["name"]: dict(labels)["model"] for name, labels in found if name == "thing_info"}
        assert models == {str(number): str(number) for number in range(1, 20, 2) if number != 7}

    def test_no_chunk_has_more_lines(self, store, rows_a_slice):
        self.fill(store)
        for chunk in render(store):
            lines = [line for line in chunk.splitlines() if not line.startswith(b"#")]
            assert 0 < len(lines) <= rows_a_slice
            assert chunk.endswith(b"\n")

    def test_one_header_at_the_beginning(self, store, rows_a_slice):
        self.fill(store)
        text = render_all(store)
        assert text.count(b"# TYPE thing_heat_celsius") == text.count(b"# HELP thing_heat_celsius") == 1
        assert text.startswith(b"# HELP thing_heat_celsius")

    def test_series_are_counted(self, store, rows_a_slice):
        self.fill(store)
        render_all(store)
        assert store.series_by_family() == {"thing_heat_celsius": 15, "thing_info": 9}

    def test_histograms(self, rows_a_slice, monkeypatch):
        monkeypatch.setattr(
            metric_samples, "HISTOGRAM_SLICE_ROWS", rows_a_slice
        )  # a row of a histogram is several lines
        store = Store()
        table = CounterTable(store, EVENTS)
        for site in range(20):
            table.observe((str(site),), "event_delay_seconds", site / 20)
        counts = {dict(labels)["site"]: n for (name, labels), n in both(store).items() if name.endswith("_count")}
        assert counts == {str(site): 1.0 for site in range(20)}

    def test_rows_created_between_two_slices(self, store, monkeypatch):
        monkeypatch.setattr(metric_samples, "SLICE_ROWS", 2)
        for number in range(4):
            add(store, str(number), heat_celsius=1.0)
        chunks = render(store)
        text = next(chunks)
        for number in range(4, 50):
            add(store, str(number), heat_celsius=1.0)
        text += b"".join(chunks)
        assert {dict(labels)["name"] for _, labels in golden.samples(text.decode())} >= {str(n) for n in range(4)}


class TestHistograms:
    def test_buckets_are_cumulative(self):
        store = Store()
        table = CounterTable(store, EVENTS)
        for value in (0.1, 0.5, 0.7, 3.0):
            table.observe(('a"b',), "event_delay_seconds", value)
        found = {(name, dict(labels).get("le")): value for (name, labels), value in both(store).items()}
        assert found == {
            ("event_delay_seconds_bucket", "0.5"): 2.0,
            ("event_delay_seconds_bucket", "1.0"): 3.0,
            ("event_delay_seconds_bucket", "+Inf"): 4.0,
            ("event_delay_seconds_sum", None): 4.3,
            ("event_delay_seconds_count", None): 4.0,
        }
        assert {dict(labels)["site"] for _, labels in both(store)} == {'a"b'}

    def test_a_row_without_labels(self):
        store = Store()
        CounterTable(store, Entity("e", families=(Histogram("e_seconds", "E.", (1.0,)),))).observe((), "e_seconds", 1.0)
        assert both(store)["e_seconds_bucket", frozenset({("le", "1.0")})] == 1.0

    def test_freed_rows_have_no_samples(self):
        store = Store()
        table = CounterTable(store, EVENTS)
        for site in "abc":
            table.observe((site,), "event_delay_seconds", 1.0)
        table.remove(lambda values: values != ("b",))
        assert {dict(labels)["site"] for _, labels in both(store)} == {"b"}
        table.remove(lambda _: True)
        assert both(store) == {}

    @pytest.mark.parametrize(("bounds", "parts"), [((-80, -60), {"bucket"}), ((0, 5), {"bucket", "sum", "count"})])
    def test_without_a_sum_where_observations_can_be_negative(self, bounds, parts):
        store = Store()
        entity = Entity("air", labels=("site_id",), families=(Histogram("mist_site_air_dbm", "RSSI.", bounds),))
        CounterTable(store, entity).observe(("a",), "mist_site_air_dbm", bounds[0])
        assert {name.rpartition("_")[2] for name, _ in both(store)} == parts


class TestCreated:
    """The creation time of counters that the collector counts, in OpenMetrics only."""

    COUNTED = Entity(
        "counted",
        labels=("site",),
        families=(Counter("counted_events_total", None, "Events."), Gauge("counted_open", None, "Open.")),
    )

    @pytest.fixture
    def now(self) -> list[float]:
        return [1_700_000_000.25]

    @pytest.fixture
    def store(self, now) -> Store:
        return Store(lambda: now[0])

    def lines(self, store: Store, *, openmetrics: bool = True) -> list[str]:
        text = render_all(store, openmetrics=openmetrics).decode()
        return [line for line in text.splitlines() if not line.startswith("#")]

    def test_it_follows_its_counter(self, store, now):
        table = CounterTable(store, self.COUNTED)
        table.add(("a",))
        now[0] += 10
        table.add(("b",))
        table.add(("a",))
        assert self.lines(store) == [
            'counted_events_total{site="a"} 2.0',
            'counted_events_created{site="a"} 1700000000.250',
            'counted_events_total{site="b"} 1.0',
            'counted_events_created{site="b"} 1700000010.250',
            'counted_open{site="a"} 0.0',
            'counted_open{site="b"} 0.0',
        ]

    def test_a_counter_that_is_0_has_none(self, store):
        CounterTable(store, self.COUNTED).row(("a",))
        CounterTable(store, EVENTS).row(("a",))
        assert not [line for line in self.lines(store) if "_created" in line]

    def test_the_text_format_has_none(self, store):
        CounterTable(store, self.COUNTED).add(("a",))
        assert self.lines(store, openmetrics=False) == [
            'counted_events_total{site="a"} 1.0',
            'counted_open{site="a"} 0.0',
        ]

    def test_a_row_that_ended_is_created_again(self, store, now):
        table = CounterTable(store, self.COUNTED)
        table.add(("a",))
        table.remove(lambda _: True)
        now[0] += 10
        table.add(("a",))
        assert 'counted_events_created{site="a"} 1700000010.250' in self.lines(store)

    def test_nested_rows(self, store):
        parent = Entity("parent", labels=("mac",), families=())
        nested = Entity("nested", within=parent, at="x.{y}", families=(Counter("nested_total", None, "N."),))
        table = store.table(nested)
        table.record_created()
        table.set(table.new_row(b'mac="m"', b',y="1"'), 1, 4.0)
        assert self.lines(store) == ['nested_total{mac="m",y="1"} 4.0', 'nested_created{mac="m",y="1"} 1700000000.250']

    def test_a_histogram_has_one(self, store):
        CounterTable(store, EVENTS).observe(("a",), "event_delay_seconds", 0.7)
        assert self.lines(store)[-2:] == [
            'event_delay_seconds_count{site="a"} 1',
            'event_delay_seconds_created{site="a"} 1700000000.250',
        ]

    def test_a_counter_of_a_device_has_none(self, store):
        add(store, "a", received_bytes_total=2.0)
        assert self.lines(store) == ['thing_received_bytes_total{name="a"} 2.0']

    def test_rows_from_before_the_times_were_recorded_have_none(self, store):
        table = store.table(self.COUNTED)
        for name, seconds in ((b'site="a"', 0), (b'site="b"', 1)):
            if seconds:
                table.record_created()
            table.set(table.new_row(name), 1, 1.0)
        assert [line for line in self.lines(store) if "_created" in line] == [
            'counted_events_created{site="b"} 1700000000.250'
        ]

    def test_prometheus_client_reads_it(self, store):
        CounterTable(store, self.COUNTED).add(("a",))
        CounterTable(store, EVENTS).observe(("a",), "event_delay_seconds", 0.7)
        found = golden.samples(render_all(store, openmetrics=True).decode(), openmetrics=True)
        created = {name: value for (name, _), value in found.items() if name.endswith("_created")}
        assert created == dict.fromkeys(("counted_events_created", "event_delay_seconds_created"), 1_700_000_000.25)


def test_promtool_accepts_it(store, promtool):
    row = add(store, 'a"\\\n', heat_celsius=1.0, received_bytes_total=2.0, load_ratio=3.0)
    store.table(THING).infos[0].texts[row] = b'model="x",'
    CounterTable(store, EVENTS).observe(("a",), "event_delay_seconds", 1.0)
    assert not golden.lint(promtool, render_all(store).decode())
