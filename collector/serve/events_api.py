"""/api/v1/events: the event history as JSON, newest first, or as server-sent events while they are stored.

Everything is limited: the filters, the number of events, the number of streams, and how long a stream and a write last.
A stream ends after a while, so that the client reconnects, authenticates again, and continues by `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from collector.concurrency import Slices
from collector.config.events import parse_duration
from collector.config.fields import InvalidValue
from collector.errors import HistoryUnavailable
from collector.event import SEVERITIES
from collector.event_query import (
    DEFAULT_LIMIT,
    MAX_CHARS,
    MAX_LIMIT,
    MAX_VALUES,
    MAX_WHERE,
    EventFilter,
    EventPage,
    json_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from multidict import MultiMapping

    from collector.clock import Clock
    from collector.event_query import EventFollower, EventSource, StoredEvent

PATH: Final = "/api/v1/events"
MAX_TIME_S: Final = 1e11  # the year 5138
MAX_STREAMS: Final = 64
MAX_QUERIES: Final = 16  # at the same time
MAX_BACKLOG_PAGES: Final = 5  # of events that a client of a stream missed
BACKLOG_WRITE: Final = 100  # events of one write
STREAM_S: Final = 900.0
KEEPALIVE_S: Final = 5.0  # the script of /events takes a stream that is silent for 12 s for lost
WRITE_S: Final = 10.0  # a client that does not read for this long is disconnected
RETRY_MS: Final = 2000
_NO_STORE: Final = {"Cache-Control": "no-store"}
_PLURALS: Final = {
    "topic": "topics", "type": "types", "severity": "severities", "status": "statuses", "site": "sites",
    "device": "devices",
}  # fmt: skip
_PARAMETERS: Final = frozenset({*_PLURALS, "since", "until", "where", "text", "limit", "after", "newer_than"})
_CHOICES: Final = {"severity": frozenset(SEVERITIES), "status": frozenset({"open", "cleared"})}
_UNIX_TIME: Final = re.compile(r"[0-9]{9,11}(?:\.[0-9]{1,9})?").fullmatch
_INTEGER: Final = re.compile(r"[0-9]{1,15}").fullmatch
_encode: Final = msgspec.json.Encoder().encode


class InvalidQuery(ValueError):  # noqa: N818 - answered with 400
    """A parameter is not valid; the message names it and states what is valid."""


class EventsApi:
    """The handlers of /api/v1/events. `add_to` registers them; `close` ends every stream before the listener closes.

    Args:
        source: The history.
        clock: For relative times and the life of a stream.
    """

    def __init__(self, source: EventSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._streams: set[EventFollower] = set()
        self._queries = 0

    def add_to(self, application: web.Application) -> None:
        """Register the handlers."""
        application.router.add_get(PATH, self.get, allow_head=False)
        application.on_shutdown.append(self.close)

    async def close(self, _application: web.Application) -> None:
        """End every stream."""
        for stream in list(self._streams):
            stream.close()

    @property
    def streams(self) -> int:
        """Number of open streams."""
        return len(self._streams)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer a query: 400 for invalid parameters, 503 if the history is not available."""
        try:
            check_parameters(request.query)
            filter_ = filter_of(request.query, self._clock.time())
            limit = integer(request.query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
            after = integer(request.query, "after", 0)
            newer_than = integer(request.query, "newer_than", 0)
            if "text/event-stream" in request.headers.get("Accept", ""):
                return await self._stream(request, filter_, newer_than)
            if self._queries >= MAX_QUERIES:
                return _failure(503, f"too many queries (limit {MAX_QUERIES})", {"Retry-After": "5"})
            self._queries += 1
            try:
                return await self._page(filter_, limit=limit, after=after or None, newer_than=newer_than)
            finally:
                self._queries -= 1
        except InvalidQuery as error:
            return _failure(400, str(error))
        except HistoryUnavailable as error:
            return _failure(503, error.reason, {"Retry-After": "5"})

    async def _page(self, filter_: EventFilter, *, limit: int, after: int | None, newer_than: int) -> web.Response:
        page = await self._source.query(filter_, limit=limit, after=after, newer_than=newer_than)
        cursor = b"null" if page.after is None else b"%d" % page.after
        body = b'{"events":[' + b",\n".join(await encoded(page.events)) + b'],"after":' + cursor + b"}\n"
        return web.Response(body=body, content_type="application/json", headers=_NO_STORE)

    # Stream

    async def _stream(self, request: web.Request, filter_: EventFilter, newer_than: int) -> web.StreamResponse:
        """Send events as they are stored; first those since `Last-Event-ID` or `newer_than`."""
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return _failure(403, "cross-site request")
        if len(self._streams) >= MAX_STREAMS:
            return _failure(503, f"too many streams (limit {MAX_STREAMS})", {"Retry-After": "30"})
        last_id = request.headers.get("Last-Event-ID", "")
        newer_than = int(last_id) if _INTEGER(last_id) else newer_than
        follower = self._source.follow(filter_)
        self._streams.add(follower)
        try:
            backlog = await self._backlog(filter_, newer_than) if newer_than else EventPage([], None)
            return await self._send(request, follower, backlog)
        finally:
            self._streams.discard(follower)
            follower.close()

    async def _backlog(self, filter_: EventFilter, newer_than: int) -> EventPage:
        """Return the events since `newer_than`, oldest first; `after` is set if older ones are left out."""
        events: list[StoredEvent] = []
        after: int | None = None
        for _ in range(MAX_BACKLOG_PAGES):
            page = await self._source.query(filter_, limit=MAX_LIMIT, after=after, newer_than=newer_than)
            events += page.events
            after = page.after
            if after is None:
                break
        return EventPage(events[::-1], after)

    async def _send(self, request: web.Request, follower: EventFollower, backlog: EventPage) -> web.StreamResponse:
        response = web.StreamResponse(headers={**_NO_STORE, "X-Accel-Buffering": "no"})  # a proxy must not buffer
        response.content_type = "text/event-stream"
        response.charset = "utf-8"
        await response.prepare(request)
        try:
            await self._write(response, b"retry: %d\n\n" % RETRY_MS)
            if backlog.after is not None:
                await self._write(response, b'event: gap\ndata: {"older_than":%d}\n\n' % backlog.after)
            for first in range(0, len(backlog.events), BACKLOG_WRITE):
                await self._write_events(response, backlog.events[first : first + BACKLOG_WRITE])
            last = backlog.events[-1].seq if backlog.events else 0
            ends_at = self._clock.now() + STREAM_S
            while self._clock.now() < ends_at and (events := await follower.next(KEEPALIVE_S)) is not None:
                await self._write_events(response, [one for one in events if one.seq > last])
        except ConnectionError:
            pass
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # an orderly close would wait for the client, too
        return response

    async def _write_events(self, response: web.StreamResponse, events: Sequence[StoredEvent]) -> None:
        texts = zip(events, await encoded(events), strict=True)
        parts = [b"id: %d\ndata: %b\n\n" % (one.seq, text) for one, text in texts]
        await self._write(response, b"".join(parts) or b": keepalive\n\n")

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(WRITE_S):
            await response.write(data)


async def encoded(events: Sequence[StoredEvent]) -> list[bytes]:
    """Return events as JSON, in slices."""
    slices = Slices()
    texts: list[bytes] = []
    for one in events:
        texts.append(json_of(one))
        await slices.pause()
    return texts


def _failure(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=_encode({"error": message}) + b"\n",
        content_type="application/json",
        headers={**_NO_STORE, **(headers or {})},
    )


# Parameters


def check_parameters(query: MultiMapping[str]) -> None:
    """Raise InvalidQuery for an unknown parameter, too many values or a value that is too long."""
    for name in query:
        if name not in _PARAMETERS:
            raise InvalidQuery(f"unknown parameter {name[:50]}: {', '.join(sorted(_PARAMETERS))}")
        values = query.getall(name)
        most = MAX_WHERE if name == "where" else MAX_VALUES if name in _PLURALS else 1
        if len(values) > most:
            raise InvalidQuery(f"{name} occurs more than {most} times")
        if any(len(value) > MAX_CHARS for value in values):
            raise InvalidQuery(f"{name} is longer than {MAX_CHARS} characters")


def filter_of(query: MultiMapping[str], now: float) -> EventFilter:
    """Return the filter of query parameters; empty ones are ignored. `now` is Unix time. Raises InvalidQuery."""
    values = {plural: _values(query, name) for name, plural in _PLURALS.items()}
    return EventFilter(
        since=time_of(query, "since", now),
        until=time_of(query, "until", now),
        where=tuple(_pair(text) for text in query.getall("where", []) if text),
        text=query.get("text", ""),
        **values,
    )


def _values(query: MultiMapping[str], name: str) -> tuple[str, ...]:
    values = tuple(value for value in query.getall(name, []) if value)
    choices = _CHOICES.get(name)
    if choices is not None and not choices.issuperset(values):
        raise InvalidQuery(f"{name} is one of {', '.join(sorted(choices))}")
    return values


def _pair(text: str) -> tuple[str, str]:
    path, colon, value = text.partition(":")
    if not path or not colon:
        raise InvalidQuery("where is key:value, for instance port_id:ge-0/0/12")
    return path, value


def time_of(query: MultiMapping[str], name: str, now: float) -> float | None:
    """Return a time in Unix seconds: `15m` ago, Unix seconds, or ISO 8601. Raises InvalidQuery."""
    text = query.get(name, "")
    if not text:
        return None
    if _UNIX_TIME(text):
        return float(text)
    return _first_valid((lambda: now - parse_duration(text), lambda: _iso(text)), name)


def _iso(text: str) -> float:
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()


def _first_valid(readers: Iterable[Callable[[], float]], name: str) -> float:
    for reader in readers:
        try:
            time = reader()
            if abs(time) < MAX_TIME_S:
                return time
        except (InvalidValue, ValueError, OverflowError):
            continue
    raise InvalidQuery(f"{name} is 15m, 12h, 7d, Unix seconds or 2026-01-31T12:00:00Z")


def integer(query: MultiMapping[str], name: str, default: int, low: int = 0, high: int = 2**53) -> int:
    """Return a number within limits. Raises InvalidQuery."""
    text = query.get(name, "")
    if not text:
        return default
    if not _INTEGER(text) or not low <= int(text) <= high:
        raise InvalidQuery(f"{name} is a number from {low} to {high}")
    return int(text)
