"""What a real socket cannot be made to do: block, or fail with a bug. Other tests are in tests/faults."""

import asyncio
import json
from contextlib import asynccontextmanager

import structlog

from collector.errors import Retryable
from collector.ingest.stream.connection import StreamConnection
from collector.ingest.stream.transport import NO_CLOSE_FRAME, Closed
from collector.mist.session import PING, SessionSettings
from collector.status import ConnectionStatus
from tests.support.clock import ManualClock

A = "/sites/1/stats/devices"
B = "/sites/2/stats/devices"
EVENTS = "/sites/1/devices"


class Wire:
    """A connection in memory; the test is the peer."""

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


class NullSink:
    """A sink that drops everything."""

    def event(self, event, now):
        pass

    def handler(self, channel):
        return lambda payload, now: None

    def take(self, data, now):
        pass


class RecordingSink:
    """A sink that records what it receives, in order."""

    def __init__(self):
        self.received = []

    def event(self, event, now):
        self.received.append(type(event).__name__)

    def handler(self, channel):
        return channel

    def take(self, data, now):
        assert data
        self.received += data


class Cloud:
    """Opens a new wire for each attempt, or raises `error`."""

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
async def streaming(*channels, cloud=None, clock=None, sink=None, settings=None, on_recovered=lambda _: None):
    cloud, clock = cloud or Cloud(), clock or ManualClock()
    stream = StreamConnection(
        url="wss://example.invalid/",
        token=lambda: "sesame",
        connect=cloud,
        sink=sink or NullSink(),
        status=ConnectionStatus("main/0"),
        clock=clock,
        rng=lambda: 0.5,
        turn=at_once,
        settings=settings,
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


async def test_a_socket_that_accepts_nothing_is_replaced():
    async with streaming(A) as (stream, cloud, clock):
        wire = cloud.wires[0]
        wire.stuck = True
        stream.subscribe(B)
        wire.acknowledge(A)
        await clock.advance(29.9)
        assert stream.status.disconnects == {}
        await clock.advance(0.1)
        assert stream.status.disconnects == {"send_timeout": 1}
        assert wire.closed


async def test_after_a_send_that_fails_the_reader_returns_the_reason():
    async with streaming(A) as (stream, cloud, clock):
        wire = cloud.wires[0]
        wire.broken = True
        wire.acknowledge(A)
        stream.subscribe(B)
        await clock.advance(1.0)
        assert stream.status.disconnects == {}
        wire.ended.set_result(Closed(NO_CLOSE_FRAME))
        await clock.advance(0.0)
        assert stream.status.disconnects == {"lost": 1}


async def test_an_unexpected_exception_ends_the_attempt_and_contains_no_secret():
    cloud = Cloud()
    cloud.error = ZeroDivisionError("a bug")
    with structlog.testing.capture_logs() as logs:
        async with streaming(A, cloud=cloud) as (stream, _, clock):
            assert stream.status.disconnects == {"internal_error": 1}
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
            cloud.error = Retryable("connection refused")
            cloud.wires[0].ended.set_result(Closed(1001, "going away"))
            await clock.advance(300.0)
            cloud.error = None
            await clock.advance(20.0)
            cloud.wires[-1].acknowledge(A)
            cloud.wires[-1].acknowledge(B)
    assert [(line["event"], line.get("reason")) for line in logs] == [
        ("stream_connected", None),
        ("stream_disconnected", "closed_1001"),
        ("stream_disconnected", "connect_failed"),
        ("stream_connected", None),
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
                wire.ended.set_result(Closed(NO_CLOSE_FRAME))
                await clock.advance(2.0)
            cloud.wires[-1].acknowledge(B)
    assert [line["event"] for line in logs if line["event"].startswith("subscription_")] == [
        "subscription_rejected",
        "subscription_restored",
    ]
    assert next(line for line in logs if line["event"] == "subscription_rejected")["detail"] == "permission denied"


async def test_recovered_channels_are_reported_once_all_are_answered():
    recovered = []
    refusal = json.dumps({"event": "subscribe_failed", "channel": B, "detail": "permission denied"}).encode()
    async with streaming(A, B, on_recovered=recovered.append) as (stream, cloud, clock):
        cloud.wires[0].acknowledge(A, B)
        assert recovered == [], "there was no fault before the first connection"
        cloud.wires[0].ended.set_result(Closed(NO_CLOSE_FRAME))
        await clock.advance(2.0)
        cloud.wires[1].acknowledge(A)
        assert recovered == [], "B is not answered yet"
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
    cloud.error = Retryable("connection refused")
    async with streaming(A, B, cloud=cloud, on_recovered=recovered.append) as (_, _, clock):
        await clock.advance(1.0)
        cloud.error = None
        await clock.advance(10.0)
        cloud.wires[0].acknowledge(A)
        cloud.wires[0].ended.set_result(Closed(NO_CLOSE_FRAME))
        await clock.advance(10.0)
        assert recovered == []
        cloud.wires[1].acknowledge(A, B)
    assert recovered == [[A, B]]


async def test_answers_open_the_window_at_once():
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
        assert stream.status.disconnects == {}
        assert wire.sent.count(PING) == 10


async def test_status_records_follow_the_channel():
    async with streaming(A) as (stream, cloud, clock):
        record = stream.status.subscriptions[A]
        assert (record.kind, record.state) == ("/sites/{site_id}/stats/devices", "sent")
        cloud.wires[0].acknowledge(A)
        assert (record.state, record.up_since) == ("up", clock.now())
        cloud.wires[0].ended.set_result(Closed(NO_CLOSE_FRAME))
        await clock.advance(0.0)
        assert (record.state, record.up_since, record.disconnects) == ("waiting", None, 1)
        assert stream.status.opened_at is None
        assert stream.status.next_attempt_at == clock.now() + 1.0
        stream.unsubscribe(A)
        assert stream.status.subscriptions == {}


async def test_frames_that_arrive_together_keep_their_order_and_are_independent():
    def data(channel, payload):
        return json.dumps({"event": "data", "channel": channel, "data": payload}).encode()

    sink = RecordingSink()
    async with streaming(A, B, sink=sink) as (stream, cloud, clock):
        cloud.wires[0].acknowledge(A)
        sink.received.clear()
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
        assert sink.received == [
            (A, "1"), (A, "2"), "Rejected", "Rejected", (A, "3"), "Subscribed", (B, "4"), "Data", (A, "6"),
        ]  # fmt: skip
        status = stream.status
        assert {name: one.frames for name, one in status.subscriptions.items()} == {A: 4, B: 1}
        assert status.frames == 1 + len(frames)  # the acknowledgement of A came alone
        assert status.bytes >= sum(map(len, frames))
        assert status.last_message_at == clock.now()


async def test_new_settings_apply_to_the_open_connection():
    async with streaming(A, settings=SessionSettings(ping_every_s=600.0, silent_after_s=9999.0)) as (
        stream,
        cloud,
        clock,
    ):
        cloud.wires[0].acknowledge(A)
        await clock.advance(59.0)
        stream.use(SessionSettings(ping_every_s=60.0, silent_after_s=9999.0))
        await clock.advance(1.0)
        assert PING in cloud.wires[0].sent
        cloud.wires[0].ended.set_result(Closed(NO_CLOSE_FRAME))
        await clock.advance(2.0)
        cloud.wires[1].acknowledge(A)
        await clock.advance(60.0)
        assert PING in cloud.wires[1].sent, "and to the next one"


async def test_waiting_for_admission_counts_as_alive():
    released = asyncio.Event()

    class Closed:
        async def wait(self):
            await released.wait()

        def accepted(self):
            """Nothing to note."""

    clock = ManualClock()
    cloud = Cloud()
    stream = StreamConnection(
        url="wss://example.invalid/",
        token=lambda: "sesame",
        connect=cloud,
        sink=NullSink(),
        status=ConnectionStatus("main/0"),
        clock=clock,
        rng=lambda: 0.5,
        turn=at_once,
        gate=Closed(),
    )
    task = asyncio.ensure_future(stream.run())
    await clock.advance(600.0)
    assert stream.status.alive_at >= clock.now() - 15.0
    assert cloud.wires == []
    released.set()
    await clock.advance(0.0)
    assert len(cloud.wires) == 1
    task.cancel()
    await asyncio.wait([task])


async def test_a_bug_in_the_session_ends_the_connection_not_the_stream():
    async with streaming(A) as (stream, cloud, clock):
        stream._session.subscriptions[A] = "no state"
        wire = cloud.wires[0]
        try:
            wire.acknowledge(A)
        except KeyError as error:  # a transport raises it from `frames`
            wire.ended.set_exception(error)
        await clock.advance(0.0)
        assert stream.status.disconnects == {"internal_error": 1}
        await clock.advance(2.0)
        cloud.wires[1].acknowledge(A)
        assert stream.status.subscriptions[A].state == "up"
