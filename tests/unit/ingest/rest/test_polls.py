"""Polls against listings in memory and a clock that the test moves; and the lists of types."""

import asyncio
import dataclasses
import random
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from collector.concurrency import unsupervised
from collector.errors import Fatal, Rejected, Retryable
from collector.ingest.rest.answers import AnswerBoundary
from collector.ingest.rest.budget import CallBudget
from collector.ingest.rest.polls import (
    BATCH,
    JITTER,
    TYPES_FIRST_RETRY_S,
    TYPES_REFRESH_S,
    PollHooks,
    Polling,
    TypeLists,
    target_pause_s,
)
from collector.mist.channels import Scope
from collector.mist.directory import Device, Directory, Org, Site
from collector.mist.polls import Pagination, Poll
from collector.status import RestStatus
from tests.support.clock import ManualClock

PEERS = Poll("peers", "/orgs/{org_id}/peers/search", Pagination.LINKS, "peer", expected_objects={"org": 1})
PORTS = Poll(
    "ports",
    "/orgs/{org_id}/ports/search",
    Pagination.LINKS,
    "",
    kinds={"switch": "switch_port", "gateway": "gateway_port"},
    site_path="/sites/{site_id}/ports/search",
    expected_objects={"org": 1},
)
ZONES = Poll(
    "zones",
    "/sites/{site_id}/zones",
    Pagination.HEADERS,
    "zone",
    scope=Scope.SITE,
    site_path="/sites/{site_id}/zones",
    expected_objects={"site": 1},
    best_effort=True,
)
OTHERS = Poll(
    "others",
    "/orgs/{org_id}/others",
    Pagination.HEADERS,
    "other",
    detail_path="/orgs/{org_id}/stats/others/{mac}",
    expected_objects={"org": 1},
)
SWITCH = "20d80b000001"


class Listings:
    """Answers as `RestClient` does; an error is raised, one in a list after the entries before it."""

    def __init__(self, clock):
        self.status = RestStatus("main")
        self.budget = CallBudget(self.status)
        self.boundary = AnswerBoundary(self.status)
        self.answers = {}
        self.called = []
        self._clock = clock

    async def get(self, path, *, on_call, **query):
        self.called.append((path, query))
        self.budget.spend(self._clock.time())
        on_call()
        await asyncio.sleep(0)
        answer = self.answers.get(path, [])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def pages(self, path, *, limit, on_call, **query):
        for entry in await self.get(path, on_call=on_call, **query):
            if isinstance(entry, Exception):
                raise entry
            yield entry

    search = numbered = pages

    def count(self, part=""):
        return sum(part in path for path, _ in self.called)


class World:
    """One account: two sites in one org, and the objects that were handled."""

    def __init__(self, *polls, share=0.4, every_s=None, site_only=(), supervise=unsupervised):
        self.clock = ManualClock(unix=1_699_999_200.0)  # a full hour
        self.rest = Listings(self.clock)
        self.directory = Directory()
        self.taken, self.periods, self.complete, self.statuses = [], {}, [], []
        self.answer = lambda _kind, _payload: None
        hooks = PollHooks(
            handle=self._take,
            on_period=self.periods.__setitem__,
            on_complete=lambda kind, org_id, began_at: self.complete.append((kind, org_id, began_at)),
        )
        self.polling = Polling(
            self.rest,
            self.directory,
            polls,
            hooks,
            every_s={poll.name: 300.0 for poll in polls} | (every_s or {}),
            budget_share=share,
            clock=self.clock,
            statuses=self.statuses,
            site_only_orgs=lambda: site_only,
            supervise=supervise,
            rng=random.Random(7),
        )

    def _take(self, kind, payload, ids):
        self.taken.append((kind, payload, ids))
        return self.answer(kind, payload)

    def read(self, sites=("s1", "s2"), devices=()):
        self.directory.replace([Org("o")], [Site(site_id, "o") for site_id in sites], devices)

    def status(self, name):
        return next(status for status in self.statuses if status.poll == name)

    @asynccontextmanager
    async def running(self):
        task = asyncio.create_task(self.polling.run())
        await self.clock.advance(0)
        try:
            yield self
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    async def rounds(self, name, count):
        """Advance until the poll has made `count` rounds in all."""
        for _ in range(10_000):
            if self.status(name).good + self.status(name).failed >= count:
                return
            await self.clock.advance(1.0)
        raise AssertionError(f"{name} has stopped: {self.status(name)}")


def peers(*sites, first=0):
    return [{"peer": first + place, "site_id": site_id} for place, site_id in enumerate(sites)]


async def test_nothing_is_polled_before_the_inventory_is_read():
    world = World(PEERS)
    async with world.running():
        await world.clock.advance(600)
        assert world.rest.called == []
        assert world.status("peers").state == "waiting"
        world.read()
        await world.rounds("peers", 1)
    assert world.rest.count() == 1


async def test_objects_are_handled_with_their_ids_and_counted():
    world = World(PEERS)
    world.read()
    world.rest.answers["/orgs/o/peers/search"] = peers("s1", "s2", "elsewhere", "")
    world.answer = lambda _kind, payload: Rejected("unknown_object") if payload["peer"] == 1 else None
    async with world.running():
        await world.rounds("peers", 1)
    assert [(kind, ids) for kind, _, ids in world.taken] == [
        ("peer", {"org_id": "o", "site_id": "s1"}),
        ("peer", {"org_id": "o", "site_id": "s2"}),
        ("peer", {"org_id": "o", "site_id": ""}),
    ]
    status = world.status("peers")
    assert (status.object_counts.received, status.object_counts.applied) == (4, 2)
    assert status.object_counts.dropped == {"unknown_object": 1, "unwatched_site": 1}
    assert (status.state, status.reason, status.objects, status.calls, status.round_calls) == ("good", "", 4, 1, 1)
    assert world.complete == [("peer", "o", world.complete[0][2])]


async def test_the_period_is_kept_within_the_jitter():
    world = World(PEERS)
    world.read()
    at = []
    async with world.running():
        for number in range(1, 8):
            await world.rounds("peers", number)
            at.append(world.clock.now())
    gaps = [later - sooner for sooner, later in pairwise(at)]
    assert all(300 * (1 - JITTER) - 1 <= gap <= 300 * (1 + JITTER) + 2 for gap in gaps)
    assert len({round(gap) for gap in gaps}) > 1
    assert world.periods == {"peer": 300}


async def test_the_kind_of_a_port_is_that_of_its_device():
    world = World(PORTS)
    world.read(devices=[Device(SWITCH, type="switch", site_id="s1", org_id="o")])
    world.rest.answers["/orgs/o/ports/search"] = [
        {"mac": SWITCH, "port_id": "ge-0/0/0"},
        {"type": "gateway", "site_id": "s2"},
        {"mac": "5c5b35000001", "site_id": "s2"},
    ]
    async with world.running():
        await world.rounds("ports", 1)
    assert [(kind, ids["site_id"]) for kind, _, ids in world.taken] == [("switch_port", "s1"), ("gateway_port", "s2")]
    assert world.status("ports").object_counts.dropped == {"unknown_device_type": 1}
    assert world.periods == {"switch_port": 300, "gateway_port": 300}


async def test_other_tasks_run_between_batches():
    world = World(PEERS)
    world.read()
    world.rest.answers["/orgs/o/peers/search"] = peers(*["s1"] * (3 * BATCH))
    longest = 0
    async with world.running():
        while world.status("peers").good == 0:
            before = len(world.taken)
            await asyncio.sleep(0)
            longest = max(longest, len(world.taken) - before)
            if not world.taken:
                await world.clock.advance(1.0, settle=1)
    assert len(world.taken) == 3 * BATCH
    assert longest <= BATCH


async def test_a_failed_round_is_shown_and_logged_once_and_the_next_one_succeeds():
    world = World(PEERS)
    world.read()
    path = "/orgs/o/peers/search"
    world.rest.answers[path] = [*peers("s1"), Retryable("the cloud reports an error", where=path, status=502)]
    async with world.running():
        with capture_logs() as logs:
            await world.rounds("peers", 3)
            status = world.status("peers")
            assert (status.state, status.good, status.failed, status.objects) == ("failed", 0, 3, None)
            assert status.reason == f"{path}: the cloud reports an error (HTTP 502)"
            assert status.object_counts.applied == 3  # what came before the error is valid
            assert world.complete == []
            world.rest.answers[path] = peers("s1")
            await world.rounds("peers", 4)
        assert (status.state, status.reason, status.good) == ("good", "", 1)
    assert [entry["event"] for entry in logs] == ["poll_failed", "poll_recovered"]


async def test_a_round_in_which_every_target_is_refused_has_failed():
    world = World(PEERS)
    world.read()
    world.rest.answers["/orgs/o/peers/search"] = Fatal("the token has no right to read this", status=403)
    async with world.running():
        await world.rounds("peers", 1)
    assert world.status("peers").state == "failed"
    assert "no right" in world.status("peers").reason


async def test_a_site_that_is_refused_affects_no_other():
    world = World(ZONES)
    world.read()
    world.rest.answers |= {"/sites/s1/zones": Fatal("no", status=403), "/sites/s2/zones": [{"id": "z"}]}
    async with world.running():
        await world.rounds("zones", 1)
    status = world.status("zones")
    assert (status.state, status.objects, status.reason) == ("good", 1, "1 of 2: no (HTTP 403)")
    assert world.taken == [("zone", {"id": "z"}, {"org_id": "o", "site_id": "s2"})]


async def test_a_round_ends_when_target_after_target_fails():
    world = World(ZONES)
    world.read(sites=[f"s{number}" for number in range(50)])
    world.rest.answers |= {f"/sites/s{number}/zones": Retryable("timeout") for number in range(50)}
    async with world.running():
        await world.rounds("zones", 1)
    assert world.rest.count() == 3
    assert world.status("zones").state == "failed"


async def test_the_calls_of_many_sites_are_spread():
    world = World(ZONES)
    world.read(sites=[f"s{number}" for number in range(100)])
    async with world.running():
        await world.rounds("zones", 1)
    status = world.status("zones")
    assert status.period_s == 300
    assert 0.7 * 300 <= status.duration_s <= 0.8 * 300


async def test_many_sites_stretch_the_period_and_too_many_skip_the_poll():
    world = World(PEERS, ZONES)
    world.read(sites=[f"s{number}" for number in range(1000)])
    async with world.running():
        await world.clock.advance(30)
        assert 1800 <= world.status("zones").period_s <= 3600
        assert world.periods["peer"] == 300
        world.read(sites=[f"s{number}" for number in range(3000)])
        with capture_logs() as logs:
            await world.clock.advance(3 * 3600)
        status = world.status("zones")
        assert status.state == "left out"
        assert status.period_s is None
        assert status.reason.startswith("a round needs 3000 calls, at least 3000 an hour; the call budget leaves ")
        calls = world.rest.count("zones")
        await world.clock.advance(3600)
        assert world.rest.count("zones") == calls
        assert [entry["event"] for entry in logs if entry["poll"] == "zones"] == ["poll_left_out"]
        world.read(sites=["s1"])
        await world.clock.advance(700)
        assert (status.state, status.period_s) == ("good", 300)


async def test_all_polls_together_stay_within_their_share():
    world = World(PEERS, ZONES, PORTS, share=0.1)
    world.read(sites=[f"s{number}" for number in range(300)])
    async with world.running():
        await world.clock.advance(4 * 3600)
    assert world.rest.count() <= 4 * 0.1 * world.rest.budget.usable * (1 + JITTER) + 302
    assert world.status("zones").good >= 3


async def test_periods_are_stretched_when_other_programs_use_the_calls_of_the_token():
    world = World(PEERS, every_s={"peers": 30.0})
    world.read()
    async with world.running():
        await world.rounds("peers", 1)
        assert world.status("peers").period_s == 30
        world.rest.budget.learn({"requests": 4700, "request_limit": 5000}, world.clock.time())
        await world.rounds("peers", 2)
        assert 60 < world.status("peers").period_s < 360


async def test_an_org_of_which_the_token_reads_sites_only_is_polled_site_by_site():
    world = World(PORTS, PEERS, site_only=("o",))
    world.read()
    async with world.running():
        await world.rounds("ports", 1)
        await world.clock.advance(400)
    assert {path for path, _ in world.rest.called} == {"/sites/s1/ports/search", "/sites/s2/ports/search"}
    status = world.status("peers")
    assert status.state == "left out"
    assert "single sites" in status.reason
    assert world.complete == []  # a site is not the org


async def test_measurements_that_a_listing_lacks_are_read_one_by_one():
    world = World(OTHERS)
    world.read()
    world.rest.answers |= {
        "/orgs/o/others": [{"mac": "00:30:44:00:00:01", "name": "a"}, {"mac": "003044000002"}, {"name": "c"}],
        "/orgs/o/stats/others/003044000001": {"uptime": 5, "mac": "003044000001"},
        "/orgs/o/stats/others/003044000002": Fatal("not found", status=404),
    }
    async with world.running():
        await world.rounds("others", 1)
    assert [payload for _, payload, _ in world.taken] == [
        {"mac": "003044000001", "name": "a", "uptime": 5},
        {"mac": "003044000002"},
        {"name": "c"},
    ]
    assert (world.status("others").state, world.status("others").round_calls) == ("good", 3)


async def test_an_object_that_a_feed_cannot_handle_does_not_end_the_round():
    world = World(PEERS)
    world.read()
    world.rest.answers["/orgs/o/peers/search"] = peers("s1", "s1", "s1")
    world.answer = lambda _kind, payload: 1 / 0 if payload["peer"] != 2 else None
    with capture_logs() as logs:
        async with world.running():
            await world.rounds("peers", 1)
    status = world.status("peers")
    assert (status.state, status.object_counts.applied, status.object_counts.dropped) == (
        "good",
        1,
        {"internal_error": 2},
    )
    assert [entry["event"] for entry in logs] == ["rest_object_failed"]


@pytest.mark.parametrize("sites", [1, 100, 2000, 5000, 20_000])
def test_two_first_rounds_of_maps_leave_calls_for_the_rest(sites):
    period_s = 2 * sites * 3600.0 / 1600.0  # of 1600 calls an hour that polls have
    pause_s = target_pause_s(sites, period_s, is_awaited=True)
    calls_an_hour = 2 * min(sites, 3600.0 / pause_s)
    assert calls_an_hour <= 4000 or sites <= 2000  # fewer sites are through before the calls are
    assert sites > 2000 or pause_s == 1.0


def test_a_round_that_no_subscription_waits_for_is_spread():
    assert target_pause_s(10, 600.0, is_awaited=False) == 10.0
    assert target_pause_s(1000, 600.0, is_awaited=False) == 0.48
    assert target_pause_s(0, 600.0, is_awaited=False) == 10.0


async def test_a_rejected_token_ends_the_round():
    world = World(ZONES)
    world.read(sites=[f"s{number}" for number in range(50)])
    world.rest.answers |= {f"/sites/s{number}/zones": Fatal("no", status=401) for number in range(50)}
    async with world.running():
        await world.rounds("zones", 1)
    assert world.rest.count() == 1
    assert world.status("zones").state == "failed"


async def test_details_are_not_requested_with_a_rejected_token():
    world = World(OTHERS)
    world.read()
    world.rest.answers |= {
        "/orgs/o/others": [{"mac": "003044000001"}, {"mac": "003044000002"}],
        "/orgs/o/stats/others/003044000001": Fatal("no", status=401),
    }
    async with world.running():
        await world.rounds("others", 1)
    assert world.rest.count("/stats/") == 1
    assert world.status("others").state == "failed"


async def test_an_exception_while_entries_are_read_costs_the_listing_only():
    world = World(PEERS, PORTS)
    world.read()
    world.rest.answers["/orgs/o/peers/search"] = [*peers("s1"), RecursionError("too deep")]
    world.rest.answers["/orgs/o/ports/search"] = [{"type": "gateway", "site_id": "s2"}]
    async with world.running():
        await world.rounds("peers", 2)
        await world.rounds("ports", 2)
    assert world.status("peers").state == "failed"
    assert "unexpected answer: RecursionError" in world.status("peers").reason
    assert world.status("ports").state == "good"
    assert world.rest.status.calls["malformed"] == world.status("peers").failed


async def test_a_poll_that_raises_is_restarted_alone():
    restarts = []

    async def supervise(name, run):
        while True:
            try:
                await run()
            except ZeroDivisionError:
                restarts.append(name)
                await world.clock.sleep(5)

    world = World(PEERS, PORTS, supervise=supervise)
    world.read()
    world.polling._hooks = dataclasses.replace(
        world.polling._hooks, on_complete=lambda kind, *_: 1 / 0 if kind == "peer" else None
    )
    async with world.running():
        await world.rounds("ports", 3)
        await world.rounds("peers", 3)
    assert set(restarts) == {"poll"}
    assert world.status("peers").reason == "internal error: ZeroDivisionError; see the log"
    assert (world.status("peers").state, world.status("peers").good) == ("failed", 0)
    assert (world.status("ports").state, world.status("ports").failed) == ("good", 0)


# The lists of types


class Lists:
    """Answers every list with its own name as its only entry, or with the error that a test sets."""

    def __init__(self):
        self.status = RestStatus("main")
        self.boundary = AnswerBoundary(self.status)
        self.errors = {}
        self.called = []

    async def get(self, path):
        self.called.append(path)
        if path in self.errors:
            raise self.errors[path]
        return [{"key": path.rpartition("/")[2]}]


@asynccontextmanager
async def reading_types(**errors):
    """Lists that are read, of which some have an error (by their last name)."""
    clock, rest, names = ManualClock(), Lists(), {}
    rest.errors = {f"/const/{name}": error for name, error in errors.items()}
    task = asyncio.create_task(TypeLists(rest, names.__setitem__, clock, rng=random.Random(7)).run())
    await clock.advance(0)
    yield clock, rest, names
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_types_are_read_at_start_and_once_a_day():
    async with reading_types() as (clock, rest, names):
        assert names == {
            "": ("webhook_topics",),
            "alarms": ("alarm_defs",),
            "device-events": ("device_events",),
            "mxedge-events": ("mxedge_events",),
            "nac-events": ("nac_events",),
            "client-events": ("client_events",),
        }
        await clock.advance(TYPES_REFRESH_S - 1)
        assert len(rest.called) == 6
        await clock.advance(1)
        assert len(rest.called) == 12


@pytest.mark.parametrize("error", [Retryable("timeout"), OverflowError("unexpected")])
async def test_a_list_that_cannot_be_read_is_logged_once_and_retried(error):
    with capture_logs() as logs:
        async with reading_types(alarm_defs=error) as (clock, rest, names):
            assert len(names) == 5
            await clock.advance(TYPES_FIRST_RETRY_S)
            assert len(rest.called) >= 12
            rest.errors.clear()
            await clock.advance(10 * TYPES_FIRST_RETRY_S)
    assert names["alarms"] == ("alarm_defs",)
    events = [line["event"] for line in logs if line["event"] != "rest_answer_unexpected"]
    assert events == ["type_lists_failed", "type_lists_recovered"]


async def test_a_list_that_this_cloud_does_not_have_waits_for_the_next_day():
    async with reading_types(nac_events=Fatal("not found", status=404)) as (clock, rest, names):
        await clock.advance(TYPES_REFRESH_S - 1)
        assert len(rest.called) == 6
        assert len(names) == 5


async def test_types_are_not_requested_with_a_rejected_token():
    async with reading_types(webhook_topics=Fatal("no", status=401)) as (clock, rest, names):
        assert rest.called == ["/const/webhook_topics"]
        rest.errors.clear()
        await clock.advance(TYPES_FIRST_RETRY_S)
        assert len(names) == 6
