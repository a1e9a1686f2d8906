"""Faults of subscriptions on a connection that works."""

import itertools
import json
from collections import Counter

import pytest

from tests.support.misbehaving import device_channels, until
from tests.support.streaming import all_up, real_turns

A, B, C = device_channels(3)


def requests(cloud, channel):
    return sum(message.get("subscribe") == channel for message in cloud.messages)


@pytest.mark.fault(
    "Subscriptions",
    "A channel is refused",
    held=(
        "The other channels of the connection are not affected. The refused channel is requested again every 5 minutes."
    ),
)
async def test_a_refused_channel_affects_no_other_and_is_retried(cloud, start, fault):
    cloud.refuse = {B}
    pool = await start([A, B, C], silent_after_s=9999.0)
    await until(lambda: pool.states() == {A: "up", B: "refused", C: "up"})
    assert pool.connection.subscriptions[B].detail == "permission denied"
    await pool.pass_until(lambda: requests(cloud, B) == 2, limit_s=301)
    await real_turns()
    await cloud.publish(A, "{}")
    await cloud.publish(C, "{}")
    await until(lambda: len(pool.payloads) == 2)
    assert (pool.connection.connects, pool.connection.disconnects) == (1, {})
    assert pool.states()[B] == "refused"
    refused = pool.samples()
    cloud.refuse = set()
    took = await pool.pass_until(pool.all_up)
    assert took <= 301.0
    assert pool.connection.subscriptions[B].detail == ""
    assert pool.connection.connects == 1
    fault.right_after(took, 301)
    fault.told(refused, "mist_collector_subscriptions", state="refused")
    fault.logged("subscription_rejected", detail="permission denied")
    fault.logged("subscription_restored")


@pytest.mark.fault(
    "Subscriptions",
    "The rights to a subscribed channel are revoked: `subscribe_failed` without a detail",
    held="Only that channel is affected.",
)
async def test_rights_that_are_revoked(cloud, start, fault):
    pool = await start([A, B])
    await all_up(pool)
    await cloud.broadcast(event="subscribe_failed", channel=B)
    await until(lambda: pool.states() == {A: "up", B: "refused"})
    await cloud.publish(A, "{}")
    await until(lambda: pool.payloads)
    assert pool.connection.disconnects == {}
    fault.told(pool.samples(), "mist_collector_subscriptions", state="refused")
    fault.logged("subscription_rejected")


@pytest.mark.fault(
    "Subscriptions",
    "An acknowledgement is lost",
    held="The channel is requested again, without a reconnect.",
)
async def test_a_lost_acknowledgement_is_asked_for_again(cloud, start, fault):
    cloud.lose_acks = {B: 1}
    pool = await start([A, B])
    await until(lambda: pool.states() == {A: "up", B: "sent"})
    waiting = pool.samples()
    took = await pool.pass_until(pool.all_up, limit_s=12)
    assert requests(cloud, B) == 2
    assert pool.connection.connects == 1
    fault.right_after(took, 12)
    fault.told(waiting, "mist_collector_subscriptions", state="sent")


@pytest.mark.fault(
    "Subscriptions",
    "A subscription is not answered",
    held=(
        "The channel has the state `unanswered` and is requested again every 5 minutes. The other channels are not "
        "affected."
    ),
)
async def test_a_channel_without_any_answer_breaks_no_other(cloud, start, fault):
    cloud.lose_acks = {B: 2}
    pool = await start([A, B], silent_after_s=9999.0)
    await until(lambda: pool.states()[A] == "up")
    await pool.pass_until(lambda: pool.states()[B] == "unanswered", limit_s=22)
    unanswered = pool.samples()
    took = await pool.pass_until(pool.all_up, limit_s=301, step_s=5.0)
    assert (pool.connection.connects, pool.connection.disconnects) == (1, {})
    fault.right_after(took, 301)
    fault.told(unanswered, "mist_collector_subscriptions", state="unanswered")


@pytest.mark.fault(
    "Subscriptions",
    "Data arrives for a channel whose acknowledgement was lost",
    held="The data is applied and confirms the subscription.",
)
async def test_data_stands_for_a_lost_acknowledgement(cloud, start, fault):
    cloud.lose_acks = {A: 99}
    pool = await start([A])
    await until(lambda: pool.states()[A] == "sent" and any(A in channels for channels in cloud.subscribed.values()))
    waiting = pool.samples()
    await cloud.publish(A, "{}")
    await all_up(pool)
    assert pool.payloads == [(A, "{}")]
    fault.told(waiting, "mist_collector_subscriptions", state="sent")


@pytest.mark.fault(
    "Subscriptions",
    "An acknowledgement arrives late",
    held="It is accepted; the connection stays open.",
)
async def test_a_late_acknowledgement_is_accepted(cloud, start, fault):
    cloud.hold_acks = {B}
    pool = await start([A, B])
    await pool.pass_until(lambda: pool.states()[B] == "unanswered", limit_s=22)
    unanswered = pool.samples()
    await cloud.release()
    await all_up(pool)
    assert pool.connection.disconnects == {}
    fault.told(unanswered, "mist_collector_subscriptions", state="unanswered")


@pytest.mark.fault(
    "Subscriptions",
    "An acknowledgement arrives twice",
    held="The second one has no effect.",
)
async def test_a_repeated_acknowledgement_changes_nothing(cloud, start, fault):
    cloud.repeat_acks = {A}
    pool = await start([A, B])
    await all_up(pool)
    await until(lambda: pool.frames.received == 3)
    assert pool.frames.applied == 3
    assert pool.connection.disconnects == {}
    fault.told(pool.samples(), "mist_collector_stream_frames_applied_total", at_least=3)


@pytest.mark.fault(
    "Subscriptions",
    "No subscription of a connection is answered",
    held="The connection is replaced.",
)
async def test_a_server_that_acknowledges_nothing_is_replaced(cloud, start, fault):
    cloud.ignore_subscriptions = True
    pool = await start([A, B])
    await until(lambda: len(cloud.messages) == 2)
    took = await pool.pass_until(lambda: pool.connection.disconnects)
    assert pool.connection.disconnects == {"ack_timeout": 1}
    assert took <= 21.0
    cloud.ignore_subscriptions = False
    await pool.pass_until(pool.all_up)
    fault.right_after(took, 21)
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="ack_timeout")
    fault.logged("stream_disconnected", reason="ack_timeout")


async def test_1500_channels_have_at_most_100_unanswered_requests(cloud, start):
    channels = device_channels(1500)
    pool = await start(channels)
    await all_up(pool)
    assert cloud.max_outstanding <= 100
    assert Counter(message["subscribe"] for message in cloud.messages) == Counter(channels)
    assert len(pool.statuses) == 1


async def test_channels_come_and_go_without_a_reconnect(cloud, start):
    pool = await start([A, B])
    await all_up(pool)
    pool.pool.set_channels([B, C])
    await until(lambda: pool.states() == {B: "up", C: "up"})
    await until(lambda: [set(channels) for channels in cloud.subscribed.values()] == [{B, C}])
    assert cloud.messages[2:] == [{"unsubscribe": A}, {"subscribe": C}]
    await cloud.broadcast(event="data", channel=A, data="{}")
    await until(lambda: pool.frames.dropped)
    assert pool.frames.dropped == {"unsubscribed_channel": 1}
    assert pool.connection.connects == 1
    assert pool.balanced()


async def test_channels_are_distributed_evenly(cloud, start):
    channels = device_channels(8)
    pool = await start(channels[:5], max_channels=2)
    await pool.pass_until(pool.all_up)
    assert [len(status.subscriptions) for status in pool.statuses] == [2, 2, 1]
    assert [status.name for status in pool.statuses] == ["main/0", "main/1", "main/2"]
    pool.pool.set_channels(channels[:6])
    await pool.pass_until(pool.all_up)
    assert [len(status.subscriptions) for status in pool.statuses] == [2, 2, 2]
    pool.pool.set_channels(channels[:8])
    await pool.pass_until(pool.all_up)
    assert [status.connects for status in pool.statuses] == [1, 1, 1, 1]


@pytest.mark.fault(
    "Stream",
    "Many connections have to be opened",
    held="They are opened one by one, 0.5 s apart on average, with jitter.",
)
async def test_connections_open_one_after_the_other(cloud, start, fault):
    pool = await start(device_channels(6), max_channels=1)
    began, opened = pool.clock.now(), {}

    def all_open():
        for status in pool.statuses:
            if status.opened_at is not None:
                opened.setdefault(status.name, status.opened_at - began)
        return len(opened) == 6

    await pool.pass_until(all_open, step_s=0.05)
    times = sorted(opened.values())
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(0.2 <= step <= 0.85 for step in steps), steps
    fault.told(pool.samples(), "mist_collector_connection_opened_total", at_least=6)


async def test_an_empty_connection_closes_alone(cloud, start):
    pool = await start([A, B], max_channels=1)
    await pool.pass_until(pool.all_up)
    pool.pool.set_channels([B])
    await until(lambda: len(cloud.connections) == 1)
    assert [(status.name, list(status.subscriptions)) for status in pool.statuses] == [("main/1", [B])]
    assert pool.statuses[0].connects == 1
    pool.pool.set_channels([B, C])
    await pool.pass_until(pool.all_up)
    assert sorted(status.name for status in pool.statuses) == ["main/0", "main/1"]


MALFORMED = {
    "not_json": [b'{"event": "da', "", b"\xff\xfe\x00", "[1,"],
    "not_an_object": ["null", "[]", "7", b'"text"'],
    "unknown_event": ["{}", '{"event": 3}', '{"event": "weather"}'],
    "no_channel": ['{"event": "data"}', '{"event": "data", "channel": null, "data": 1}'],
}


@pytest.mark.fault(
    "Stream",
    "Malformed frames: not JSON, not an object, no channel, NUL bytes; a payload of 1 MB",
    held="Each malformed frame is counted with its reason; received = applied + dropped. The connection stays open.",
)
async def test_malformed_frames_are_counted_by_reason(cloud, start, fault):
    pool = await start([A])
    await all_up(pool)
    for frame in (frame for frames in MALFORMED.values() for frame in frames):
        await cloud.send_frame(frame)
    big = json.dumps({"text": "x" * 1_000_000})
    for payload in (big, None, [], 3, "null", {"mac": 1}):
        await cloud.publish(A, payload)
    await cloud.send_frame(b"\x00" + json.dumps({"event": "data", "channel": A, "data": "{}"}).encode() + b"\x00")
    await until(lambda: len(pool.payloads) == 7)
    assert pool.frames.dropped == {reason: len(frames) for reason, frames in MALFORMED.items()}
    assert pool.balanced()
    assert pool.connection.disconnects == {}
    for reason in MALFORMED:
        fault.told(pool.samples(), "mist_collector_stream_frames_dropped_total", reason=reason)


@pytest.mark.parametrize("size", [16_000_000])
async def test_a_frame_of_16_megabytes_is_taken(cloud, start, size):
    pool = await start([A])
    await all_up(pool)
    await cloud.publish(A, "x" * size)
    await until(lambda: pool.payloads)
    assert len(pool.payloads[0][1]) == size


@pytest.mark.fault(
    "Stream",
    "A frame of 33 MB",
    held="It exceeds the limit of 32 MB: the connection is closed with code 1009.",
)
async def test_a_frame_beyond_the_limit_breaks_the_connection_for_that_reason(cloud, start, fault):
    pool = await start([A])
    await all_up(pool)
    await cloud.send_frame(b"x" * (33 * 1024 * 1024))
    await until(lambda: pool.connection.disconnects)
    assert pool.connection.disconnects == {"closed_1009": 1}
    fault.told(pool.samples(), "mist_collector_connection_breaks_total", reason="closed_1009")
    fault.logged("stream_disconnected", reason="closed_1009")
