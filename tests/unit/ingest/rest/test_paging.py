"""Pages of listings in all three forms, and every way in which a listing can be wrong."""

from __future__ import annotations

import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import MalformedAnswer, Retryable
from collector.ingest.rest import paging
from collector.ingest.rest.answers import Answer
from collector.ingest.rest.paging import linked_entries, list_page, numbered_entries, results_page


def entries(count: int, start: int = 0) -> list[dict[str, object]]:
    return [{"id": f"id-{number}"} for number in range(start, start + count)]


def listed(body, headers=None, release=lambda: None):
    """The page in an answer that is a list."""
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    return list_page(Answer(text, headers or {}, release), "/x")


def results(body, release=lambda: None):
    """The page in an answer that is an object."""
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    return results_page(Answer(text, {}, release), "/x")


class Listing:
    """`serve` makes a page from its number or link; `fetched` holds these in order."""

    def __init__(self, serve) -> None:
        self.serve = serve
        self.fetched: list[object] = []

    async def __call__(self, page):
        self.fetched.append(page)
        return self.serve(page)


def counted(everything, limit, total=None, **headers):
    def serve(page):
        names = {"X-Page-Limit": str(limit), "X-Page-Page": str(page)}
        names["X-Page-Total"] = str(len(everything) if total is None else total)
        return listed(everything[(page - 1) * limit : page * limit], {**names, **headers})

    return Listing(serve)


async def numbered(fetch, **options):
    return [entry async for entry in numbered_entries(fetch, "/x", **options)]


async def linked(fetch):
    return [entry async for entry in linked_entries(fetch, "/x/search")]


# Numbered pages


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (35, 4)])
async def test_a_listing_with_a_total_takes_no_call_too_many(count, calls):
    listing = counted(entries(count), 10)
    assert await numbered(listing, limit=10, consistent=True) == entries(count)
    assert listing.fetched == list(range(1, calls + 1))


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (9, 1), (10, 2), (25, 3)])
async def test_without_headers_a_page_that_is_not_full_ends_the_listing(count, calls):
    everything = entries(count)
    listing = Listing(lambda page: listed(everything[(page - 1) * 10 : page * 10]))
    assert await numbered(listing, limit=10) == everything
    assert len(listing.fetched) == calls


async def test_a_server_with_smaller_pages_than_requested():
    assert await numbered(counted(entries(25), 10), limit=1000) == entries(25)


async def test_a_smaller_page_limit_without_a_total():
    everything = entries(25)
    listing = Listing(lambda page: listed(everything[(page - 1) * 10 : page * 10], {"X-Page-Limit": "10"}))
    assert await numbered(listing, limit=1000) == everything


async def test_half_a_page_is_not_a_complete_listing():
    with pytest.raises(Retryable, match="incomplete: 5 of 10"):
        await numbered(Listing(lambda page: listed(entries(5) if page == 1 else [], {"X-Page-Total": "10"})))


async def test_a_server_that_ignores_the_page_number():
    listing = Listing(lambda _: listed(entries(10)))
    assert await numbered(listing, limit=10) == entries(10)
    assert listing.fetched == [1, 2]


async def test_a_repeated_first_page_is_not_a_complete_listing():
    listing = Listing(lambda _: listed(entries(10), {"X-Page-Total": "30"}))
    with pytest.raises(Retryable, match="page 2 repeats"):
        await numbered(listing, limit=10)


async def test_a_page_with_the_number_of_another_is_rejected():
    numbers = itertools.count()
    listing = Listing(lambda _: listed(entries(10, 10 * next(numbers)), {"X-Page-Total": "90", "X-Page-Page": "1"}))
    with pytest.raises(Retryable, match="page 2 repeats"):
        await numbered(listing, limit=10)


async def test_a_repeated_page_is_recognised_though_its_statistics_change():
    ticks = itertools.count()
    listing = Listing(lambda _: listed([{"mac": f"m{n}", "uptime": next(ticks)} for n in range(10)]))
    assert len(await numbered(listing, limit=10)) == 10


async def test_an_endless_listing_ends(monkeypatch):
    monkeypatch.setattr(paging, "MAX_PAGES", 7)
    listing = Listing(lambda page: listed(entries(10, 10 * page)))
    with pytest.raises(Retryable, match="more than 7 pages"):
        await numbered(listing, limit=10)
    assert len(listing.fetched) == 7


async def test_a_consistent_listing_may_not_change_while_it_is_read():
    def shrinking(page):
        total = "15" if page == 1 else "14"
        return listed(entries(10) if page == 1 else entries(4, 10), {"X-Page-Total": total})

    assert len(await numbered(Listing(shrinking), limit=10)) == 14
    with pytest.raises(Retryable, match="changed while it was read"):
        await numbered(Listing(shrinking), limit=10, consistent=True)


@pytest.mark.parametrize("body", [None, {}, {"results": []}, "text", 7])
def test_a_page_that_is_not_a_list_is_malformed(body):
    with pytest.raises(MalformedAnswer, match="a list was expected"):
        listed(body)


@pytest.mark.parametrize("body", [b"", b"[", b"[1,", b"[1] 2", b"<html>", b"[nonsense]"])
def test_a_page_that_is_not_json_is_malformed(body):
    with pytest.raises(MalformedAnswer):
        listed(body)


@pytest.mark.parametrize("page", [listed, lambda body: results(b'{"results": %b}' % body)])
def test_a_page_of_nothing_but_brackets_is_malformed(page):
    with pytest.raises(MalformedAnswer):
        page(b"[" * 200_000)


def test_the_number_of_entries_on_a_page_is_limited(monkeypatch):
    monkeypatch.setattr(paging, "MAX_PAGE_ENTRIES", 3)
    assert len(listed([1, 2, 3]).entries) == 3
    with pytest.raises(MalformedAnswer, match="more than 3 entries"):
        listed([1, 2, 3, 4])


async def test_entries_that_are_not_objects_are_skipped():
    assert await numbered(Listing(lambda _: listed([None, 1, {"id": "a"}, "x", []]))) == [{"id": "a"}]


@pytest.mark.parametrize("total", ["", "-1", "many", "\u0663", "1.5"])
def test_a_total_that_is_not_a_number_is_ignored(total):
    assert listed(entries(3), {"X-Page-Total": total}).total is None


@pytest.mark.parametrize("header", ["X-Page-Total", "X-Page-Limit", "X-Page-Page"])
def test_a_count_with_thousands_of_digits_is_malformed(header):
    with pytest.raises(MalformedAnswer, match="has 5000 digits"):
        listed(entries(3), {header: "9" * 5000})


@given(st.integers(0, 60), st.integers(1, 12), st.booleans())
async def test_every_entry_comes_once_whatever_the_size(count, limit, with_headers):
    everything = entries(count)
    listing = (
        counted(everything, limit)
        if with_headers
        else Listing(lambda page: listed(everything[(page - 1) * limit : page * limit]))
    )
    assert await numbered(listing, limit=limit) == everything


async def test_counts_in_the_body_are_those_of_headers():
    def serve(page):
        return results({"results": entries(2, 2 * page - 2), "total": 4, "page": page, "limit": 2})

    listing = Listing(serve)
    assert await numbered(listing, limit=1000) == entries(4)
    assert listing.fetched == [1, 2]


@pytest.mark.parametrize("count", [None, True, -1, 1.5, "3", [], int("9" * 15)])
def test_a_count_in_the_body_that_is_none_is_ignored(count):
    assert results({"results": [], "total": count}).total is None


# Linked pages


async def test_links_are_followed_until_there_is_none():
    chain = {None: ("a", "/2"), "/2": ("b", "/3"), "/3": ("c", None)}

    def serve(link):
        name, following = chain[link]
        return results({"results": [{"id": name}], "total": 3, "next": following})

    assert await linked(Listing(serve)) == [{"id": "a"}, {"id": "b"}, {"id": "c"}]


async def test_an_empty_page_ends_a_search_that_has_another_link():
    listing = Listing(lambda link: results({"results": [] if link else [{"id": "a"}], "next": "/more"}))
    assert await linked(listing) == [{"id": "a"}]
    assert listing.fetched == [None, "/more"]


async def test_a_cycle_of_links_is_left():
    ring = {None: "/2", "/2": "/3", "/3": "/2"}
    ticks = itertools.count()
    listing = Listing(lambda link: results({"results": [{"seen": next(ticks)}], "next": ring[link]}))
    with pytest.raises(Retryable, match="repeats"):
        await linked(listing)
    assert listing.fetched == [None, "/2", "/3"]


async def test_the_same_results_under_new_links_are_left():
    numbers = itertools.count()
    listing = Listing(lambda _: results({"results": [{"id": "a"}], "next": f"/{next(numbers)}"}))
    with pytest.raises(Retryable, match="repeats"):
        await linked(listing)
    assert len(listing.fetched) == 2


async def test_an_endless_search_ends(monkeypatch):
    monkeypatch.setattr(paging, "MAX_PAGES", 5)
    numbers = itertools.count()
    listing = Listing(lambda _: results({"results": [{"n": next(numbers)}], "next": f"/{next(numbers)}"}))
    with pytest.raises(Retryable, match="more than 5 pages"):
        await linked(listing)


@pytest.mark.parametrize("following", [7, ["/x"], {"href": "/x"}, "/x\0y", "/x\ny", "/\u00e9", "/" + "x" * 5000])
def test_a_link_that_is_none_is_malformed(following):
    with pytest.raises(MalformedAnswer, match="`next` is"):
        results({"results": [{"id": 1}], "next": following})


@pytest.mark.parametrize("body", [None, [], {}, {"results": None}, {"results": {}}, "text"])
def test_a_page_without_results_is_malformed(body):
    with pytest.raises(MalformedAnswer, match="a list was expected"):
        results(body)


# Memory


@pytest.mark.parametrize("read", [numbered, linked])
async def test_the_memory_of_each_page_is_released_before_the_next_is_fetched(read):
    held = []

    def serve(page):
        assert held == []
        held.append(page)
        number = 1 if page is None else int(str(page).strip("/"))
        link = f"/{number + 1}" if number < 3 else None
        body = {"results": entries(1, number), "total": 3, "limit": 1, "next": link}
        return results(body, release=lambda: held.remove(page))

    assert len(await read(Listing(serve))) == 3
    assert held == []


@pytest.mark.parametrize("read", [numbered_entries, linked_entries])
async def test_the_memory_is_released_when_the_reader_stops_early(read):
    held = [1]
    listing = read(Listing(lambda _: results({"results": entries(5)}, release=held.clear)), "/x")
    assert await anext(listing) == {"id": "id-0"}
    assert held == [1]
    await listing.aclose()
    assert held == []
