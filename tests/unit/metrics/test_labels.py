"""Label values: Prometheus reads back what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from collector.metrics.labels import MAX_VALUE_CHARS, escape, render_pairs, shorten


def read_back(labels: dict[str, str]) -> dict[str, str]:
    """Return the labels as the parser of Prometheus reads them."""
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
def test_every_value_is_read_back(text):
    assert read_back({"a": text, "b": "x"}) == ({"a": text, "b": "x"} if text else {"b": "x"})


def test_lone_surrogates_are_escaped():
    assert escape("a\ud800b") == r"a\\ud800b"


def test_lone_surrogates_remain_distinct():
    assert escape("\ud800") != escape("\udfff")


class TestLongValues:
    def test_the_longest_value_is_unchanged(self):
        assert escape("x" * MAX_VALUE_CHARS) == "x" * MAX_VALUE_CHARS

    def test_a_longer_value_is_cut(self):
        cut = escape("x" * (MAX_VALUE_CHARS + 1))
        assert len(cut) == MAX_VALUE_CHARS
        assert cut.startswith("x" * (MAX_VALUE_CHARS - 9) + "…")

    def test_two_values_with_the_same_beginning_remain_distinct(self):
        assert escape("x" * 300 + "1") != escape("x" * 300 + "2")
        assert escape("x" * 300) != escape("x" * 301)

    def test_a_value_is_always_cut_the_same_way(self):
        assert escape("x" * 300) == escape("x" * 300)

    @given(st.text(min_size=MAX_VALUE_CHARS + 1, max_size=MAX_VALUE_CHARS + 40))
    def test_a_cut_value_can_be_parsed(self, text):
        assert len(read_back({"a": text})["a"]) == MAX_VALUE_CHARS

    def test_shortened_values_are_not_cut_again(self):
        assert escape(shorten("x" * 1000)) == shorten("x" * 1000) == escape("x" * 1000)

    def test_escapes_are_not_cut(self):
        assert len(read_back({"a": '"\\\n' * 200})["a"]) == MAX_VALUE_CHARS


def test_pairs_keep_their_order_without_empty_values():
    assert render_pairs({"b": "1", "none": "", "a": "2"}) == b'b="1",a="2"'
    assert render_pairs({}) == b""
