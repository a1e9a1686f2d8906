"""Polls over a real socket, against a cloud that does everything wrong that it can."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager

import pytest
from collector.ingest.rest.polling import PollHooks, Polling

from collector.mist.directory import Directory, Org, Site
from collector.mist.polls import POLLS
from tests.support.rest_cloud import Reply, RestCloud, SkippingClock, page_of, rest_of

PATHS = {
    "bgp_peers": "/orgs/o/stats/bgp_peers/search",
    "sle_wan": "/orgs/o/insights/sites-sle",
    "site_stats": "/orgs/o/stats/sites",
    "org_stats": "/orgs/o/stats",
}
ROW = {"site_id": "s", "id": "s", "mac": "94f7ad000001"}


class RestingClock(SkippingClock):
    """Naps take no time until `enough` says so; then the next one lasts for ever, and `resting` is set."""

    def __init__(self):
        super().__init__()
        self.enough = lambda: False
        self.resting = asyncio.Event()

    async def sleep(self, seconds):
        if self.enough():
            self.resting.set()
            await asyncio.Event().wait()
        await super().sleep(seconds)


class Watched:
    """One poll at work over `rest`."""

    def __init__(self, rest, clock, name):
        self.taken = []
        self._clock = clock
        directory = Directory()
        directory.replace([Org("o")], [Site("s", "o")], [])
        statuses = []
        self.polling = Polling(
            rest,
            directory,
            [poll for poll in POLLS if poll.name == name],
            PollHooks(hand_on=lambda kind, payload, ids: self.taken.append((kind, payload, ids))),
            every_s={name: 300.0},
            budget_share=0.4,
            clock=clock,
            statuses=statuses,
            rng=random.Random(7),
        )
        (self.status,) = statuses

    async def rounds(self, count):
        """Let it go round so often."""
        self._clock.enough = lambda: self.status.good + self.status.failed >= count
        task = asyncio.create_task(self.polling.run())
        await self._clock.resting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@asynccontextmanager
async def watching(cloud, name, **settings):
    clock = RestingClock()
    async with rest_of(cloud.url, clock=clock, **settings) as rest:
        yield Watched(rest, clock, name)


@pytest.fixture
async def cloud():
    async with RestCloud() as running:
        yield running


def answer_of(name, row):
    if name == "org_stats":
        return row
    return [row] if name == "site_stats" else {"results": [row], "total": 1, "page": 1, "limit": 1000}


@pytest.mark.parametrize("name", PATHS)
async def test_each_style_of_answer_is_read(cloud, name):
    cloud.answer(PATHS[name], answer_of(name, ROW))
    async with watching(cloud, name) as watched:
        await watched.rounds(1)
    assert [payload for _, payload, _ in watched.taken] == [ROW]
    assert watched.taken[0][2]["org_id"] == "o"
    assert watched.status.state == "good"


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(
    "trouble",
    [
        Reply("", status=503),
        Reply({"detail": "no"}, status=403),
        Reply(b"<html>", headers={"Content-Type": "text/html"}),
        Reply({"results": ["x" * 100_000]}, cut=True),
    ],
    ids=["503", "403", "html", "cut"],
)
async def test_trouble_fails_the_round_and_the_next_one_heals_it(cloud, name, trouble):
    attempts = 1 if trouble.status == 403 else 4
    cloud.answer(PATHS[name], *[trouble] * attempts, answer_of(name, ROW))
    async with watching(cloud, name) as watched:
        await watched.rounds(1)
        assert watched.status.state == "failed"
        assert watched.status.reason
        assert watched.status.calls == attempts
    async with watching(cloud, name) as watched:
        await watched.rounds(1)
    assert watched.status.state == "good"


@pytest.mark.parametrize("body", [None, 7, "text", {"results": None}, {"results": {}}, {}])
@pytest.mark.parametrize("name", ["bgp_peers", "sle_wan", "site_stats"])
async def test_another_sort_of_answer_is_no_answer(cloud, name, body):
    cloud.answer(PATHS[name], body)
    async with watching(cloud, name, attempts=1) as watched:
        await watched.rounds(1)
    assert watched.status.state == "failed"
    assert watched.taken == []


@pytest.mark.parametrize("entry", [None, 7, "text", [], [ROW]])
@pytest.mark.parametrize("name", ["bgp_peers", "sle_wan", "site_stats"])
async def test_entries_that_are_no_objects_are_passed_over(cloud, name, entry):
    cloud.answer(PATHS[name], [entry, ROW] if name == "site_stats" else {"results": [entry, ROW]})
    async with watching(cloud, name) as watched:
        await watched.rounds(1)
    assert len(watched.taken) == 1


async def test_retry_after_is_obeyed_and_the_round_goes_on(cloud):
    limited = Reply(status=429, headers={"Retry-After": "120"})
    cloud.answer(PATHS["bgp_peers"], limited, answer_of("bgp_peers", ROW))
    async with watching(cloud, "bgp_peers") as watched:
        await watched.rounds(1)
    assert (watched.status.state, watched.status.calls) == ("good", 2)
    assert watched.status.duration_s >= 120


async def test_pages_counted_in_the_body_are_read_to_the_end(cloud):
    rows = [{"site_id": "s", "number": number} for number in range(2500)]

    def serve(query):
        page = page_of(rows, query, headers=False)
        return {"results": page.body, "total": len(rows), "page": int(query["page"]), "limit": int(query["limit"])}

    cloud.answer(PATHS["sle_wan"], serve)
    async with watching(cloud, "sle_wan") as watched:
        await watched.rounds(1)
    assert [payload for _, payload, _ in watched.taken] == rows
    assert {ids["service"] for _, _, ids in watched.taken} == {"wan"}
    assert cloud.calls[0].query == {"sle": "wan", "duration": "1h", "limit": "1000", "page": "1"}
    assert watched.status.round_calls == 3


async def test_a_total_that_never_comes_true_is_no_success(cloud):
    cloud.answer(PATHS["sle_wan"], lambda query: {"results": [ROW] if query["page"] == "1" else [], "total": 9})
    async with watching(cloud, "sle_wan", attempts=1) as watched:
        await watched.rounds(1)
    assert watched.status.state == "failed"
    assert "incomplete: 1 of 9" in watched.status.reason


async def test_a_search_that_leads_back_to_itself_ends(cloud):
    cloud.answer(PATHS["bgp_peers"], {"results": [ROW], "next": "/api/v1" + PATHS["bgp_peers"]})
    async with watching(cloud, "bgp_peers", attempts=1) as watched:
        await watched.rounds(1)
    assert watched.status.state == "failed"
    assert watched.status.round_calls == 2
