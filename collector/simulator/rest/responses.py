"""Requests and responses in the format of Mist: JSON bodies, errors, query parameters and pagination."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route: TypeAlias = tuple[str, str, Handler]
"""Method, path below /api/v1, and handler."""

LIMIT_DEFAULT, LIMIT_MAX = 100, 1000
_UNITS_S = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class ApiError(Exception):
    """A request that is answered with an error status; the middleware turns it into a JSON response."""

    def __init__(self, status: int, detail: str, retry_after_s: int | None = None) -> None:
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s
        super().__init__(detail)

    def response(self) -> web.Response:
        """Return the response: `{"detail": ...}`, with a Retry-After header if there is a delay."""
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        return json_response({"detail": self.detail}, status=self.status, headers=headers)


def json_response(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response with `value` as JSON."""
    return web.Response(body=orjson.dumps(value), status=status, headers=headers, content_type="application/json")


async def json_body(request: web.Request) -> Any:
    """Return the JSON body of a request.

    Raises:
        ApiError: With status 400 if the body is not JSON.
    """
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise ApiError(400, "JSON parse error") from None


# Query parameters.


def scope_of(request: web.Request) -> str:
    """Return the id of the org or the site in the path."""
    ids = request.match_info
    return ids.get("org_id") or ids["site_id"]


def choice_of(request: web.Request, name: str, allowed: tuple[str, ...]) -> str:
    """Return a query parameter with a fixed set of values, of which the first is the default.

    Raises:
        ApiError: With status 400 for another value.
    """
    value = request.query.get(name, allowed[0])
    if value not in allowed:
        raise ApiError(400, f"{name} must be one of {', '.join(allowed)}")
    return value


def matching(request: web.Request, rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the rows whose members equal the query parameters of these names."""
    wanted = {name: request.query[name] for name in names if name in request.query}
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]


def positive_int(request: web.Request, name: str, default: int) -> int:
    """Return a query parameter that is an integer from 1.

    Raises:
        ApiError: With status 400 for another value.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ApiError(400, f"{name} must be an integer from 1")
    return int(text)


def limit_of(request: web.Request) -> int:
    """Return the query parameter `limit`, at most 1000 (the maximum is unverified)."""
    return min(positive_int(request, "limit", LIMIT_DEFAULT), LIMIT_MAX)


def time_window(request: web.Request, now: float) -> tuple[int, int]:
    """Return the start and the end, in unix seconds, of the query parameters `start`, `end` and `duration`.

    Without parameters the window is the day before `now`.

    Raises:
        ApiError: With status 400 if a parameter is invalid.
    """
    try:
        end = int(float(request.query.get("end", now)))
        start = request.query.get("start")
        if start is not None:
            return int(float(start)), end
        duration = request.query.get("duration", "1d")
        return end - int(duration[:-1]) * _UNITS_S[duration[-1:]], end
    except (ValueError, KeyError, OverflowError):
        raise ApiError(400, "start, end or duration is invalid") from None


# Pagination (mist/README section 6).


def list_page(request: web.Request, rows: Sequence[Any], show: Callable[[Any], Any] = lambda row: row) -> web.Response:
    """Return the page `?limit=&page=` as a list with X-Page-* headers; `show` is called for the rows of this page."""
    limit, number = limit_of(request), positive_int(request, "page", 1)
    first = (number - 1) * limit
    return json_response(
        [show(row) for row in rows[first : first + limit]],
        headers={"X-Page-Limit": str(limit), "X-Page-Page": str(number), "X-Page-Total": str(len(rows))},
    )


def numbered_page(request: web.Request, rows: Sequence[dict[str, Any]], now: float) -> web.Response:
    """Return the page `?limit=&page=` as `results` with the page number in the body; `now` is the default end."""
    limit, number = limit_of(request), positive_int(request, "page", 1)
    start, end = time_window(request, now)
    first = (number - 1) * limit
    counts = {"total": len(rows), "page": number, "limit": limit, "start": start, "end": end}
    return json_response({"results": list(rows[first : first + limit])} | counts)


def search_page(
    request: web.Request, rows: Sequence[dict[str, Any]], key: Callable[[dict[str, Any]], str], now: float
) -> web.Response:
    """Return a page of a search as `results`; `next` is the path of the next page.

    Args:
        request: The request.
        rows: All rows that match.
        key: Returns the unique sort key of a row, from which `search_after` continues.
        now: Unix time at which the time window ends by default.
    """
    limit, after = limit_of(request), request.query.get("search_after", "")
    start, end = time_window(request, now)
    remaining = sorted((row for row in rows if key(row) > after), key=key)
    body: dict[str, Any] = {
        "results": remaining[:limit],
        "total": len(rows),
        "limit": limit,
        "start": start,
        "end": end,
    }
    if len(remaining) > limit:
        query = dict(request.query) | {
            "limit": limit,
            "start": start,
            "end": end,
            "search_after": key(remaining[limit - 1]),
        }
        query.pop("duration", None)
        body["next"] = f"{request.path}?{urlencode(query)}"
    return json_response(body)
