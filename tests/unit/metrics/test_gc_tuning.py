"""Objects that survive are frozen, so that the garbage collector does not visit them."""

from __future__ import annotations

import gc

import pytest

from collector.metrics import gc_tuning

OBJECTS = 1000


@pytest.fixture(autouse=True)
def restored_collector():
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()  # objects of the tests themselves
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def old_objects(number):
    made = [[] for _ in range(number)]
    gc.collect()  # they survive, so they are old
    return made


def test_few_objects_are_not_frozen():
    made, before = old_objects(OBJECTS), gc.get_freeze_count()

    assert not gc_tuning.freeze_survivors(2 * OBJECTS)
    assert gc.get_freeze_count() == before
    assert len(made) == OBJECTS


def test_many_objects_are_frozen_once():
    made, before = old_objects(OBJECTS), gc.get_freeze_count()

    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert gc.get_freeze_count() >= before + OBJECTS
    assert not gc_tuning.freeze_survivors(OBJECTS // 2)
    made += old_objects(OBJECTS)
    assert gc_tuning.freeze_survivors(OBJECTS // 2)


def test_a_young_garbage_cycle_is_collected():
    made, ended = old_objects(OBJECTS), Garbage.ended
    a_cycle()

    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert Garbage.ended == ended + 1
    assert len(made) == OBJECTS


def test_an_old_garbage_cycle_is_collected():
    made, ended, cycle = old_objects(OBJECTS), Garbage.ended, a_cycle()
    gc.collect()
    del cycle

    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert Garbage.ended == ended + 1
    assert len(made) == OBJECTS


def test_a_frozen_garbage_cycle_is_collected_after_unfreezing(monkeypatch):
    made, ended, cycle = old_objects(OBJECTS), Garbage.ended, a_cycle()
    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    del cycle
    made += old_objects(OBJECTS)
    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert Garbage.ended == ended
    monkeypatch.setattr(gc_tuning, "UNFREEZE_EVERY", 1)
    made += old_objects(OBJECTS)

    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert Garbage.ended == ended + 1
    assert gc.get_freeze_count() >= 3 * OBJECTS
    assert len(made) == 3 * OBJECTS


def test_configure_freezes_existing_objects():
    made, before = old_objects(OBJECTS), gc.get_freeze_count()

    gc_tuning.configure()

    assert gc.get_freeze_count() >= before + OBJECTS
    assert gc.get_threshold() == gc_tuning.THRESHOLDS
    assert len(made) == OBJECTS


def a_cycle():
    garbage = Garbage()
    garbage.cycle = garbage
    return garbage


class Garbage:
    """Counts how many of it were collected."""

    ended = 0

    def __del__(self):
        Garbage.ended += 1
