import json

import pytest
from websockets.asyncio.client import connect

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import Event


@pytest.fixture
def call(cloud, session):
    async def send(method, path, *, answered=200, **body):
        answer = await session.request(method, cloud.control_url + path, json=body or None)
        assert answer.status == answered, await answer.text()
        return await answer.json()

    return send


def a_mac(cloud):
    return cloud.fleet.macs()[0]


async def test_the_overview_says_where_everything_is(cloud, call):
    overview = await call("GET", "/")
    assert (overview["api_url"], overview["stream_url"]) == (cloud.api_url, cloud.stream_url)
    assert overview["world_time"] == cloud.pace.now()
    assert overview["clients"] == 0


async def test_the_truth_of_one_and_of_all(cloud, call):
    await cloud.advance(60)
    mac = a_mac(cloud)
    one = await call("GET", f"/truth/{mac}")
    assert one == json.loads(json.dumps(cloud.fleet.truth(mac)))
    assert set(await call("GET", "/truth")) == set(cloud.fleet.macs())
    await call("GET", "/truth/000000000000", answered=404)


async def test_the_fleet_as_a_tree(cloud, call):
    tree = await call("GET", "/fleet")
    assert [len(org["sites"]) for org in tree] == [3, 3]
    assert {device["mac"] for org in tree for device in org["devices"]} == set(cloud.fleet.macs())


async def test_the_ledger_agrees_with_what_a_client_heard(cloud, call):
    site_id = cloud.fleet.sites(cloud.fleet.orgs()[0]["id"])[0]["id"]
    channel = f"/sites/{site_id}/stats/devices"
    headers = {"Authorization": "Token sim-token"}
    async with connect(cloud.stream_url, additional_headers=headers, max_queue=None) as client:
        await client.send(json.dumps({"subscribe": channel}))
        await client.recv()
        await call("POST", "/advance", seconds=60)
        rows = await call("GET", f"/ledger/frames?channel={channel}")
        heard = [json.loads(json.loads(await client.recv())["data"]) for _ in range(sum(r["count"] for r in rows))]
    last = {(payload["mac"], "_offset_apbasic" in payload): payload for payload in heard}
    assert {(row["mac"], row["flavour"] == "basic"): row["payload"] for row in rows} == last
    (bare, *_) = await call("GET", f"/ledger/frames?mac={rows[0]['mac']}&payloads=0")
    assert "payload" not in bare
    sums = await call("GET", "/ledger")
    assert sums["stream"]["frames"] == len(heard)


async def test_events_and_deliveries(cloud, call, receiver):
    org_id = cloud.fleet.orgs()[0]["id"]
    cloud.webhooks.create(org_id, None, {"url": receiver.url, "topics": ["audits"]}, 0.0)
    for number in range(3):
        cloud.sender.offer(Event("audits", {"org_id": org_id, "id": str(number)}, 0.0))
    assert (await call("POST", "/pause"))["undelivered"] == 0
    events = await call("GET", "/ledger/events?topic=audits")
    assert [event["event"]["id"] for event in events] == ["0", "1", "2"]
    assert {event["accepted"] for event in events} == {1}
    later = await call("GET", f"/ledger/events?topic=audits&since={events[0]['seq']}&limit=1")
    assert [event["seq"] for event in later] == [events[1]["seq"]]
    (delivery,) = await call("GET", "/ledger/deliveries")
    assert (delivery["status"], delivery["events"]) == (200, [event["seq"] for event in events])


async def test_a_paused_world_stands_still(make_options, session):
    async with FakeCloud(make_options(speed=1000.0, tick_s=0.001)) as cloud:
        at = (await (await session.post(cloud.control_url + "/pause")).json())["world_time"]
        assert cloud.fleet.now == at
        for _ in range(5):
            overview = await (await session.get(cloud.control_url + "/")).json()
            assert overview["paused"]
        assert cloud.fleet.now == at == overview["world_time"]
        resumed = await (await session.post(cloud.control_url + "/resume")).json()
        assert resumed["world_time"] >= at
        assert not cloud.pace.paused


async def test_actions_on_the_fleet(cloud, call):
    mac, count = a_mac(cloud), len(cloud.fleet.macs())
    await call("POST", "/fleet/actions", action="remove_device", mac=mac)
    assert mac not in cloud.fleet.macs()
    site_id = cloud.fleet.sites(cloud.fleet.orgs()[0]["id"])[0]["id"]
    added = await call("POST", "/fleet/actions", action="add_device", site_id=site_id)
    assert added["result"] in cloud.fleet.macs()
    assert len(cloud.fleet.macs()) == count
    site = await call("POST", "/fleet/actions", action="add_site")
    await call("POST", "/fleet/actions", action="remove_site", site_id=site["result"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"action": "explode"}, "unknown action"),
        ({"action": "step", "until": 1}, "unknown action"),
        ({"action": "reboot"}, "missing a required argument"),
        ({"action": "reboot", "mac": "x", "hard": True}, "unexpected keyword"),
        ({"action": "reboot", "mac": "x"}, "there is no 'x'"),
    ],
)
async def test_an_action_that_cannot_be_is_400(call, body, words):
    assert words in (await call("POST", "/fleet/actions", answered=400, **body))["detail"]


async def test_faults_begin_show_and_heal(call):
    (on,) = await call("POST", "/faults", kind="rest_status", status=503, seconds=60)
    assert on["kind"] == "rest_status"
    assert 0 < on["seconds_left"] <= 60
    assert len(await call("GET", "/faults")) == 1
    assert len(await call("DELETE", "/faults?kind=half_open")) == 1
    assert await call("DELETE", "/faults") == []
    assert "unknown fault" in (await call("POST", "/faults", answered=400, kind="x"))["detail"]


async def test_rubbish_on_demand(call):
    assert await call("POST", "/rubbish", count=2, kinds=["null", "list"]) == {"null": 0, "list": 0}
    await call("POST", "/rubbish", answered=400, kinds=["glitter"])


async def test_tokens_are_exchanged(cloud, call, session):
    await call("POST", "/tokens", tokens=["new"])
    assert (await session.get(cloud.api_url + "/api/v1/self")).status == 401
    answer = await session.get(cloud.api_url + "/api/v1/self", headers={"Authorization": "Token new"})
    assert answer.status == 200
    await call("POST", "/tokens", answered=400, tokens=[""])


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/x", 404), ("GET", "/pause", 405)])
async def test_other_calls_are_refused_in_json(call, method, path, status):
    assert "detail" in await call(method, path, answered=status)


@pytest.mark.parametrize("seconds", [-1, "x", None, True])
async def test_advance_takes_a_number(call, seconds):
    await call("POST", "/advance", answered=400, seconds=seconds)


async def test_the_truth_of_floors_and_what_crowds_do(cloud, call):
    await cloud.advance(60)
    floors = await call("GET", "/floors")
    assert floors == json.loads(json.dumps(cloud.fleet.floor_truth()))
    site_id = cloud.fleet.sites(cloud.fleet.orgs()[0]["id"])[0]["id"]
    assert set(floors["maps"]) >= {floor["id"] for floor in cloud.fleet.maps(site_id)}
    assert await call("POST", "/fleet/actions", action="evacuate", site_id=site_id) == {"result": 0}
    await call("POST", "/fleet/actions", action="lunch_rush", site_id="nowhere", answered=400)
