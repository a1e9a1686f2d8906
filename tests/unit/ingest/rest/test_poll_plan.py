"""Periods within a budget: the important first, nobody starved, never more than there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.rest.poll_plan import LONGEST_STRETCH, Grant, Want, grants

FIRST, SECOND = Want("first", 100, 300.0), Want("second", 50, 300.0)  # 1200 and 600 calls an hour
SPARE = Want("spare", 100, 300.0, spare=True)


def periods(wants, calls_per_hour):
    return {name: grant.period_s for name, grant in grants(wants, calls_per_hour).items()}


def test_enough_for_all():
    assert periods([FIRST, SECOND, SPARE], 3000) == {"first": 300, "second": 300, "spare": 300}


def test_the_last_is_stretched_first():
    assert periods([FIRST, SECOND], 1500) == {"first": 300, "second": 600}


def test_then_the_first_but_the_last_keeps_its_hourly_round():
    granted = periods([FIRST, SECOND], 650)
    assert granted["second"] == pytest.approx(3600)
    assert granted["first"] == pytest.approx(100 * 3600 / 600)


def test_a_spare_poll_takes_nothing_from_the_others():
    granted = grants([SPARE, FIRST, SECOND], 1850)
    assert granted["first"] == granted["second"] == Grant(300.0)
    assert granted["spare"].period_s is None
    assert granted["spare"].reason == "a round takes 100 calls, at least 100 an hour; the budget leaves 50"


def test_a_spare_poll_is_stretched_to_what_is_left():
    assert periods([FIRST, SECOND, SPARE], 2000)["spare"] == pytest.approx(1800)


def test_what_cannot_be_had_at_all_does_not_keep_others_from_it():
    granted = periods([FIRST, SECOND], 60)
    assert granted["first"] is None
    assert granted["second"] == pytest.approx(3000)


def test_nothing_left():
    assert periods([FIRST, SECOND, SPARE], 0) == {"first": None, "second": None, "spare": None}


def test_nobody_to_ask_is_no_reason_to_be_left_out():
    assert periods([Want("empty", 0, 300.0)], 0) == {"empty": 300}


WANTS = st.lists(st.tuples(st.integers(0, 3000), st.floats(30, 3600), st.booleans()), max_size=8)


@given(WANTS, st.floats(0, 5000))
def test_never_more_than_the_budget_and_never_sooner_than_wanted(rows, calls_per_hour):
    wants = [Want(str(place), *row) for place, row in enumerate(rows)]
    granted = grants(wants, calls_per_hour)
    assert granted.keys() == {want.name for want in wants}
    spent = 0.0
    for want in wants:
        period_s = granted[want.name].period_s
        if period_s is not None:
            assert want.every_s <= period_s <= want.every_s * LONGEST_STRETCH * (1 + 1e-9)
            spent += want.calls * 3600 / period_s
        else:
            assert granted[want.name].reason
    assert spent <= calls_per_hour * (1 + 1e-9)
