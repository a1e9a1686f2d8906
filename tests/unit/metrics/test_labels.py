"""Label text: what Prometheus reads back is what was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from collector.metrics.labels import MAX_VALUE_CHARS, escape, render_pairs


def read_back(labels: dict[str, str]) -> dict[str, str]:
    """The labels as Prometheus' own reader understands them."""
    ((sample,),) = [f.samples for f in text_string_to_metric_families(f"x{{{render_pairs(labels).decode()}}} 1\n")]
    return sample.labels


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ('a"b', r"a\"b"),
        ("a\\b", r"a\\b"),
        ("a\nb", r"a\nb"),
        ('\\"\n', r"\\\"\n"),
        ("é…😀", "é…😀"),
    ],
)
def test_escapes(text, escaped):
    assert escape(text) == escaped


@given(st.text(max_size=MAX_VALUE_CHARS))
def test_every_text_comes_back(text):
    assert read_back({"a": text, "b": "x"}) == ({"a": text, "b": "x"} if text else {"b": "x"})


def test_what_is_no_unicode_is_spelled_out():
    assert escape("a\ud800b") == r"a\\ud800b"


def test_lone_surrogates_stay_apart():
    assert escape("\ud800") != escape("\udfff")


class TestLongValues:
    def test_the_longest_value_is_whole(self):
        assert escape("x" * MAX_VALUE_CHARS) == "x" * MAX_VALUE_CHARS

    def test_a_longer_one_is_cut(self):
        cut = escape("x" * (MAX_VALUE_CHARS + 1))
        assert len(cut) == MAX_VALUE_CHARS
        assert cut.startswith("x" * (MAX_VALUE_CHARS - 9) + "…")

    def test_two_that_begin_alike_stay_apart(self):
        assert escape("x" * 300 + "1") != escape("x" * 300 + "2")
        assert escape("x" * 300) != escape("x" * 301)

    def test_one_value_is_always_cut_alike(self):
        assert escape("x" * 300) == escape("x" * 300)

    @given(st.text(min_size=MAX_VALUE_CHARS + 1, max_size=MAX_VALUE_CHARS + 40))
    def test_what_is_cut_can_be_read(self, text):
        assert len(read_back({"a": text})["a"]) == MAX_VALUE_CHARS

    def test_no_escape_is_cut_in_two(self):
        assert len(read_back({"a": '"\\\n' * 200})["a"]) == MAX_VALUE_CHARS


def test_pairs_keep_their_order_and_leave_empty_values_out():
    assert render_pairs({"b": "1", "none": "", "a": "2"}) == b'b="1",a="2"'
    assert render_pairs({}) == b""
