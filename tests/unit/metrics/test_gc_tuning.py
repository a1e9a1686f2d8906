"""Objects that survive are frozen, so that the garbage collector does not visit them."""

from __future__ import annotations

import gc

import pytest

from collector.metrics import gc_tuning

OBJECTS = 1000


@pytest.fixture(autouse=True)
def collector_as_before():
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()  # what the tests' own house has; only what is made from here on is in sight
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def old_objects(number):
    made = [[] for _ in range(number)]
    gc.collect()  # they survive, so they are old
    return made


def test_few_objects_are_left_to_the_collector():
    made, before = old_objects(OBJECTS), gc.get_freeze_count()

    assert not gc_tuning.freeze_survivors(2 * OBJECTS)
    assert gc.get_freeze_count() == before
    assert len(made) == OBJECTS


def test_many_objects_are_frozen_once_and_no_more_before_there_are_as_many_again():
    made, before = old_objects(OBJECTS), gc.get_freeze_count()

    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert gc.get_freeze_count() >= before + OBJECTS
    assert not gc_tuning.freeze_survivors(OBJECTS // 2)
    made += old_objects(OBJECTS)
    assert gc_tuning.freeze_survivors(OBJECTS // 2)


def test_a_cycle_that_died_young_is_collected_and_not_frozen():
    made, ended = old_objects(OBJECTS), Dead.ended
    a_cycle()

    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert Dead.ended == ended + 1
    assert len(made) == OBJECTS


def test_a_cycle_that_died_old_is_collected_and_not_frozen():
    made, ended, cycle = old_objects(OBJECTS), Dead.ended, a_cycle()
    gc.collect()
    del cycle

    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert Dead.ended == ended + 1
    assert len(made) == OBJECTS


def test_a_cycle_that_dies_frozen_is_collected_when_all_is_thawed(monkeypatch):
    made, ended, cycle = old_objects(OBJECTS), Dead.ended, a_cycle()
    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    del cycle
    made += old_objects(OBJECTS)
    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert Dead.ended == ended
    monkeypatch.setattr(gc_tuning, "UNFREEZE_EVERY", 1)
    made += old_objects(OBJECTS)

    assert gc_tuning.freeze_survivors(OBJECTS // 2)
    assert Dead.ended == ended + 1
    assert gc.get_freeze_count() >= 3 * OBJECTS
    assert len(made) == 3 * OBJECTS


def test_tuning_freezes_what_is_there():
    made, before = old_objects(OBJECTS), gc.get_freeze_count()

    gc_tuning.configure()

    assert gc.get_freeze_count() >= before + OBJECTS
    assert gc.get_threshold() == gc_tuning.THRESHOLDS
    assert len(made) == OBJECTS


def a_cycle():
    dead = Dead()
    dead.cycle = dead
    return dead


class Dead:
    """Counts how many of it were collected."""

    ended = 0

    def __del__(self):
        Dead.ended += 1
