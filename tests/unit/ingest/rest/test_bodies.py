"""Bodies within limits, and the memory of all bodies of an account together."""

import asyncio

import pytest

from collector.errors import MalformedAnswer, Retryable
from collector.ingest.rest import bodies
from collector.ingest.rest.bodies import MASK, MAX_ERROR_BYTES, MIB, UNRESERVED_BYTES, RestBodyMemory

SECRET = "an-org-token"


class Content:
    def __init__(self, chunks):
        self._chunks = chunks

    async def iter_chunked(self, _size):
        for chunk in self._chunks:
            if isinstance(chunk, Exception):
                raise chunk
            await asyncio.sleep(0)
            yield chunk


class Response:
    """As much of an answer as reading a body takes."""

    status = 200

    def __init__(self, *chunks, length=None):
        self.content = Content(chunks)
        self.content_length = length
        self.headers = {}


async def read(*chunks, length=None, max_bytes=1000, memory=None):
    reservation = (memory or RestBodyMemory()).reservation()
    return await bodies.read_body(
        Response(*chunks, length=length), reservation, max_bytes=max_bytes, secret=SECRET, where="/x"
    )


async def test_a_body_in_chunks_is_one_body():
    assert await read(b"[1,", b"2]") == b"[1,2]"


@pytest.mark.parametrize(("chunks", "length"), [([b"x" * 600, b"x" * 600], None), ([], 1001)])
async def test_a_body_beyond_the_limit_is_malformed(chunks, length):
    with pytest.raises(MalformedAnswer, match="larger than"):
        await read(*chunks, length=length)


async def test_a_body_with_too_many_values_is_malformed(monkeypatch):
    monkeypatch.setattr(bodies, "MAX_VALUES", 4)
    assert await read(b"[1,2,", b"{}]") == b"[1,2,{}]"
    assert await read(b'[1,2,"long enough for another value"', b",[]]")
    with pytest.raises(MalformedAnswer, match="6 values are too many"):
        await read(b"[1,2,{}", b",{}]")


@pytest.mark.parametrize("cut", range(1, len(SECRET)))
async def test_the_secret_is_masked_wherever_the_chunks_are_cut(cut):
    token = SECRET.encode()
    assert await read(b'["', token[:cut], token[cut:], b'"]') == b'["' + MASK + b'"]'


async def test_the_beginning_of_an_error_body_is_read():
    body = await bodies.read_error_body(Response(b'{"detail": "', SECRET.encode(), b'"}'), secret=SECRET)
    assert body == b'{"detail": "***"}'
    long = await bodies.read_error_body(Response(*[b"x" * 10_000] * 100), secret=SECRET)
    assert len(long) < MAX_ERROR_BYTES + 10_000


async def test_an_error_body_that_is_cut_off_gives_its_beginning():
    assert await bodies.read_error_body(Response(b"abc", OSError("reset")), secret=SECRET) == b"abc"


async def test_an_error_body_that_does_not_end_is_given_up(monkeypatch):
    monkeypatch.setattr(bodies, "ERROR_BODY_WITHIN_S", 0.05)

    class Slow(Content):
        async def iter_chunked(self, _size):
            yield b"abc"
            await asyncio.Event().wait()

    response = Response()
    response.content = Slow(())
    assert await bodies.read_error_body(response, secret=SECRET) == b"abc"


# Memory


async def test_a_small_body_reserves_nothing():
    memory = RestBodyMemory(limit_bytes=1)
    assert len(await read(b"x" * UNRESERVED_BYTES, max_bytes=MIB, memory=memory)) == MIB
    assert memory.used_bytes == 0


@pytest.mark.parametrize(
    ("length", "headers", "expected"),
    [(3 * MIB, {}, 3 * MIB), (None, {}, 9 * MIB), (3 * MIB, {"Content-Encoding": "gzip"}, 9 * MIB)],
)
async def test_a_large_body_reserves_its_size_and_an_unknown_size_the_maximum(length, headers, expected):
    taken = []

    class Watched(RestBodyMemory):
        async def take(self, count, where):
            taken.append(count)
            await super().take(count, where)

    memory = Watched()
    reservation = memory.reservation()
    response = Response(*[b"x" * MIB] * 3, length=length)
    response.headers = headers
    await bodies.read_body(response, reservation, max_bytes=9 * MIB, secret=SECRET, where="/x")
    assert taken == [expected]
    assert memory.used_bytes == 3 * MIB  # what it turned out to be
    reservation.release()
    reservation.release()
    assert memory.used_bytes == 0


async def test_a_large_body_waits_until_another_is_released():
    memory = RestBodyMemory(10 * MIB)
    first, second = memory.reservation(), memory.reservation()
    await first.take(8 * MIB, "/a")
    waiting = asyncio.create_task(second.take(4 * MIB, "/b"))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert memory.used_bytes == 8 * MIB
    first.release()
    await waiting
    assert memory.used_bytes == 4 * MIB


async def test_a_body_that_waits_too_long_fails_and_takes_nothing():
    memory = RestBodyMemory(10 * MIB, within_s=0.01)
    first, second = memory.reservation(), memory.reservation()
    await first.take(8 * MIB, "/a")
    with pytest.raises(Retryable, match="use all memory"):
        await second.take(4 * MIB, "/b")
    second.release()
    assert memory.used_bytes == 8 * MIB
