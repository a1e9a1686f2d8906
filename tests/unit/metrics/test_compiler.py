"""A table that contradicts itself is an error at start, which names the table."""

from __future__ import annotations

import pytest

from collector.metrics.model import BY_KEY, At, Counter, Entity, Flag, Gauge, Guard, Histogram, Info, Label, StateSet
from collector.metrics.shape import TableError
from tests.support.bench import Bench


def root(*families, labels=("mac",), **more) -> Entity:
    """An entity called `box`."""
    return Entity("box", labels=labels, families=families, **more)


def inside(within: Entity, *families, at="parts.{part}", labels=None, **more) -> Entity:
    """An entity called `part`, inside another."""
    return Entity("part", within=within, at=at, labels=labels or {"part": BY_KEY}, families=families, **more)


BOX = root(Gauge("box_heat", "env.heat", "Heat."))
GOOD = Gauge("part_heat", "heat", "Heat.")


class TestNames:
    @pytest.mark.parametrize("name", ["", "1x", "Box", "box-heat", "box heat", "box_hé", "box:heat", "box_heat\n"])
    def test_metric_names(self, name):
        with pytest.raises(TableError, match=r"box: .* is not a metric name"):
            Bench(root(Gauge(name, "x", "X.")))

    @pytest.mark.parametrize("name", ["Mac", "m-c", "1", "", "a b", "mac\n"])
    def test_label_names(self, name):
        with pytest.raises(TableError, match=r"box: box_heat has the label .*, which is not a label name"):
            Bench(root(Gauge("box_heat", "x", "X."), labels=(name,)), labels=(name,))

    def test_label_names_of_an_info(self):
        with pytest.raises(TableError, match="which is not a label name"):
            Bench(root(Info("box_info", {"Model": "model"}, "I.")))

    @pytest.mark.parametrize(
        "family",
        [
            Gauge("box_heat_total", "x", "X."),
            Counter("box_turns", "x", "X."),
            Flag("box_on_total", "x", "X."),
            StateSet("box_state_total", "x", "X.", ("a",)),
            Histogram("box_waits_total", "X.", (1.0,)),
        ],
        ids=lambda family: family.name,
    )
    def test_only_counters_end_in_total(self, family):
        with pytest.raises(TableError, match=f"box: {family.name}: names of counters, and only these, end in _total"):
            Bench(root(family))

    @pytest.mark.parametrize("family", [Gauge("box_info", "x", "X."), Info("box_names", {"a": "a"}, "X.")])
    def test_only_info_families_end_in_info(self, family):
        with pytest.raises(
            TableError, match=f"box: {family.name}: names of info families, and only these, end in _info"
        ):
            Bench(root(family))

    @pytest.mark.parametrize("text", ["", "Heat", "Heat of the box"])
    def test_help_ends_in_a_full_stop(self, text):
        with pytest.raises(TableError, match="box: box_heat: HELP must end in a full stop"):
            Bench(root(Gauge("box_heat", "x", text)))


class TestLabels:
    def test_names_are_unique(self):
        with pytest.raises(TableError, match="part: two labels have the same name"):
            Bench(BOX, inside(BOX, GOOD, labels={"mac": BY_KEY}))

    def test_names_of_places_are_unique(self):
        with pytest.raises(TableError, match="part: two labels have the same name"):
            Bench(BOX, inside(BOX, GOOD, at=(At("a", {"part": "x"}),)))

    def test_an_info_has_no_label_of_its_row(self):
        with pytest.raises(TableError, match="box: box_info has a label that its row has"):
            Bench(root(Info("box_info", {"mac": "mac"}, "I.")))


class TestFields:
    """One field of JSON is read as one thing."""

    @pytest.mark.parametrize(
        "families",
        [
            (Gauge("a", "x", "A."), Flag("b", "x", "B.")),
            (Gauge("a", "x", "A."), Info("b_info", {"x": "x"}, "B.")),
            (Flag("a", "x", "A."), StateSet("b", "x", "B.", ("s",))),
            (Gauge("a", "in.x", "A."), Flag("b", "in.x", "B.")),
            (Gauge("a", "x", "A."), Counter("b_total", "x", "B.")),
        ],
        ids=lambda families: "-".join(type(family).__name__ for family in families),
    )
    def test_two_value_kinds(self, families):
        with pytest.raises(TableError, match=r"x is read both as \w+ and as"):
            Bench(root(*families))

    @pytest.mark.parametrize("paths", [("x", "x.y"), ("x.y", "x"), ("x.y", "x.y.z"), ("x.y.z", "x.y")], ids=str)
    def test_a_value_and_an_object(self, paths):
        with pytest.raises(TableError, match="is read both as"):
            Bench(root(*(Gauge(f"g{i}", path, "G.") for i, path in enumerate(paths))))

    @pytest.mark.parametrize("at", ["env.{part}", "env[*]", "env"])
    def test_an_object_and_rows(self, at):
        with pytest.raises(TableError, match=r"object\.env is read both as rows and as something else"):
            Bench(BOX, inside(BOX, GOOD, at=at, labels={}))

    def test_a_value_and_rows(self):
        box = root(Gauge("x", "parts", "X."))
        with pytest.raises(TableError, match=r"object\.parts is read both as"):
            Bench(box, inside(box, GOOD))

    def test_rows_of_two_entities(self):
        twin = Entity("twin", within=BOX, at="parts.{x}", labels={"x": BY_KEY}, families=(Gauge("twin", "heat", "T."),))
        with pytest.raises(TableError, match="holds both part and twin"):
            Bench(BOX, inside(BOX, GOOD), twin)

    def test_an_extra_is_text(self):
        with pytest.raises(TableError, match="id is read both as"):
            Bench(root(Gauge("x", "id", "X.")), extras=("id",))

    @pytest.mark.parametrize(
        ("guard", "field"),
        [(Guard("on", is_=True), Gauge("x", "on", "X.")), (Guard("n", is_="a"), Flag("x", "n", "X."))],
    )
    def test_a_guard_compares_what_is_read(self, guard, field):
        """The kind that a family reads wins: comparing it with another never holds, and does not fail."""
        box = root()
        part = inside(box, field, unless=(guard,))
        bench = Bench(box, part)
        assert len(bench.apply({"parts": {"a": {"on": 1, "n": True}}})) >= (guard.field == "n")


class TestStore:
    def test_columns_are_unique(self):
        with pytest.raises(ValueError, match="box: x has two columns"):
            Bench(root(Gauge("x", "a", "X."), Gauge("x", "b", "X.")))

    def test_a_family_has_one_help_text(self):
        with pytest.raises(ValueError, match="x has two types or two HELP texts"):
            Bench(root(Gauge("x", "a", "X."), Gauge("x", "b", "Y.", labels={"z": "1"})))


class TestObjectKind:
    def test_its_entities(self):
        part = inside(BOX, GOOD)
        assert Bench(BOX, part).kind.entities == (BOX, part)

    def test_parents_before_children_or_not(self):
        """The order in which nested entities are named does not matter."""
        part = inside(BOX, GOOD, at="parts[*]")
        pin = Entity("pin", within=part, at="pins[*]", labels={"pin": BY_KEY}, families=(Gauge("pin", "v", "P."),))
        found = {"parts": [{"heat": 1, "pins": [{"v": 2}]}]}
        assert Bench(BOX, part, pin).apply(found) == Bench(BOX, pin, part).apply(found)

    def test_a_label_may_read_a_field_that_an_info_reads(self):
        part = inside(BOX, Info("part_info", {"use": "use"}, "I."), labels={"part": BY_KEY, "role": Label("use")})
        assert set(Bench(BOX, part).apply({"parts": {"a": {"use": "u"}}})) == {
            'part_info{use="u",mac="m",part="a",role="u"}'
        }
