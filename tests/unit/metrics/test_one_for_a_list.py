"""Where rows are expected in a list, a single object is a list of one."""

from __future__ import annotations

import json

import pytest

from collector.metrics.compiler import ObjectKind
from collector.metrics.model import BY_KEY, Entity, Gauge
from collector.metrics.row_index import RowIndex
from collector.metrics.store import Store
from collector.metrics.text_format import render_all

BOX = Entity("box", labels=("id",), families=(Gauge("box_size", "size", "Size."),))
UNIT = Entity(
    "unit", within=BOX, at="units[*]", labels={"unit": BY_KEY}, families=(Gauge("unit_load", "load", "Load."),)
)
SHARE = Entity(
    "share", within=BOX, at="shares[*]", labels={"share": BY_KEY}, families=(Gauge("box_share", "", "Share."),)
)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def box(store):
    return ObjectKind("box", store, RowIndex(("id",)), (BOX,), (UNIT, SHARE))


@pytest.fixture(params=[json.dumps, lambda payload: payload], ids=["text", "parsed"])
def tell(request, box, store):
    def told(payload):
        box.write(box.decode(request.param(payload)), box.place("b", ("b",)), 1.0)
        return [line for line in render_all(store).decode().splitlines() if not line.startswith("#")]

    return told


def test_one_object_is_the_same_as_a_list_of_it(tell, box):
    assert tell({"size": 1, "units": {"load": 7}}) == tell({"size": 1, "units": [{"load": 7}]})
    assert 'unit_load{id="b",unit="0"} 7.0' in tell({})
    assert not box.decoder.rejected


def test_an_empty_object_is_an_empty_list(tell, box):
    assert tell({"units": {}}) == tell({"units": []}) == []
    assert not box.decoder.rejected


def test_a_list_of_bare_values_stays_a_list(tell, box):
    assert tell({"size": 1, "shares": {"a": 1}}) == ['box_size{id="b"} 1.0']
    assert box.decoder.rejected == {"wrong_container": 1}
