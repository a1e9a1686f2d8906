"""How the rows of a list's elements are told apart."""

from __future__ import annotations

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
    store, roster = Store(), RowIndex(("mac",))
    kind = ObjectKind("chassis", store, roster, (CHASSIS,), (MODULE,))

    def told(*modules: object) -> list[str]:
        kind.write(kind.decode({"modules": list(modules)}), kind.place("m", ("m",)), 1.0)
        lines = render_all(store).decode().splitlines()
        return [line.partition('module="')[2].partition('"')[0] for line in lines if line.startswith("module_heat")]

    return told


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
def test_the_first_name_that_says_something_is_the_key(keys, element, key):
    assert keys(element | {"heat": 1}) == [key]


def test_an_element_without_a_name_goes_by_its_place(keys):
    assert keys({"number": 5, "heat": 1}, {"heat": 2}) == ["5", "1"]


def test_elements_of_one_name_are_told_apart(keys):
    assert keys({"number": 5, "heat": 1}, {"_idx": 5, "heat": 2}) == ["5", "5#1"]


def test_a_null_element_leaves_the_others_their_places(keys):
    assert keys(None, {"heat": 2}) == ["1"]
