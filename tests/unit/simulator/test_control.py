import json

import pytest

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import WebhookEvent
from tests.support.stream_client import connect_to, device_channels, subscribe


@pytest.fixture
def call(cloud, session):
    async def send(method, path, *, expected=200, **body):
        response = await session.request(method, cloud.control_url + path, json=body or None)
        assert response.status == expected, await response.text()
        return await response.json()

    return send


@pytest.fixture
def site_id(cloud):
    return cloud.fleet.sites(cloud.fleet.orgs()[0]["id"])[0]["id"]


async def test_the_overview_has_the_addresses_and_the_state(cloud, call):
    overview = await call("GET", "/")
    assert (overview["api_url"], overview["stream_url"]) == (cloud.api_url, cloud.stream_url)
    assert overview["control_url"] == cloud.control_url
    assert overview["simulated_time"] == cloud.time.now()
    assert (overview["paused"], overview["clients"], overview["faults"]) == (False, 0, [])


async def test_the_true_state_of_one_device_and_of_all(cloud, call):
    await cloud.advance(60)
    mac = cloud.fleet.macs()[0]
    assert await call("GET", f"/truth/{mac}") == json.loads(json.dumps(cloud.fleet.truth(mac)))
    assert set(await call("GET", "/truth")) == set(cloud.fleet.macs())
    await call("GET", "/truth/000000000000", expected=404)


async def test_the_fleet_as_a_tree(cloud, call):
    tree = await call("GET", "/fleet")
    assert [len(org["sites"]) for org in tree] == [3, 3]
    assert {device["mac"] for org in tree for device in org["devices"]} == set(cloud.fleet.macs())


async def test_the_ledger_agrees_with_the_received_frames(cloud, call):
    channel = device_channels(cloud)[0]
    async with connect_to(cloud) as client:
        await subscribe(client, channel)
        await call("POST", "/advance", seconds=60)
        rows = await call("GET", f"/ledger/frames?channel={channel}")
        received = [json.loads(json.loads(await client.recv())["data"]) for _ in range(sum(r["count"] for r in rows))]
    last = {(payload["mac"], "_offset_apbasic" in payload): payload for payload in received}
    assert {(row["mac"], row["type"] == "basic"): row["payload"] for row in rows} == last
    (first, *_) = await call("GET", f"/ledger/frames?mac={rows[0]['mac']}&payloads=0")
    assert "payload" not in first
    totals = await call("GET", "/ledger")
    assert totals["stream"]["frames"] == len(received)


async def test_events_and_deliveries(cloud, call, receiver):
    org_id = cloud.fleet.orgs()[0]["id"]
    cloud.webhooks.create(org_id, None, {"url": receiver.url, "topics": ["audits"]}, 0.0)
    for number in range(3):
        cloud.sender.add(WebhookEvent("audits", {"org_id": org_id, "id": str(number)}, 0.0))
    assert (await call("POST", "/pause"))["undelivered"] == 0
    events = await call("GET", "/ledger/events?topic=audits")
    assert [event["event"]["id"] for event in events] == ["0", "1", "2"]
    assert {event["accepted"] for event in events} == {1}
    later = await call("GET", f"/ledger/events?topic=audits&since={events[0]['seq']}&limit=1")
    assert [event["seq"] for event in later] == [events[1]["seq"]]
    (delivery,) = await call("GET", "/ledger/deliveries")
    assert (delivery["status"], delivery["events"]) == (200, [event["seq"] for event in events])


async def test_the_simulated_time_can_be_paused_and_resumed(make_options, session):
    async with FakeCloud(make_options(speed=1000.0, tick_s=0.001)) as cloud:
        at = (await (await session.post(cloud.control_url + "/pause")).json())["simulated_time"]
        assert cloud.fleet.now == at
        for _ in range(5):
            overview = await (await session.get(cloud.control_url + "/")).json()
            assert overview["paused"]
        assert cloud.fleet.now == at == overview["simulated_time"]
        resumed = await (await session.post(cloud.control_url + "/resume")).json()
        assert resumed["simulated_time"] >= at
        assert not cloud.time.paused


@pytest.mark.parametrize("seconds", [-1, "x", None, True])
async def test_advance_requires_a_number_from_zero(call, seconds):
    await call("POST", "/advance", expected=400, seconds=seconds)


async def test_actions_on_the_fleet(cloud, call, site_id):
    mac, count = cloud.fleet.macs()[0], len(cloud.fleet.macs())
    await call("POST", "/fleet/actions", action="remove_device", mac=mac)
    assert mac not in cloud.fleet.macs()
    added = await call("POST", "/fleet/actions", action="add_device", site_id=site_id)
    assert added["result"] in cloud.fleet.macs()
    assert len(cloud.fleet.macs()) == count
    site = await call("POST", "/fleet/actions", action="add_site")
    await call("POST", "/fleet/actions", action="remove_site", site_id=site["result"])
    assert await call("POST", "/fleet/actions", action="evacuate", site_id=site_id) == {"result": 0}


async def test_an_invalid_action_is_400(call):
    body = await call("POST", "/fleet/actions", expected=400, action="reboot", mac="x")
    assert body["detail"] == "reboot: unknown id 'x'"


async def test_the_true_occupancy_of_floors(cloud, call, site_id):
    await cloud.advance(60)
    floors = await call("GET", "/floors")
    assert floors == json.loads(json.dumps(cloud.fleet.floor_truth()))
    assert set(floors["maps"]) >= {floor["id"] for floor in cloud.fleet.maps(site_id)}


async def test_faults_are_injected_listed_and_healed(call):
    (active,) = await call("POST", "/faults", kind="rest_status", status=503, seconds=60)
    assert active["kind"] == "rest_status"
    assert 0 < active["seconds_left"] <= 60
    assert len(await call("GET", "/faults")) == 1
    assert len(await call("DELETE", "/faults?kind=half_open")) == 1
    assert await call("DELETE", "/faults") == []
    assert "unknown fault" in (await call("POST", "/faults", expected=400, kind="x"))["detail"]


async def test_malformed_frames(call):
    assert await call("POST", "/malformed", count=2, kinds=["null", "list"]) == {"null": 0, "list": 0}
    await call("POST", "/malformed", expected=400, kinds=["glitter"])


async def test_scenarios_are_started_listed_and_ended(call):
    started = await call("POST", "/scenario", name="ap-down", site=1)
    assert started["alerts"] == ["MistAccessPointDown"]
    listed = await call("GET", "/scenarios")
    assert [one["name"] for one in listed["running"]] == ["ap-down"]
    assert {"name", "description", "alerts", "per_site"} == set(listed["scenarios"][0])
    assert [one["name"] for one in await call("DELETE", "/scenario?name=ap-down")] == ["ap-down"]
    assert "unknown scenario" in (await call("POST", "/scenario", expected=400, name="x"))["detail"]


async def test_tokens_are_replaced(cloud, call, session):
    await call("POST", "/tokens", tokens=["new"])
    assert (await session.get(cloud.api_url + "/api/v1/self")).status == 401
    response = await session.get(cloud.api_url + "/api/v1/self", headers={"Authorization": "Token new"})
    assert response.status == 200
    await call("POST", "/tokens", expected=400, tokens=[""])


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/x", 404), ("GET", "/pause", 405)])
async def test_errors_are_json(call, method, path, status):
    assert "detail" in await call(method, path, expected=status)


async def test_a_body_that_is_not_an_object_is_400(cloud, session):
    async with session.post(cloud.control_url + "/faults", json=[1]) as response:
        assert response.status == 400
        assert (await response.json())["detail"] == "a JSON object is required"
