"""Basic authentication against bcrypt hashes, without giving the event loop away.

A hash costs tens of milliseconds by design: it is computed in a thread, two at a time, and what it said is remembered
under a keyed digest, so that a scraper pays once. Who guesses waits in a short queue; beyond that, one is turned away.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

import bcrypt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

AT_ONCE: Final = 2  # hashes computed at a time
WAITING: Final = 16  # that may wait for their turn
REMEMBERED: Final = 1000  # answers; beyond them the oldest goes
LONGEST: Final = 72  # bytes of a password that bcrypt looks at; more of them are no password here
# Compared with when the user is unknown, so that the time taken tells nothing. Of no password.
_NOBODY: Final = b"$2b$10$DLRbl6azcJQwX1TVyZjVkOow6rm9y0NKq35/WzbyYhh/ePrUu.GVu"


class Crowded(Exception):  # noqa: N818 - the way out of one request
    """Too many passwords wait to be checked."""


class BasicAuth:
    """Knows the users. `admits` is what a request's Authorization header is held against."""

    def __init__(self, users: Mapping[str, SecretStr]) -> None:
        self._users = {name: hashed.get_secret_value().encode() for name, hashed in users.items()}
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, bool] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    def __repr__(self) -> str:
        return f"BasicAuth({len(self._users)} users)"

    async def admits(self, header: str) -> bool:
        """Whether the header holds a user's name and password. Raises Crowded."""
        named = credentials(header)
        if named is None:
            return False
        name, password = named
        hashed = self._users.get(name, _NOBODY)
        digest = hmac.digest(self._key, b"\0".join((name.encode(), hashed, password)), hashlib.sha256)
        known = self._known.get(digest)
        if known is None:
            known = await self._check(password, hashed) and name in self._users
            self._known[digest] = known
            if len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
        return known

    async def _check(self, password: bytes, hashed: bytes) -> bool:
        if self._waiting >= WAITING:
            raise Crowded
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(bcrypt.checkpw, password, hashed)
        finally:
            self._waiting -= 1


def credentials(header: str) -> tuple[str, bytes] | None:
    """Name and password of an Authorization header, None when it holds none."""
    scheme, _, packed = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(packed.strip(), validate=True).partition(b":")
        text = name.decode()
    except (binascii.Error, ValueError):
        return None
    return (text, password) if colon and len(password) <= LONGEST and b"\0" not in password else None
