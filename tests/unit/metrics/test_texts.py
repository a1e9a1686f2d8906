"""String fields: info series, state sets, labels that can change."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from collector.metrics.model import BY_KEY, Entity, Gauge, Info, Label, StateSet
from collector.metrics.texts import as_tuple, info_labels, infos_of, known_text, labels_of, merge
from tests.support.bench import Bench

ROOT = Entity("root", labels=("mac",), families=())


@pytest.mark.parametrize(("value", "text"), [("x", "x"), (5, "5"), (0, "0"), ("", None), (None, None), (UNSET, None)])
def test_unknown_values_have_no_text(value, text):
    assert known_text(value) == text


@pytest.mark.parametrize(("new", "merged"), [(UNSET, "old"), (None, None), ("", ""), ("new", "new")])
def test_absent_keeps_the_old_value(new, merged):
    assert merge("old", new) == merged


def test_one_path_or_several():
    assert as_tuple("a") == ("a",)
    assert as_tuple(("a", "b")) == ("a", "b")


class TestInfo:
    def test_no_series_without_a_known_value(self):
        assert info_labels([(UNSET, None, "")], [("a", [(0, 0)]), ("b", [(0, 1)]), ("c", [(0, 2)])]) is None

    def test_it_ends_in_a_comma_for_the_labels_of_the_row(self):
        assert info_labels([("x", 5)], [("a", [(0, 0)]), ("b", [(0, 1)])]) == b'a="x",b="5",'

    def test_strings_from_several_objects(self):
        assert info_labels([("x",), ("y",)], [("a", [(1, 0), (0, 0)])]) == b'a="y",'
        assert info_labels([("x",), ("",)], [("a", [(1, 0), (0, 0)])]) == b'a="x",'

    def test_several_infos_of_one_row(self):
        families = (Info("a_info", {"x": "x", "y": "in.y"}, "A."), Info("b_info", {"y": "in.y", "z": "in.z"}, "B."))
        bench = Bench(Entity("e", labels=("mac",), families=families))
        assert infos_of(bench.kind.entities[0]) == list(families)
        assert set(bench.apply({"x": "1", "in": {"z": "3"}})) == {'a_info{x="1",mac="m"}', 'b_info{z="3",mac="m"}'}
        assert set(bench.apply({"in": {"y": "2"}})) == {'a_info{x="1",y="2",mac="m"}', 'b_info{y="2",z="3",mac="m"}'}
        assert set(bench.apply({"in": None})) == {'a_info{x="1",mac="m"}'}

    def test_hostile_strings(self):
        bench = Bench(Entity("e", labels=("mac",), families=(Info("a_info", {"x": "x"}, "A."),)))
        assert set(bench.apply({"x": 'a"b\\c\nd'})) == {r'a_info{x="a\"b\\c\nd",mac="m"}'}


class TestStates:
    def test_the_text_is_folded(self):
        states = StateSet("state", "state", "S.", ("up", "down"), label="is", fold=lambda text: text.strip("_").lower())
        bench = Bench(Entity("e", labels=("mac",), families=(states,)))
        assert bench.apply({"state": "_UP_"})['state{is="up",mac="m"}'] == 1.0

    def test_constant_labels(self):
        states = StateSet("state", "state", "S.", ("up",), labels={"kind": "ap"})
        bench = Bench(Entity("e", labels=("mac",), families=(states,)))
        assert bench.apply({"state": "up"}) == {
            'state{kind="ap",state="up",mac="m"}': 1.0,
            'state{kind="ap",state="other",mac="m"}': 0.0,
        }

    def test_two_sets_of_one_field(self):
        sets = (StateSet("a", "s", "A.", ("x",)), StateSet("b", "s", "B.", ("y",)))
        bench = Bench(Entity("e", labels=("mac",), families=sets))
        assert [name for name, value in bench.apply({"s": "y"}).items() if value] == [
            'a{state="other",mac="m"}',
            'b{state="y",mac="m"}',
        ]


class TestDynamicLabels:
    def test_a_root_has_none(self):
        assert labels_of(ROOT) == {}

    def test_several(self):
        part = Entity(
            "part",
            within=ROOT,
            at="parts.{part}",
            labels={
                "part": BY_KEY,
                "name": Label("name"),
                "use": Label("in.use", lambda key, text: (text or key).upper()),
            },
            families=(Gauge("heat", "heat", "H."),),
        )
        bench = Bench(ROOT, part)
        assert set(bench.apply({"parts": {"a": {"heat": 1}}})) == {'heat{mac="m",part="a",name="a",use="A"}'}
        assert set(bench.apply({"parts": {"a": {"name": "n", "in": {"use": "u"}}}})) == {
            'heat{mac="m",part="a",name="n",use="U"}'
        }
        assert set(bench.apply({"parts": {"a": {"in": {"use": ""}}}})) == {'heat{mac="m",part="a",name="n",use="A"}'}

    def test_rows_inside_do_not_inherit_them(self):
        part = Entity(
            "part",
            within=ROOT,
            at="parts[*]",
            labels={"part": BY_KEY, "name": Label("name")},
            families=(Gauge("heat", "heat", "H."),),
        )
        pin = Entity(
            "pin", within=part, at="pins[*]", labels={"pin": BY_KEY}, families=(Gauge("volts", "volts", "V."),)
        )
        bench = Bench(ROOT, part, pin)
        assert set(bench.apply({"parts": [{"name": "n", "heat": 1, "pins": [{"volts": 5}]}]})) == {
            'heat{mac="m",part="0",name="n"}',
            'volts{mac="m",part="0",pin="0"}',
        }
