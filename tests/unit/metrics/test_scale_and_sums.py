"""Zeros that mean nothing was measured, and histograms whose sum would be no counter."""

from __future__ import annotations

import math

import pytest

from collector.metrics.counter_table import CounterTable
from collector.metrics.model import Entity, Histogram, Scale
from collector.metrics.store import Store
from collector.metrics.text_format import render_all
from tests.support import golden


def test_a_zero_that_is_a_hole():
    scale = Scale(per=10.0, zero_is_hole=True)
    assert scale.of(-70.0) == -7.0
    assert math.isnan(scale.of(0.0))
    assert Scale(per=10.0).of(0.0) == 0.0


@pytest.mark.parametrize(("bounds", "parts"), [((-80, -60), {"bucket"}), ((0, 5), {"bucket", "sum", "count"})])
def test_a_histogram_of_negative_values_has_no_sum(bounds, parts):
    store = Store()
    tally = CounterTable(store, air(bounds))
    tally.observe(("a",), "mist_site_air_dbm", bounds[0])
    for openmetrics in (False, True):
        text = render_all(store, openmetrics=openmetrics).decode()
        names = {name.rpartition("_")[2] for name, _ in golden.samples(text, openmetrics=openmetrics)}
        assert names == parts


def air(bounds: tuple[float, ...]) -> Entity:
    return Entity("air", labels=("site_id",), ttl_s=None, families=(Histogram("mist_site_air_dbm", "Heard.", bounds),))
