"""The pages of a listing: how Mist numbers or links them, and the limits that make every listing end. No I/O.

Mist has three forms:

- a list per page, requested with ``?limit=&page=``, with the counts in the headers ``X-Page-Limit``, ``X-Page-Page``
  and ``X-Page-Total`` (`list_page`, `numbered_entries`);
- ``{"results": [...], "total": 3208, "page": 1}``, requested the same way (`results_page`, `numbered_entries`);
- ``{"results": [...], "next": "/api/v1/..."}``, where `next` is followed until it is absent (`results_page`,
  `linked_entries`).

A listing that is incomplete, repeats a page or does not end raises Retryable after the entries that it gave: the caller
must not take it for the whole.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
import orjson

from collector.errors import MalformedAnswer, Retryable
from collector.ingest.rest.answers import Answer, Entries, not_json

PAGE_SIZE: Final = 1000  # entries; the largest that Mist gives
MAX_PAGE_ENTRIES: Final = 50_000  # a listing without pages may give all of its entries at once
MAX_PAGES: Final = 500  # of one listing: half a million entries
MAX_LINK_LENGTH: Final = 4096
_MAX_DIGITS: Final = 9  # of a count


class _Results(msgspec.Struct):
    """The body of a page that is an object; an absent field is empty."""

    results: msgspec.Raw = msgspec.Raw()
    next: msgspec.Raw = msgspec.Raw()
    total: msgspec.Raw = msgspec.Raw()
    limit: msgspec.Raw = msgspec.Raw()
    page: msgspec.Raw = msgspec.Raw()


_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_RESULTS: Final = msgspec.json.Decoder(_Results)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing.

    Attributes:
        entries: parsed on access.
        fingerprint: equal for two pages that are the same page.
        total: number of entries of the whole listing; None when the answer does not contain it.
        limit: entries per page, likewise.
        number: number of this page, from 1, likewise.
        next_link: where the next page is; None for the last one, and for listings that are not linked.
        release: frees the memory of the page; its entries are not to be accessed afterwards.
    """

    entries: Entries
    fingerprint: object
    total: int | None = None
    limit: int | None = None
    number: int | None = None
    next_link: str | None = None
    release: Callable[[], None] = lambda: None


T = TypeVar("T")
EntryIterator = AsyncGenerator[dict[str, object], None]
FetchPage = Callable[[int], Awaitable[Page]]
FetchLink = Callable[[str | None], Awaitable[Page]]  # None fetches the first page


def list_page(answer: Answer, where: str) -> Page:
    """Return the page in an answer that is a list; MalformedAnswer when it is none."""
    entries = _entries(answer.body, answer, where)
    total, limit, number = (_header_count(answer, f"X-Page-{name}", where) for name in ("Total", "Limit", "Page"))
    try:
        fingerprint = _ends_of(entries)
    except ValueError as error:
        raise not_json(answer, where, error) from None
    return Page(entries, fingerprint, total, limit, number, release=answer.release)


def results_page(answer: Answer, where: str) -> Page:
    """Return the page in an answer that is an object with `results`; MalformedAnswer when it is none."""
    body = _parsed(_RESULTS, answer.body, answer, where)
    results = bytes(body.results)
    if not results:
        raise MalformedAnswer("a list was expected", where=where)
    entries = _entries(results, answer, where)
    total, limit, number = (_body_count(bytes(field)) for field in (body.total, body.limit, body.page))
    return Page(entries, hash(results), total, limit, number, _link(bytes(body.next), where), answer.release)


async def numbered_entries(
    fetch: FetchPage, where: str, *, limit: int = PAGE_SIZE, consistent: bool = False
) -> EntryIterator:
    """Yield the entries of every page; entries that are not objects are skipped.

    The listing ends when `total` entries have come, without a total at the first page that is not full.

    Args:
        fetch: returns the page of a number.
        where: the path, for errors.
        limit: entries per page that are requested.
        consistent: fail when the total changes between pages. An entry may then have moved from one page to another
            unseen, so that the listing must not decide what was removed.
    """
    seen = 0
    fingerprints: set[object] = set()
    totals: set[int] = set()
    for number in range(1, MAX_PAGES + 1):
        page = await fetch(number)
        try:
            count = len(page.entries)
            seen += count
            if count and (page.fingerprint in fingerprints or (page.number or number) != number):
                if page.total is not None:
                    raise Retryable(f"page {number} repeats another page", where=where)
                return  # a server that ignores the page number: the first page was everything
            fingerprints.add(page.fingerprint)
            for entry in page.entries:
                if isinstance(entry, dict):
                    yield entry
            if page.total is not None:
                totals.add(page.total)
        finally:
            page.release()
        if not count or (seen >= page.total if page.total is not None else count < (page.limit or limit)):
            _check_complete(where, seen, page.total, changed=consistent and len(totals) > 1)
            return
        del page  # before the next one is received
    raise Retryable(f"the listing has more than {MAX_PAGES} pages", where=where)


async def linked_entries(fetch: FetchLink, where: str) -> EntryIterator:
    """Yield the entries of every page, following `next_link` until it is absent or a page is empty."""
    fingerprints: set[object] = set()
    link: str | None = None
    for _ in range(MAX_PAGES):
        page = await fetch(link)
        try:
            if not page.entries:
                return
            link = page.next_link
            if page.fingerprint in fingerprints or link in fingerprints:
                raise Retryable("the listing repeats a page", where=where)
            fingerprints.add(page.fingerprint)
            for entry in page.entries:
                if isinstance(entry, dict):
                    yield entry
        finally:
            page.release()
        if link is None:
            return
        fingerprints.add(link)
        del page  # before the next one is received
    raise Retryable(f"the listing has more than {MAX_PAGES} pages", where=where)


def _entries(text: bytes, answer: Answer, where: str) -> Entries:
    raw = _parsed(_LIST, text, answer, where)
    if len(raw) > MAX_PAGE_ENTRIES:
        raise MalformedAnswer(f"more than {MAX_PAGE_ENTRIES} entries on a page", where=where)
    return Entries(raw)


def _parsed(decoder: msgspec.json.Decoder[T], text: bytes, answer: Answer, where: str) -> T:
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        raise MalformedAnswer("a list was expected", where=where) from None
    except msgspec.DecodeError as error:
        raise not_json(answer, where, error) from None
    except RecursionError:
        raise MalformedAnswer("JSON nested too deep", where=where) from None


def _header_count(answer: Answer, header: str, where: str) -> int | None:
    """Return the number in a header, None when there is none; MalformedAnswer for one that no listing can have."""
    text = answer.headers.get(header, "")
    if not (text.isascii() and text.isdigit()):
        return None
    if len(text) > _MAX_DIGITS:
        raise MalformedAnswer(f"{header} has {len(text)} digits", where=where)
    return int(text)


def _body_count(text: bytes) -> int | None:
    return int(text) if text.isdigit() and len(text) <= _MAX_DIGITS else None


def _link(text: bytes, where: str) -> str | None:
    if len(text) > MAX_LINK_LENGTH:
        raise MalformedAnswer("`next` is too long", where=where)
    link = orjson.loads(text) if text else None
    if link and (not isinstance(link, str) or not link.isascii() or not link.isprintable()):
        raise MalformedAnswer("`next` is not a link", where=where)
    return link or None


def _ends_of(entries: Entries) -> object:
    """Return what identifies a page though its measurements change: its length, its first and its last entry."""
    return (len(entries), _identity(entries, 0), _identity(entries, -1)) if entries else None


def _identity(entries: Entries, at: int) -> object:
    entry = entries[at]
    known = (entry.get("id") or entry.get("mac")) if isinstance(entry, dict) else None
    return known if isinstance(known, str) else entries.text(at)


def _check_complete(where: str, seen: int, total: int | None, *, changed: bool) -> None:
    if total is not None and seen < total:
        raise Retryable(f"the listing is incomplete: {seen} of {total} entries", where=where)
    if changed:
        raise Retryable("the listing changed while it was read", where=where)
