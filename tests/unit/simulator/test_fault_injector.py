import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from collector.simulator.cloud import FakeCloud
from tests.support.clock import ManualClock
from tests.support.stream_client import connect_to, device_channels, request, subscribe


async def test_a_stopped_stream_resumes_on_the_same_port(cloud):
    url = cloud.stream_url
    async with connect_to(cloud) as client:
        await cloud.fault("stream_down")
        with pytest.raises(ConnectionClosed):
            await client.recv()
    with pytest.raises(OSError, match="Connect call failed"):
        async with connect_to(cloud):
            pass
    await cloud.heal("stream_down")
    assert cloud.stream_url == url
    async with connect_to(cloud) as client:
        await subscribe(client, device_channels(cloud)[0])


async def test_a_stopped_stream_can_send_a_close_code(cloud):
    async with connect_to(cloud) as client:
        await cloud.fault("stream_down", code=1012)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd.code == 1012


async def test_a_half_open_connection_neither_reads_nor_writes_until_it_is_healed(cloud):
    channel = device_channels(cloud)[0]
    async with connect_to(cloud, ping_interval=None) as frozen, connect_to(cloud) as other:
        await subscribe(frozen, channel)
        await cloud.fault("half_open")
        pong = await frozen.ping()
        async with connect_to(cloud) as later:
            await subscribe(later, channel)
            await cloud.advance(60)
            assert cloud.ledger.sent["data"] == cloud.ledger.data_frames > 0
            for _ in range(cloud.ledger.data_frames):
                await later.recv()
        assert not pong.done()
        await cloud.heal("half_open")
        await pong
        assert other.state.name == "OPEN"


async def test_a_revoked_site_is_denied_and_other_sites_are_not(cloud, session):
    revoked, kept, _ = device_channels(cloud)
    site_id = revoked.split("/")[2]
    async with connect_to(cloud) as client:
        await subscribe(client, revoked, kept)
        await cloud.fault("revoke_site", site_id=site_id)
        assert json.loads(await client.recv()) == {
            "event": "subscribe_failed",
            "channel": revoked,
            "detail": "permission denied",
        }
        assert (await request(client, "subscribe", revoked))["event"] == "subscribe_failed"
        assert (await session.get(f"{cloud.api_url}/api/v1/sites/{site_id}")).status == 403
        await cloud.advance(60)
        assert list(cloud.ledger.frames) == [kept]
        for _ in range(cloud.ledger.data_frames):
            await client.recv()
        await cloud.heal()
        await subscribe(client, revoked)


async def test_faults_end_after_their_seconds(make_options):
    clock = ManualClock()
    async with FakeCloud(make_options(), clock=clock) as cloud:
        channel = device_channels(cloud)[0]
        await cloud.fault("revoke_site", site_id=channel.split("/")[2], seconds=60)
        await cloud.fault("handshake_status", status=429, seconds=30)
        with pytest.raises(InvalidStatus) as rejected:
            async with connect_to(cloud):
                pass
        assert rejected.value.response.headers["Retry-After"] == "30"
        await clock.advance(30.1)
        async with connect_to(cloud) as client:
            assert (await request(client, "subscribe", channel))["event"] == "subscribe_failed"
            await clock.advance(30.1)
            await subscribe(client, channel)


async def test_an_invalid_fault_changes_nothing(cloud):
    with pytest.raises(ValueError, match="unknown fault"):
        await cloud.fault("earthquake")
    assert cloud.fault_injector.active() == []
