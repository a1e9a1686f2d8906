"""An event is stored and restored without loss; every value has a token."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.event import Event
from collector.events import codec
from tests.support.events import event

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SCALAR = st.one_of(
    TEXT, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)


EVENTS = st.builds(
    Event,
    id=TEXT | st.from_regex("[0-9a-f]{32}", fullmatch=True),
    time=st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000),
    received=st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000),
    topic=TEXT,
    type=TEXT,
    site_id=TEXT,
    site_name=TEXT,
    device_mac=TEXT,
    device_name=TEXT,
    text=TEXT,
    fields=st.dictionaries(TEXT.filter(bool), SCALAR, max_size=8),
)


@given(before=EVENTS)
def test_an_event_is_restored_without_loss(before):
    assert codec.event_of(codec.row_of(before)) == before


def test_names_in_the_text_are_restored():
    before = event(3, text="Port of sw-3 at Site 3 (5c5b35000003)", device_name="sw-3", site_name="Site 3")
    assert codec.event_of(codec.row_of(before)) == before


def test_the_payload_is_smaller_than_without_a_dictionary():
    before = event(7)
    plain = codec.row_of(before, b"")
    assert len(codec.row_of(before).payload) < len(plain.payload) < len(zlib.compress(repr(before).encode()))


def test_a_payload_that_expands_without_bound_is_not_read_as_a_whole():
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = b"\1" + bomb.compress(b" " * 100_000_000) + bomb.flush()
    row = codec.row_of(event(1))._replace(payload=payload)
    with pytest.raises(ValueError, match=r"malformed|truncated"):
        codec.event_of(row, b"")


def test_tokens_are_ascii_words():
    tokens = codec.tokens_of(event(1, text="Größe des Rückstands: 10 %", site_name="東京"))
    assert tokens.isascii()
    assert all(token.isalnum() for token in tokens.split())


def test_a_prefix_of_a_word_is_a_prefix_of_its_token():
    assert codec.word_token("größe").startswith(codec.word_token("größ")[:-2])
    assert codec.word_token("switch").startswith(codec.word_token("swi"))


@pytest.mark.parametrize(
    ("path", "without"), [("reasons.0", "reasons"), ("a.12.b", "a.b"), ("a.1b", "a.1b"), ("0", "0"), ("a.b", "a.b")]
)
def test_indexes_are_left_out_of_paths(path, without):
    assert codec.path_without_indexes(path) == without


def test_times_and_fractions_are_not_indexed():
    assert not any(map(codec.is_indexed, ("1700000000", "1700000000123", "-61.5", "0.5")))
    assert all(map(codec.is_indexed, ("-61", "ge-0/0/1", "112233445566", "true", "3.1R2")))
