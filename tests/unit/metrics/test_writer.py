"""Merging messages of one object: absent keeps, null clears, rows are created and ended."""

from __future__ import annotations

import json
import linecache
import traceback

import pytest

from collector.metrics.model import (
    BY_KEY,
    PERCENT,
    At,
    Counter,
    Entity,
    Flag,
    Gauge,
    Guard,
    Info,
    Label,
    StateSet,
    timestamp,
)
from collector.metrics.nested_rows import MAX_ELEMENTS
from collector.metrics.shape import runs
from tests.support.bench import Bench

AP = Entity(
    "ap",
    labels=("mac",),
    families=(
        Gauge("ap_clients", "clients", "Clients."),
        Gauge("ap_load_ratio", "load", "Load.", PERCENT),
        Counter("ap_bytes_total", "bytes", "Bytes."),
        Flag("ap_on", "on", "On."),
        timestamp("ap_seen_timestamp_seconds", "seen", "Seen."),
        Gauge("ap_heat", "env.heat", "Heat."),
        Gauge("ap_cold", "env.cold", "Cold."),
        StateSet("ap_power", "env.power", "Power.", ("dc", "poe")),
        Info("ap_info", {"name": ("name", "hostname"), "model": "model"}, "Names."),
    ),
)


def named(name: str, **labels: str) -> str:
    """A sample of the object `m`."""
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in ({"mac": "m"} | labels).items()) + "}"


@pytest.fixture
def ap() -> Bench:
    return Bench(AP)


class TestMerge:
    def test_absent_keeps_the_stored_values(self, ap):
        payload = {"clients": 3, "load": 57, "bytes": 9, "on": True, "seen": 5, "env": {"heat": 40, "cold": 1}}
        before = ap.apply(payload)
        assert ap.apply({}, {"env": {}}) == before
        assert before[named("ap_load_ratio")] == 0.57

    def test_one_field_of_many(self, ap):
        ap.apply({"clients": 3, "load": 57, "bytes": 9, "env": {"heat": 40, "cold": 1}})
        assert ap.apply({"load": 58, "env": {"cold": 2}}) == {
            named("ap_clients"): 3.0,
            named("ap_load_ratio"): 0.58,
            named("ap_bytes_total"): 9.0,
            named("ap_heat"): 40.0,
            named("ap_cold"): 2.0,
        }

    @pytest.mark.parametrize("field", ["clients", "load", "bytes", "on", "seen"])
    def test_null_is_a_hole(self, ap, field):
        payload = {"clients": 3, "load": 57, "bytes": 9, "on": True, "seen": 5}
        assert len(ap.apply(payload)) == 5
        assert len(ap.apply({field: None})) == 4
        assert len(ap.apply({field: 1})) == 5

    def test_a_null_object_clears_its_fields(self, ap):
        ap.apply({"clients": 3, "env": {"heat": 40, "cold": 1, "power": "dc"}})
        assert ap.apply({"env": None}) == {named("ap_clients"): 3.0}

    def test_a_zero_is_a_value(self, ap):
        assert ap.apply({"clients": 0, "on": False}) == {named("ap_clients"): 0.0, named("ap_on"): 0.0}

    def test_the_time_zero_is_never(self, ap):
        assert ap.apply({"seen": 5}, {"seen": 0}) == {}

    def test_a_counter_can_be_reset(self, ap):
        assert ap.apply({"bytes": 100}, {"bytes": 1}) == {named("ap_bytes_total"): 1.0}

    def test_objects_have_their_own_rows(self, ap):
        ap.apply({"clients": 1}, mac="a")
        assert ap.apply({"clients": 2}, mac="b") == {'ap_clients{mac="a"}': 1.0, 'ap_clients{mac="b"}': 2.0}

    def test_large_integers(self, ap):
        assert ap.apply({"bytes": 2**63}, {"clients": 2**70}) == {
            named("ap_bytes_total"): 2.0**63,
            named("ap_clients"): 2.0**70,
        }


class TestStrings:
    def test_info_collects_over_messages(self, ap):
        ap.apply({"name": "x"})
        assert ap.apply({"model": "AP45"}) == {'ap_info{name="x",model="AP45",mac="m"}': 1.0}

    @pytest.mark.parametrize("unknown", [None, ""])
    def test_unknown_strings_are_no_labels(self, ap, unknown):
        ap.apply({"name": "x", "model": "AP45"})
        assert ap.apply({"name": unknown}) == {'ap_info{model="AP45",mac="m"}': 1.0}
        assert ap.apply({"model": unknown}) == {}

    def test_the_first_name_that_is_known(self, ap):
        assert ap.apply({"hostname": "h"}) == {'ap_info{name="h",mac="m"}': 1.0}
        assert ap.apply({"name": "n"}) == {'ap_info{name="n",mac="m"}': 1.0}
        assert ap.apply({"name": ""}) == {'ap_info{name="h",mac="m"}': 1.0}

    def test_states(self, ap):
        def power() -> dict[str, float]:
            return {key.split('"')[1]: value for key, value in ap.exposed().items()}

        ap.apply({"env": {"power": "DC"}})
        assert power() == {"dc": 1.0, "poe": 0.0, "other": 0.0}
        ap.apply({"env": {"heat": None}})
        assert power() == {"dc": 1.0, "poe": 0.0, "other": 0.0}
        ap.apply({"env": {"power": "fusion"}})
        assert power() == {"dc": 0.0, "poe": 0.0, "other": 1.0}
        ap.apply({"env": {"power": ""}})
        assert power() == {}


class TestNamesOfOneField:
    @pytest.fixture
    def link(self) -> Bench:
        paths = ("new", "old", "deep.er.old")
        return Bench(
            Entity("link", labels=("mac",), families=(Gauge("before", "before", "B."), Gauge("bytes", paths, "B."))),
        )

    @pytest.mark.parametrize("payload", [{"new": 1}, {"old": 1}, {"deep": {"er": {"old": 1}}}], ids=str)
    def test_any_name_is_read(self, link, payload):
        assert link.apply(payload) == {named("bytes"): 1.0}

    def test_the_preferred_one_wins(self, link):
        assert link.apply({"old": 2, "new": 1, "deep": {"er": {"old": 3}}}) == {named("bytes"): 1.0}
        assert link.apply({"deep": {"er": {"old": 3}}, "old": 2}) == {named("bytes"): 2.0}

    @pytest.mark.parametrize(
        "payload", [{"new": None, "old": 2}, {"new": 2, "old": None}, {"deep": None, "old": 2}], ids=str
    )
    def test_a_null_name_does_not_hide_another(self, link, payload):
        assert link.apply({"new": 7}, payload) == {named("bytes"): 2.0}

    @pytest.mark.parametrize(
        "payload",
        [{"new": None}, {"old": None}, {"deep": None}, {"deep": {"er": None}}, {"new": None, "old": None}],
        ids=str,
    )
    def test_null_alone_is_a_hole(self, link, payload):
        assert link.apply({"new": 7}, payload) == {}

    @pytest.mark.parametrize("payload", [{}, {"deep": {}}, {"deep": {"er": {}}}], ids=str)
    def test_absent_keeps(self, link, payload):
        assert link.apply({"new": 7}, payload) == {named("bytes"): 7.0}

    def test_a_wrong_name_does_not_hide_another(self, link):
        assert link.apply({"new": "x", "old": 2}) == {named("bytes"): 2.0}


def test_two_columns_may_share_a_field():
    families = (Gauge("one", "a.x", "One."), Gauge("other_ratio", "a.x", "Other.", PERCENT), Gauge("y", "a.y", "Y."))
    both = Bench(Entity("both", labels=("mac",), families=families))
    assert both.apply({"a": {"x": 50, "y": 1}}) == {named("one"): 50.0, named("other_ratio"): 0.5, named("y"): 1.0}
    assert both.apply({"a": {}}) == {named("one"): 50.0, named("other_ratio"): 0.5, named("y"): 1.0}
    assert both.apply({"a": {"x": None}}) == {named("y"): 1.0}
    both.apply({"a": {"x": 50}})
    assert both.apply({"a": None}) == {}


class TestSeveralRoots:
    def test_two_rows_read_one_object(self):
        device = Entity(
            "device",
            labels=("mac",),
            ttl_s=None,
            families=(Gauge("seen", "seen", "S."), Info("device_info", {"name": "name"}, "I.")),
        )
        stats = Entity(
            "stats",
            labels=("mac",),
            families=(Gauge("clients", "clients", "C."), Info("stats_info", {"name": "name"}, "I.")),
        )
        both = Bench((device, stats))
        assert both.apply({"seen": 1, "clients": 2, "name": "x"}) == {
            named("seen"): 1.0,
            named("clients"): 2.0,
            'device_info{name="x",mac="m"}': 1.0,
            'stats_info{name="x",mac="m"}': 1.0,
        }


RADIO = Entity(
    "radio",
    within=AP,
    at="radios.{radio}",
    labels={"radio": BY_KEY, "band": Label("usage", lambda key, usage: usage or key[-1])},
    unless=(Guard("disabled", is_=True), Guard("channel", is_=0), Guard("tune.mode", is_="off")),
    families=(Gauge("radio_channel", "channel", "Channel."), Gauge("radio_noise", "noise", "Noise.")),
)


class TestRowsOfAMap:
    @pytest.fixture
    def ap(self) -> Bench:
        return Bench(AP, RADIO)

    def test_one_row_per_key(self, ap):
        assert ap.apply({"radios": {"r5": {"channel": 36}, "r6": {"channel": 5}}}) == {
            named("radio_channel", radio="r5", band="5"): 36.0,
            named("radio_channel", radio="r6", band="6"): 5.0,
        }

    def test_each_row_is_merged(self, ap):
        ap.apply({"radios": {"r5": {"channel": 36, "noise": -90}, "r6": {"channel": 5}}})
        assert ap.apply({"radios": {"r5": {"noise": -91}}}) == {
            named("radio_channel", radio="r5", band="5"): 36.0,
            named("radio_noise", radio="r5", band="5"): -91.0,
            named("radio_channel", radio="r6", band="6"): 5.0,
        }

    @pytest.mark.parametrize(
        "guard", [{"disabled": True}, {"channel": 0}, {"tune": {"mode": "off"}}, {"disabled": "true"}], ids=str
    )
    def test_what_is_disabled_is_not_measured(self, ap, guard):
        ap.apply({"radios": {"r5": {"channel": 36}}})
        assert ap.apply({"radios": {"r5": {"noise": 0} | guard}}) == {}
        assert ap.apply({"radios": {"r5": {"channel": 40}}}) == {named("radio_channel", radio="r5", band="5"): 40.0}

    @pytest.mark.parametrize(
        "guard", [{"disabled": False}, {"disabled": None}, {"tune": None}, {"tune": {"mode": None}}], ids=str
    )
    def test_guards_that_do_not_hold(self, ap, guard):
        assert len(ap.apply({"radios": {"r5": {"channel": 36} | guard}})) == 1

    def test_null_ends_a_row(self, ap):
        ap.apply({"radios": {"r5": {"channel": 36}, "r6": {"channel": 5}}})
        assert list(ap.apply({"radios": {"r5": None}})) == [named("radio_channel", radio="r6", band="6")]

    def test_null_ends_all_rows(self, ap):
        ap.apply({"radios": {"r5": {"channel": 36}, "r6": {"channel": 5}}})
        assert ap.apply({"radios": None}) == {}

    @pytest.mark.parametrize("absent", [{}, {"radios": {}}], ids=str)
    def test_absent_keeps_the_rows(self, ap, absent):
        before = ap.apply({"radios": {"r5": {"channel": 36}}})
        assert ap.apply(absent) == before

    def test_a_label_may_change(self, ap):
        ap.apply({"radios": {"r2": {"channel": 36, "usage": "5"}}})
        assert ap.apply({"radios": {"r2": {"usage": "6"}}}) == {named("radio_channel", radio="r2", band="6"): 36.0}
        assert ap.apply({"radios": {"r2": {"usage": None}}}) == {named("radio_channel", radio="r2", band="2"): 36.0}

    def test_the_number_of_rows_is_limited(self, ap):
        radios = {f"r{n}": {"channel": 1} for n in range(MAX_ELEMENTS + 5)}
        assert len(ap.apply({"radios": radios})) == MAX_ELEMENTS
        assert ap.rejected == {"too_many_elements": 5}
        ap.apply({"radios": {"r0": None}})
        assert len(ap.apply({"radios": {"new": {"channel": 1}}})) == MAX_ELEMENTS


MODULE = Entity(
    "module", within=AP, at=(At("modules[*]", {"node": "0"}), At("modules2[*]", {"node": "1"})),
    key="id", labels={"module": BY_KEY}, families=(Gauge("module_heat", "heat", "Heat."),),
)  # fmt: skip
FAN = Entity(
    "fan", within=MODULE, at="fans[*]", key="name", labels={"fan": BY_KEY}, families=(Gauge("fan_rpm", "rpm", "R."),)
)
LOAD = Entity("load", within=MODULE, at="cpu.load[*]", labels={"n": BY_KEY}, families=(Gauge("load", "", "Load."),))


class TestASkippedMap:
    """It is payload whole, so what it lacks is gone."""

    @pytest.fixture
    def ap(self) -> Bench:
        return Bench(AP, RADIO, skip_unchanged=("radios",))

    @pytest.mark.parametrize(
        "radios",
        [{"r6": {"channel": 5}}, {"r6": None}, {"r6": {"disabled": True}}, {}, {"r6": None, "r7": None}],
        ids=str,
    )
    def test_rows_of_missing_keys_end(self, ap, radios):
        ap.apply(json.dumps({"radios": {"r5": {"channel": 36}}}))
        payload = ap.apply(json.dumps({"radios": radios}))
        assert named("radio_channel", radio="r5", band="5") not in payload

    def test_absent_keeps_its_rows(self, ap):
        before = ap.apply(json.dumps({"radios": {"r5": {"channel": 36}}}))
        assert ap.apply("{}") == before


class TestRowsOfAList:
    @pytest.fixture
    def ap(self) -> Bench:
        return Bench(AP, MODULE, FAN, LOAD)

    def test_rows_within_rows(self, ap):
        modules = [{"id": "a", "heat": 1, "fans": [{"name": "x", "rpm": 5}], "cpu": {"load": [0.5, 0.6]}}]
        assert ap.apply({"modules": modules, "modules2": [{"id": "a", "heat": 2}]}) == {
            named("module_heat", node="0", module="a"): 1.0,
            named("module_heat", node="1", module="a"): 2.0,
            named("fan_rpm", node="0", module="a", fan="x"): 5.0,
            named("load", node="0", module="a", n="0"): 0.5,
            named("load", node="0", module="a", n="1"): 0.6,
        }

    def test_elements_are_identified_by_their_field(self, ap):
        ap.apply({"modules": [{"id": "a", "heat": 1}, {"id": "b", "heat": 2}]})
        assert ap.apply({"modules": [{"id": "b", "heat": 3}]}) == {
            named("module_heat", node="0", module="a"): 1.0,
            named("module_heat", node="0", module="b"): 3.0,
        }

    @pytest.mark.parametrize("unnamed", [{}, {"id": None}, {"id": ""}], ids=str)
    def test_otherwise_by_their_index(self, ap, unnamed):
        assert list(ap.apply({"modules": [{"id": "a"}, unnamed | {"heat": 1}]})) == [
            named("module_heat", node="0", module="1")
        ]

    def test_elements_with_equal_keys(self, ap):
        assert ap.apply({"modules": [{"id": "a", "heat": 1}, {"id": "a", "heat": 2}]}) == {
            named("module_heat", node="0", module="a"): 1.0,
            named("module_heat", node="0", module="a#1"): 2.0,
        }

    @pytest.mark.parametrize("gone", [{"modules": None}, {"modules": [None]}], ids=str)
    def test_rows_inside_an_ended_row_end(self, ap, gone):
        ap.apply({"modules": [{"heat": 1, "fans": [{"rpm": 5}], "cpu": {"load": [0.5]}}]})
        assert ap.apply(gone) == {}
        assert all(len(table) == (name == "ap") for name, table in ap.store.tables.items())

    def test_null_inside_a_row(self, ap):
        ap.apply({"modules": [{"heat": 1, "fans": [{"rpm": 5}], "cpu": {"load": [0.5]}}]})
        assert ap.apply({"modules": [{"fans": None, "cpu": None}]}) == {named("module_heat", node="0", module="0"): 1.0}

    def test_a_hole_among_values_keeps_the_indexes(self, ap):
        assert ap.apply({"modules": [{"cpu": {"load": [0.5, "x", 0.7]}}]}) == {
            named("load", node="0", module="0", n="0"): 0.5,
            named("load", node="0", module="0", n="2"): 0.7,
        }


class TestOneObjectWithARowOfItsOwn:
    @pytest.fixture
    def ap(self) -> Bench:
        places = (At("uplink", {"direction": "up"}), At("mesh.downlink", {"direction": "down"}))
        return Bench(AP, Entity("link", within=AP, at=places, families=(Gauge("link_rssi", "rssi", "R."),)))

    def test_one_row_per_path(self, ap):
        assert ap.apply({"uplink": {"rssi": -60}, "mesh": {"downlink": {"rssi": -70}}}) == {
            named("link_rssi", direction="up"): -60.0,
            named("link_rssi", direction="down"): -70.0,
        }

    @pytest.mark.parametrize("gone", [{"mesh": None}, {"mesh": {"downlink": None}}], ids=str)
    def test_null_ends_it(self, ap, gone):
        ap.apply({"mesh": {"downlink": {"rssi": -70}}})
        assert ap.apply(gone) == {}


class TestRequires:
    @pytest.fixture
    def switch(self) -> Bench:
        port = Entity(
            "port", within=AP, at="ports.{port}", labels={"port": BY_KEY}, requires="_time",
            families=(Counter("port_packets_total", "packets", "P."),),
        )  # fmt: skip
        return Bench(AP, port)

    def test_a_section_is_applied_only_with_the_required_field(self, switch):
        assert switch.apply({"ports": {"a": {"packets": 9}}}) == {}
        assert switch.apply({"_time": 5, "ports": {"a": {"packets": 9}}}) == {
            named("port_packets_total", port="a"): 9.0
        }

    @pytest.mark.parametrize("mark", [{}, {"_time": None}, {"_time": "x"}], ids=str)
    @pytest.mark.parametrize("section", [{"a": {"packets": 1}}, None], ids=str)
    def test_without_it_nothing_changes(self, switch, mark, section):
        before = switch.apply({"_time": 5, "ports": {"a": {"packets": 9}}})
        assert switch.apply(mark | {"ports": section}) == before

    def test_the_rest_of_the_message_is_applied(self, switch):
        assert switch.apply({"clients": 5, "ports": {"a": {"packets": 9}}}) == {named("ap_clients"): 5.0}


def test_the_time_of_the_update_is_written_to_every_row():
    bench = Bench(AP, RADIO)
    bench.apply({"radios": {"r5": {"channel": 36}, "r6": {"channel": 5}}}, now=10.0)
    bench.apply({"radios": {"r5": {"noise": -90}}}, now=20.0)
    seen = {table.label_text(row): table.get(row, 0) for table in bench.store.tables.values() for row in table.rows()}
    assert seen == {b'mac="m"': 20.0, b'mac="m",radio="r5",band="5"': 20.0, b'mac="m",radio="r6",band="6"': 10.0}


def test_the_time_of_the_update_where_the_first_numbers_are_nested():
    deep = Entity(
        "deep",
        labels=("mac",),
        families=(
            Gauge("deep_heat", "env.heat", "Heat."),
            Gauge("deep_cold", "env.cold", "Cold."),
            Gauge("deep_clients", "clients", "Clients."),
            Gauge("deep_load", "load", "Load."),
        ),
    )
    bench = Bench(deep)
    bench.apply({"clients": 1, "load": 2}, now=10.0)
    (table,) = bench.store.tables.values()
    assert table.get(0, 0) == 10.0


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        ([], []),
        ([(0, 1), (1, 2), (2, 3)], [(0, 1, 3)]),
        ([(0, 1), (1, 3), (2, 4)], [(0, 1, 1), (1, 3, 2)]),
        ([(0, 1), (2, 2)], [(0, 1, 1), (2, 2, 1)]),
    ],
)
def test_runs_are_contiguous_on_both_sides(pairs, found):
    assert runs(pairs) == found


class TestGeneratedCode:
    def test_it_is_plain_python_with_the_json_path_of_each_statement(self):
        bench = Bench(AP, RADIO, name="my-ap")
        source = bench.kind.writer.source
        assert source.startswith("def write_my_ap(struct, object_rows, now):\n")
        assert compile(source, "writer", "exec")
        for path in ("my-ap: clients, load, bytes, on", "my-ap.env: heat, cold", "my-ap.radios[].tune.mode"):
            assert f"  # {path}" in source

    def test_tracebacks_show_its_lines(self):
        bench = Bench(AP, name="ap")
        with pytest.raises(TypeError) as caught:
            bench.kind.write(object(), bench.kind.object_rows("m", ("m",)), 1.0)
        trace = "".join(traceback.format_exception(caught.value))
        assert 'File "<writer ap' in trace
        assert "in write_ap\n    t" in trace
        assert "= astuple(struct)  # ap" in trace

    def test_other_code_of_the_same_kind_does_not_replace_it(self):
        bench, other = Bench(AP, name="twice"), Bench(AP, RADIO, name="twice")
        files = [one.kind.write.__code__.co_filename for one in (bench, other, Bench(AP, name="twice"))]
        assert files == ["<writer twice>", "<writer twice 2>", "<writer twice>"]
        assert "".join(linecache.getlines(files[0])) == bench.kind.writer.source
        assert "".join(linecache.getlines(files[1])) == other.kind.writer.source
