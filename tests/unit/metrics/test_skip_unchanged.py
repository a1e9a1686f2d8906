"""Steady fields are passed over while their text stays the same; what they mean is unchanged by that."""

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


class House:
    def __init__(self, *steady):
        self.store, self.row_index = Store(), RowIndex(("id",))
        self.kind = ObjectKind("box", self.store, self.row_index, (BOX,), (SLOT,), skip_unchanged=steady)

    def tell(self, now, *, as_text=True, **payload):
        decoded = self.kind.decode(json.dumps(payload) if as_text else payload)
        self.kind.write(decoded, self.kind.object_rows("a", ("a",)), now)

    def sweep(self, now):
        self.row_index.sweep(now, ["a"], lambda *_: None)

    def lines(self):
        return {line for line in render_all(self.store).decode().splitlines() if not line.startswith("#")}


@pytest.fixture
def house():
    return House("config", "slots")


def test_what_is_steady_reads_as_if_it_were_not(house):
    plain = House()
    for now, payload in enumerate(
        (
            {"load": 1, "config": {"lamp": 1, "colour": "red"}, "slots": {"x": {"power": 5}}},
            {"load": 2, "config": {"lamp": 1, "colour": "red"}, "slots": {"x": {"power": 5}}},
            {"load": 3, "config": {"lamp": 0}, "slots": {"x": {"power": 6}, "y": {"power": None}}},
            {"config": None, "slots": {"x": {"power": "7"}, "y": {"power": 1}}},
            {"config": {"lamp": [], "colour": "blue"}},
        )
    ):
        house.tell(float(now), **payload)
        plain.tell(float(now), **payload)
        assert house.lines() == plain.lines()
    assert house.kind.decoder.rejected == plain.kind.decoder.rejected


def test_the_same_text_is_not_written_again(house):
    house.tell(1.0, slots={"x": {"power": 5}})
    table = house.store.tables["slot"]
    table.set(0, 1, 77.0)
    house.tell(2.0, slots={"x": {"power": 5}})
    assert table.get(0, 1) == 77.0
    house.tell(3.0, slots={"x": {"power": 6}})
    assert table.get(0, 1) == 6.0


def test_rows_of_a_steady_map_live_as_long_as_their_owner(house):
    house.tell(0.0, load=1, slots={"x": {"power": 5}})
    for now in range(20, 121, 20):
        house.tell(float(now), load=1, slots={"x": {"power": 5}})
        house.sweep(float(now))
    assert 'slot_power_watts{id="a",slot="x"} 5.0' in house.lines()
    house.sweep(221.0)
    assert house.lines() == set()


def test_an_owner_that_comes_back_is_told_everything_again(house):
    said = {"load": 1, "config": {"lamp": 1, "colour": "red"}, "slots": {"x": {"power": 5}}}
    house.tell(0.0, **said)
    before = house.lines()
    house.sweep(101.0)
    assert house.lines() == set()
    house.tell(102.0, **said)
    assert house.lines() == before


def test_a_key_that_is_no_longer_told_ends(house):
    house.tell(0.0, slots={"x": {"power": 5}, "y": {"power": 6}})
    house.tell(1.0, slots={"y": {"power": 6}})
    assert house.lines() == {'slot_power_watts{id="a",slot="y"} 6.0'}


def test_text_after_a_parsed_object_is_read(house):
    house.tell(0.0, slots={"x": {"power": 5}})
    house.tell(1.0, as_text=False, slots={"x": {"power": 9}})
    house.tell(2.0, slots={"x": {"power": 5}})
    assert house.lines() == {'slot_power_watts{id="a",slot="x"} 5.0'}


def test_a_steady_field_must_be_an_object_or_a_map_that_is_read():
    with pytest.raises(TableError, match="nothing"):
        House("nothing")
