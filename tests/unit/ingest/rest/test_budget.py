"""5,000 calls an hour, with a new count on the full hour."""

from __future__ import annotations

import pytest

from collector.ingest.rest.budget import CallBudget
from collector.status import RestStatus

HOUR = 1_699_999_200.0  # 22:00:00 UTC, a full hour


def budget(limit: int = 100) -> tuple[CallBudget, RestStatus]:
    status = RestStatus("main", budget_limit=limit)
    return CallBudget(status), status


def test_calls_pass_up_to_the_reserve_and_then_wait_for_the_full_hour():
    spent, status = budget()
    for _ in range(95):
        assert spent.wait_s(0.0, HOUR + 600) == 0
        spent.spend(HOUR + 600)
    assert status.budget_used == 95
    assert spent.is_exhausted(HOUR + 600)
    assert spent.wait_s(0.0, HOUR + 600) == 3000
    assert spent.wait_s(0.0, HOUR + 3600) == 0
    assert status.budget_used == 0


def test_a_wall_clock_that_is_set_back_keeps_the_count_until_the_next_hour():
    spent, status = budget()
    spent.spend(HOUR + 10)
    spent.spend(HOUR - 10)
    assert status.budget_used == 2
    assert spent.wait_s(0.0, HOUR + 10) == 0
    assert status.budget_used == 0


def test_a_pause_holds_all_calls_and_is_never_shortened():
    spent, _ = budget()
    spent.pause(1050.0)
    spent.pause(1020.0)
    assert spent.wait_s(1000.0, HOUR) == 50
    assert spent.wait_s(1050.0, HOUR) == 0


def test_calls_of_other_programs_with_the_same_token_are_counted():
    spent, status = budget()
    spent.spend(HOUR)
    spent.learn({"requests": 4990, "request_limit": 5000}, HOUR)
    assert (status.budget_used, status.budget_limit) == (4990, 5000)
    assert spent.wait_s(0.0, HOUR) == 3600
    spent.learn({"requests": 3, "request_limit": 5000}, HOUR)
    assert status.budget_used == 4990


@pytest.mark.parametrize("usage", [None, [], {}, {"requests": "5"}, {"requests": True, "request_limit": 0}])
def test_a_malformed_usage_is_ignored(usage):
    spent, status = budget()
    spent.spend(HOUR)
    spent.learn(usage, HOUR)
    assert (status.budget_used, status.budget_limit) == (1, 100)


def test_a_tiny_budget_permits_one_call():
    spent, _ = budget(limit=1)
    assert spent.usable == 1
    assert spent.wait_s(0.0, HOUR) == 0
