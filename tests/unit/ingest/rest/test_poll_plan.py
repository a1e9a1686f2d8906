"""Poll periods within a budget: by priority, without starvation, never more calls than permitted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.rest.poll_plan import MAX_STRETCH, Allocation, Demand, allocate

FIRST, SECOND = Demand("first", 100, 300.0), Demand("second", 50, 300.0)  # 1200 and 600 calls an hour
BEST_EFFORT = Demand("best_effort", 100, 300.0, best_effort=True)


def periods(demands, calls_per_hour):
    return {name: one.period_s for name, one in allocate(demands, calls_per_hour).items()}


def test_enough_calls_for_all():
    assert periods([FIRST, SECOND, BEST_EFFORT], 3000) == {"first": 300, "second": 300, "best_effort": 300}


def test_the_period_of_the_last_is_stretched_first():
    assert periods([FIRST, SECOND], 1500) == {"first": 300, "second": 600}


def test_then_that_of_the_first_while_the_last_keeps_its_hourly_round():
    found = periods([FIRST, SECOND], 650)
    assert found["second"] == pytest.approx(3600)
    assert found["first"] == pytest.approx(100 * 3600 / 600)


def test_a_best_effort_poll_takes_nothing_from_the_others():
    found = allocate([BEST_EFFORT, FIRST, SECOND], 1850)
    assert found["first"] == found["second"] == Allocation(300.0)
    assert found["best_effort"].period_s is None
    reason = "a round needs 100 calls, at least 100 an hour; the call budget leaves 50"
    assert found["best_effort"].reason == reason


def test_a_best_effort_poll_is_stretched_to_what_is_left():
    assert periods([FIRST, SECOND, BEST_EFFORT], 2000)["best_effort"] == pytest.approx(1800)


def test_a_poll_that_needs_too_many_calls_does_not_block_others():
    found = periods([FIRST, SECOND], 60)
    assert found["first"] is None
    assert found["second"] == pytest.approx(3000)


def test_no_calls_left():
    assert periods([FIRST, SECOND, BEST_EFFORT], 0) == {"first": None, "second": None, "best_effort": None}


def test_a_poll_without_targets_is_not_skipped():
    assert periods([Demand("empty", 0, 300.0)], 0) == {"empty": 300}


ROWS = st.lists(st.tuples(st.integers(0, 3000), st.floats(30, 3600), st.booleans()), max_size=8)


@given(ROWS, st.floats(0, 5000))
def test_never_more_than_the_budget_and_never_sooner_than_configured(rows, calls_per_hour):
    demands = [Demand(str(place), *row) for place, row in enumerate(rows)]
    found = allocate(demands, calls_per_hour)
    assert found.keys() == {demand.name for demand in demands}
    spent = 0.0
    for demand in demands:
        period_s = found[demand.name].period_s
        if period_s is not None:
            assert demand.every_s <= period_s <= demand.every_s * MAX_STRETCH * (1 + 1e-9)
            spent += demand.calls * 3600 / period_s
        else:
            assert found[demand.name].reason
    assert spent <= calls_per_hour * (1 + 1e-9)
