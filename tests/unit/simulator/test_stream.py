import json

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from tests.support.stream_client import connect_to, device_channels, request, subscribe

AUTHORIZED = {"Authorization": "Token sim-token"}


async def test_subscribers_receive_the_frames_that_the_ledger_records(cloud):
    channel, other = device_channels(cloud)[:2]
    async with connect_to(cloud) as client:
        await subscribe(client, channel)
        await cloud.advance(60)
        records = cloud.ledger.frames[channel]
        count = sum(record.count for by_type in records.values() for record in by_type.values())
        frames = [json.loads(await client.recv()) for _ in range(count)]
    assert other not in cloud.ledger.frames
    assert {frame["channel"] for frame in frames} == {channel}
    payloads = [json.loads(frame["data"]) for frame in frames]
    assert {payload["mac"] for payload in payloads} == set(records)
    last = {(payload["mac"], "_offset_apbasic" in payload): payload for payload in payloads}
    for mac, by_type in records.items():
        assert by_type.keys() == {"basic", "full"}
        assert json.loads(by_type["basic"].payload) == last[mac, True]
        assert json.loads(by_type["full"].payload) == last[mac, False]
    assert cloud.ledger.sent["data"] == count


async def test_two_subscribers_receive_the_same_frames(cloud):
    channel = device_channels(cloud)[0]
    async with connect_to(cloud) as one, connect_to(cloud) as two:
        for client in (one, two):
            await subscribe(client, channel)
        await cloud.advance(30)
        received = [[await client.recv() for _ in range(cloud.ledger.data_frames)] for client in (one, two)]
    assert received[0] == received[1] != []
    assert cloud.ledger.sent["data"] == 2 * cloud.ledger.data_frames


@pytest.mark.parametrize("authorization", [None, "Token wrong", "Bearer sim-token", "sim-token", "Token "])
async def test_a_handshake_without_a_valid_token_is_rejected_with_401(cloud, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    with pytest.raises(InvalidStatus) as rejected:
        async with connect_to(cloud, additional_headers=headers):
            pass
    assert rejected.value.response.status_code == 401
    assert json.loads(rejected.value.response.body) == {"detail": "Invalid token."}
    assert cloud.ledger.connections["rejected_401"] == 1


async def test_another_path_is_rejected_with_404(cloud):
    with pytest.raises(InvalidStatus) as rejected:
        async with connect(cloud.stream_url + "s", additional_headers=AUTHORIZED):
            pass
    assert rejected.value.response.status_code == 404


@pytest.mark.parametrize("status", [401, 403, 429, 503])
async def test_a_handshake_fault_rejects_with_its_status(cloud, status):
    await cloud.fault("handshake_status", status=status, count=1, retry_after_s=30)
    with pytest.raises(InvalidStatus) as rejected:
        async with connect_to(cloud):
            pass
    assert rejected.value.response.status_code == status
    assert rejected.value.response.headers["Retry-After"] == "30"
    async with connect_to(cloud) as client:
        assert (await request(client, "subscribe", "/test"))["event"] == "channel_subscribed"


async def test_the_test_channel_delivers_one_frame(cloud):
    async with connect_to(cloud) as client:
        await subscribe(client, "/test")
        assert json.loads(await client.recv()) == {"event": "data", "channel": "/test", "data": "1"}


@pytest.mark.parametrize(
    ("channel", "detail"),
    [
        ("/sites/00000000-0000-0000-0000-000000000000/stats/devices", "permission denied"),
        ("nonsense", "channel not found"),
    ],
)
async def test_a_failed_subscription_does_not_affect_others(cloud, channel, detail):
    async with connect_to(cloud) as client:
        assert await request(client, "subscribe", channel) == {
            "event": "subscribe_failed",
            "channel": channel,
            "detail": detail,
        }
        await subscribe(client, device_channels(cloud)[0])


async def test_unsubscribing_ends_the_frames(cloud):
    channel = device_channels(cloud)[0]
    async with connect_to(cloud) as client:
        await subscribe(client, channel)
        assert (await request(client, "unsubscribe", channel))["event"] == "channel_unsubscribed"
        await cloud.advance(60)
        assert cloud.stream.subscribed == {}
        assert cloud.ledger.data_frames == 0


async def test_the_number_of_channels_is_limited(make_options):
    async with FakeCloud(make_options(max_channels=2)) as cloud, connect_to(cloud) as client:
        one, two, three = device_channels(cloud)
        await subscribe(client, one, two, one)
        failed = await request(client, "subscribe", three)
        assert failed["event"] == "subscribe_failed"
        assert "the limit is 2" in failed["detail"]
        await request(client, "unsubscribe", one)
        await subscribe(client, three)


@pytest.mark.parametrize("message", ["", "{", "[]", "null", '{"subscribe": 1}', '{"hello": "x"}', b"\x00\xff"])
async def test_an_invalid_message_is_counted_and_ignored(cloud, message):
    async with connect_to(cloud) as client:
        await client.send(message)
        await subscribe(client, device_channels(cloud)[0])
    assert cloud.ledger.subscriptions["invalid_message"] == 1


async def test_pings_are_answered(cloud):
    async with connect_to(cloud, ping_interval=None) as client:
        await (await client.ping())


async def test_aiohttp_clients_are_supported(cloud, session):
    async with session.ws_connect(cloud.stream_url) as client:
        await client.send_str(json.dumps({"subscribe": device_channels(cloud)[0]}))
        assert (await client.receive_json())["event"] == "channel_subscribed"
        await cloud.advance(60)
        assert (await client.receive()).type is aiohttp.WSMsgType.TEXT


async def test_a_dropped_acknowledgement_does_not_end_the_subscription(cloud):
    one, two, _ = device_channels(cloud)
    await cloud.fault("drop_acks", channel=one)
    async with connect_to(cloud) as client:
        await client.send(json.dumps({"subscribe": one}))
        assert (await request(client, "subscribe", two))["channel"] == two
        await cloud.advance(60)
        channels = {json.loads(await client.recv())["channel"] for _ in range(cloud.ledger.data_frames)}
    assert channels == {one, two}
    assert cloud.ledger.subscriptions["unacknowledged"] == 1


async def test_a_slow_client_is_disconnected_and_others_are_not(make_options):
    options = make_options(buffer_limit_bytes=4_000_000)
    async with FakeCloud(options) as cloud, connect_to(cloud, max_queue=1) as slow, connect_to(cloud) as fast:
        for _ in range(60):
            await cloud.malformed.send(1, ("megabyte_json",))
            assert len(await fast.recv()) > 1_000_000
            if cloud.ledger.connections["too_slow"]:
                break
        assert cloud.ledger.connections["too_slow"] == 1
        assert cloud.stream.clients <= 2
        slow.transport.abort()


@pytest.mark.parametrize("nested", [True, False])
async def test_every_kind_of_device_reports_on_its_channel(make_options, nested):
    plan = FleetPlan(sites=1, aps=1, switches=1, virtual_chassis=1, gateways=1, srx_clusters=1, ssrs=1, mxedges=2)
    async with FakeCloud(make_options(plan=plan, nested=nested)) as cloud, connect_to(cloud) as client:
        org_id = cloud.fleet.orgs()[0]["id"]
        site_id = cloud.fleet.sites(org_id)[0]["id"]
        site = [f"/sites/{site_id}/{suffix}" for suffix in ("stats/devices", "stats/clients", "stats/mxedges")]
        await subscribe(client, *site, f"/orgs/{org_id}/stats/mxedges")
        await cloud.advance(180)
        senders = {mac for devices in cloud.ledger.frames.values() for mac in devices}
        frames = [json.loads(await client.recv()) for _ in range(cloud.ledger.data_frames)]
    assert set(cloud.fleet.macs()) <= senders
    assert {type(frame["data"]) for frame in frames} == {str if nested else dict}
    types = {name for devices in cloud.ledger.frames.values() for by_type in devices.values() for name in by_type}
    assert {"basic", "full", "cached", "fresh"} <= types
