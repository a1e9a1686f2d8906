import asyncio

import pytest

from collector.ingest.stream.pool import ConnectionPacer, StreamPool, StreamSettings
from collector.mist.session import SessionSettings
from tests.support.clock import ManualClock


class ChannelRecorder:
    """A sink that records its channels; it receives no frames."""

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


def make(*, clock=None, max_channels=1500, **settings):
    sink, statuses = ChannelRecorder(), []
    pool = StreamPool(
        "main",
        url="ws://127.0.0.1:1/",
        token=lambda: "sesame",
        connect=no_connection,
        sink=sink,
        clock=clock or ManualClock(),
        statuses=statuses,
        settings=StreamSettings(max_channels),
        rng=lambda: 0.5,
        **settings,
    )
    return pool, sink, statuses


def channels(count):
    return [f"/{number}" for number in range(count)]


def sizes(statuses):
    return [len(status.subscriptions) for status in statuses]


@pytest.mark.parametrize("limit", [0, -1, 2001])
def test_a_limit_that_mist_rejects(limit):
    with pytest.raises(ValueError, match="1 to 2000"):
        make(max_channels=limit)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [1]), (1500, [1500]), (1501, [751, 750]), (3000, [1500, 1500]), (4000, [1334, 1333, 1333])],
)
def test_channels_are_spread_evenly_over_as_few_connections_as_carry_them(count, expected):
    pool, sink, statuses = make()
    pool.set_channels(channels(count))
    assert sizes(statuses) == expected
    assert sink.channels == set(channels(count))


def test_many_channels_are_spread_in_steps_as_evenly_as_at_once():
    pool, sink, statuses = make()
    steps = pool.set_channels_in_steps(channels(4000))
    next(steps)
    assert 0 < len(sink.channels) < 4000
    assert len(set(sizes(statuses))) <= 2  # all connections fill evenly
    assert sum(1 for _ in steps) > 1
    assert sizes(statuses) == [1334, 1333, 1333]


def test_a_later_call_cancels_the_remaining_steps():
    pool, sink, statuses = make()
    steps = pool.set_channels_in_steps(channels(4000))
    next(steps)
    pool.set_channels(channels(10))
    assert list(steps) == []
    assert sink.channels == set(channels(10))
    assert sum(sizes(statuses)) == 10


def test_the_same_channel_twice_is_one():
    pool, _, statuses = make()
    pool.set_channels(["/a", "/b", "/a"])
    assert list(statuses[0].subscriptions) == ["/a", "/b"]


def test_a_second_call_changes_only_what_changed():
    pool, sink, statuses = make(max_channels=3)
    pool.set_channels(channels(6))
    before = [dict(status.subscriptions) for status in statuses]
    pool.set_channels(channels(6))
    assert [dict(status.subscriptions) for status in statuses] == before
    pool.set_channels([*channels(6)[1:], "/new"])
    assert "/new" in statuses[0].subscriptions
    assert statuses[1].subscriptions == before[1]
    assert sink.channels == {*channels(6)[1:], "/new"}
    for channel, record in statuses[0].subscriptions.items():
        assert channel == "/new" or record is before[0][channel]


def test_the_channels_of_removed_objects_are_unsubscribed_at_once():
    pool, sink, statuses = make()
    here, gone = ["/sites/here/stats/devices", "/sites/here/stats/clients"], ["/sites/gone/stats/devices"]
    pool.set_channels([*here, *gone, "/orgs/o/insights/summary"])
    pool.unsubscribe_objects({"gone", "unknown"})
    (status,) = statuses
    assert set(status.subscriptions) == {*here, "/orgs/o/insights/summary"}
    assert set(sink.channels) == set(status.subscriptions)
    pool.unsubscribe_objects(())
    pool.unsubscribe_objects({"o"})
    assert set(status.subscriptions) == set(here)


def test_a_new_channel_goes_to_the_connection_with_the_fewest():
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


async def admissions(clock, pacer, count, seconds):
    """The times at which `count` callers are admitted within `seconds`."""
    admitted = []

    async def caller():
        await pacer.turn()
        admitted.append(clock.now())

    tasks = [asyncio.ensure_future(caller()) for _ in range(count)]
    await clock.advance(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return admitted


async def test_the_pacer_admits_one_at_a_time():
    clock = ManualClock(now=100.0)
    pacer = ConnectionPacer(clock, lambda: 0.5, 0.5)
    assert await admissions(clock, pacer, 4, 10.0) == [100.0, 100.5, 101.0, 101.5]
    await pacer.turn()
    assert clock.now() == 110.0


async def test_a_cancelled_caller_holds_up_no_other():
    clock = ManualClock(now=100.0)
    pacer = ConnectionPacer(clock, lambda: 0.5, 0.5)
    await pacer.turn()
    cancelled = asyncio.ensure_future(pacer.turn())
    waiting = asyncio.ensure_future(admissions(clock, pacer, 1, 1.0))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await waiting == [100.5]


async def test_callers_stay_paced_after_the_gate_was_closed():
    clock = ManualClock(now=100.0)

    class Gate:
        async def wait(self):
            await clock.sleep(300.0 - clock.now() if clock.now() < 300.0 else 0.0)

    pacer = ConnectionPacer(clock, lambda: 0.5, 0.5, Gate())
    assert await admissions(clock, pacer, 3, 500.0) == [300.0, 300.5, 301.0]


async def test_settings_are_applied_to_the_pacer_and_to_new_channels():
    clock = ManualClock(now=100.0)
    pool, _, statuses = make(clock=clock)
    pool.use(StreamSettings(max_channels=2, open_every_s=10.0, session=SessionSettings(ping_every_s=5.0)))
    pool.set_channels(channels(4))
    assert sizes(statuses) == [2, 2]
    assert await admissions(clock, pool._pacer, 3, 100.0) == [100.0, 110.0, 120.0]
    assert all(connection._session._settings.ping_every_s == 5.0 for connection in pool._connections)


async def test_connections_run_under_supervision():
    clock, names = ManualClock(), []

    async def supervise(name, run):
        names.append(name)
        await run()

    pool, _, statuses = make(max_channels=1, clock=clock, supervise=supervise)
    pool.set_channels(["/a", "/b"])
    task = asyncio.ensure_future(pool.run())
    await clock.advance(2.0)
    assert names == ["stream", "stream"]
    assert [status.state for status in statuses] == ["connecting", "connecting"]
    task.cancel()
    await asyncio.wait([task])
