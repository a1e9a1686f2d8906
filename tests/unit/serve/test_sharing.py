"""One rendering for several readers."""

from __future__ import annotations

import asyncio

import pytest

from collector.serve.sharing import JOIN_S, SharedRenderings


class Source:
    """A rendering whose chunks a test lets through one by one."""

    def __init__(self, chunks=(b"a", b"b", b"c"), error=None):
        self.chunks = chunks
        self.error = error
        self.begun = 0
        self.closed = 0
        self.through = asyncio.Semaphore(0)

    async def __call__(self):
        self.begun += 1
        try:
            for chunk in self.chunks:
                await self.through.acquire()
                yield chunk
            if self.error:
                raise self.error
        finally:
            self.closed += 1


async def read(shared, source):
    return b"".join([chunk async for chunk in shared.chunks("key", source)])


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_reader_that_comes_later_gets_every_chunk_from_the_first():
    shared, source = SharedRenderings(), Source()
    first = asyncio.ensure_future(read(shared, source))
    source.through.release()
    await settle()
    second = asyncio.ensure_future(read(shared, source))
    await settle()
    source.through.release()
    source.through.release()
    assert await asyncio.gather(first, second) == [b"abc", b"abc"]
    assert (source.begun, source.closed) == (1, 1)


async def test_a_reader_that_stands_still_holds_up_nobody():
    shared, source = SharedRenderings(), Source()
    stuck = shared.chunks("key", source)
    source.through.release()
    assert await anext(stuck) == b"a"
    for _ in range(2):
        source.through.release()
    assert await read(shared, source) == b"abc"
    assert [chunk async for chunk in stuck] == [b"b", b"c"]
    assert source.begun == 1


async def test_after_the_last_chunk_was_made_a_new_rendering_begins():
    shared, source = SharedRenderings(), Source()
    slow = shared.chunks("key", source)
    for _ in range(6):
        source.through.release()
    assert await anext(slow) == b"a"
    assert await read(shared, source) == b"abc"
    assert await read(shared, source) == b"abc"
    assert source.begun == 2
    await slow.aclose()
    assert source.closed == 2


async def test_an_error_reaches_every_reader_and_the_next_one_starts_afresh():
    shared, source = SharedRenderings(), Source(error=ValueError("broken"))
    readers = [asyncio.ensure_future(read(shared, source)) for _ in range(2)]
    await settle()
    for _ in range(3):
        source.through.release()
    results = await asyncio.gather(*readers, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, RuntimeError]
    source.error = None
    for _ in range(3):
        source.through.release()
    assert await read(shared, source) == b"abc"


async def test_the_rendering_ends_when_its_last_reader_goes_away():
    shared, source = SharedRenderings(), Source()
    reader = asyncio.ensure_future(read(shared, source))
    await settle()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert source.closed == 1


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


async def test_a_reader_that_comes_late_leaves_one_that_is_stuck_alone():
    """Else it would make all of the text for it, which would be kept for as long as the other one is stuck."""
    clock = Clock()
    shared, source = SharedRenderings(clock), Source()
    for _ in range(6):
        source.through.release()
    stuck = shared.chunks("key", source)
    assert await anext(stuck) == b"a"
    clock.now += JOIN_S + 0.1
    assert await read(shared, source) == b"abc"
    assert source.begun == 2
    assert [chunk async for chunk in stuck] == [b"b", b"c"]
    assert source.closed == 2


async def test_what_every_reader_has_is_not_kept_once_nobody_may_join():
    clock = Clock()
    chunks = [bytes([number]) for number in range(50)]
    shared, source = SharedRenderings(clock), Source(chunks)
    for _ in chunks:
        source.through.release()
    quick, slow = shared.chunks("key", source), shared.chunks("key", source)
    assert [await anext(quick) for _ in range(10)] == chunks[:10]
    assert await anext(slow) == chunks[0]
    (rendering,) = shared._under_way.values()
    assert len(rendering._chunks) == 10, "somebody may still come"
    clock.now += JOIN_S + 0.1
    assert [await anext(quick) for _ in range(10)] == chunks[10:20]
    assert [await anext(slow) for _ in range(18)] == chunks[1:19]
    assert await anext(quick) == chunks[20]
    assert len(rendering._chunks) == 3
    await slow.aclose()
    assert [chunk async for chunk in quick] == chunks[21:]
    assert len(rendering._chunks) <= 1
