import asyncio

import pytest

from collector.ingest.stream.pool import Pace, Pool
from tests.support.clock import ManualClock


class Dispatcher:
    """Remembers what it was told; no frames come here."""

    def __init__(self):
        self.channels = set()

    def subscribe(self, channel):
        assert channel not in self.channels
        self.channels.add(channel)

    def unsubscribe(self, channel):
        self.channels.remove(channel)

    def event(self, event, now):
        raise AssertionError("no frames here")


async def no_connection(url, headers):
    await asyncio.Event().wait()


def make(**settings):
    intake, statuses = Dispatcher(), []
    pool = Pool(
        "main",
        url="ws://127.0.0.1:1/",
        token=lambda: "sesame",
        connect=no_connection,
        intake=intake,
        clock=settings.pop("clock", ManualClock()),
        statuses=statuses,
        rng=lambda: 0.5,
        **settings,
    )
    return pool, intake, statuses


def channels(count):
    return [f"/{number}" for number in range(count)]


def sizes(statuses):
    return [len(status.subscriptions) for status in statuses]


@pytest.mark.parametrize("limit", [0, -1, 2001])
def test_mist_would_refuse_it(limit):
    with pytest.raises(ValueError, match="1 to 2000"):
        make(max_channels=limit)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [1]), (1500, [1500]), (1501, [751, 750]), (3000, [1500, 1500]), (4000, [1334, 1333, 1333])],
)
def test_channels_are_spread_evenly_over_as_few_connections_as_carry_them(count, expected):
    pool, intake, statuses = make()
    pool.set_channels(channels(count))
    assert sizes(statuses) == expected
    assert intake.channels == set(channels(count))


def test_many_channels_are_spread_in_steps_as_evenly_as_at_once():
    pool, intake, statuses = make()
    steps = pool.follow(channels(4000))
    next(steps)
    assert 0 < len(intake.channels) < 4000
    assert len(set(sizes(statuses))) <= 2  # all connections fill evenly
    assert sum(1 for _ in steps) > 1
    assert sizes(statuses) == [1334, 1333, 1333]


def test_who_tells_the_channels_anew_overrides_steps_that_are_left():
    pool, intake, statuses = make()
    steps = pool.follow(channels(4000))
    next(steps)
    pool.set_channels(channels(10))
    assert list(steps) == []
    assert intake.channels == set(channels(10))
    assert sum(sizes(statuses)) == 10


def test_the_same_channel_twice_is_one():
    pool, _, statuses = make()
    pool.set_channels(["/a", "/b", "/a"])
    assert list(statuses[0].subscriptions) == ["/a", "/b"]


def test_a_second_call_changes_only_what_changed():
    pool, intake, statuses = make(max_channels=3)
    pool.set_channels(channels(6))
    before = [dict(status.subscriptions) for status in statuses]
    pool.set_channels(channels(6))
    assert [dict(status.subscriptions) for status in statuses] == before
    pool.set_channels([*channels(6)[1:], "/new"])
    assert "/new" in statuses[0].subscriptions
    assert statuses[1].subscriptions == before[1]
    assert intake.channels == {*channels(6)[1:], "/new"}
    for channel, record in statuses[0].subscriptions.items():
        assert channel == "/new" or record is before[0][channel]


def test_what_is_gone_is_left_at_once_whatever_else_is_wanted():
    pool, intake, statuses = make()
    here, gone = ["/sites/here/stats/devices", "/sites/here/stats/clients"], ["/sites/gone/stats/devices"]
    pool.set_channels([*here, *gone, "/orgs/o/insights/summary"])
    pool.leave({"gone", "never heard of"})
    (status,) = statuses
    assert set(status.subscriptions) == {*here, "/orgs/o/insights/summary"}
    assert set(intake.channels) == set(status.subscriptions)
    pool.leave(())
    pool.leave({"o"})
    assert set(status.subscriptions) == set(here)


def test_a_new_channel_goes_where_most_room_is():
    pool, _, statuses = make(max_channels=4)
    pool.set_channels(channels(8))
    pool.set_channels([channel for channel in channels(8) if channel not in {"/1", "/3", "/5"}])
    assert sizes(statuses) == [4, 1]
    pool.set_channels([*statuses[0].subscriptions, *statuses[1].subscriptions, "/x", "/y"])
    assert sizes(statuses) == [4, 3]


def test_all_channels_replaced_keep_the_connection():
    pool, _, statuses = make()
    pool.set_channels(["/a"])
    status = statuses[0]
    pool.set_channels(["/b"])
    assert statuses == [status]
    assert list(status.subscriptions) == ["/b"]


def test_an_empty_connection_goes_and_its_name_is_free_again():
    pool, _, statuses = make(max_channels=1)
    pool.set_channels(["/a", "/b", "/c"])
    pool.set_channels(["/a", "/c"])
    assert [status.name for status in statuses] == ["main/0", "main/2"]
    pool.set_channels(["/a", "/c", "/d"])
    assert [status.name for status in statuses] == ["main/0", "main/2", "main/1"]
    pool.set_channels([])
    assert statuses == []


async def test_run_starts_and_stops_streams_as_channels_change():
    clock = ManualClock()
    pool, _, statuses = make(max_channels=1, clock=clock)
    task = asyncio.ensure_future(pool.run())
    await clock.advance(1.0)
    pool.set_channels(["/a", "/b"])
    await clock.advance(2.0)
    assert [status.state for status in statuses] == ["connecting", "connecting"]
    gone = statuses[0]
    pool.set_channels(["/b"])
    await clock.advance(1.0)
    assert gone.state == "idle"
    assert [status.state for status in statuses] == ["connecting"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert statuses[0].state == "idle"


async def test_the_pace_lets_one_pass_at_a_time():
    clock = ManualClock(now=100.0)
    pace = Pace(clock, lambda: 0.5, 0.5)
    passed = []

    async def caller():
        await pace.turn()
        passed.append(clock.now())

    tasks = [asyncio.ensure_future(caller()) for _ in range(4)]
    await clock.advance(10.0)
    await asyncio.gather(*tasks)
    assert passed == [100.0, 100.5, 101.0, 101.5]
    await pace.turn()
    assert clock.now() == 110.0
