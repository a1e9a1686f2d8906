"""Polls over real sockets, against a server with faults and hostile answers."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager

import orjson
import pytest

from collector.daemon.supervisor import Supervisor
from collector.ingest.rest.polls import PollHooks, Polling
from collector.mist.directory import Directory, Org, Site
from collector.mist.polls import POLLS
from tests.support.faults import of_status
from tests.support.rest_cloud import Reply, RestCloud, SkippingClock, page_of, rest_of

PATHS = {
    "bgp_peers": "/orgs/o/stats/bgp_peers/search",
    "sle_wan": "/orgs/o/insights/sites-sle",
    "site_stats": "/orgs/o/stats/sites",
    "org_stats": "/orgs/o/stats",
}
ROW = {"site_id": "s", "id": "s", "mac": "94f7ad000001"}


class StoppingClock(SkippingClock):
    """Sleeps take no time until `enough` returns true; then the next one does not end, and `stopped` is set."""

    def __init__(self):
        super().__init__()
        self.enough = lambda: False
        self.stopped = asyncio.Event()

    async def sleep(self, seconds):
        if self.enough():
            self.stopped.set()
            await asyncio.Event().wait()
        await super().sleep(seconds)


class Watched:
    """Polls that run over `rest`; `taken` holds their objects, `complete` the kinds of complete listings."""

    def __init__(self, rest, clock, *names):
        self.taken, self.complete = [], []
        self.rest = rest
        self.supervisor = Supervisor(clock, draw=lambda: 0.5)
        self._clock = clock
        directory = Directory()
        directory.replace([Org("o")], [Site("s", "o")], [])
        statuses = []
        self.polling = Polling(
            rest,
            directory,
            [poll for poll in POLLS if poll.name in names],
            PollHooks(
                handle=lambda kind, payload, ids: self.taken.append((kind, payload, ids)),
                on_complete=lambda *complete: self.on_complete(*complete),  # noqa: PLW0108 - a test replaces it
            ),
            every_s=dict.fromkeys(names, 300.0),
            budget_share=0.4,
            clock=clock,
            statuses=statuses,
            supervise=self.supervisor,
            rng=random.Random(7),
        )
        self.by_name = {status.poll: status for status in statuses}
        self.status = statuses[0]

    def on_complete(self, kind, _org_id, _began_at):
        self.complete.append(kind)

    async def rounds(self, count):
        """Let every poll make this many rounds."""
        self._clock.enough = lambda: all(one.good + one.failed >= count for one in self.by_name.values())
        task = asyncio.create_task(self.polling.run())
        await self._clock.stopped.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@asynccontextmanager
async def watching(cloud, *names, **settings):
    clock = StoppingClock()
    async with rest_of(cloud.url, clock=clock, **settings) as rest:
        yield Watched(rest, clock, *names)


@pytest.fixture
async def cloud():
    async with RestCloud() as running:
        yield running


def answer_of(name, row):
    if name == "org_stats":
        return row
    return [row] if name == "site_stats" else {"results": [row], "total": 1, "page": 1, "limit": 1000}


@pytest.mark.parametrize("name", PATHS)
async def test_each_form_of_answer_is_read(cloud, name):
    cloud.answer(PATHS[name], answer_of(name, ROW))
    async with watching(cloud, name) as watched:
        await watched.rounds(1)
    assert [payload for _, payload, _ in watched.taken] == [ROW]
    assert watched.taken[0][2]["org_id"] == "o"
    assert watched.status.state == "good"


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(
    "error",
    [
        Reply("", status=503),
        Reply({"detail": "no"}, status=403),
        Reply(b"<html>", headers={"Content-Type": "text/html"}),
        Reply({"results": ["x" * 100_000]}, cut=True),
    ],
    ids=["503", "403", "html", "cut"],
)
async def test_an_error_fails_the_round_and_the_next_one_succeeds(cloud, name, error):
    attempts = 1 if error.status == 403 else 4
    cloud.answer(PATHS[name], *[error] * attempts, answer_of(name, ROW))
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
async def test_an_answer_of_another_type_fails_the_round(cloud, name, body):
    cloud.answer(PATHS[name], body)
    async with watching(cloud, name, attempts=1) as watched:
        await watched.rounds(1)
    assert watched.status.state == "failed"
    assert watched.taken == []


@pytest.mark.parametrize("entry", [None, 7, "text", [], [ROW]])
@pytest.mark.parametrize("name", ["bgp_peers", "sle_wan", "site_stats"])
async def test_entries_that_are_not_objects_are_skipped(cloud, name, entry):
    cloud.answer(PATHS[name], [entry, ROW] if name == "site_stats" else {"results": [entry, ROW]})
    async with watching(cloud, name) as watched:
        await watched.rounds(1)
    assert len(watched.taken) == 1


async def test_the_round_continues_after_retry_after(cloud):
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


async def test_a_total_that_is_not_reached_fails_the_round(cloud):
    cloud.answer(PATHS["sle_wan"], lambda query: {"results": [ROW] if query["page"] == "1" else [], "total": 9})
    async with watching(cloud, "sle_wan", attempts=1) as watched:
        await watched.rounds(1)
    assert watched.status.state == "failed"
    assert "incomplete: 1 of 9" in watched.status.reason


async def test_a_search_that_links_to_itself_ends(cloud):
    cloud.answer(PATHS["bgp_peers"], {"results": [ROW], "next": "/api/v1" + PATHS["bgp_peers"]})
    async with watching(cloud, "bgp_peers", attempts=1) as watched:
        await watched.rounds(1)
    assert watched.status.state == "failed"
    assert watched.status.round_calls == 2


def hostile_answers():
    nested = orjson.dumps({"results": [ROW, None]}).replace(b"null", b"[" * 400 + b"]" * 400)
    return {
        "count": Reply([ROW], headers={"X-Page-Total": "9" * 5000}),
        "brackets": Reply(b"[" * 200_000),
        "nested": Reply(nested),
        "next": Reply({"results": [ROW], "next": "/api/v1/x\0y"}),
        "retry-after": Reply(status=429, headers={"Retry-After": f"Tue, 14 Nov {'9' * 20} 22:14:20 GMT"}),
    }


@pytest.mark.fault(
    "REST",
    "The answers to one poll cannot be parsed",
    held="Its rounds fail. The other polls are not affected, and no task restarts.",
)
@pytest.mark.parametrize("hostile", hostile_answers())
async def test_hostile_answers_to_one_poll_do_not_affect_the_others(cloud, hostile, fault):
    path = "site_stats" if hostile == "count" else "bgp_peers"
    for name, listing in PATHS.items():
        cloud.answer(listing, hostile_answers()[hostile] if name == path else answer_of(name, ROW))
    async with watching(cloud, *PATHS, attempts=1) as watched:
        await watched.rounds(3)
    status = watched.by_name.pop(path)
    assert status.good == 0
    assert status.failed >= 3
    assert {one.failed for one in watched.by_name.values()} == {0}
    assert sum(task.restarts for task in watched.supervisor.tasks.values()) == 0
    outcome = "rate_limited" if hostile == "retry-after" else "malformed"
    fault.told(of_status(rest=[watched.rest.status]), "mist_collector_rest_calls_total", outcome=outcome)


@pytest.mark.fault(
    "REST",
    "A poll raises an unexpected exception",
    held="It is restarted with backoff, and its rounds count as failed. The other polls are not affected.",
)
async def test_a_poll_that_raises_is_restarted_alone(cloud, fault):
    for name, listing in PATHS.items():
        cloud.answer(listing, answer_of(name, ROW))
    async with watching(cloud, *PATHS) as watched:
        watched.on_complete = lambda kind, *_: {}[kind] if kind == "bgp_peer" else None
        await watched.rounds(3)
    status = watched.by_name.pop("bgp_peers")
    assert (status.good, status.reason) == (0, "internal error: KeyError; see the log")
    assert {one.failed for one in watched.by_name.values()} == {0}
    assert watched.supervisor.tasks["poll"].restarts >= 2
    fault.logged("task_failed", task="poll", error="KeyError")
