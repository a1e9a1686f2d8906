import json

import pytest

from collector.simulator.fleet import WebhookEvent

V1 = "/api/v1"


@pytest.fixture(params=["orgs", "sites"])
def base(request, cloud, org_id, site_id):
    owner = {"orgs": org_id, "sites": site_id}[request.param]
    return f"{cloud.api_url}{V1}/{request.param}/{owner}/webhooks"


async def test_webhooks_are_created_updated_and_deleted(base, session, receiver):
    created = await (await session.post(base, json={"url": receiver.url, "topics": ["audits"]})).json()
    one = f"{base}/{created['id']}"
    assert [row["id"] for row in await (await session.get(base)).json()] == [created["id"]]
    updated = await (await session.put(one, json={"topics": ["alarms"], "enabled": False, "id": "mine"})).json()
    assert (updated["topics"], updated["enabled"], updated["id"]) == (["alarms"], False, created["id"])
    assert await (await session.get(one)).json() == updated
    assert (await session.put(one, json={"topics": ["weather"]})).status == 400
    assert (await session.delete(one)).status == 200
    assert (await session.get(one)).status == 404


async def test_an_invalid_webhook_is_400_with_the_reason(base, session):
    async with session.post(base, json={"url": "ftp://x/", "topics": ["audits"]}) as response:
        assert response.status == 400
        assert "url must start" in (await response.json())["detail"]


async def test_a_body_that_is_not_json_is_400(base, session):
    async with session.post(base, data=b"{") as response:
        assert response.status == 400


async def test_location_topics_are_allowed_only_for_sites(cloud, session, org_id, site_id):
    body = {"url": "http://127.0.0.1:1/", "topics": ["location"]}
    for owner, status in ((f"orgs/{org_id}", 400), (f"sites/{site_id}", 200)):
        assert (await session.post(f"{cloud.api_url}{V1}/{owner}/webhooks", json=body)).status == status


async def test_a_ping_is_delivered_at_once_regardless_of_the_topics(base, cloud, session, receiver):
    created = await (await session.post(base, json={"url": receiver.url, "topics": ["audits"], "name": "mine"})).json()
    assert (await session.post(f"{base}/{created['id']}/ping")).status == 200
    await cloud.sender.flush()
    (body,) = map(json.loads, receiver.bodies)
    assert body["topic"] == "ping"
    assert (body["events"][0]["id"], body["events"][0]["name"]) == (created["id"], "mine")


async def test_the_delivery_log_covers_only_some_topics(cloud, session, receiver, org_id):
    body = {"url": receiver.url, "topics": ["audits", "client-join"]}
    webhook = cloud.webhooks.create(org_id, None, body, 0.0)
    receiver.statuses = [500]
    for topic in ("audits", "client-join"):
        cloud.sender.add(WebhookEvent(topic, {"org_id": org_id}, 0.0))
        await cloud.sender.flush()
    base = f"{cloud.api_url}{V1}/orgs/{org_id}/webhooks/{webhook.id}/events"
    log = await (await session.get(f"{base}/search")).json()
    assert [(row["topic"], row["status"], row["status_code"]) for row in log["results"]] == [
        ("audits", "failure", 500),
        ("audits", "success", 200),
    ]
    counts = await (await session.get(f"{base}/count?distinct=status")).json()
    assert {row["status"]: row["count"] for row in counts["results"]} == {"failure": 1, "success": 1}
    assert (await session.get(f"{base}/count?distinct=colour")).status == 400
