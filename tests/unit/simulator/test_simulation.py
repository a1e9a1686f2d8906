import pytest

from collector.simulator.cloud import FakeCloud
from collector.simulator.simulation import SimulatedTime
from tests.support.clock import ManualClock
from tests.support.stream_client import connect_to, device_channels, subscribe


async def test_time_runs_at_its_speed():
    clock = ManualClock()
    time = SimulatedTime(clock, start=100.0, speed=60.0)
    await clock.advance(2.0)
    assert time.now() == 220.0


async def test_paused_time_continues_where_it_was_paused():
    clock = ManualClock()
    time = SimulatedTime(clock, start=0.0, speed=1.0)
    await clock.advance(5.0)
    time.pause()
    await clock.advance(50.0)
    assert time.now() == 5.0
    assert time.paused
    time.resume()
    await clock.advance(1.0)
    assert time.now() == 6.0


async def test_paused_time_can_be_moved_forward():
    time = SimulatedTime(ManualClock(), start=0.0, speed=0.0)
    time.pause()
    time.skip(30.0)
    assert time.now() == 30.0
    time.resume()
    assert time.now() == 30.0


async def test_the_fleet_follows_the_clock(make_options):
    clock = ManualClock()
    async with FakeCloud(make_options(speed=60.0), clock=clock) as cloud:
        start = cloud.fleet.now
        await clock.advance(1.0)
        assert cloud.fleet.now == pytest.approx(start + 60.0, abs=6.1)


async def test_messages_are_published_in_the_order_of_time(cloud, monkeypatch):
    times = []
    publish = cloud.simulation._publish
    monkeypatch.setattr(cloud.simulation, "_publish", lambda message: (times.append(message.at), publish(message)))
    await cloud.advance(300)
    assert times == sorted(times)
    assert times[-1] > times[0] + 200


async def test_one_long_advance_equals_many_short_ones(make_options):
    truths = []
    for steps in (1, 60):
        async with FakeCloud(make_options()) as cloud:
            for _ in range(steps):
                await cloud.advance(60 / steps)
            truths.append(cloud.directory.truths())
    assert truths[0] == truths[1]


async def test_a_silent_channel_stays_subscribed_and_delivers_no_messages(cloud):
    silent, other = device_channels(cloud)[:2]
    async with connect_to(cloud) as client:
        await subscribe(client, silent, other)
        await cloud.fault("silent_channel", channel=silent)
        await cloud.advance(60)
        assert cloud.ledger.frames.keys() == {other}
        assert set(cloud.stream.subscribed) == {silent, other}
        await cloud.heal("silent_channel")
        await cloud.advance(60)
        assert cloud.ledger.frames.keys() == {silent, other}


async def test_an_action_ends_the_subscriptions_of_a_removed_site(cloud):
    channel = device_channels(cloud)[0]
    async with connect_to(cloud) as client:
        await subscribe(client, channel)
        await cloud.act("remove_site", site_id=channel.split("/")[2])
        assert '"subscribe_failed"' in await client.recv()
    assert channel not in cloud.stream.subscribed


async def test_a_removed_device_sends_no_more_frames(cloud):
    channel = device_channels(cloud)[0]
    async with connect_to(cloud) as client:
        await subscribe(client, channel)
        await cloud.advance(60)
        removed = next(iter(cloud.ledger.frames[channel]))
        await cloud.act("remove_device", mac=removed)
        before = {name: record.count for name, record in cloud.ledger.frames[channel][removed].items()}
        await cloud.advance(120)
        assert {name: record.count for name, record in cloud.ledger.frames[channel][removed].items()} == before
        assert cloud.directory.truth(removed) is None


async def test_events_of_an_action_are_sent_to_webhooks(cloud, receiver):
    org = cloud.fleet.orgs()[0]["id"]
    cloud.webhooks.create(org, None, {"url": receiver.url, "topics": ["device-updowns"]}, 0.0)
    await cloud.act("disconnect", mac=cloud.fleet.inventory(org)[0]["mac"])
    await cloud.sender.flush()
    assert b"AP_DISCONNECTED" in receiver.bodies[0]
