"""Work that is replaced, and crews that grow and shrink."""

import asyncio

import pytest

from collector.daemon.task_set import RestartableTask, TaskSet


class Worker:
    """Notes when it begins and when it ends."""

    def __init__(self, log, name):
        self.log = log
        self.name = name

    async def run(self):
        self.log.append(f"{self.name} begins")
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append(f"{self.name} ends")


async def turns():
    for _ in range(10):
        await asyncio.sleep(0)


async def ended(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_stays_notices_nothing():
    log = []
    one, two, three = (Worker(log, name) for name in ("one", "two", "three"))
    crew = TaskSet([one, two])
    task = asyncio.ensure_future(crew.run())
    await turns()
    crew.set([two, three])
    await turns()
    assert log[:2] == ["one begins", "two begins"]
    assert sorted(log[2:]) == ["one ends", "three begins"]
    await ended(task)
    assert sorted(log[4:]) == ["three ends", "two ends"]


async def test_an_error_of_one_ends_all():
    class Broken:
        async def run(self):
            raise RuntimeError("broken")

    log = []
    with pytest.raises(ExceptionGroup) as raised:
        await TaskSet([Worker(log, "one"), Broken()]).run()
    assert raised.group_contains(RuntimeError, match="broken")
    assert log == ["one begins", "one ends"]


async def test_work_is_replaced_and_the_old_one_has_ended():
    log = []
    names = iter(("first", "second", "third"))
    work = RestartableTask(lambda: Worker(log, next(names)))
    work.swap()  # before it runs
    task = asyncio.ensure_future(work.run())
    await turns()
    work.swap()
    await turns()
    assert log == ["second begins", "second ends", "third begins"]
    await ended(task)
    assert log[-1] == "third ends"
