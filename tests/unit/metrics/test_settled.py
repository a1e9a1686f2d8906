"""What has settled is frozen out of the garbage collector's sight."""

from __future__ import annotations

import gc

import pytest

from collector.metrics.model import Entity, Gauge
from collector.metrics.settled import FIRST_ROWS, Settled
from collector.metrics.store import Store

ROW = Entity("row", labels=("id",), families=(Gauge("row_value", None, "Value."),))


@pytest.fixture
def store():
    yield Store()
    gc.unfreeze()


def grow(store, rows):
    table = store.table(ROW)
    for number in range(len(table), rows):
        table.new_row(b'id="%d"' % number)


def test_a_small_store_is_left_alone(store):
    grow(store, FIRST_ROWS - 1)
    before = gc.get_freeze_count()
    assert not Settled(store).settle()
    assert gc.get_freeze_count() == before


def test_a_store_that_grew_by_a_quarter_is_frozen_again_and_no_sooner(store):
    settled = Settled(store)
    grow(store, FIRST_ROWS)
    assert settled.settle()
    assert gc.get_freeze_count() > 0
    grow(store, int(FIRST_ROWS * 1.2))
    assert not settled.settle()
    grow(store, int(FIRST_ROWS * 1.25))
    assert settled.settle()
