"""One rendering for scrapers that come together.

A rendering is pulled, not pushed: whoever needs the next chunk first makes it, the others find it made. So a scraper
that reads slowly holds up nobody, and no task runs that nobody waits for. A scraper that comes later than `JOIN_S`, or
after the last chunk was made, gets a fresh rendering: it must not make for one that is stuck what this will never read.
A chunk is kept until every reader has it, and while somebody may still come who needs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Hashable

JOIN_S: Final = 1.0  # after a rendering began, others may still join


class _Reader:
    """How far one has come: the number of its next chunk."""

    at = 0


class Rendering:
    """Chunks that several read, made once. An error while making one reaches every reader. `now` is monotonic."""

    def __init__(self, source: AsyncGenerator[bytes], now: Callable[[], float]) -> None:
        self.complete = False
        self.readers = 0
        self._source = source
        self._now = now
        self._began = now()
        self._reading: set[_Reader] = set()
        self._chunks: list[bytes] = []
        self._gone = 0  # chunks before those that are kept
        self._turn = asyncio.Lock()
        self._broken = False

    async def read(self) -> AsyncGenerator[bytes]:
        """Every chunk from the first."""
        reader = _Reader()
        self._reading.add(reader)
        try:
            while self._has(reader.at) or await self._made(reader.at):
                yield self._chunks[reader.at - self._gone]
                reader.at += 1
                self._let_go()
        finally:
            self._reading.discard(reader)

    def _has(self, at: int) -> bool:
        return at < self._gone + len(self._chunks)

    def _let_go(self) -> None:
        """Forget the chunks that every reader has, once nobody else may come."""
        if not self.open:
            done = min(reader.at for reader in self._reading)
            del self._chunks[: done - self._gone]
            self._gone = done

    async def _made(self, at: int) -> bool:
        """Whether there is a chunk number `at`, made now unless somebody else did."""
        async with self._turn:
            if self._has(at):
                return True
            if self.complete:
                return False
            if self._broken:
                raise RuntimeError("the rendering that was shared has failed")
            return await self._make()

    async def _make(self) -> bool:
        try:
            self._chunks.append(await anext(self._source))
        except StopAsyncIteration:
            self.complete = True
            return False
        except BaseException:  # cancellation, too: the source cannot go on after it
            self._broken = True
            raise
        return True

    @property
    def open(self) -> bool:
        """Whether a scraper may still join."""
        return not (self.complete or self._broken) and self._now() - self._began <= JOIN_S

    async def close(self) -> None:
        """Give up what nobody waits for any more."""
        self._broken = not self.complete
        await self._source.aclose()


class SharedRenderings:
    """Renderings under way, by what is asked for; of several the one that may be joined."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._under_way: dict[Hashable, Rendering] = {}

    async def chunks(self, key: Hashable, start: Callable[[], AsyncGenerator[bytes]]) -> AsyncGenerator[bytes]:
        """Read the rendering of `key` that is under way, or one begun by `start`."""
        rendering = self._under_way.get(key)
        if rendering is None or not rendering.open:
            rendering = self._under_way[key] = Rendering(start(), self._now)
        rendering.readers += 1
        try:
            async with contextlib.aclosing(rendering.read()) as chunks:  # closed at once, not when collected
                async for chunk in chunks:
                    yield chunk
        finally:
            rendering.readers -= 1
            if not rendering.readers:
                if self._under_way.get(key) is rendering:
                    del self._under_way[key]
                await rendering.close()
