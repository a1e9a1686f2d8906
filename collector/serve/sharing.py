"""One rendering for scrapers that request the same at the same time.

A rendering is pulled: the reader that needs the next chunk first produces it, the others find it produced. So a slow
reader does not delay the others, and no task runs without a reader. A reader that starts more than `JOIN_S` later, or
after the last chunk, gets a rendering of its own; otherwise it would produce chunks for a reader that is stuck. A chunk
is kept until all readers have it and no other reader can join.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Hashable

JOIN_S: Final = 1.0  # after a rendering began, other readers may join


class _Reader:
    """The position of one reader: the number of its next chunk."""

    position = 0


class Rendering:
    """Chunks that are produced once and read by several. An error reaches all readers. `now` is a monotonic clock."""

    def __init__(self, source: AsyncGenerator[bytes], now: Callable[[], float]) -> None:
        self.is_complete = False
        self.readers = 0
        self._source = source
        self._now = now
        self._started_at = now()
        self._reading: set[_Reader] = set()
        self._chunks: list[bytes] = []
        self._discarded = 0  # chunks before those in `_chunks`
        self._producing = asyncio.Lock()
        self._has_failed = False

    @property
    def is_joinable(self) -> bool:
        """Whether another reader may join."""
        return not (self.is_complete or self._has_failed) and self._now() - self._started_at <= JOIN_S

    async def read(self) -> AsyncGenerator[bytes]:
        """Yield all chunks, from the first."""
        reader = _Reader()
        self._reading.add(reader)
        try:
            while self._has(reader.position) or await self._produce(reader.position):
                yield self._chunks[reader.position - self._discarded]
                reader.position += 1
                self._discard()
        finally:
            self._reading.discard(reader)

    async def close(self) -> None:
        """Stop the rendering: it has no reader left."""
        self._has_failed = not self.is_complete
        await self._source.aclose()

    def _has(self, position: int) -> bool:
        return position < self._discarded + len(self._chunks)

    def _discard(self) -> None:
        """Discard the chunks that all readers have, once no other reader may join."""
        if not self.is_joinable:
            read_by_all = min(reader.position for reader in self._reading)
            del self._chunks[: read_by_all - self._discarded]
            self._discarded = read_by_all

    async def _produce(self, position: int) -> bool:
        """Produce the chunk at `position`, unless another reader did; returns whether there is one."""
        async with self._producing:
            if self._has(position):
                return True
            if self.is_complete:
                return False
            if self._has_failed:
                raise RuntimeError("the shared rendering has failed")
            return await self._next_chunk()

    async def _next_chunk(self) -> bool:
        try:
            self._chunks.append(await anext(self._source))
        except StopAsyncIteration:
            self.is_complete = True
            return False
        except BaseException:  # also of a cancellation: the source cannot continue after it
            self._has_failed = True
            raise
        return True


class SharedRenderings:
    """Renderings that run, by what was requested; of several with the same key the one that can be joined."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._running: dict[Hashable, Rendering] = {}

    async def chunks(self, key: Hashable, start: Callable[[], AsyncGenerator[bytes]]) -> AsyncGenerator[bytes]:
        """Yield the chunks of the rendering of `key` that runs, or of a new one that `start` begins."""
        rendering = self._running.get(key)
        if rendering is None or not rendering.is_joinable:
            rendering = self._running[key] = Rendering(start(), self._now)
        rendering.readers += 1
        try:
            async with contextlib.aclosing(rendering.read()) as chunks:  # closed now, not by the garbage collector
                async for chunk in chunks:
                    yield chunk
        finally:
            rendering.readers -= 1
            if not rendering.readers:
                if self._running.get(key) is rendering:
                    del self._running[key]
                await rendering.close()
