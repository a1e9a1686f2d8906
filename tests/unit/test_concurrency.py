import asyncio

import pytest

from collector.concurrency import first_completed, unsupervised
from tests.support.clock import ManualClock


async def give(value):
    return value


async def fail(error):
    raise error


async def test_the_first_result_is_returned_and_the_others_are_cancelled():
    cancelled = asyncio.Event()

    async def never():
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    assert await first_completed(never(), give(7)) == 7
    assert cancelled.is_set()


async def test_of_two_in_one_iteration_the_earlier_argument_wins():
    assert await first_completed(give("work"), give("deadline")) == "work"


async def test_none_is_a_result():
    assert await first_completed(give(None), asyncio.Event().wait()) is None


async def test_an_exception_is_raised_without_a_group():
    with pytest.raises(KeyError):
        await first_completed(fail(KeyError("x")), asyncio.Event().wait())


async def test_an_exception_of_the_first_counts_not_one_that_its_cancellation_causes():
    async def fails_when_cancelled():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ZeroDivisionError from None

    assert await first_completed(fails_when_cancelled(), give(7)) == 7


async def test_a_coroutine_that_is_cancelled_from_within_does_not_look_like_a_cancellation():
    with pytest.raises(RuntimeError, match="cancelled from within"):
        await first_completed(fail(asyncio.CancelledError()), asyncio.Event().wait())


async def test_a_deadline_of_the_injected_clock():
    clock = ManualClock()
    task = asyncio.ensure_future(first_completed(asyncio.Event().wait(), clock.sleep(30.0)))
    await clock.advance(29.0)
    assert not task.done()
    await clock.advance(1.0)
    assert task.done()
    assert task.result() is None


async def test_cancellation_reaches_every_coroutine_and_is_raised():
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


async def test_without_supervision_an_exception_is_raised():
    with pytest.raises(ZeroDivisionError):
        await unsupervised("stream", lambda: fail(ZeroDivisionError()))
    await unsupervised("stream", lambda: give(None))
