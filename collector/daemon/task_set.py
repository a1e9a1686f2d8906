"""Work that may be replaced while it runs, and a set of it that may grow and shrink."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, NoReturn, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Runs(Protocol):
    """Anything that works until it is cancelled."""

    async def run(self) -> object:
        """Work."""


Work = TypeVar("Work", bound=Runs)


class RestartableTask(Generic[Work]):
    """One piece of work, made by `make`; `swap` ends it and begins with a new one."""

    def __init__(self, make: Callable[[], Work]) -> None:
        self._make = make
        self.current = make()
        self._swapped = asyncio.Event()

    def swap(self) -> None:
        """Make it anew; at once, where it runs."""
        self.current = self._make()
        self._swapped.set()

    async def run(self) -> NoReturn:
        """Work until cancelled, on whatever is current."""
        while True:
            self._swapped.clear()
            async with asyncio.TaskGroup() as group:
                task = group.create_task(_work(self.current))
                await self._swapped.wait()
                task.cancel()


class TaskSet:
    """Pieces of work that run together; `members` may be changed at any time by `set`."""

    def __init__(self, members: Sequence[Runs]) -> None:
        self._members = list(members)
        self._changed = asyncio.Event()

    def set(self, members: Sequence[Runs]) -> None:
        """Begin with who is new and end who is gone; the others notice nothing."""
        self._members = list(members)
        self._changed.set()

    async def run(self) -> NoReturn:
        """Let them work until cancelled; an error of one ends all."""
        tasks: dict[int, tuple[Runs, asyncio.Task[None]]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                wanted = {id(member): member for member in self._members}
                for key in [key for key in tasks if key not in wanted]:
                    tasks.pop(key)[1].cancel()
                for key, member in wanted.items():
                    if key not in tasks:
                        tasks[key] = (member, group.create_task(_work(member)))
                await self._changed.wait()


async def _work(member: Runs) -> None:
    await member.run()
