"""REST calls that change something at Mist: for commands that a person gives, never for the daemon.

A write is made once. If its answer is lost nobody knows whether it was done, so it is not tried again by itself: the
person looks, and says it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.errors import Fatal
from collector.ingest.rest.client import Rest

if TYPE_CHECKING:
    from typing import Literal

    from collector.ingest.rest.paging import Answer

    Method = Literal["POST", "PUT", "DELETE"]

_FORBIDDEN = 403


class WritingRest(Rest):
    """`Rest` that can also write; the token needs the rights for it."""

    async def answer(self, path: str) -> Answer:
        """Return one answer with its headers, for what they tell: the cloud's time, for instance."""
        return await self._fetch(self._url(path, {}))

    async def write(self, method: Method, path: str, content: dict[str, object] | None = None) -> object:
        """Make one call; `path` is below /api/v1. Raises as `get` does, Retryable when it is unknown what was done."""
        await self._admitted()
        try:
            answer = await self._call(self._url(path, {}), method, content)
        except Fatal as error:
            self._count(error)
            if error.status == _FORBIDDEN:
                raise Fatal(
                    "the token may read but not write here: this needs a token with write access (see --token-env)",
                    where=f"{method} {path}",
                    status=error.status,
                ) from None
            raise
        return answer.body
