import hashlib
import hmac
import json

import pytest

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import Event
from collector.simulator.options import SenderOptions

V1 = "/api/v1"


def event(cloud, number=0, topic="device-events"):
    org_id = cloud.fleet.orgs()[0]["id"]
    site_id = cloud.fleet.sites(org_id)[0]["id"]
    payload = {"org_id": org_id, "site_id": site_id, "type": "AP_RESTARTED", "timestamp": number}
    return Event(topic, payload, float(number))


def webhook(cloud, receiver, *, site=False, **changes):
    sample = event(cloud).payload
    body = {"url": receiver.url, "topics": ["device-events"], "secret": "s3cret"} | changes
    return cloud.webhooks.create(sample["org_id"], sample["site_id"] if site else None, body, 0.0)


async def deliver(cloud, *events):
    records = [cloud.sender.offer(one) for one in events]
    await cloud.sender.flush()
    return records


async def test_events_of_a_window_come_in_one_delivery_with_both_signatures(cloud, receiver):
    webhook(cloud, receiver)
    records = await deliver(cloud, event(cloud, 1), event(cloud, 2))
    (body,), (headers,) = receiver.bodies, receiver.headers
    assert json.loads(body) == {"topic": "device-events", "events": [record.payload for record in records]}
    assert headers["X-Mist-Signature-v2"] == hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["X-Mist-Signature"] == hmac.new(b"s3cret", body, hashlib.sha1).hexdigest()
    assert headers["User-Agent"] == "Mist-webhook"
    assert headers["Content-Type"] == "application/json"
    assert [(record.deliveries, record.accepted) for record in records] == [(1, 1), (1, 1)]


async def test_without_a_secret_nothing_is_signed(cloud, receiver):
    webhook(cloud, receiver, secret="")
    await deliver(cloud, event(cloud))
    assert not [name for name in receiver.headers[0] if "Signature" in name]


async def test_topics_are_delivered_apart_and_only_those_configured(cloud, receiver):
    webhook(cloud, receiver, topics=["device-events", "audits"])
    await deliver(cloud, event(cloud), event(cloud, topic="audits"), event(cloud, topic="client-join"))
    assert sorted(json.loads(body)["topic"] for body in receiver.bodies) == ["audits", "device-events"]
    assert cloud.ledger.topics["client-join"] == {"events": 1}


async def test_org_and_site_webhook_make_every_event_twice(cloud, receiver):
    webhook(cloud, receiver)
    webhook(cloud, receiver, site=True)
    (record,) = await deliver(cloud, event(cloud))
    assert len(receiver.bodies) == 2
    assert (record.webhooks, record.deliveries, record.accepted) == (2, 2, 2)
    assert cloud.ledger.topics["device-events"]["delivered"] == 1


async def test_another_site_and_a_disabled_webhook_get_nothing(cloud, receiver):
    first = webhook(cloud, receiver, site=True)
    first.site_id = "elsewhere"
    webhook(cloud, receiver, enabled=False)
    await deliver(cloud, event(cloud))
    assert receiver.bodies == []


@pytest.mark.parametrize("failure", [0, 302, 401, 500])
async def test_what_is_not_answered_2xx_is_tried_again_byte_for_byte(cloud, receiver, failure):
    webhook(cloud, receiver)
    receiver.statuses = [failure, failure]
    (record,) = await deliver(cloud, event(cloud))
    assert len(receiver.bodies) == 3
    assert len(set(receiver.bodies)) == 1
    assert (record.deliveries, record.accepted) == (3, 1)
    assert [(d.attempt, d.status) for d in cloud.ledger.deliveries] == [
        (1, failure or None),
        (2, failure or None),
        (3, 200),
    ]


async def test_after_the_last_try_the_events_are_lost_and_counted(cloud, receiver):
    webhook(cloud, receiver)
    receiver.statuses = [500] * 3
    (record,) = await deliver(cloud, event(cloud))
    assert record.accepted == 0
    assert cloud.ledger.topics["device-events"]["lost"] == 1


async def test_a_receiver_that_is_not_there_does_not_stop_the_other(cloud, receiver):
    webhook(cloud, receiver)
    webhook(cloud, receiver, url="http://127.0.0.1:1/webhook")
    (record,) = await deliver(cloud, event(cloud))
    assert (record.deliveries, record.accepted) == (4, 1)
    assert {d.error for d in cloud.ledger.deliveries if d.status is None} == {"ClientConnectorError"}


async def test_a_share_of_deliveries_is_repeated_by_seed(make_options, receiver):
    sender = SenderOptions(duplicate_share=0.3, batch_limit=1)
    repeated = []
    for _ in range(2):
        async with FakeCloud(make_options(sender=sender)) as cloud:
            webhook(cloud, receiver)
            await deliver(cloud, *(event(cloud, number) for number in range(40)))
            repeated.append(sorted(d.events for d in cloud.ledger.deliveries if d.repeat))
            assert cloud.ledger.topics["device-events"]["delivered"] == 40
    assert repeated[0] == repeated[1]
    assert 0 < len(repeated[0]) < 40


async def test_a_big_window_is_cut_into_batches(make_options, receiver):
    async with FakeCloud(make_options(sender=SenderOptions(batch_limit=4, duplicate_share=0.0))) as cloud:
        webhook(cloud, receiver)
        await deliver(cloud, *(event(cloud, number) for number in range(10)))
    assert sorted(len(json.loads(body)["events"]) for body in receiver.bodies) == [2, 4, 4]


async def test_single_events_where_the_topic_allows_it(cloud, receiver):
    webhook(cloud, receiver, single_event_per_message=True, topics=["device-events", "audits"])
    events = [event(cloud, number, topic) for topic in ("device-events", "audits") for number in range(2)]
    await deliver(cloud, *events)
    sizes = sorted((json.loads(body)["topic"], len(json.loads(body)["events"])) for body in receiver.bodies)
    assert sizes == [("audits", 2), ("device-events", 1), ("device-events", 1)]


async def test_a_bad_signature_on_demand(cloud, receiver):
    webhook(cloud, receiver)
    await cloud.fault("bad_signature", count=1)
    await deliver(cloud, event(cloud))
    await deliver(cloud, event(cloud))
    right = [
        headers["X-Mist-Signature-v2"] == hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        for body, headers in zip(receiver.bodies, receiver.headers, strict=True)
    ]
    assert right == [False, True]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Team": "noc"}, {"X-Team": "noc"}),
        ("X-Team: noc", {"X-Mist-Error": "headers format invalid"}),
        ({"X-Team": 1}, {"X-Mist-Error": "header[X-Team] not a string"}),
        ({"X-Team": "n" * 1000}, {"X-Mist-Error": "headers too big"}),
    ],
)
async def test_custom_headers(cloud, receiver, headers, expected):
    webhook(cloud, receiver, headers=headers)
    await deliver(cloud, event(cloud))
    assert expected.items() <= receiver.headers[0].items()


@pytest.fixture(params=["orgs", "sites"])
def base(request, cloud):
    sample = event(cloud).payload
    return f"{cloud.api_url}{V1}/{request.param}/{sample['org_id' if request.param == 'orgs' else 'site_id']}/webhooks"


async def test_webhooks_are_made_changed_and_removed_by_rest(base, session, receiver):
    made = await (await session.post(base, json={"url": receiver.url, "topics": ["audits"]})).json()
    one = f"{base}/{made['id']}"
    assert [row["id"] for row in await (await session.get(base)).json()] == [made["id"]]
    changed = await (await session.put(one, json={"topics": ["alarms"], "enabled": False, "id": "mine"})).json()
    assert (changed["topics"], changed["enabled"], changed["id"]) == (["alarms"], False, made["id"])
    assert await (await session.get(one)).json() == changed
    assert (await session.delete(one)).status == 200
    assert (await session.get(one)).status == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "url is required"),
        ([], "url is required"),
        ({"url": "http://x/"}, "topics is required"),
        ({"url": "ftp://x/", "topics": ["audits"]}, "url must begin"),
        ({"url": "http://x/", "topics": ["weather"]}, "topic weather"),
        ({"url": "http://x/", "topics": "audits"}, "topics has the wrong type"),
        ({"url": "http://x/", "topics": ["audits"], "type": "aws-sns"}, "http-post only"),
        ({"url": "http://x/", "topics": ["audits"], "colour": "red"}, "colour is not known"),
    ],
)
async def test_a_webhook_that_cannot_be_is_400(base, session, body, words):
    async with session.post(base, json=body) as answer:
        assert answer.status == 400
        assert words in (await answer.json())["detail"]


async def test_a_body_that_is_no_json_is_400(base, session):
    async with session.post(base, data=b"{") as answer:
        assert answer.status == 400


async def test_location_topics_are_for_sites_only(cloud, session, receiver):
    sample = event(cloud).payload
    body = {"url": receiver.url, "topics": ["location"]}
    for owner, status in ((f"orgs/{sample['org_id']}", 400), (f"sites/{sample['site_id']}", 200)):
        assert (await session.post(f"{cloud.api_url}{V1}/{owner}/webhooks", json=body)).status == status


async def test_ping_is_delivered_at_once_whatever_the_topics(base, cloud, session, receiver):
    made = await (await session.post(base, json={"url": receiver.url, "topics": ["audits"], "name": "mine"})).json()
    assert (await session.post(f"{base}/{made['id']}/ping")).status == 200
    await cloud.sender.flush()
    (body,) = map(json.loads, receiver.bodies)
    assert body["topic"] == "ping"
    assert (body["events"][0]["id"], body["events"][0]["name"]) == (made["id"], "mine")


async def test_the_log_of_deliveries(cloud, session, receiver):
    made = webhook(cloud, receiver, topics=["audits", "client-join"])
    receiver.statuses = [500]
    await deliver(cloud, event(cloud, topic="audits"))
    await deliver(cloud, event(cloud, topic="client-join"))
    base = f"{cloud.api_url}{V1}/orgs/{made.org_id}/webhooks/{made.id}/events"
    log = await (await session.get(f"{base}/search")).json()
    assert [(row["topic"], row["status"], row["status_code"]) for row in log["results"]] == [
        ("audits", "failure", 500),
        ("audits", "success", 200),
    ]
    counts = await (await session.get(f"{base}/count?distinct=status")).json()
    assert {row["status"]: row["count"] for row in counts["results"]} == {"failure": 1, "success": 1}
    assert (await session.get(f"{base}/count?distinct=colour")).status == 400


async def test_the_options_make_webhooks_for_orgs_and_sites(make_options, receiver):
    options = make_options(webhook_url=receiver.url, webhook_secret="s3cret", webhook_on_sites=True)
    async with FakeCloud(options) as cloud:
        org = cloud.fleet.orgs()[1]["id"]
        assert len(cloud.webhooks.owned(org, None)) == 1
        assert all(len(cloud.webhooks.owned(org, site["id"])) == 1 for site in cloud.fleet.sites(org))
        await cloud.act("reboot", mac=cloud.fleet.inventory(org)[0]["mac"])
        await cloud.sender.flush()
        types = {e["type"] for body in map(json.loads, receiver.bodies) for e in body["events"] if "type" in e}
        assert "AP_DISCONNECTED" in types
        assert "s3cret" not in repr(options)
