"""One rendering for scrapers that come while it is being made.

A rendering is pulled, not pushed: whoever needs the next chunk first makes it, the others find it made. So a scraper
that reads slowly holds up nobody, and no task runs that nobody waits for. The chunks are kept until the last reader of
this rendering is done; a scraper that comes after the last chunk was made gets a fresh rendering.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable


class Rendering:
    """Chunks that several read, made once. An error while making one reaches every reader."""

    def __init__(self, source: AsyncGenerator[bytes]) -> None:
        self.complete = False
        self.readers = 0
        self._source = source
        self._chunks: list[bytes] = []
        self._turn = asyncio.Lock()
        self._broken = False

    async def read(self) -> AsyncIterator[bytes]:
        """Every chunk from the first."""
        at = 0
        while at < len(self._chunks) or await self._made(at):
            yield self._chunks[at]
            at += 1

    async def _made(self, at: int) -> bool:
        """Whether there is a chunk number `at`, made now unless somebody else did."""
        async with self._turn:
            if at < len(self._chunks):
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
        return not (self.complete or self._broken)

    async def close(self) -> None:
        """Give up what nobody waits for any more."""
        self._broken = not self.complete
        await self._source.aclose()


class SharedRenderings:
    """Renderings under way, by what is asked for."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, Rendering] = {}

    async def chunks(self, key: Hashable, start: Callable[[], AsyncGenerator[bytes]]) -> AsyncGenerator[bytes]:
        """Read the rendering of `key` that is under way, or one begun by `start`."""
        rendering = self._under_way.get(key)
        if rendering is None or not rendering.open:
            rendering = self._under_way[key] = Rendering(start())
        rendering.readers += 1
        try:
            async for chunk in rendering.read():
                yield chunk
        finally:
            rendering.readers -= 1
            if not rendering.readers:
                if self._under_way.get(key) is rendering:
                    del self._under_way[key]
                await rendering.close()
