import hashlib
import hmac
import json

import pytest

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import WebhookEvent
from collector.simulator.options import SenderOptions


def event(cloud, number=0, topic="device-events"):
    org_id = cloud.fleet.orgs()[0]["id"]
    site_id = cloud.fleet.sites(org_id)[0]["id"]
    payload = {"org_id": org_id, "site_id": site_id, "type": "AP_RESTARTED", "timestamp": number}
    return WebhookEvent(topic, payload, float(number))


def webhook(cloud, receiver, *, site=False, **changes):
    sample = event(cloud).payload
    body = {"url": receiver.url, "topics": ["device-events"], "secret": "s3cret"} | changes
    return cloud.webhooks.create(sample["org_id"], sample["site_id"] if site else None, body, 0.0)


async def deliver(cloud, *events):
    records = [cloud.sender.add(one) for one in events]
    await cloud.sender.flush()
    return records


async def test_events_of_a_window_are_one_delivery_with_both_signatures(cloud, receiver):
    webhook(cloud, receiver)
    records = await deliver(cloud, event(cloud, 1), event(cloud, 2))
    (body,), (headers,) = receiver.bodies, receiver.headers
    assert json.loads(body) == {"topic": "device-events", "events": [record.payload for record in records]}
    assert headers["X-Mist-Signature-v2"] == hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["X-Mist-Signature"] == hmac.new(b"s3cret", body, hashlib.sha1).hexdigest()
    assert headers["User-Agent"] == "Mist-webhook"
    assert headers["Content-Type"] == "application/json"
    assert [(record.deliveries, record.accepted) for record in records] == [(1, 1), (1, 1)]


async def test_topics_are_separate_deliveries_and_other_topics_are_not_delivered(cloud, receiver):
    webhook(cloud, receiver, topics=["device-events", "audits"])
    await deliver(cloud, event(cloud), event(cloud, topic="audits"), event(cloud, topic="client-join"))
    assert sorted(json.loads(body)["topic"] for body in receiver.bodies) == ["audits", "device-events"]
    assert cloud.ledger.topics["client-join"] == {"events": 1}


async def test_an_event_is_delivered_to_the_webhooks_of_org_and_site(cloud, receiver):
    webhook(cloud, receiver)
    webhook(cloud, receiver, site=True)
    (record,) = await deliver(cloud, event(cloud))
    assert len(receiver.bodies) == 2
    assert (record.webhooks, record.deliveries, record.accepted) == (2, 2, 2)
    assert cloud.ledger.topics["device-events"]["delivered"] == 1


@pytest.mark.parametrize("failure", [0, 302, 401, 500])
async def test_a_failed_delivery_is_retried_with_an_identical_body(cloud, receiver, failure):
    webhook(cloud, receiver)
    receiver.statuses = [failure, failure]
    (record,) = await deliver(cloud, event(cloud))
    assert len(receiver.bodies) == 3
    assert len(set(receiver.bodies)) == 1
    assert (record.deliveries, record.accepted) == (3, 1)
    assert [(one.attempt, one.status) for one in cloud.ledger.deliveries] == [
        (1, failure or None),
        (2, failure or None),
        (3, 200),
    ]


async def test_events_are_lost_after_the_last_attempt(cloud, receiver):
    webhook(cloud, receiver)
    receiver.statuses = [500] * 3
    (record,) = await deliver(cloud, event(cloud))
    assert record.accepted == 0
    assert cloud.ledger.topics["device-events"]["lost"] == 1


async def test_an_unreachable_receiver_does_not_affect_another(cloud, receiver):
    webhook(cloud, receiver)
    webhook(cloud, receiver, url="http://127.0.0.1:1/webhook")
    (record,) = await deliver(cloud, event(cloud))
    assert (record.deliveries, record.accepted) == (4, 1)
    assert {one.error for one in cloud.ledger.deliveries if one.status is None} == {"ClientConnectorError"}


async def test_the_seed_determines_which_deliveries_are_repeated(make_options, receiver):
    sender = SenderOptions(duplicate_share=0.3, batch_limit=1)
    repeated = []
    for _ in range(2):
        async with FakeCloud(make_options(sender=sender)) as cloud:
            webhook(cloud, receiver)
            await deliver(cloud, *(event(cloud, number) for number in range(40)))
            repeated.append(sorted(one.events for one in cloud.ledger.deliveries if one.repeat))
            assert cloud.ledger.topics["device-events"]["delivered"] == 40
    assert repeated[0] == repeated[1]
    assert 0 < len(repeated[0]) < 40


async def test_a_delivery_has_at_most_the_batch_limit_of_events(make_options, receiver):
    async with FakeCloud(make_options(sender=SenderOptions(batch_limit=4, duplicate_share=0.0))) as cloud:
        webhook(cloud, receiver)
        await deliver(cloud, *(event(cloud, number) for number in range(10)))
    assert sorted(len(json.loads(body)["events"]) for body in receiver.bodies) == [2, 4, 4]


async def test_single_events_only_for_topics_that_support_them(cloud, receiver):
    webhook(cloud, receiver, single_event_per_message=True, topics=["device-events", "audits"])
    events = [event(cloud, number, topic) for topic in ("device-events", "audits") for number in range(2)]
    await deliver(cloud, *events)
    sizes = sorted((json.loads(body)["topic"], len(json.loads(body)["events"])) for body in receiver.bodies)
    assert sizes == [("audits", 2), ("device-events", 1), ("device-events", 1)]


async def test_a_signature_fault_makes_signatures_invalid(cloud, receiver):
    webhook(cloud, receiver)
    await cloud.fault("bad_signature", count=1)
    await deliver(cloud, event(cloud))
    await deliver(cloud, event(cloud))
    valid = [
        headers["X-Mist-Signature-v2"] == hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        for body, headers in zip(receiver.bodies, receiver.headers, strict=True)
    ]
    assert valid == [False, True]


async def test_undelivered_events_are_counted_until_they_are_flushed(cloud, receiver):
    webhook(cloud, receiver)
    cloud.sender.add(event(cloud))
    assert cloud.sender.undelivered == 1
    await cloud.sender.flush()
    assert cloud.sender.undelivered == 0
