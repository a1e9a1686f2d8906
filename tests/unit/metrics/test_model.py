"""Families, labels, entities and their layout."""

from __future__ import annotations

import math

import pytest

from collector.metrics.model import (
    BY_KEY,
    EPOCH,
    KIBI,
    PERCENT,
    PLAIN,
    At,
    Counter,
    Entity,
    FamilyType,
    Flag,
    Gauge,
    Histogram,
    Info,
    Label,
    Scale,
    StateSet,
    ValueKind,
    key_itself,
    layout,
    timestamp,
    width_of,
)

ROOT = Entity("root", labels=("org_id", "mac"), families=())


class TestScale:
    @pytest.mark.parametrize(
        ("scale", "wire", "base"),
        [
            (PLAIN, 57.0, 57.0),
            (PERCENT, 57.0, 0.57),
            (KIBI, 3.0, 3072.0),
            (Scale(times=1e6), 20.0, 2e7),
            (Scale(times=125_000.0, per=1000.0), 8.0, 1000.0),
            (EPOCH, 1_774_576_960.5, 1_774_576_960.5),
            (EPOCH, 1_774_576_960_500.0, 1_774_576_960.5),
            (EPOCH, 1e11 - 1, 1e11 - 1),
            (EPOCH, 1e11, 1e8),
            (Scale(zero_is_hole=True), -85.0, -85.0),
        ],
    )
    def test_to_base_units(self, scale, wire, base):
        assert scale.of(wire) == base

    @pytest.mark.parametrize("scale", [EPOCH, Scale(zero_is_hole=True), Scale(per=10.0, zero_is_hole=True)])
    def test_zero_can_mean_never(self, scale):
        assert math.isnan(scale.of(0.0))

    def test_a_percentage_is_exact(self):
        assert [PERCENT.of(float(n)) for n in range(101)] == [n / 100 for n in range(101)]

    def test_holes_stay_holes(self):
        for scale in (PLAIN, PERCENT, KIBI, EPOCH, Scale(zero_is_hole=True)):
            assert math.isnan(scale.of(math.nan))

    def test_a_plain_column_is_not_copied(self):
        column = [1.0]
        assert PLAIN.render(column) is column

    def test_zero_can_be_a_hole(self):
        scale = Scale(per=10.0, zero_is_hole=True)
        assert scale.of(-70.0) == -7.0
        assert math.isnan(scale.of(0.0))
        assert Scale(per=10.0).of(0.0) == 0.0


class TestFamilies:
    def test_types(self):
        assert Gauge("g", "p", "G.").type is FamilyType.GAUGE
        assert Counter("c_total", "p", "C.").type is FamilyType.COUNTER
        assert Flag("f", "p", "F.").type is FamilyType.GAUGE
        assert Info("i_info", {"a": "p"}, "I.").type is FamilyType.INFO
        assert StateSet("s", "p", "S.", ("on",)).type is FamilyType.GAUGE
        assert Histogram("h", "H.", (1.0,)).type is FamilyType.HISTOGRAM

    def test_value_kinds(self):
        assert Gauge("g", "p", "G.").kind is ValueKind.NUMBER
        assert Counter("c_total", "p", "C.").kind is ValueKind.COUNT
        assert Flag("f", "p", "F.").kind is ValueKind.FLAG

    def test_paths(self):
        assert Gauge("g", None, "G.").paths == ()
        assert Gauge("g", "a", "G.").paths == ("a",)
        assert Gauge("g", ("a", "b.c"), "G.").paths == ("a", "b.c")
        assert Info("i_info", {"x": "a", "y": ("b", "c")}, "I.").paths == ("a", "b", "c")

    def test_sources_are_paths_and_reads(self):
        assert Gauge("g", "a", "G.", reads=("b",)).sources == ("a", "b")
        assert Info("i_info", {"x": "a"}, "I.", reads=("type",)).sources == ("a", "type")
        assert StateSet("s", "p", "S.", ("on",)).sources == ("p",)
        assert Histogram("h", "H.", (1.0,), reads=("x",)).sources == ("x",)

    def test_a_timestamp_is_a_gauge_with_constant_labels(self):
        made = timestamp("t_timestamp_seconds", "at", "When.", device_type="ap")
        assert isinstance(made, Gauge)
        assert made.scale is EPOCH
        assert made.labels == {"device_type": "ap"}

    def test_a_state_set_ends_in_other(self):
        assert StateSet("s", "p", "S.", ("on", "off")).columns == ("on", "off", "other")


class TestEntity:
    def test_labels_are_inherited_ones_first(self):
        places = (At("a", {"node": "0"}), At("b", {"node": "1"}))
        module = Entity("module", (), within=ROOT, at=places, labels={"module": BY_KEY})
        fan = Entity("fan", (), within=module, at="fans[*]", labels={"fan": Label("name")})
        assert fan.label_names == ("org_id", "mac", "node", "module", "fan")

    def test_one_path_or_several(self):
        assert Entity("e", (), at="x[*]").places == (At("x[*]"),)
        assert Entity("e", (), at=(At("x"), At("y"))).places == (At("x"), At("y"))

    @pytest.mark.parametrize(("key", "keys"), [((), ()), ("name", ("name",)), (("id", "_idx"), ("id", "_idx"))])
    def test_names_of_the_key(self, key, keys):
        assert Entity("e", (), key=key).keys == keys

    def test_entities_are_compared_by_identity(self):
        assert Entity("e", ()) != Entity("e", ())

    @pytest.mark.parametrize(("text", "value"), [("usage", "usage"), (None, "key"), ("", "key")])
    def test_a_label_is_the_text_or_else_the_key(self, text, value):
        assert key_itself("key", text) == value


class TestLayout:
    def test_column_0_is_the_time_of_the_last_update(self):
        a, b = Gauge("a", "a", "A."), Gauge("b", "b", "B.")
        assert layout(Entity("e", (a, b))) == [(a, 1), (b, 2)]

    def test_fields_of_one_object_are_adjacent(self):
        families = [Gauge(name.replace(".", "_"), name, "X.") for name in ("x", "env.a", "y", "env.b")]
        assert [f.name for f, _ in layout(Entity("e", tuple(families)))] == ["x", "y", "env_a", "env_b"]

    def test_separate_columns_come_last(self):
        derived = Gauge("derived", None, "D.")
        states = StateSet("s", "s", "S.", ("on", "off"))
        two_names = Gauge("t", ("t", "u.t"), "T.")
        plain = Gauge("p", "u.p", "P.")
        info = Info("i_info", {"x": "x"}, "I.")
        placed = layout(Entity("e", (derived, states, two_names, info, plain)))
        assert placed == [(plain, 1), (two_names, 2), (derived, 3), (states, 4), (info, 7)]

    @pytest.mark.parametrize(
        ("family", "width"),
        [
            (Gauge("g", "g", "G."), 1),
            (Info("i_info", {"a": "a"}, "I."), 0),
            (StateSet("s", "s", "S.", ("on", "off")), 3),
            (Histogram("h", "H.", (0.1, 1.0, 10.0)), 5),
        ],
    )
    def test_width(self, family, width):
        assert width_of(family) == width
