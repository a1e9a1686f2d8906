"""Waiting for whichever of several things comes first, without leaving a task behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


async def first(*works: Coroutine[Any, Any, T]) -> T:
    """Run `works` together; return, or raise, what the first of them gives.

    The others are cancelled and have ended when this returns. When two end in the same turn of the loop, the one
    named earlier wins: name a deadline last. Time comes from the caller's clock (`clock.sleep`), so that tests own it.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_outcome(work)) for work in works]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
    value, error = next(task.result() for task in tasks if not task.cancelled())
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # without an error there is a value


async def _outcome(work: Coroutine[Any, Any, T]) -> tuple[T | None, Exception | None]:
    """Turn an exception into a value: raised inside a TaskGroup it would come out wrapped in a group."""
    try:
        return await work, None
    except Exception as error:  # noqa: BLE001 - it is raised again by `first`
        return None, error
