"""Both page styles, and every way in which a listing can lie."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import Retryable
from collector.ingest.rest import paging
from collector.ingest.rest.paging import Answer


def entries(count: int, start: int = 0) -> list[dict[str, object]]:
    return [{"id": f"id-{number}"} for number in range(start, start + count)]


class Listing:
    """Pages of style (a); `serve` makes one page's answer from its number."""

    def __init__(self, serve) -> None:
        self.serve = serve
        self.asked: list[object] = []

    async def __call__(self, page):
        self.asked.append(page)
        return self.serve(page)


def counted(everything, limit, total=None, **headers):
    def serve(page):
        names = {"X-Page-Limit": str(limit), "X-Page-Page": str(page)}
        names["X-Page-Total"] = str(len(everything) if total is None else total)
        return Answer(everything[(page - 1) * limit : page * limit], {**names, **headers})

    return Listing(serve)


async def read(fetch, **options):
    return [entry async for entry in paging.pages(fetch, "/x", **options)]


async def found(fetch):
    return [entry async for entry in paging.search(fetch, "/x/search")]


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (35, 4)])
async def test_a_counted_listing_costs_no_call_too_many(count, calls):
    listing = counted(entries(count), 10)
    assert await read(listing, limit=10, steady=True) == entries(count)
    assert listing.asked == list(range(1, calls + 1))


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (9, 1), (10, 2), (25, 3)])
async def test_without_headers_a_short_page_ends_it(count, calls):
    everything = entries(count)
    listing = Listing(lambda page: Answer(everything[(page - 1) * 10 : page * 10]))
    assert await read(listing, limit=10) == everything
    assert len(listing.asked) == calls


async def test_a_server_that_gives_smaller_pages_than_asked_for_is_followed():
    assert await read(counted(entries(25), 10), limit=1000) == entries(25)


async def test_a_smaller_page_limit_without_a_total_is_heeded():
    everything = entries(25)
    listing = Listing(lambda page: Answer(everything[(page - 1) * 10 : page * 10], {"X-Page-Limit": "10"}))
    assert await read(listing, limit=1000) == everything


async def test_half_a_page_is_no_whole_listing():
    with pytest.raises(Retryable, match="incomplete: 5 of 10"):
        await read(Listing(lambda page: Answer(entries(5) if page == 1 else [], {"X-Page-Total": "10"})))


async def test_a_server_without_pages_repeats_itself_harmlessly():
    listing = Listing(lambda _: Answer(entries(10)))
    assert await read(listing, limit=10) == entries(10)
    assert listing.asked == [1, 2]


async def test_the_first_page_again_and_again_is_not_taken_for_the_whole():
    listing = Listing(lambda _: Answer(entries(10), {"X-Page-Total": "30"}))
    with pytest.raises(Retryable, match="page 2 repeats"):
        await read(listing, limit=10)


async def test_a_page_that_calls_itself_another_is_not_taken():
    numbers = itertools.count()
    listing = Listing(lambda _: Answer(entries(10, 10 * next(numbers)), {"X-Page-Total": "90", "X-Page-Page": "1"}))
    with pytest.raises(Retryable, match="page 2 repeats"):
        await read(listing, limit=10)


async def test_pages_of_moving_statistics_are_recognised_as_the_same():
    ticks = itertools.count()
    listing = Listing(lambda _: Answer([{"mac": f"m{n}", "uptime": next(ticks)} for n in range(10)]))
    assert len(await read(listing, limit=10)) == 10


async def test_an_endless_listing_ends(monkeypatch):
    monkeypatch.setattr(paging, "MAX_PAGES", 7)
    listing = Listing(lambda page: Answer(entries(10, 10 * page)))
    with pytest.raises(Retryable, match="no end after 7 pages"):
        await read(listing, limit=10)
    assert len(listing.asked) == 7


async def test_a_steady_listing_may_not_change_while_it_is_read():
    def shrinking(page):
        total = "15" if page == 1 else "14"
        return Answer(entries(10) if page == 1 else entries(4, 10), {"X-Page-Total": total})

    assert len(await read(Listing(shrinking), limit=10)) == 14
    with pytest.raises(Retryable, match="changed while it was read"):
        await read(Listing(shrinking), limit=10, steady=True)


@pytest.mark.parametrize("body", [None, {}, {"results": []}, "text", 7])
async def test_anything_but_a_list_is_refused(body):
    with pytest.raises(Retryable, match="a list was expected"):
        await read(Listing(lambda _: Answer(body)))


async def test_elements_that_are_no_objects_are_left_out():
    assert await read(Listing(lambda _: Answer([None, 1, {"id": "a"}, "x", []]))) == [{"id": "a"}]


@pytest.mark.parametrize("total", ["", "-1", "many", "\u0663", "1.5"])
async def test_a_senseless_total_is_no_total(total):
    listing = Listing(lambda _: Answer(entries(3), {"X-Page-Total": total}))
    assert await read(listing, limit=10) == entries(3)


@given(st.integers(0, 60), st.integers(1, 12), st.booleans())
async def test_every_entry_comes_once_whatever_the_size(count, limit, with_headers):
    everything = entries(count)
    listing = (
        counted(everything, limit)
        if with_headers
        else Listing(lambda page: Answer(everything[(page - 1) * limit : page * limit]))
    )
    assert await read(listing, limit=limit) == everything


async def test_next_is_followed_until_there_is_none():
    chain = {None: ("a", "/2"), "/2": ("b", "/3"), "/3": ("c", None)}

    def serve(link):
        name, following = chain[link]
        return Answer({"results": [{"id": name}], "total": 3, "next": following})

    assert await found(Listing(serve)) == [{"id": "a"}, {"id": "b"}, {"id": "c"}]


async def test_an_empty_page_ends_a_search_that_promises_more():
    listing = Listing(lambda link: Answer({"results": [] if link else [{"id": "a"}], "next": "/more"}))
    assert await found(listing) == [{"id": "a"}]
    assert listing.asked == [None, "/more"]


async def test_a_next_that_goes_round_is_left():
    ring = {None: "/2", "/2": "/3", "/3": "/2"}
    ticks = itertools.count()
    listing = Listing(lambda link: Answer({"results": [{"seen": next(ticks)}], "next": ring[link]}))
    with pytest.raises(Retryable, match="repeats"):
        await found(listing)
    assert listing.asked == [None, "/2", "/3"]


async def test_the_same_results_under_ever_new_links_are_left():
    numbers = itertools.count()
    listing = Listing(lambda _: Answer({"results": [{"id": "a"}], "next": f"/{next(numbers)}"}))
    with pytest.raises(Retryable, match="repeats"):
        await found(listing)
    assert len(listing.asked) == 2


async def test_an_endless_search_ends(monkeypatch):
    monkeypatch.setattr(paging, "MAX_PAGES", 5)
    numbers = itertools.count()
    listing = Listing(lambda _: Answer({"results": [{"n": next(numbers)}], "next": f"/{next(numbers)}"}))
    with pytest.raises(Retryable, match="no end after 5 pages"):
        await found(listing)


@pytest.mark.parametrize("following", [7, ["/x"], {"href": "/x"}])
async def test_a_next_that_is_no_link_is_refused(following):
    with pytest.raises(Retryable):
        await found(Listing(lambda _: Answer({"results": [{"id": 1}], "next": following})))


@pytest.mark.parametrize("body", [None, [], {}, {"results": None}])
async def test_a_search_without_results_is_refused(body):
    with pytest.raises(Retryable, match="a list was expected"):
        await found(Listing(lambda _: Answer(body)))
