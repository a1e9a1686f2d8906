"""Reading of response bodies within limits: bytes and values of one body, bytes of all bodies of an account."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from collector.errors import MalformedAnswer, Retryable

if TYPE_CHECKING:
    import aiohttp

MIB: Final = 1024 * 1024
MAX_LISTING_BYTES: Final = 64 * MIB  # one page; 1,000 large switches are some 50 MB
MAX_OBJECT_BYTES: Final = 8 * MIB  # an answer that is not a page
MAX_ERROR_BYTES: Final = 64 * 1024  # of the body of an error; the rest is not read
ERROR_BODY_WITHIN_S: Final = 5.0  # an error is judged by its status when its body takes longer
MAX_VALUES: Final = 500_000  # JSON values of one body, and one more for each
BYTES_PER_VALUE: Final = 10  # in Mist's large bodies they are 16 and more
MAX_MEMORY_BYTES: Final = 128 * MIB  # all bodies of an account together, without those of up to
UNRESERVED_BYTES: Final = MIB  # each: small answers never wait for large ones
MEMORY_WITHIN_S: Final = 60.0
MASK: Final = b"***"
_CHUNK: Final = 256 * 1024


class RestBodyMemory:
    """Bounds the memory of all bodies of an account that are being received or processed.

    Args:
        limit_bytes: sum over all bodies. Those of up to `UNRESERVED_BYTES` are not counted.
        within_s: how long a body waits for memory before its call fails.
    """

    def __init__(self, limit_bytes: int = MAX_MEMORY_BYTES, within_s: float = MEMORY_WITHIN_S) -> None:
        self.used_bytes = 0
        self._limit_bytes = limit_bytes
        self._within_s = within_s
        self._released = asyncio.Event()

    def reservation(self) -> RestReservation:
        """Return an empty reservation for one body."""
        return RestReservation(self)

    async def take(self, count: int, where: str) -> None:
        """Wait until `count` bytes are free and take them; Retryable after `within_s` seconds."""
        try:
            async with asyncio.timeout(self._within_s):
                while self.used_bytes and self.used_bytes + count > self._limit_bytes:
                    self._released.clear()
                    await self._released.wait()
        except TimeoutError:
            raise Retryable("other large answers use all memory for answers", where=where) from None
        self.used_bytes += count

    def give_back(self, count: int) -> None:
        """Free `count` bytes."""
        self.used_bytes -= count
        self._released.set()


class RestReservation:
    """The memory of one body: reserved once, for its whole size, so that two bodies never wait for each other."""

    def __init__(self, memory: RestBodyMemory) -> None:
        self._memory = memory
        self.size_bytes = 0

    async def take(self, count: int, where: str) -> None:
        """Reserve `count` bytes, waiting for them if necessary; Retryable when the wait is too long."""
        await self._memory.take(count, where)
        self.size_bytes = count

    def shrink(self, count: int) -> None:
        """Keep at most `count` bytes: the body turned out to be so small."""
        excess = self.size_bytes - count
        if excess > 0:
            self.size_bytes = count
            self._memory.give_back(excess)

    def release(self) -> None:
        """Free the memory; a second call has no effect."""
        self.shrink(0)


async def read_body(
    response: aiohttp.ClientResponse, reservation: RestReservation, *, max_bytes: int, secret: str, where: str
) -> bytes:
    """Return the body of a good answer, with every occurrence of `secret` masked.

    Raises MalformedAnswer as soon as the body exceeds `max_bytes` or has too many values for its size, which would take
    much time and memory to parse; the rest is not read. What `reservation` holds then is the caller's to release.
    """
    size = response.content_length
    if size is None or "Content-Encoding" in response.headers:
        size = max_bytes  # unknown until it is read
    elif size > max_bytes:
        raise _too_large(max_bytes, where)
    body, values, is_echo, token = bytearray(), 0, False, secret.encode()
    async for chunk in response.content.iter_chunked(_CHUNK):
        if len(body) + len(chunk) > max_bytes:
            raise _too_large(max_bytes, where)
        values += chunk.count(b",") + chunk.count(b"[") + chunk.count(b"{")
        if values > MAX_VALUES + (len(body) + len(chunk)) // BYTES_PER_VALUE:
            raise MalformedAnswer(f"{values} values are too many", where=where, status=response.status)
        if not reservation.size_bytes and len(body) + len(chunk) > UNRESERVED_BYTES:
            await reservation.take(size, where)
        before = max(0, len(body) - len(token))
        body += chunk
        is_echo = is_echo or body.find(token, before) >= 0
    reservation.shrink(len(body))
    return bytes(body.replace(token, MASK) if is_echo else body)


async def read_error_body(response: aiohttp.ClientResponse, *, secret: str) -> bytes:
    """Return the beginning of the body of an error, with every occurrence of `secret` masked.

    A body that is too long, too slow or cut off gives what was received until then: the status is what counts.
    """
    body = bytearray()
    with suppress(Exception):  # the status alone is enough
        async with asyncio.timeout(ERROR_BODY_WITHIN_S):
            async for chunk in response.content.iter_chunked(MAX_ERROR_BYTES):
                body += chunk
                if len(body) >= MAX_ERROR_BYTES:
                    break
    return bytes(body).replace(secret.encode(), MASK)


def _too_large(max_bytes: int, where: str) -> MalformedAnswer:
    return MalformedAnswer(f"larger than {max_bytes / MIB:g} MiB", where=where)
