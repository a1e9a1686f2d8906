"""Decoding: rejected payloads, rejected fields, tolerated values."""

from __future__ import annotations

import json
import math

import pytest
from msgspec import UNSET

from collector.errors import Rejected
from collector.metrics.decoder import NOT_AN_OBJECT
from collector.metrics.model import BY_KEY, At, Counter, Entity, Flag, Gauge, Info, timestamp
from collector.tolerant_json import NOT_JSON, TOO_DEEP, loads
from tests.support.bench import Bench

THING = Entity(
    "thing",
    labels=("mac",),
    families=(
        Gauge("thing_heat", "heat", "Heat."),
        Counter("thing_turns_total", "turns", "Turns."),
        Flag("thing_on", "on", "On."),
        timestamp("thing_seen_timestamp_seconds", "seen", "Seen."),
        Gauge("thing_depth", "a.b.c", "Depth."),
        Info("thing_info", {"name": "name"}, "Names."),
    ),
)
PART = Entity(
    "part", within=THING, at="parts.{part}", labels={"part": BY_KEY}, families=(Gauge("part_heat", "heat", "Heat."),)
)
STEP = Entity(
    "step", within=THING, at="steps[*]", labels={"step": BY_KEY}, families=(Gauge("step_heat", "heat", "Heat."),)
)
LOAD = Entity("load", within=THING, at="load[*]", labels={"load": BY_KEY}, families=(Gauge("load", "", "Load."),))
ONLY = Entity("only", within=THING, at=(At("only", {"side": "x"}),), families=(Gauge("only_heat", "heat", "Heat."),))

HEAT, ON = 'thing_heat{mac="m"}', 'thing_on{mac="m"}'


@pytest.fixture
def bench() -> Bench:
    return Bench(THING, PART, STEP, LOAD, ONLY, extras=("id",))


class TestWholePayloads:
    @pytest.mark.parametrize(
        ("payload", "rejected"),
        [
            ("", NOT_JSON),
            ("{", NOT_JSON),
            ('{"heat": 5', NOT_JSON),
            ("rubbish", NOT_JSON),
            (b"\xff\xfe", NOT_JSON),
            ("[]", NOT_AN_OBJECT),
            ("null", NOT_AN_OBJECT),
            ("5", NOT_AN_OBJECT),
            ('"text"', NOT_AN_OBJECT),
            (None, NOT_AN_OBJECT),
            ([], NOT_AN_OBJECT),
            (5, NOT_AN_OBJECT),
            (True, NOT_AN_OBJECT),
            ("[" * 100_000, TOO_DEEP),
            ('{"heat":' * 100_000, TOO_DEEP),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_rejected(self, bench, payload, rejected):
        assert bench.kind.decode(payload) == rejected

    @pytest.mark.parametrize("payload", ['{"heat": 5}', b'{"heat": 5}', {"heat": 5}], ids=["text", "bytes", "object"])
    def test_accepted(self, bench, payload):
        assert bench.apply(payload) == {HEAT: 5.0}

    def test_the_last_of_two_equal_keys_counts(self, bench):
        assert bench.apply('{"heat": 5, "heat": 6}') == {HEAT: 6.0}

    def test_fields_that_are_not_read_may_hold_anything(self, bench):
        assert bench.apply({"heat": 5, "x": [[{}]], "y": None, "z": {"heat": 7}}) == {HEAT: 5.0}
        assert bench.rejected == {}


class TestStructs:
    def test_absent_fields_have_defaults(self, bench):
        struct = bench.kind.decode("{}")
        assert getattr(struct, bench.kind.attribute("id")) is UNSET
        assert math.isnan(getattr(struct, bench.kind.attribute("heat")))

    def test_null_is_none(self, bench):
        struct = bench.kind.decode('{"id": null, "heat": null}')
        assert getattr(struct, bench.kind.attribute("id")) is None
        assert getattr(struct, bench.kind.attribute("heat")) is None

    def test_extras_are_text(self, bench):
        assert getattr(bench.kind.decode('{"id": "x"}'), bench.kind.attribute("id")) == "x"
        assert getattr(bench.kind.decode('{"id": 5}'), bench.kind.attribute("id")) == 5

    def test_both_paths_make_the_same_structs(self, bench):
        payload = {"heat": 5, "on": True, "a": {"b": {"c": 1}}, "parts": {"x": {"heat": 2}, "y": None}, "steps": [{}]}
        struct = bench.kind.decode(json.dumps(payload))
        assert type(bench.kind.decoder._tolerant(payload)) is type(bench.kind.decode(payload))
        assert repr(bench.kind.decoder._tolerant(payload)) == repr(bench.kind.decode(payload)) == repr(struct)


class TestOneFieldWrong:
    """The field is left out and counted, the rest is applied."""

    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            ({"turns": "many"}, "not_a_number"),
            ({"turns": -1}, "negative_count"),
            ({"seen": "soon"}, "not_a_number"),
            ({"on": "maybe"}, "not_a_flag"),
            ({"name": ["x"]}, "not_text"),
            ({"a": 5}, "wrong_container"),
            ({"a": {"b": []}}, "wrong_container"),
            ({"parts": []}, "wrong_container"),
            ({"parts": {"x": 5}}, "wrong_container"),
            ({"steps": "x"}, "wrong_container"),
            ({"steps": [5]}, "wrong_container"),
            ({"load": ["x"]}, "not_a_number"),
            ({"load": {"x": 1}}, "wrong_container"),
            ({"only": [1]}, "wrong_container"),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("spell", [json.dumps, dict], ids=["text", "object"])
    def test_only_it_is_rejected(self, bench, wrong, reason, spell):
        assert bench.apply(spell(wrong | {"heat": 5})) == {HEAT: 5.0}
        assert bench.rejected == {reason: 1}

    @pytest.mark.parametrize("spelled", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
    def test_a_number_that_is_none(self, bench, spelled):
        assert bench.apply({"turns": 7}, f'{{"turns": {spelled}, "heat": 5}}') == {
            HEAT: 5.0,
            'thing_turns_total{mac="m"}': 7.0,
        }
        assert bench.rejected == {"not_finite": 1}

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_number_that_is_none_in_an_object(self, bench, value):
        """Somebody else parsed it, leniently."""
        assert bench.apply({"turns": 7}, {"turns": value, "heat": 5}) == {HEAT: 5.0, 'thing_turns_total{mac="m"}': 7.0}
        assert bench.rejected == {"not_finite": 1}

    def test_each_is_counted(self, bench):
        bench.apply({"turns": "x", "seen": "y", "on": 7, "a": []})
        assert bench.rejected == {"not_a_number": 2, "not_a_flag": 1, "wrong_container": 1}

    def test_the_other_elements_are_applied(self, bench):
        payload = {"parts": {"a": 5, "b": {"heat": "hot"}, "c": {"heat": 3}}, "steps": [1, {"heat": 4}]}
        assert bench.apply(payload) == {'part_heat{mac="m",part="c"}': 3.0, 'step_heat{mac="m",step="1"}': 4.0}

    def test_the_stored_value_stays(self, bench):
        assert bench.apply({"heat": 5, "on": True}, {"heat": [], "on": False}) == {HEAT: 5.0, ON: 0.0}


class TestTolerated:
    def test_text_for_numbers(self, bench):
        assert bench.apply({"heat": "5", "on": "true", "a": {"b": {"c": "1.5"}}}) == {
            HEAT: 5.0,
            ON: 1.0,
            'thing_depth{mac="m"}': 1.5,
        }
        assert bench.rejected == {}

    def test_numbers_for_text(self, bench):
        assert bench.apply({"name": 2.0}) == {'thing_info{name="2",mac="m"}': 1.0}

    def test_lone_surrogates(self, bench):
        assert bench.apply('{"name": "a\\ud800", "heat": 5}')[HEAT] == 5.0

    @pytest.mark.parametrize("raw", ["\n", "\t", "\x01", "\x00", "\x7f"], ids=repr)
    def test_control_characters_in_text(self, bench, raw):
        """A name as somebody typed it must not cost the device its measurements."""
        assert bench.apply(f'{{"name": "a{raw}b", "heat": 5}}')[HEAT] == 5.0

    def test_nul_bytes_around_the_text(self, bench):
        assert bench.apply('\x00{"heat": 5}\x00\x00') == {HEAT: 5.0}


class TestLoads:
    @pytest.mark.parametrize(("text", "value"), [("{}", {}), (b"[1]", [1]), ('"x"', "x"), ("1e2", 100.0)])
    def test_json(self, text, value):
        assert loads(text) == value

    def test_not_a_number_is_read_to_be_rejected_as_a_field(self):
        assert math.isnan(loads('{"a": NaN}')["a"])
        assert loads("-Infinity") == -math.inf

    @pytest.mark.parametrize("text", ["", "{", "\x00", b"\xff", "nan", "{'a': 1}"])
    def test_malformed(self, text):
        assert loads(text) == NOT_JSON

    @pytest.mark.parametrize("text", ["[" * 100_000, "[" * 2000 + "]" * 2000, '{"a":' * 100_000])
    def test_deep_nesting(self, text):
        assert loads(text) == TOO_DEEP

    def test_a_long_number_does_not_reject_the_rest(self):
        assert loads('{"a": ' + "9" * 5000 + ', "b": NaN, "c": 1}')["c"] == 1

    def test_never_anything_but_a_value_or_a_rejection(self):
        for text in ("x" * 100, "\ud800", b"\x80\x81", "\ufeff{}"):
            assert isinstance(loads(text), Rejected | dict)


class TestRetract:
    """A payload turned out to be of another kind: what was left out of it is not this kind's fault."""

    def test_the_counts_of_one_payload_are_undone(self, bench):
        bench.kind.decode({"turns": "x"})
        wrong = {"turns": [], "on": 7, "heat": "y"}
        bench.kind.decode(wrong)
        assert bench.rejected == {"not_a_number": 3, "not_a_flag": 1}
        bench.kind.decoder.retract(wrong)
        assert bench.kind.decoder.rejected == {"not_a_number": 1}

    def test_a_valid_payload_has_no_counts(self, bench):
        bench.kind.decode({"turns": "x"})
        bench.kind.decode({"heat": 5})
        bench.kind.decoder.retract({"heat": 5})
        assert bench.kind.decoder.rejected == {"not_a_number": 1}
