"""Fields of `skip_unchanged` are skipped while their text is unchanged; the samples are the same as without it."""

from __future__ import annotations

import json

import pytest

from collector.metrics.compiler import ObjectKind
from collector.metrics.model import BY_KEY, Entity, Gauge, Info
from collector.metrics.row_index import RowIndex
from collector.metrics.shape import TableError
from collector.metrics.store import Store
from collector.metrics.text_format import render_all

BOX = Entity(
    "box",
    labels=("id",),
    ttl_s=100.0,
    families=(
        Gauge("box_load", "load", "Load."),
        Gauge("box_lamp", "config.lamp", "Lamp."),
        Info("box_info", {"colour": "config.colour"}, "Words."),
    ),
)
SLOT = Entity(
    "slot",
    within=BOX,
    at="slots.{slot}",
    labels={"slot": BY_KEY},
    ttl_s=10.0,
    families=(Gauge("slot_power_watts", "power", "Power."),),
)


class Boxes:
    def __init__(self, *skip_unchanged):
        self.store, self.row_index = Store(), RowIndex(("id",))
        self.kind = ObjectKind("box", self.store, self.row_index, (BOX,), (SLOT,), skip_unchanged=skip_unchanged)

    def apply(self, now, *, as_text=True, **payload):
        decoded = self.kind.decode(json.dumps(payload) if as_text else payload)
        self.kind.write(decoded, self.kind.object_rows("a", ("a",)), now)

    def sweep(self, now):
        self.row_index.sweep(now, ["a"], lambda *_: None)

    def lines(self):
        return {line for line in render_all(self.store).decode().splitlines() if not line.startswith("#")}


@pytest.fixture
def boxes():
    return Boxes("config", "slots")


def test_the_samples_are_those_without_it(boxes):
    plain = Boxes()
    for now, payload in enumerate(
        (
            {"load": 1, "config": {"lamp": 1, "colour": "red"}, "slots": {"x": {"power": 5}}},
            {"load": 2, "config": {"lamp": 1, "colour": "red"}, "slots": {"x": {"power": 5}}},
            {"load": 3, "config": {"lamp": 0}, "slots": {"x": {"power": 6}, "y": {"power": None}}},
            {"config": None, "slots": {"x": {"power": "7"}, "y": {"power": 1}}},
            {"config": {"lamp": [], "colour": "blue"}},
        )
    ):
        boxes.apply(float(now), **payload)
        plain.apply(float(now), **payload)
        assert boxes.lines() == plain.lines()
    assert boxes.kind.decoder.rejected == plain.kind.decoder.rejected


def test_the_same_text_is_not_written_again(boxes):
    boxes.apply(1.0, slots={"x": {"power": 5}})
    table = boxes.store.tables["slot"]
    table.set(0, 1, 77.0)
    boxes.apply(2.0, slots={"x": {"power": 5}})
    assert table.get(0, 1) == 77.0
    boxes.apply(3.0, slots={"x": {"power": 6}})
    assert table.get(0, 1) == 6.0


def test_rows_of_a_skipped_map_end_with_their_owner(boxes):
    boxes.apply(0.0, load=1, slots={"x": {"power": 5}})
    for now in range(20, 121, 20):
        boxes.apply(float(now), load=1, slots={"x": {"power": 5}})
        boxes.sweep(float(now))
    assert 'slot_power_watts{id="a",slot="x"} 5.0' in boxes.lines()
    boxes.sweep(221.0)
    assert boxes.lines() == set()


def test_new_rows_are_written_completely(boxes):
    said = {"load": 1, "config": {"lamp": 1, "colour": "red"}, "slots": {"x": {"power": 5}}}
    boxes.apply(0.0, **said)
    before = boxes.lines()
    boxes.sweep(101.0)
    assert boxes.lines() == set()
    boxes.apply(102.0, **said)
    assert boxes.lines() == before


def test_the_row_of_a_missing_key_ends(boxes):
    boxes.apply(0.0, slots={"x": {"power": 5}, "y": {"power": 6}})
    boxes.apply(1.0, slots={"y": {"power": 6}})
    assert boxes.lines() == {'slot_power_watts{id="a",slot="y"} 6.0'}


def test_text_after_a_parsed_object_is_read(boxes):
    boxes.apply(0.0, slots={"x": {"power": 5}})
    boxes.apply(1.0, as_text=False, slots={"x": {"power": 9}})
    boxes.apply(2.0, slots={"x": {"power": 5}})
    assert boxes.lines() == {'slot_power_watts{id="a",slot="x"} 5.0'}


def test_the_field_must_be_an_object_or_a_map_that_is_read():
    with pytest.raises(TableError, match="nothing"):
        Boxes("nothing")
