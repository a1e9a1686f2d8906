import asyncio

import pytest

from collector.concurrency import first_completed
from tests.support.clock import ManualClock


async def give(value):
    return value


async def fail(error):
    raise error


async def test_the_first_result_counts_and_the_others_are_cancelled():
    cancelled = asyncio.Event()

    async def never():
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    assert await first_completed(never(), give(7)) == 7
    assert cancelled.is_set()


async def test_of_two_in_one_turn_the_one_named_first_wins():
    assert await first_completed(give("work"), give("deadline")) == "work"


async def test_none_is_a_result():
    assert await first_completed(give(None), asyncio.Event().wait()) is None


async def test_an_error_comes_out_as_itself():
    with pytest.raises(KeyError):
        await first_completed(fail(KeyError("x")), asyncio.Event().wait())


async def test_a_deadline_of_the_injected_clock():
    clock = ManualClock()
    task = asyncio.ensure_future(first_completed(asyncio.Event().wait(), clock.sleep(30.0)))
    await clock.advance(29.0)
    assert not task.done()
    await clock.advance(1.0)
    assert task.done()
    assert task.result() is None


async def test_cancellation_reaches_the_works_and_goes_on():
    seen = []

    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = asyncio.ensure_future(first_completed(work(), work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled", "cancelled"]
