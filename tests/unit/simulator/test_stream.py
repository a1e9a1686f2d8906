import json

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from tests.support.clock import ManualClock

AUTHORIZED = {"Authorization": "Token sim-token"}


def listening(cloud, **changes):
    """A client; its queue has no limit, so that it sees a close frame although a test did not read all before it."""
    usual = {"additional_headers": AUTHORIZED, "compression": None, "max_queue": None}
    return connect(cloud.stream_url, **(usual | changes))


def site_channels(cloud, org=0):
    return [f"/sites/{site['id']}/stats/devices" for site in cloud.fleet.sites(cloud.fleet.orgs()[org]["id"])]


async def ask(client, wish, channel):
    await client.send(json.dumps({wish: channel}))
    return json.loads(await client.recv())


async def subscribed(client, *channels):
    for channel in channels:
        assert (await ask(client, "subscribe", channel))["event"] == "channel_subscribed"


async def test_devices_are_heard_by_who_subscribed_and_written_into_the_ledger(cloud):
    channel, other = site_channels(cloud)[:2]
    async with listening(cloud) as client:
        await subscribed(client, channel)
        await cloud.advance(60)
        records = cloud.ledger.frames[channel]
        count = sum(record.count for kinds in records.values() for record in kinds.values())
        frames = [json.loads(await client.recv()) for _ in range(count)]
    assert other not in cloud.ledger.frames
    assert {frame["channel"] for frame in frames} == {channel}
    payloads = [json.loads(frame["data"]) for frame in frames]
    assert {payload["mac"] for payload in payloads} == set(records)
    assert {name for kinds in records.values() for name in kinds} == {"basic", "full"}
    last = {(payload["mac"], "_offset_apbasic" in payload): payload for payload in payloads}
    for mac, kinds in records.items():
        assert json.loads(kinds["basic"].payload) == last[mac, True]
        assert json.loads(kinds["full"].payload) == last[mac, False]
    assert cloud.ledger.sent["data"] == count


async def test_a_mute_channel_stays_subscribed_and_brings_nothing(cloud):
    mute, other = site_channels(cloud)[:2]
    async with listening(cloud) as client:
        await subscribed(client, mute, other)
        await cloud.fault("mute", channel=mute)
        await cloud.advance(60)
        assert cloud.ledger.frames.keys() == {other}
        assert set(cloud.stream.subscribed) == {mute, other}
        await cloud.heal("mute")
        await cloud.advance(60)
        assert cloud.ledger.frames.keys() == {mute, other}


async def test_two_clients_hear_the_same_and_the_ledger_counts_the_frame_once(cloud):
    channel = site_channels(cloud)[0]
    async with listening(cloud) as one, listening(cloud) as two:
        for client in (one, two):
            await subscribed(client, channel)
        await cloud.advance(30)
        heard = [[await client.recv() for _ in range(cloud.ledger.heard)] for client in (one, two)]
    assert heard[0] == heard[1]
    assert cloud.ledger.sent["data"] == 2 * cloud.ledger.heard


@pytest.mark.parametrize("authorization", [None, "Token wrong", "Bearer sim-token", "sim-token", "Token "])
async def test_a_wrong_token_is_refused_with_401(cloud, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    with pytest.raises(InvalidStatus) as refused:
        async with listening(cloud, additional_headers=headers):
            pass
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body) == {"detail": "Invalid token."}


async def test_another_path_is_not_found(cloud):
    with pytest.raises(InvalidStatus) as refused:
        async with connect(cloud.stream_url + "s", additional_headers=AUTHORIZED):
            pass
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize("status", [401, 403, 429, 503])
async def test_a_handshake_is_refused_while_the_fault_lasts(cloud, status):
    await cloud.fault("handshake_status", status=status, count=1, retry_after_s=30)
    with pytest.raises(InvalidStatus) as refused:
        async with listening(cloud):
            pass
    assert refused.value.response.status_code == status
    assert refused.value.response.headers["Retry-After"] == "30"
    async with listening(cloud) as client:
        assert (await ask(client, "subscribe", "/test"))["event"] == "channel_subscribed"


async def test_the_test_channel_answers_one(cloud):
    async with listening(cloud) as client:
        await subscribed(client, "/test")
        assert json.loads(await client.recv()) == {"event": "data", "channel": "/test", "data": "1"}


@pytest.mark.parametrize(
    ("channel", "detail"),
    [
        ("/sites/00000000-0000-0000-0000-000000000000/stats/devices", "permission denied"),
        ("/orgs/00000000-0000-0000-0000-000000000000/stats/mxedges", "permission denied"),
        ("/sites/all/stats/devices", "channel not found"),
        ("nonsense", "channel not found"),
        ("", "channel not found"),
    ],
)
async def test_what_cannot_be_subscribed_is_refused_and_the_rest_goes_on(cloud, channel, detail):
    async with listening(cloud) as client:
        assert await ask(client, "subscribe", channel) == {
            "event": "subscribe_failed",
            "channel": channel,
            "detail": detail,
        }
        await subscribed(client, site_channels(cloud)[0])


async def test_channels_of_maps_exist_only_for_maps_of_the_site(cloud):
    first, second = (site["id"] for site in cloud.fleet.sites(cloud.fleet.orgs()[0]["id"])[:2])
    map_id = cloud.fleet.maps(first)[0]["id"]
    async with listening(cloud) as client:
        await subscribed(client, f"/sites/{first}/stats/maps/{map_id}/clients")
        refused = await ask(client, "subscribe", f"/sites/{second}/stats/maps/{map_id}/clients")
        assert refused["event"] == "subscribe_failed"


async def test_unsubscribing_ends_the_frames(cloud):
    channel = site_channels(cloud)[0]
    async with listening(cloud) as client:
        await subscribed(client, channel)
        assert (await ask(client, "unsubscribe", channel))["event"] == "channel_unsubscribed"
        await cloud.advance(60)
        assert cloud.stream.subscribed == {}
        assert cloud.ledger.heard == 0


async def test_a_channel_too_many_is_refused(make_options):
    async with FakeCloud(make_options(max_channels=2)) as cloud, listening(cloud) as client:
        one, two, three = site_channels(cloud)
        await subscribed(client, one, two, one)
        refused = await ask(client, "subscribe", three)
        assert refused["event"] == "subscribe_failed"
        assert "the limit is 2" in refused["detail"]
        await ask(client, "unsubscribe", one)
        await subscribed(client, three)


@pytest.mark.parametrize("message", ["", "{", "[]", "null", '{"subscribe": 1}', '{"hello": "x"}', b"\x00\xff"])
async def test_a_message_that_asks_nothing_is_ignored(cloud, message):
    async with listening(cloud) as client:
        await client.send(message)
        await subscribed(client, site_channels(cloud)[0])
    assert cloud.ledger.subscriptions["not_understood"] == 1


async def test_pings_are_answered(cloud):
    async with listening(cloud, ping_interval=None) as client:
        await (await client.ping())


async def test_aiohttp_can_listen_too(cloud, session):
    async with session.ws_connect(cloud.stream_url) as client:
        await client.send_str(json.dumps({"subscribe": site_channels(cloud)[0]}))
        assert (await client.receive_json())["event"] == "channel_subscribed"
        await cloud.advance(60)
        assert (await client.receive()).type is aiohttp.WSMsgType.TEXT


async def test_a_lost_acknowledgement_does_not_stop_the_frames(cloud):
    one, two, _ = site_channels(cloud)
    await cloud.fault("drop_acks", channel=one)
    async with listening(cloud) as client:
        await client.send(json.dumps({"subscribe": one}))
        assert (await ask(client, "subscribe", two))["channel"] == two
        await cloud.advance(60)
        channels = {json.loads(await client.recv())["channel"] for _ in range(cloud.ledger.heard)}
    assert channels == {one, two}
    assert cloud.ledger.subscriptions["unacknowledged"] == 1


async def test_a_site_whose_rights_went_is_refused_and_the_others_flow_on(cloud, session):
    lost, kept, _ = site_channels(cloud)
    site_id = lost.split("/")[2]
    async with listening(cloud) as client:
        await subscribed(client, lost, kept)
        await cloud.fault("revoke_site", site_id=site_id)
        assert json.loads(await client.recv()) == {
            "event": "subscribe_failed",
            "channel": lost,
            "detail": "permission denied",
        }
        assert (await ask(client, "subscribe", lost))["event"] == "subscribe_failed"
        answer = await session.get(f"{cloud.api_url}/api/v1/sites/{site_id}")
        assert answer.status == 403
        await cloud.advance(60)
        assert list(cloud.ledger.frames) == [kept]
        frames = [json.loads(await client.recv()) for _ in range(cloud.ledger.heard)]
        assert {frame["channel"] for frame in frames} == {kept}
        await cloud.heal()
        await subscribed(client, lost)


async def test_a_killed_server_comes_back_on_the_same_port(cloud):
    url = cloud.stream_url
    async with listening(cloud) as client:
        await cloud.fault("stream_down")
        with pytest.raises(ConnectionClosed):
            await client.recv()
    with pytest.raises(OSError, match="Connect call failed"):
        async with listening(cloud):
            pass
    await cloud.heal("stream_down")
    assert cloud.stream_url == url
    async with listening(cloud) as client:
        await subscribed(client, site_channels(cloud)[0])


async def test_a_server_may_say_good_bye(cloud):
    async with listening(cloud) as client:
        await cloud.fault("stream_down", code=1012)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd.code == 1012


async def test_a_half_open_connection_is_deaf_and_dumb_while_new_ones_work(cloud):
    channel = site_channels(cloud)[0]
    async with listening(cloud, ping_interval=None) as dead, listening(cloud) as alive:
        await subscribed(dead, channel)
        await cloud.fault("half_open")
        pong = await dead.ping()
        async with listening(cloud) as fresh:
            await subscribed(fresh, channel)
            await cloud.advance(60)
            assert cloud.ledger.sent["data"] == cloud.ledger.heard > 0
            for _ in range(cloud.ledger.heard):
                await fresh.recv()
        assert not pong.done()
        await cloud.heal("half_open")
        await pong
        assert alive.state.name == "OPEN"


async def test_a_cloud_closes_although_a_connection_is_half_open(make_options):
    async with FakeCloud(make_options()) as cloud:
        client = await listening(cloud, ping_interval=None)
        await subscribed(client, site_channels(cloud)[0])
        await cloud.fault("half_open")
    with pytest.raises(ConnectionClosed):
        await client.recv()
    await client.close()


async def test_a_slow_client_is_cut_off_and_the_other_hears_everything(make_options):
    options = make_options(buffer_limit_bytes=4_000_000)
    async with FakeCloud(options) as cloud, listening(cloud, max_queue=1) as slow, listening(cloud) as fast:
        for _ in range(60):
            await cloud.rubbish(1, ("megabyte_json",))
            assert len(await fast.recv()) > 1_000_000
            if cloud.ledger.connections["too_slow"]:
                break
        assert cloud.ledger.connections["too_slow"] == 1
        assert cloud.stream.clients <= 2
        slow.transport.abort()


async def test_rubbish_reaches_every_client_and_is_counted_by_kind(cloud):
    async with listening(cloud, max_size=None) as client:
        await subscribed(client, site_channels(cloud)[0])
        written = await cloud.rubbish(21)
        frames = [await client.recv() for _ in range(21)]
    assert sum(written.values()) == cloud.ledger.sent["rubbish"] == len(frames)
    assert written == dict(cloud.ledger.rubbish)
    assert {type(frame) for frame in frames} == {str, bytes}


async def test_a_device_that_was_removed_falls_silent(cloud):
    channel = site_channels(cloud)[0]
    async with listening(cloud) as client:
        await subscribed(client, channel)
        await cloud.advance(60)
        gone = next(iter(cloud.ledger.frames[channel]))
        await cloud.act("remove_device", mac=gone)
        before = {name: record.count for name, record in cloud.ledger.frames[channel][gone].items()}
        await cloud.advance(120)
        assert {name: r.count for name, r in cloud.ledger.frames[channel][gone].items()} == before
        assert cloud.atlas.truth(gone) is None


async def test_a_removed_site_ends_its_subscriptions(cloud):
    channel = site_channels(cloud)[0]
    async with listening(cloud) as client:
        await subscribed(client, channel)
        await cloud.act("remove_site", site_id=channel.split("/")[2])
        assert json.loads(await client.recv())["event"] == "subscribe_failed"


async def test_time_lives_by_the_clock(make_options):
    clock = ManualClock()
    async with FakeCloud(make_options(speed=60.0), clock=clock) as cloud:
        begin = cloud.fleet.now
        await clock.advance(1.0)
        assert cloud.fleet.now == pytest.approx(begin + 60.0, abs=6.1)


async def test_a_fault_ends_by_itself(make_options):
    clock = ManualClock()
    async with FakeCloud(make_options(), clock=clock) as cloud:
        channel = site_channels(cloud)[0]
        await cloud.fault("revoke_site", site_id=channel.split("/")[2], seconds=60)
        await cloud.fault("handshake_status", status=429, seconds=30)
        with pytest.raises(InvalidStatus) as refused:
            async with listening(cloud):
                pass
        assert refused.value.response.headers["Retry-After"] == "30"
        await clock.advance(30.1)
        async with listening(cloud) as client:
            assert (await ask(client, "subscribe", channel))["event"] == "subscribe_failed"
            await clock.advance(30.1)
            await subscribed(client, channel)


@pytest.mark.parametrize("nested", [True, False])
async def test_every_kind_of_device_is_heard_on_its_channel(make_options, nested):
    plan = FleetPlan(sites=1, aps=1, switches=1, virtual_chassis=1, gateways=1, srx_clusters=1, ssrs=1, mxedges=2)
    async with FakeCloud(make_options(plan=plan, nested=nested)) as cloud, listening(cloud) as client:
        org_id = cloud.fleet.orgs()[0]["id"]
        site_id = cloud.fleet.sites(org_id)[0]["id"]
        site = [f"/sites/{site_id}/{tail}" for tail in ("stats/devices", "stats/clients", "stats/mxedges")]
        await subscribed(client, *site, f"/orgs/{org_id}/stats/mxedges")
        await cloud.advance(180)
        spoken = {mac for devices in cloud.ledger.frames.values() for mac in devices}
        frames = [json.loads(await client.recv()) for _ in range(cloud.ledger.heard)]
    assert set(cloud.fleet.macs()) <= spoken
    assert {type(frame["data"]) for frame in frames} == {str if nested else dict}
    flavours = {name for devices in cloud.ledger.frames.values() for kinds in devices.values() for name in kinds}
    assert {"basic", "full", "cached", "fresh"} <= flavours
