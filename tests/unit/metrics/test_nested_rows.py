"""Rows of list elements: their keys, and a single object instead of a list of one."""

from __future__ import annotations

import json

import pytest

from collector.metrics.compiler import ObjectKind
from collector.metrics.model import BY_KEY, Entity, Gauge
from collector.metrics.row_index import RowIndex
from collector.metrics.store import Store
from collector.metrics.text_format import render_all

CHASSIS = Entity("chassis", labels=("mac",), families=(Gauge("chassis_up", "up", "Up."),))
MODULE = Entity(
    "module",
    within=CHASSIS,
    at="modules[*]",
    key=("number", "_idx"),
    labels={"module": BY_KEY},
    families=(Gauge("module_heat", "heat", "Heat."),),
)


@pytest.fixture
def keys():
    store, row_index = Store(), RowIndex(("mac",))
    kind = ObjectKind("chassis", store, row_index, (CHASSIS,), (MODULE,))

    def found(*modules: object) -> list[str]:
        kind.write(kind.decode({"modules": list(modules)}), kind.object_rows("m", ("m",)), 1.0)
        lines = render_all(store).decode().splitlines()
        return [line.partition('module="')[2].partition('"')[0] for line in lines if line.startswith("module_heat")]

    return found


@pytest.mark.parametrize(
    ("element", "key"),
    [
        ({"number": 3}, "3"),
        ({"_idx": 4}, "4"),
        ({"number": 0, "_idx": 4}, "0"),
        ({"number": None, "_idx": 4}, "4"),
        ({"number": "", "_idx": "4"}, "4"),
        ({}, "0"),
        ({"number": None}, "0"),
    ],
)
def test_the_first_identifying_field_with_a_value_is_the_key(keys, element, key):
    assert keys(element | {"heat": 1}) == [key]


def test_an_element_without_an_identifying_field_has_its_index(keys):
    assert keys({"number": 5, "heat": 1}, {"heat": 2}) == ["5", "1"]


def test_elements_with_equal_keys_have_their_index_appended(keys):
    assert keys({"number": 5, "heat": 1}, {"_idx": 5, "heat": 2}) == ["5", "5#1"]


def test_a_null_element_does_not_change_the_index_of_others(keys):
    assert keys(None, {"heat": 2}) == ["1"]


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
def apply(request, box, store):
    def found(payload):
        box.write(box.decode(request.param(payload)), box.object_rows("b", ("b",)), 1.0)
        return [line for line in render_all(store).decode().splitlines() if not line.startswith("#")]

    return found


def test_one_object_is_the_same_as_a_list_of_it(apply, box):
    assert apply({"size": 1, "units": {"load": 7}}) == apply({"size": 1, "units": [{"load": 7}]})
    assert 'unit_load{id="b",unit="0"} 7.0' in apply({})
    assert not box.decoder.rejected


def test_an_empty_object_is_an_empty_list(apply, box):
    assert apply({"units": {}}) == apply({"units": []}) == []
    assert not box.decoder.rejected


def test_a_list_of_bare_values_stays_a_list(apply, box):
    assert apply({"size": 1, "shares": {"a": 1}}) == ['box_size{id="b"} 1.0']
    assert box.decoder.rejected == {"wrong_container": 1}
