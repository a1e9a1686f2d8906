"""What a real socket cannot be made to do: block, or fail with a bug. The rest is in tests/faults."""

import asyncio
import json
from contextlib import asynccontextmanager

import structlog

from collector.errors import Retryable
from collector.ingest.stream.connection import Stream
from collector.ingest.stream.transport import LOST, Closed
from collector.mist.session import PING
from collector.status import ConnectionStatus
from tests.support.clock import ManualClock

A = "/sites/1/stats/devices"
B = "/sites/2/stats/devices"
EVENTS = "/sites/1/devices"


class Wire:
    """A connection in memory, on the other end of which a test sits."""

    def __init__(self):
        self.sent = []
        self.ended = asyncio.get_running_loop().create_future()
        self.closed = False
        self.stuck = False
        self.broken = False

    async def frames(self, on_frames, on_pong):
        self.on_frames, self.on_pong = on_frames, on_pong
        return await self.ended

    def on_frame(self, frame):
        self.on_frames((frame,))

    async def send(self, text):
        if self.broken:
            raise Retryable("the connection is closed")
        if self.stuck:
            await asyncio.Event().wait()
        self.sent.append(json.loads(text))

    async def ping(self):
        if self.broken:
            raise Retryable("the connection is closed")
        self.sent.append(PING)

    async def close(self):
        self.closed = True

    def acknowledge(self, *channels):
        for channel in channels:
            self.on_frame(json.dumps({"event": "channel_subscribed", "channel": channel}).encode())


class Nothing:
    """An intake that takes everything and does nothing."""

    def event(self, event, now):
        pass

    def handler(self, channel):
        return lambda payload, now: None

    def take(self, data, now):
        pass


class Order:
    """An intake that notes what it was given, in order."""

    def __init__(self):
        self.given = []

    def event(self, event, now):
        self.given.append(type(event).__name__)

    def handler(self, channel):
        return channel

    def take(self, data, now):
        assert data
        self.given += data


class Cloud:
    """Connects to a new wire each time, unless the test sets `error`."""

    def __init__(self):
        self.wires = []
        self.error = None

    async def __call__(self, url, headers):
        if self.error is not None:
            raise self.error
        self.wires.append(Wire())
        return self.wires[-1]


async def at_once():
    pass


@asynccontextmanager
async def streaming(*channels, cloud=None, clock=None, intake=None, on_recovered=lambda _: None):
    cloud, clock = cloud or Cloud(), clock or ManualClock()
    stream = Stream(
        url="wss://example.invalid/",
        token=lambda: "sesame",
        connect=cloud,
        intake=intake or Nothing(),
        status=ConnectionStatus("main/0"),
        clock=clock,
        rng=lambda: 0.5,
        turn=at_once,
        on_recovered=on_recovered,
    )
    for channel in channels:
        stream.subscribe(channel)
    task = asyncio.ensure_future(stream.run())
    await clock.advance(0.0)
    yield stream, cloud, clock
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_socket_that_takes_nothing_is_left():
    async with streaming(A) as (stream, cloud, clock):
        wire = cloud.wires[0]
        wire.stuck = True
        stream.subscribe(B)
        wire.acknowledge(A)
        await clock.advance(29.9)
        assert stream.status.breaks == {}
        await clock.advance(0.1)
        assert stream.status.breaks == {"send_timeout": 1}
        assert wire.closed


async def test_a_send_that_fails_leaves_it_to_the_reader_to_say_why():
    async with streaming(A) as (stream, cloud, clock):
        wire = cloud.wires[0]
        wire.broken = True
        wire.acknowledge(A)
        stream.subscribe(B)
        await clock.advance(1.0)
        assert stream.status.breaks == {}
        wire.ended.set_result(Closed(LOST))
        await clock.advance(0.0)
        assert stream.status.breaks == {"lost": 1}


async def test_a_bug_breaks_this_connection_only_and_shows_no_secret():
    cloud = Cloud()
    cloud.error = ZeroDivisionError("a bug")
    with structlog.testing.capture_logs() as logs:
        async with streaming(A, cloud=cloud) as (stream, _, clock):
            assert stream.status.breaks == {"internal_error": 1}
            cloud.error = None
            await clock.advance(2.0)
            cloud.wires[0].acknowledge(A)
            assert stream.status.subscriptions[A].state == "up"
    assert "ZeroDivisionError" in logs[0]["trace"]
    assert "sesame" not in str(logs)


async def test_an_outage_is_logged_once_a_reason_and_once_when_it_ends():
    with structlog.testing.capture_logs() as logs:
        async with streaming(A, B) as (_, cloud, clock):
            cloud.wires[0].acknowledge(A, B)
            cloud.error = Retryable("nobody listens")
            cloud.wires[0].ended.set_result(Closed(1001, "going away"))
            await clock.advance(300.0)
            cloud.error = None
            await clock.advance(20.0)
            cloud.wires[-1].acknowledge(A)
            cloud.wires[-1].acknowledge(B)
    assert [(line["event"], line.get("reason")) for line in logs] == [
        ("stream_settled", None),
        ("stream_broken", "closed_1001"),
        ("stream_broken", "connect_failed"),
        ("stream_settled", None),
    ]
    assert logs[0]["down_s"] is None
    assert 300.0 <= logs[3]["down_s"] <= 320.0


async def test_a_refused_channel_is_logged_once_until_it_is_restored():
    refusal = json.dumps({"event": "subscribe_failed", "channel": B, "detail": "permission denied"}).encode()
    with structlog.testing.capture_logs() as logs:
        async with streaming(A, B) as (_, cloud, clock):
            for _ in range(3):
                wire = cloud.wires[-1]
                wire.acknowledge(A)
                wire.on_frame(refusal)
                wire.ended.set_result(Closed(LOST))
                await clock.advance(2.0)
            cloud.wires[-1].acknowledge(B)
    assert [line["event"] for line in logs if line["event"].startswith("channel_")] == [
        "channel_refused",
        "channel_restored",
    ]
    assert next(line for line in logs if line["event"] == "channel_refused")["detail"] == "permission denied"


async def test_channels_that_come_back_are_told_once_all_have_their_answer():
    recovered = []
    refusal = json.dumps({"event": "subscribe_failed", "channel": B, "detail": "permission denied"}).encode()
    async with streaming(A, B, on_recovered=recovered.append) as (stream, cloud, clock):
        cloud.wires[0].acknowledge(A, B)
        assert recovered == [], "the first connection recovers nothing"
        cloud.wires[0].ended.set_result(Closed(LOST))
        await clock.advance(2.0)
        cloud.wires[1].acknowledge(A)
        assert recovered == [], "B has no answer yet"
        cloud.wires[1].on_frame(refusal)
        assert recovered == [[A]]
        for _ in range(10):
            await clock.advance(30.0)
            cloud.wires[1].on_pong()
            cloud.wires[1].on_frame(json.dumps({"event": "data", "channel": A, "data": "{}"}).encode())
        cloud.wires[1].acknowledge(B)  # it was asked for again
        stream.subscribe(EVENTS)
        await clock.advance(0.0)
        cloud.wires[1].acknowledge(EVENTS)
    assert recovered == [[A], [B], [EVENTS]]


async def test_a_connection_that_never_settled_has_recovered_nothing():
    recovered = []
    cloud = Cloud()
    cloud.error = Retryable("nobody listens")
    async with streaming(A, B, cloud=cloud, on_recovered=recovered.append) as (_, _, clock):
        await clock.advance(1.0)
        cloud.error = None
        await clock.advance(10.0)
        cloud.wires[0].acknowledge(A)
        cloud.wires[0].ended.set_result(Closed(LOST))
        await clock.advance(10.0)
        assert recovered == []
        cloud.wires[1].acknowledge(A, B)
    assert recovered == [[A, B]]


async def test_answers_make_the_timekeeper_send_more_at_once():
    names = [f"/sites/{number}/stats/devices" for number in range(150)]
    async with streaming(*names) as (stream, cloud, clock):
        wire = cloud.wires[0]
        assert len(wire.sent) == 100
        wire.acknowledge(*names[:100])
        await clock.advance(0.0)
        assert [message["subscribe"] for message in wire.sent] == names
        wire.acknowledge(*names[100:])
        assert {subscription.state for subscription in stream.status.subscriptions.values()} == {"up"}


async def test_a_stream_of_events_only_may_be_silent():
    async with streaming(EVENTS) as (stream, cloud, clock):
        wire = cloud.wires[0]
        wire.acknowledge(EVENTS)
        for _ in range(20):
            await clock.advance(30.0)
            wire.on_pong()
        assert stream.status.breaks == {}
        assert wire.sent.count(PING) == 10


async def test_status_records_follow_the_channel():
    async with streaming(A) as (stream, cloud, clock):
        record = stream.status.subscriptions[A]
        assert (record.kind, record.state) == ("/sites/{site_id}/stats/devices", "sent")
        cloud.wires[0].acknowledge(A)
        assert (record.state, record.up_since) == ("up", clock.now())
        cloud.wires[0].ended.set_result(Closed(LOST))
        await clock.advance(0.0)
        assert (record.state, record.up_since, record.breaks) == ("waiting", None, 1)
        assert stream.status.opened_at is None
        assert stream.status.next_attempt_at == clock.now() + 1.0
        stream.unsubscribe(A)
        assert stream.status.subscriptions == {}


async def test_frames_of_one_go_keep_their_order_and_none_spoils_another():
    def data(channel, payload):
        return json.dumps({"event": "data", "channel": channel, "data": payload}).encode()

    intake = Order()
    async with streaming(A, B, intake=intake) as (stream, cloud, clock):
        cloud.wires[0].acknowledge(A)
        intake.given.clear()
        await clock.advance(5.0)
        frames = [
            data(A, "1"),
            data(A, "2"),
            b"rubbish",
            b"[]",
            data(A, "3"),
            json.dumps({"event": "channel_subscribed", "channel": B}).encode(),
            data(B, "4"),
            data(EVENTS, "5"),
            data(A, "6"),
        ]
        cloud.wires[0].on_frames(frames)
        assert intake.given == [
            (A, "1"), (A, "2"), "Rejected", "Rejected", (A, "3"), "Subscribed", (B, "4"), "Data", (A, "6"),
        ]  # fmt: skip
        status = stream.status
        assert {name: one.frames for name, one in status.subscriptions.items()} == {A: 4, B: 1}
        assert status.frames == 1 + len(frames)  # the acknowledgement of A came alone
        assert status.bytes >= sum(map(len, frames))
        assert status.last_message_at == clock.now()
