"""The memory that request bodies may use while they are received and applied.

There are two pools. A body starts in the pool of small bodies and moves to the pool of large ones when it exceeds
`SMALL_BODY_BYTES`, so large bodies never use the memory of small ones. In each pool one source may use half, and all
sources together that have not authenticated recently may use half: neither one sender nor many without a secret can
make the collector reject the deliveries of those that have one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

SMALL_BODY_BYTES: Final = 65_536
SMALL_BODIES: Final = 512  # of the largest size may be in memory at once
LARGE_BODIES: Final = 4  # as above


class BodyMemoryFullError(Exception):
    """A body cannot be received now."""


class DeliveryMemory:
    """The pools of one listener.

    Args:
        max_body_bytes: size of the largest body that is accepted; may be replaced at any time.
    """

    def __init__(self, max_body_bytes: int) -> None:
        self.small = _Pool(SMALL_BODIES * SMALL_BODY_BYTES)
        self.large = _Pool(LARGE_BODIES * max_body_bytes)

    @property
    def used(self) -> int:
        """Bytes in use."""
        return self.small.used + self.large.used

    def resize(self, max_body_bytes: int) -> None:
        """Use another size of the largest body."""
        self.large.size = LARGE_BODIES * max_body_bytes

    def reserve(self, source: str, *, authenticated: bool) -> Reservation:
        """Return the reservation of one body, a context manager that frees it."""
        return Reservation(self, source, authenticated=authenticated)


class Reservation:
    """The memory of one body."""

    def __init__(self, memory: DeliveryMemory, source: str, *, authenticated: bool) -> None:
        self._memory = memory
        self._pool = memory.small
        self._source = source
        self._authenticated = authenticated
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.free(self._size, self._source, authenticated=self._authenticated)
        self._size = 0

    def extend(self, count: int) -> None:
        """Add `count` bytes.

        Raises:
            BodyMemoryFullError: they exceed the pool, or the share of the source. Nothing is added.
        """
        size, large = self._size + count, self._memory.large
        if self._pool is not large and size > SMALL_BODY_BYTES:
            large.take(size, self._source, authenticated=self._authenticated)
            self._pool.free(self._size, self._source, authenticated=self._authenticated)
            self._pool = large
        else:
            self._pool.take(count, self._source, authenticated=self._authenticated)
        self._size = size


class _Pool:
    """A number of bytes, shared."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.used = 0
        self._unauthenticated = 0
        self._per_source: dict[str, int] = {}

    def take(self, count: int, source: str, *, authenticated: bool) -> None:
        """Take bytes, or raise BodyMemoryFullError."""
        share = self.size // 2
        of_source = self._per_source.get(source, 0) + count
        unauthenticated = self._unauthenticated + (0 if authenticated else count)
        if self.used + count > self.size or of_source > share or (not authenticated and unauthenticated > share):
            raise BodyMemoryFullError
        self.used += count
        self._unauthenticated = unauthenticated
        self._per_source[source] = of_source

    def free(self, count: int, source: str, *, authenticated: bool) -> None:
        """Give bytes back."""
        self.used -= count
        self._unauthenticated -= 0 if authenticated else count
        left = self._per_source.get(source, 0) - count
        if left > 0:
            self._per_source[source] = left
        else:
            self._per_source.pop(source, None)
