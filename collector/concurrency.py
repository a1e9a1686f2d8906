"""Waiting for the first of several coroutines, long work in slices, and the interface of supervised tasks."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")

SLICE_S: Final = 0.002  # of work, then the event loop does other work


class Supervise(Protocol):
    """Runs a long-lived task and restarts it when it raises; `daemon.supervisor` implements it."""

    def __call__(self, name: str, run: Callable[[], Awaitable[object]], /) -> Coroutine[Any, Any, None]:
        """Return a coroutine that awaits `run()`, and again after a backoff each time that it raises.

        Args:
            name: what the task is, from a fixed vocabulary: it becomes the label `task`.
            run: starts the task anew at each call. When it returns, so does the coroutine.

        Only cancellation and the return of `run` end the coroutine; it never raises another exception.
        """


async def unsupervised(name: str, run: Callable[[], Awaitable[object]]) -> None:  # noqa: ARG001 - see `Supervise`
    """Implement `Supervise` without a restart: an exception propagates. For commands and tests."""
    await run()


class Slices:
    """Cuts long work of a coroutine into slices of `SLICE_S`, between which the event loop does other work.

    Args:
        timer: Returns a time in seconds.
    """

    def __init__(self, timer: Callable[[], float] = time.perf_counter) -> None:
        self._timer = timer
        self._ends = timer() + SLICE_S

    @property
    def is_over(self) -> bool:
        """Whether the present slice has ended."""
        return self._timer() >= self._ends

    async def pause(self) -> None:
        """Let the event loop do other work if the present slice has ended."""
        if self.is_over:
            await asyncio.sleep(0)
            self._ends = self._timer() + SLICE_S


async def first_completed(*coroutines: Coroutine[Any, Any, T]) -> T:
    """Run `coroutines` concurrently and return, or raise, the outcome of the first that completes.

    The others are cancelled and have ended when this returns. When two complete in the same iteration of the event
    loop, the earlier argument wins: pass a deadline last. A deadline is a `clock.sleep`, so that tests own the time.

    Raises:
        RuntimeError: the first to complete raised CancelledError although nothing cancelled this call, as a library
            does that cancels a future of its own. To pass it on would end the calling task without a trace.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_outcome(coroutine)) for coroutine in coroutines]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = next(task for task in tasks if task.done())
        for task in tasks:
            task.cancel()
    if first.cancelled():
        raise RuntimeError("a coroutine was cancelled from within")
    value, error = first.result()
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # without an error there is a value


async def _outcome(coroutine: Coroutine[Any, Any, T]) -> tuple[T | None, Exception | None]:
    """Return an exception as a value: a TaskGroup would wrap it in an exception group."""
    try:
        return await coroutine, None
    except Exception as error:  # noqa: BLE001 - raised again by `first_completed`
        return None, error
