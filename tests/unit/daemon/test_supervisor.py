"""A task that raises is restarted with backoff, counted and logged once; cancellation passes."""

import asyncio

import pytest
from structlog.testing import capture_logs

from collector.daemon.supervisor import LONGEST_PAUSE_S, RECOVERED_AFTER_S, TASKS, UNHEALTHY_AFTER_S, Supervisor
from tests.support.clock import ManualClock


class Failing:
    """Fails `failures` times, each after `after_s`, then runs until cancelled."""

    def __init__(self, clock, failures, *, after_s=0.0, error=RuntimeError):
        self.clock = clock
        self.failures = failures
        self.after_s = after_s
        self.error = error
        self.starts = []

    async def run(self):
        self.starts.append(self.clock.now())
        if self.after_s:
            await self.clock.sleep(self.after_s)
        if len(self.starts) <= self.failures:
            raise self.error("broken")
        await asyncio.Event().wait()


@pytest.fixture
def clock():
    return ManualClock(now=0.0)


@pytest.fixture
def supervisor(clock):
    return Supervisor(clock, draw=lambda: 1.0)


async def cancelled(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failure_restarts_the_task_and_counts(clock, supervisor):
    failing = Failing(clock, failures=3)
    task = asyncio.ensure_future(supervisor("polls", failing.run))
    await clock.advance(10.0)
    assert failing.starts == [0.0, 1.0, 3.0, 7.0]
    assert supervisor.tasks["polls"].restarts == 3
    assert supervisor.tasks["polls"].last_error == "RuntimeError: broken"
    await cancelled(task)


async def test_the_pause_is_bounded(clock, supervisor):
    failing = Failing(clock, failures=1000)
    task = asyncio.ensure_future(supervisor("polls", failing.run))
    await clock.advance(1000.0)
    assert failing.starts[-1] - failing.starts[-2] == LONGEST_PAUSE_S
    await cancelled(task)


async def test_the_same_error_is_logged_once(clock, supervisor):
    failing = Failing(clock, failures=5)
    with capture_logs() as lines:
        task = asyncio.ensure_future(supervisor("polls", failing.run))
        await clock.advance(100.0)
    (line,) = lines
    assert (line["event"], line["task"], line["error"]) == ("task_failed", "polls", "RuntimeError")
    assert "Failing.run" in line["where"]
    assert "Traceback" in line["trace"]
    await cancelled(task)


async def test_one_failing_task_does_not_disturb_another(clock, supervisor):
    failing, healthy = Failing(clock, failures=1000), Failing(clock, failures=0)
    tasks = [asyncio.ensure_future(supervisor("account", one.run)) for one in (failing, healthy)]
    await clock.advance(500.0)
    assert healthy.starts == [0.0]
    assert len(failing.starts) > 10
    for task in tasks:
        await cancelled(task)


async def test_repeated_failures_become_unhealthy_and_recovery_ends_it(clock, supervisor):
    failing = Failing(clock, failures=15, after_s=1.0)
    task = asyncio.ensure_future(supervisor("inventory", failing.run))
    await clock.advance(UNHEALTHY_AFTER_S / 2)
    assert supervisor.failing() == []
    await clock.advance(UNHEALTHY_AFTER_S / 2 + 30.0)
    (reason,) = supervisor.failing()
    assert reason.startswith("task inventory has been failing for 6")
    assert "RuntimeError: broken" in reason
    await clock.advance(RECOVERED_AFTER_S + 3 * LONGEST_PAUSE_S)
    assert supervisor.failing() == []
    await cancelled(task)


async def test_a_failure_now_and_then_is_not_unhealthy(clock, supervisor):
    rare = Failing(clock, failures=1000, after_s=RECOVERED_AFTER_S + 1.0)
    task = asyncio.ensure_future(supervisor("inventory", rare.run))
    await clock.advance(3 * UNHEALTHY_AFTER_S)
    assert supervisor.tasks["inventory"].restarts > 5
    assert supervisor.failing() == []
    await cancelled(task)


async def test_a_task_that_returns_is_not_restarted(clock, supervisor):
    async def work():
        return None

    await supervisor("polls", work)
    assert supervisor.tasks["polls"].restarts == 0


def test_every_task_counts_from_zero(supervisor):
    assert {name: status.restarts for name, status in supervisor.tasks.items()} == dict.fromkeys(TASKS, 0)
