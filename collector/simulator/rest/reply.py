"""Answers as Mist gives them: JSON, and `{"detail": ...}` for every refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


class RefusedError(Exception):
    """A request that is answered with an error status; raised anywhere below the gate, which turns it into JSON."""

    def __init__(self, status: int, detail: str, retry_after_s: int | None = None) -> None:
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s
        super().__init__(detail)

    def response(self) -> web.Response:
        """Return the answer."""
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        return reply({"detail": self.detail}, status=self.status, headers=headers)


def reply(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with this value as JSON."""
    return web.Response(body=orjson.dumps(value), status=status, headers=headers, content_type="application/json")


async def json_of(request: web.Request) -> Any:
    """Return the JSON body of a request; raise RefusedError(400) when it is none."""
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise RefusedError(400, "JSON parse error") from None
