"""One rendering for several readers."""

from __future__ import annotations

import asyncio

import pytest

from collector.serve.sharing import JOIN_S, SharedRenderings


class Source:
    """A rendering whose chunks a test releases one by one."""

    def __init__(self, chunks=(b"a", b"b", b"c"), error=None):
        self.chunks = chunks
        self.error = error
        self.started = 0
        self.closed = 0
        self.released = asyncio.Semaphore(0)

    async def __call__(self):
        self.started += 1
        try:
            for chunk in self.chunks:
                await self.released.acquire()
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


async def test_a_later_reader_gets_all_chunks():
    shared, source = SharedRenderings(), Source()
    first = asyncio.ensure_future(read(shared, source))
    source.released.release()
    await settle()
    second = asyncio.ensure_future(read(shared, source))
    await settle()
    source.released.release()
    source.released.release()
    assert await asyncio.gather(first, second) == [b"abc", b"abc"]
    assert (source.started, source.closed) == (1, 1)


async def test_a_slow_reader_does_not_delay_others():
    shared, source = SharedRenderings(), Source()
    stuck = shared.chunks("key", source)
    source.released.release()
    assert await anext(stuck) == b"a"
    for _ in range(2):
        source.released.release()
    assert await read(shared, source) == b"abc"
    assert [chunk async for chunk in stuck] == [b"b", b"c"]
    assert source.started == 1


async def test_after_the_last_chunk_a_new_rendering_starts():
    shared, source = SharedRenderings(), Source()
    slow = shared.chunks("key", source)
    for _ in range(6):
        source.released.release()
    assert await anext(slow) == b"a"
    assert await read(shared, source) == b"abc"
    assert await read(shared, source) == b"abc"
    assert source.started == 2
    await slow.aclose()
    assert source.closed == 2


async def test_an_error_reaches_all_readers_and_the_next_one_starts_anew():
    shared, source = SharedRenderings(), Source(error=ValueError("broken"))
    readers = [asyncio.ensure_future(read(shared, source)) for _ in range(2)]
    await settle()
    for _ in range(3):
        source.released.release()
    results = await asyncio.gather(*readers, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, RuntimeError]
    source.error = None
    for _ in range(3):
        source.released.release()
    assert await read(shared, source) == b"abc"


async def test_a_rendering_ends_with_its_last_reader():
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


async def test_a_late_reader_does_not_join_one_that_is_stuck():
    """Otherwise it would produce chunks that are kept as long as the other reader is stuck."""
    clock = Clock()
    shared, source = SharedRenderings(clock), Source()
    for _ in range(6):
        source.released.release()
    stuck = shared.chunks("key", source)
    assert await anext(stuck) == b"a"
    clock.now += JOIN_S + 0.1
    assert await read(shared, source) == b"abc"
    assert source.started == 2
    assert [chunk async for chunk in stuck] == [b"b", b"c"]
    assert source.closed == 2


async def test_chunks_that_all_readers_have_are_discarded():
    clock = Clock()
    chunks = [bytes([number]) for number in range(50)]
    shared, source = SharedRenderings(clock), Source(chunks)
    for _ in chunks:
        source.released.release()
    quick, slow = shared.chunks("key", source), shared.chunks("key", source)
    assert [await anext(quick) for _ in range(10)] == chunks[:10]
    assert await anext(slow) == chunks[0]
    (rendering,) = shared._running.values()
    assert len(rendering._chunks) == 10, "another reader may join"
    clock.now += JOIN_S + 0.1
    assert [await anext(quick) for _ in range(10)] == chunks[10:20]
    assert [await anext(slow) for _ in range(18)] == chunks[1:19]
    assert await anext(quick) == chunks[20]
    assert len(rendering._chunks) == 3
    await slow.aclose()
    assert [chunk async for chunk in quick] == chunks[21:]
    assert len(rendering._chunks) <= 1
