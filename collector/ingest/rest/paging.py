"""The ways in which Mist cuts a long answer into pages, all guarded against answers without end. No I/O here.

`pages`: a list a page, asked for with ``?limit=&page=``, counted in the headers ``X-Page-Limit``, ``X-Page-Page`` and
``X-Page-Total``. `search`: ``{"results": [...], "next": "/api/v1/..."}``, where `next` is followed until there is none.
`unwrapped` makes the rare third way, ``{"results": [...], "total": 3208, "page": 1}``, look like the first.

A listing that proves incomplete, that repeats itself or that does not end raises Retryable after what it gave: the
caller must not take such a reading for the whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from collector.errors import Retryable
from collector.ingest.rest.answers import Entries

LIMIT = 1000  # entries a page; the largest that Mist gives
MAX_PAGES = 500  # of one listing: half a million entries


@dataclass(frozen=True, slots=True)
class Answer:
    """One good answer: the decoded body, and the headers by any case."""

    body: object
    headers: Mapping[str, str] = field(default_factory=dict)


FetchPage = Callable[[int], Awaitable[Answer]]
FetchLink = Callable[[str | None], Awaitable[Answer]]  # None asks for the first page


async def pages(
    fetch: FetchPage, where: str, *, limit: int = LIMIT, steady: bool = False
) -> AsyncIterator[dict[str, object]]:
    """Yield the entries of every page, elements that are no objects left out.

    Ends when `X-Page-Total` entries came; without that header at the first short page. `steady` also refuses a listing
    whose total changed while it was read: entries may have slipped from one page to another unseen, so it must not
    decide what is gone.
    """
    seen = 0
    prints: set[object] = set()
    totals: set[int] = set()
    for page in range(1, MAX_PAGES + 1):
        answer = await fetch(page)
        entries = _list_of(answer.body, where)
        seen += len(entries)
        total, page_limit = _number(answer, "X-Page-Total"), _number(answer, "X-Page-Limit") or limit
        if entries and (_fingerprint(entries) in prints or (_number(answer, "X-Page-Page") or page) != page):
            # Without a total this may be a server that knows no pages; with one, something is missing.
            _repeated(where, page, harmless=total is None)
            return
        prints.add(_fingerprint(entries))
        for entry in entries:
            if isinstance(entry, dict):
                yield entry
        if total is not None:
            totals.add(total)
        if not entries or (seen >= total if total is not None else len(entries) < page_limit):
            _check_whole(where, seen, total, changed=steady and len(totals) > 1)
            return
    raise Retryable(f"the listing has no end after {MAX_PAGES} pages", where=where)


async def search(fetch: FetchLink, where: str) -> AsyncIterator[dict[str, object]]:
    """Yield the `results` of every page, following `next` until it is absent or a page is empty."""
    prints: set[object] = set()
    link: str | None = None
    for _ in range(MAX_PAGES):
        body = (await fetch(link)).body
        results = _list_of(body.get("results") if isinstance(body, dict) else None, where)
        if not results:
            return
        link = _next_of(body, where)
        fingerprint = hash(orjson.dumps(results))
        if fingerprint in prints or link in prints:
            raise Retryable("the listing repeats a page", where=where)
        prints.add(fingerprint)
        for entry in results:
            if isinstance(entry, dict):
                yield entry
        if link is None:
            return
        prints.add(link)
    raise Retryable(f"the listing has no end after {MAX_PAGES} pages", where=where)


def unwrapped(answer: Answer) -> Answer:
    """Return a page whose counts stand in its body as one whose counts stand in its headers."""
    body = answer.body
    if not isinstance(body, dict):
        return answer
    counts = {"X-Page-Total": body.get("total"), "X-Page-Limit": body.get("limit"), "X-Page-Page": body.get("page")}
    headers = {name: str(count) for name, count in counts.items() if isinstance(count, int)}
    return Answer(body.get("results"), headers)


def _next_of(body: object, where: str) -> str | None:
    link = body.get("next") if isinstance(body, dict) else None
    if link and not isinstance(link, str):
        raise Retryable("`next` is not a link", where=where)
    return link or None


def _list_of(entries: object, where: str) -> Sequence[object]:
    if not isinstance(entries, list | Entries):
        raise Retryable("a list was expected, something else came", where=where)
    return entries


def _number(answer: Answer, header: str) -> int | None:
    text = answer.headers.get(header, "")
    return int(text) if text.isascii() and text.isdigit() else None


def _fingerprint(entries: Sequence[object]) -> object:
    """Return what tells one page from another though its numbers move: its length, its first and its last entry."""
    return (len(entries), _identity(entries[0]), _identity(entries[-1])) if entries else None


def _identity(entry: object) -> object:
    known = (entry.get("id") or entry.get("mac")) if isinstance(entry, dict) else None
    return known if isinstance(known, str) else orjson.dumps(entry)


def _repeated(where: str, page: int, *, harmless: bool) -> None:
    if not harmless:
        raise Retryable(f"page {page} repeats another page", where=where)


def _check_whole(where: str, seen: int, total: int | None, *, changed: bool) -> None:
    if total is not None and seen < total:
        raise Retryable(f"the listing is incomplete: {seen} of {total} entries", where=where)
    if changed:
        raise Retryable("the listing changed while it was read", where=where)
