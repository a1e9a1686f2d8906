"""Faults of the connection."""

import json

import pytest

from tests.support.misbehaving import device_channels, until
from tests.support.streaming import PoolUnderTest, all_up, real_turns, running

A, B, C = device_channels(3)


async def test_frames_reach_their_handlers(cloud, start):
    pool = await start([A, B])
    await all_up(pool)
    await cloud.publish(A, json.dumps({"mac": "5c5b35000001"}))
    await cloud.publish(B, {"mac": "5c5b35000002"})
    await until(lambda: len(pool.payloads) == 2)
    assert pool.payloads == [(A, '{"mac": "5c5b35000001"}'), (B, {"mac": "5c5b35000002"})]
    status = pool.connection
    assert (status.name, status.account, status.state, status.connects) == ("main/0", "main", "open", 1)
    assert status.frames == pool.frames.received == pool.frames.applied == 4
    assert status.subscriptions[A].frames == 1
    assert status.subscriptions[A].kind == "/sites/{site_id}/stats/devices"
    assert status.subscriptions[A].last_message_at == status.last_message_at == pool.clock.now()
    assert status.bytes > 4 * 40
    assert cloud.handshakes[0]["Authorization"] == "Token sesame"
    assert cloud.handshakes[0]["User-Agent"].startswith("mist-collector/")
    assert "Sec-WebSocket-Extensions" not in cloud.handshakes[0]


@pytest.mark.fault(
    "Stream",
    "The stream server is killed, stays down and comes back",
    held=(
        "One connection retries with exponential backoff. Every channel is subscribed on the first attempt that "
        "succeeds."
    ),
)
async def test_a_server_that_dies_and_comes_back(cloud, start, fault):
    pool = await start([A, B])
    await all_up(pool)
    await cloud.kill()
    await until(lambda: pool.connection.state == "waiting")
    assert pool.connection.disconnects == {"lost": 1}
    assert pool.connection.subscriptions[A].disconnects == 1
    assert pool.states() == {A: "waiting", B: "waiting"}
    await pool.pass_until(lambda: pool.connection.disconnects.get("connect_failed", 0) >= 3)
    await cloud.start()
    fault.right_after(await pool.pass_until(pool.all_up, limit_s=40), 40)
    await cloud.publish(A, "{}")
    await until(lambda: pool.payloads)
    assert pool.connection.connects == 2
    assert len(pool.statuses) == 1
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="lost")
    fault.logged("stream_disconnected", reason="lost")
    fault.logged("stream_connected")


@pytest.mark.fault(
    "Stream",
    "The stream server stays down for long",
    held="The backoff has jitter and grows to 30 s at most.",
)
async def test_the_pauses_grow_to_30_seconds_and_no_further(cloud, start, fault):
    await cloud.kill()
    pool = await start([A])
    await until(pool.disconnects)
    pauses = [pool.pause_s()] + [await pool.next_disconnect() for _ in range(15)]
    assert pool.connection.disconnects == {"connect_failed": 16}
    for failures, pause in enumerate(pauses):
        assert pause <= min(30.0, 2.0 * 2**failures)
    assert max(pauses) > 15.0
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="connect_failed")
    fault.logged("stream_disconnected", reason="connect_failed")


@pytest.mark.fault(
    "Stream",
    "The server closes the connection, with any close code",
    held="The close code is the disconnect reason; codes outside RFC 6455 share one reason.",
)
@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 4711])
async def test_the_code_of_a_close_frame_is_the_reason(cloud, start, code, fault):
    pool = await start([A])
    await all_up(pool)
    await cloud.close_all(code, "maintenance\n")
    await until(lambda: pool.connection.disconnects)
    assert pool.connection.disconnects == {f"closed_{code}" if code < 2000 else "closed_other": 1}
    assert pool.connection.last_disconnect == f"closed with code {code} maintenance"
    fault.right_after(await pool.pass_until(pool.all_up), 5)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason=next(iter(pool.connection.disconnects)))
    fault.logged("stream_disconnected")


@pytest.mark.fault(
    "Stream",
    "The connection is lost without a close frame",
    held="The disconnect is detected immediately and the collector reconnects.",
)
async def test_a_connection_cut_without_a_close_frame_is_lost(cloud, start, fault):
    pool = await start([A])
    await all_up(pool)
    cloud.cut_all()
    await until(lambda: pool.connection.disconnects)
    assert pool.connection.disconnects == {"lost": 1}
    fault.right_after(await pool.pass_until(pool.all_up), 5)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="lost")
    fault.logged("stream_disconnected", reason="lost")


@pytest.mark.fault(
    "Stream",
    "The connection is half-open: nothing is received and nothing is read",
    held="The connection is closed when a ping is not answered.",
)
async def test_a_half_open_connection_is_detected_within_105_seconds(cloud, start, fault):
    pool = await start([A], silent_after_s=9999.0)
    await all_up(pool)
    await pool.pass_until(lambda: cloud.pings == 1, limit_s=61)
    await real_turns()
    cloud.go_half_open()
    took = await pool.pass_until(lambda: pool.connection.disconnects)
    assert pool.connection.disconnects == {"pong_timeout": 1}
    assert took <= 105.0
    await pool.pass_until(pool.all_up)
    assert pool.connection.connects == 2
    fault.right_after(took, 105)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="pong_timeout")
    fault.logged("stream_disconnected", reason="pong_timeout")


async def test_pongs_keep_the_connection(cloud, start):
    pool = await start([A], silent_after_s=9999.0)
    await all_up(pool)
    await pool.pass_until(lambda: cloud.pings == 5)
    await real_turns()
    assert pool.connection.disconnects == {}


async def test_pings_of_the_server_are_answered(cloud, start):
    pool = await start([A])
    await all_up(pool)
    (connection,) = cloud.connections
    await (await connection.ping())
    assert pool.connection.disconnects == {}


@pytest.mark.fault(
    "Stream",
    "All channels are subscribed and none delivers messages",
    held="The connection is replaced after 300 s without a message.",
)
async def test_channels_that_are_up_and_deliver_nothing(cloud, start, fault):
    pool = await start([A])
    await all_up(pool)
    took = await pool.pass_until(lambda: pool.connection.disconnects, limit_s=310)
    assert pool.connection.disconnects == {"silent": 1}
    assert took >= 300.0
    await pool.pass_until(pool.all_up)
    fault.right_after(took, 305)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="silent")
    fault.logged("stream_disconnected", reason="silent")


@pytest.mark.fault(
    "Stream",
    "The handshake is not answered",
    held="The attempt times out after 30 s and is retried.",
)
async def test_a_handshake_that_is_never_answered_times_out(cloud, start, fault):
    cloud.ignore_handshakes = True
    pool = await start([A])
    await until(lambda: cloud.handshakes)
    await pool.pass_until(lambda: pool.connection.disconnects, limit_s=31)
    assert pool.connection.disconnects == {"connect_timeout": 1}
    cloud.ignore_handshakes = False
    await pool.pass_until(pool.all_up)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="connect_timeout")
    fault.logged("stream_disconnected", reason="connect_timeout")


@pytest.mark.fault(
    "Stream",
    "Every connection is closed soon after it opens",
    held="The collector retries with backoff and recovers when a connection stays open.",
)
async def test_every_connection_closed_soon_after_it_opened(cloud, start, fault):
    cloud.close_after_s = 0.005
    pool = await start([A, B])
    await pool.pass_until(lambda: pool.connection.disconnects.get("lost", 0) >= 5)
    cloud.close_after_s = None
    await pool.pass_until(pool.all_up)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="lost")
    fault.logged("stream_disconnected", reason="lost")


@pytest.mark.fault(
    "Stream",
    "The server closes each connection before all subscriptions are answered",
    held="The backoff keeps growing. It is reset only by a connection on which every subscription was answered.",
)
async def test_the_back_off_goes_on_until_every_channel_has_its_answer(cloud, start, fault):
    cloud.close_when_subscribed = 1011
    cloud.hold_acks = {B}
    pool = await start([A, B])
    await until(pool.disconnects)
    pauses = [await pool.next_disconnect() for _ in range(12)]
    assert pool.connection.disconnects == {"closed_1011": 13}
    assert max(pauses) > 10.0
    cloud.hold_acks = set()
    cloud.close_when_subscribed = None
    await pool.pass_until(pool.all_up)
    await cloud.close_all(1011)
    await until(lambda: pool.connection.disconnects["closed_1011"] == 14)
    assert pool.pause_s() <= 2.0
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="closed_1011")
    fault.logged("stream_disconnected", reason="closed_1011")


async def test_a_cancelled_pool_closes_in_order(cloud, connect, clock):
    async with running(PoolUnderTest(cloud.url, connect, clock), [A]) as pool:
        await all_up(pool)
        (connection,) = cloud.connections
    await connection.wait_closed()
    assert connection.close_code == 1000
    assert pool.connection.state == "idle"
    assert pool.states() == {A: "waiting"}


async def test_a_cancelled_pool_does_not_wait_for_a_dead_server(cloud, connect, clock):
    async with running(PoolUnderTest(cloud.url, connect, clock), [A]) as pool:
        await all_up(pool)
        cloud.go_half_open()
    assert pool.connection.state == "idle"  # the end of `running` is the assertion: it waits for the task
