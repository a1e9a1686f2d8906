"""Sets of supervised tasks: one that changes while it runs, and a task that is replaced while it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, NoReturn, Protocol, TypeVar

from collector.concurrency import first_completed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.concurrency import Supervise


class Runnable(Protocol):
    """Anything that runs until it is cancelled."""

    async def run(self) -> object:
        """Run until cancelled."""


RunnableT = TypeVar("RunnableT", bound=Runnable)


class RestartableTask(Generic[RunnableT]):
    """One task, made by `make`; `restart` replaces it with a new one.

    Attributes:
        current: the present one.
    """

    def __init__(self, make: Callable[[], RunnableT]) -> None:
        self._make = make
        self.current = make()
        self._replaced = asyncio.Event()

    def restart(self) -> None:
        """Make a new task; if the old one runs, cancel it and run the new one."""
        self.current = self._make()
        self._replaced.set()

    async def run(self) -> NoReturn:
        """Run whatever is current until cancelled; an exception of it propagates."""
        while True:
            self._replaced.clear()
            await first_completed(self._wait(), _run_forever(self.current))

    async def _wait(self) -> None:
        await self._replaced.wait()


class TaskSet:
    """Tasks that run together, each supervised; `set` changes the members at any time."""

    def __init__(self, name: str, supervise: Supervise) -> None:
        self._name = name
        self._supervise = supervise
        self._members: list[Runnable] = []
        self._changed = asyncio.Event()

    def set(self, members: Sequence[Runnable]) -> None:
        """Start new members and cancel those that are gone; the others are not disturbed."""
        self._members = list(members)
        self._changed.set()

    async def run(self) -> NoReturn:
        """Run the members until cancelled."""
        tasks: dict[int, tuple[Runnable, asyncio.Task[None]]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                wanted = {id(member): member for member in self._members}
                for key in [key for key in tasks if key not in wanted]:
                    tasks.pop(key)[1].cancel()
                for key, member in wanted.items():
                    if key not in tasks:
                        tasks[key] = (member, group.create_task(self._supervise(self._name, member.run)))
                await self._changed.wait()


async def _run_forever(task: Runnable) -> None:
    """Run a task; if it returns, wait until cancelled."""
    await task.run()
    await asyncio.Event().wait()
