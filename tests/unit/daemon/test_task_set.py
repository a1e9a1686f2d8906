"""A set of tasks that changes while it runs, and a task that is replaced while it runs."""

import asyncio

import pytest

from collector.concurrency import unsupervised
from collector.daemon.supervisor import Supervisor
from collector.daemon.task_set import RestartableTask, TaskSet
from tests.support.clock import ManualClock


class Worker:
    """Notes its start and its end."""

    def __init__(self, log, name):
        self.log = log
        self.name = name

    async def run(self):
        self.log.append(f"{self.name} starts")
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append(f"{self.name} ends")


async def turns():
    for _ in range(10):
        await asyncio.sleep(0)


async def cancelled(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_members_that_stay_are_not_disturbed():
    log = []
    one, two, three = (Worker(log, name) for name in ("one", "two", "three"))
    tasks = TaskSet("account", unsupervised)
    tasks.set([one, two])
    running = asyncio.ensure_future(tasks.run())
    await turns()
    tasks.set([two, three])
    await turns()
    assert log[:2] == ["one starts", "two starts"]
    assert sorted(log[2:]) == ["one ends", "three starts"]
    await cancelled(running)
    assert sorted(log[4:]) == ["three ends", "two ends"]


async def test_an_error_of_one_member_does_not_end_the_others():
    class Broken:
        runs = 0

        async def run(self):
            self.runs += 1
            raise RuntimeError("broken")

    log, broken, clock = [], Broken(), ManualClock()
    tasks = TaskSet("account", Supervisor(clock, draw=lambda: 1.0))
    tasks.set([Worker(log, "one"), broken])
    running = asyncio.ensure_future(tasks.run())
    await clock.advance(10.0)
    assert broken.runs > 1
    assert log == ["one starts"]
    await cancelled(running)
    assert log == ["one starts", "one ends"]


async def test_a_task_is_replaced_after_the_old_one_has_ended():
    log = []
    names = iter(("first", "second", "third"))
    task = RestartableTask(lambda: Worker(log, next(names)))
    task.restart()  # before it runs
    running = asyncio.ensure_future(task.run())
    await turns()
    task.restart()
    await turns()
    assert log == ["second starts", "second ends", "third starts"]
    await cancelled(running)
    assert log[-1] == "third ends"


async def test_an_error_of_a_restartable_task_propagates():
    class Broken:
        async def run(self):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await RestartableTask(Broken).run()


async def test_a_task_that_returned_is_run_again_only_when_replaced():
    class Short:
        runs = 0

        async def run(self):
            Short.runs += 1

    task = RestartableTask(Short)
    running = asyncio.ensure_future(task.run())
    await turns()
    assert Short.runs == 1
    task.restart()
    await turns()
    assert Short.runs == 2
    await cancelled(running)
