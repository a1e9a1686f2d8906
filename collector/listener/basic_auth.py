"""HTTP basic authentication against bcrypt hashes, without blocking the event loop.

A bcrypt check takes tens of milliseconds by design, so it runs in a thread and its result is remembered under a keyed
digest: a scraper causes one check. Three things bound what wrong passwords can cost:

- Accepted credentials have a memory of their own, one entry for each user. Rejected ones cannot evict them.
- A source may have `CHECKS_PER_S` checks a second (a burst of `CHECK_BURST`), one at a time; sources take turns.
- Only sources that authenticated recently may use the last of the `CONCURRENT_CHECKS` threads; of the others at most
  `MAX_WAITING` checks wait.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import math
import secrets
import time
from typing import TYPE_CHECKING, Final

import bcrypt

from collector.listener.client_address import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr

CONCURRENT_CHECKS: Final = 2
MAX_WAITING: Final = 64
RETRY_S: Final = 5
CHECKS_PER_S: Final = 0.5
CHECK_BURST: Final = 10
MAX_REJECTED: Final = 1000  # remembered; beyond that the oldest is forgotten
MAX_PASSWORD_BYTES: Final = 72  # bcrypt ignores what follows
# The hash of no password, checked for unknown users so that the time taken does not reveal which users exist.
_UNKNOWN_USER: Final = b"$2b$%02d$DLRbl6azcJQwX1TVyZjVkOow6rm9y0NKq35/WzbyYhh/ePrUu.GVu"
_DEFAULT_COST: Final = 10


class TooManyAttempts(Exception):  # noqa: N818 - ends one request, not an error of the collector
    """No password check is available for a source now.

    Attributes:
        retry_after_s: whole seconds until it may try again.
    """

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"retry after {retry_after_s} s")


class BasicAuth:
    """Checks the Authorization header of requests against `users` (name -> bcrypt hash). `now` is monotonic."""

    def __init__(self, users: Mapping[str, SecretStr], now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._key = secrets.token_bytes(32)
        self._accepted: dict[str, bytes] = {}  # by user
        self._rejected: dict[bytes, None] = {}  # oldest first
        self._running: dict[bytes, asyncio.Task[bool]] = {}
        self._rates = RateLimiter(CHECKS_PER_S, CHECK_BURST)
        self._turns: dict[str, _Turn] = {}  # by source
        self._threads = asyncio.Semaphore(CONCURRENT_CHECKS)
        self._guess_threads = asyncio.Semaphore(CONCURRENT_CHECKS - 1)
        self.replace_users(users)

    def __repr__(self) -> str:
        return f"BasicAuth({len(self._users)} users)"

    def replace_users(self, users: Mapping[str, SecretStr]) -> None:
        """Use another set of users; credentials of users that did not change stay accepted."""
        self._users = {name: hashed.get_secret_value().encode() for name, hashed in users.items()}
        costs = [_cost(hashed) for hashed in self._users.values()]
        self._unknown_user = _UNKNOWN_USER % max(costs, default=_DEFAULT_COST)
        self._rejected.clear()
        self._accepted = {name: digest for name, digest in self._accepted.items() if name in self._users}

    async def accepts(self, header: str, source: str, *, trusted: bool = False) -> bool:
        """Return whether `header` holds the name and password of a user.

        Args:
            header: value of the Authorization header.
            source: where the request comes from, see `source_of`.
            trusted: the source authenticated recently.

        Raises:
            TooManyAttempts: the credentials have not been checked, and no check is available for the source.
        """
        parsed = credentials(header)
        if parsed is None:
            return False
        name, password = parsed
        hashed = self._users.get(name, self._unknown_user)
        digest = hmac.digest(self._key, b"\0".join((name.encode(), hashed, password)), hashlib.sha256)
        if hmac.compare_digest(self._accepted.get(name, b""), digest):
            return True
        if digest in self._rejected:
            return False
        running = self._running.get(digest)
        if running is None:
            if len(self._running) >= MAX_WAITING and not trusted:
                raise TooManyAttempts(RETRY_S)
            wait_s = self._rates.wait_s(source, self._now())
            if wait_s > 0:
                raise TooManyAttempts(math.ceil(wait_s))
            running = self._start_check(digest, name, password, hashed, source=source, trusted=trusted)
        return await asyncio.shield(running)

    def _start_check(
        self, digest: bytes, name: str, password: bytes, hashed: bytes, *, source: str, trusted: bool
    ) -> asyncio.Task[bool]:
        """Check once for all requests that wait for the same credentials."""
        task = asyncio.ensure_future(self._check(digest, name, password, hashed, source=source, trusted=trusted))
        self._running[digest] = task
        task.add_done_callback(lambda _: self._running.pop(digest, None))
        return task

    async def _check(
        self, digest: bytes, name: str, password: bytes, hashed: bytes, *, source: str, trusted: bool
    ) -> bool:
        guesses = _FREE if trusted else self._guess_threads
        async with self._turn(source), guesses, self._threads:
            matches = await asyncio.to_thread(bcrypt.checkpw, password, hashed)
        if matches and self._users.get(name) == hashed:
            self._accepted[name] = digest
            return True
        self._rejected[digest] = None
        if len(self._rejected) > MAX_REJECTED:
            del self._rejected[next(iter(self._rejected))]
        return False

    def _turn(self, source: str) -> _Turn:
        return self._turns.setdefault(source, _Turn(self._turns, source))


class _Turn:
    """One check of a source at a time; forgotten when none waits."""

    def __init__(self, turns: dict[str, _Turn], source: str) -> None:
        self._turns = turns
        self._source = source
        self._lock = asyncio.Lock()
        self._users = 0

    async def __aenter__(self) -> None:
        self._users += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._users -= 1
        if not self._users:
            self._turns.pop(self._source, None)


class _Free:
    """A semaphore that is always free."""

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


_FREE: Final = _Free()


def credentials(header: str) -> tuple[str, bytes] | None:
    """Return name and password of an Authorization header; None when it holds none."""
    scheme, _, packed = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(packed.strip(), validate=True).partition(b":")
        text = name.decode()
    except (binascii.Error, ValueError):
        return None
    return (text, password) if colon and len(password) <= MAX_PASSWORD_BYTES and b"\0" not in password else None


def _cost(hashed: bytes) -> int:
    """Return the cost (log2 of the rounds) of a bcrypt hash, `$2b$10$...`."""
    return int(hashed[4:6])
