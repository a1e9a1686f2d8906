"""The targets of `make fuzz`: on bytes that Hypothesis makes up, on damaged examples, on all that once broke one."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, seeds

FOUND = sorted((Path(__file__).resolve().parents[1] / "fuzz/found").glob("*/*"))
SEEDS = {name: list(seeds(name)) for name in TARGETS}


@st.composite
def damaged(draw, examples):
    """An example with some bytes overwritten, taken out, doubled, or cut off."""
    octets = bytearray(draw(st.sampled_from(examples)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(octets) - 1)))
        piece = draw(st.binary(max_size=4) | st.sampled_from([b"null", b"[]", b"{}", b"-1", b'""', b"1e999", b"true"]))
        octets[at : at + draw(st.integers(0, 8))] = piece
    return bytes(octets)


@pytest.mark.parametrize("name", TARGETS)
def test_every_example_goes_through(name):
    assert SEEDS[name]
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_examples_escape_nowhere(name):
    @settings(max_examples=settings.default.max_examples * 2)
    @given(damaged(SEEDS[name]))
    def run(octets):
        TARGETS[name](octets)

    run()


@pytest.mark.parametrize("name", TARGETS)
@given(octets=st.binary(max_size=300))
def test_any_bytes_escape_nowhere(name, octets):
    TARGETS[name](octets)


def test_what_was_found_once_escapes_no_more():
    for file in FOUND:
        TARGETS[file.parent.name](file.read_bytes())
