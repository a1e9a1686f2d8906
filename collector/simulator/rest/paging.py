"""The ways in which Mist pages (mist/README section 6), and the third that service levels have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from collector.simulator.rest.reply import RefusedError, reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiohttp import web

LIMIT_DEFAULT, LIMIT_MAX = 100, 1000
_UNITS_S = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def page(request: web.Request, rows: Sequence[Any], show: Callable[[Any], Any] = lambda row: row) -> web.Response:
    """Answer with a list body and X-Page-* headers, as `?limit=&page=` asks; `show` is called for this page only."""
    limit, number = limit_of(request), whole(request, "page", 1)
    first = (number - 1) * limit
    return reply(
        [show(row) for row in rows[first : first + limit]],
        headers={"X-Page-Limit": str(limit), "X-Page-Page": str(number), "X-Page-Total": str(len(rows))},
    )


def numbered(request: web.Request, rows: Sequence[dict[str, Any]], now: float) -> web.Response:
    """Answer with a `results` body that counts its pages itself; `now` ends an open window."""
    limit, number = limit_of(request), whole(request, "page", 1)
    start, end = window(request, now)
    first = (number - 1) * limit
    counts = {"total": len(rows), "page": number, "limit": limit, "start": start, "end": end}
    return reply({"results": list(rows[first : first + limit])} | counts)


def search(
    request: web.Request, rows: Sequence[dict[str, Any]], key: Callable[[dict[str, Any]], str], now: float
) -> web.Response:
    """Answer with a `results` body; `next` leads on behind the last row by its `key`, which tells rows apart.

    `now` is the unix time at which an open window ends.
    """
    limit, after = limit_of(request), request.query.get("search_after", "")
    start, end = window(request, now)
    rest = sorted((row for row in rows if key(row) > after), key=key)
    body: dict[str, Any] = {
        "results": rest[:limit],
        "total": len(rows),
        "limit": limit,
        "start": start,
        "end": end,
    }
    if len(rest) > limit:
        query = dict(request.query) | {
            "limit": limit,
            "start": start,
            "end": end,
            "search_after": key(rest[limit - 1]),
        }
        query.pop("duration", None)
        body["next"] = f"{request.path}?{urlencode(query)}"
    return reply(body)


def limit_of(request: web.Request) -> int:
    """Return `limit`, at most 1000 (the maximum is unverified)."""
    return min(whole(request, "limit", LIMIT_DEFAULT), LIMIT_MAX)


def whole(request: web.Request, name: str, default: int) -> int:
    """Return a query parameter that counts from 1; refuse anything else with 400."""
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise RefusedError(400, f"{name} must be a whole number from 1")
    return int(text)


def window(request: web.Request, now: float) -> tuple[int, int]:
    """Return start and end (epoch seconds) from `start`, `end` and `duration`; the last day when nothing is said."""
    try:
        end = int(float(request.query.get("end", now)))
        start = request.query.get("start")
        if start is not None:
            return int(float(start)), end
        duration = request.query.get("duration", "1d")
        return end - int(duration[:-1]) * _UNITS_S[duration[-1:]], end
    except (ValueError, KeyError, OverflowError):
        raise RefusedError(400, "start, end or duration cannot be read") from None
