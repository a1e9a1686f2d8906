"""The whole daemon and deliveries that nobody should send."""

import json

import pytest

from tests.support import samples
from tests.support.house import keeping_house

EVENT = {"type": "AP_RESTARTED", "mac": "5c5b35000001", "timestamp": 1_767_225_700}

# body -> (status, what its events are booked as: topic -> received, applied)
DELIVERIES = {
    "good": (json.dumps({"topic": "device-events", "events": [EVENT]}), 200, {"device-events": (1, 1)}),
    "twice": (json.dumps({"topic": "device-events", "events": [EVENT, EVENT]}), 200, {"device-events": (2, 1)}),
    "mixed": (
        json.dumps({"topic": "device-events", "events": [None, 1, "x", [], {}, EVENT, {"type": ["AP"], "mac": 5}]}),
        200,
        {"device-events": (7, 3)},
    ),
    "unknown topic": (json.dumps({"topic": "sneezes", "events": [{"a": 1}]}), 200, {"other": (1, 1)}),
    "no event": (json.dumps({"topic": "alarms", "events": []}), 200, {}),
    "truncated": ('{"topic": "alarms", "events": [{"id"', 400, {"other": (1, 0)}),
    "null": ("null", 400, {"other": (1, 0)}),
    "list": ("[1, 2]", 400, {"other": (1, 0)}),
    "no topic": ('{"events": [{}]}', 400, {"other": (1, 0)}),
    "events of the wrong type": ('{"topic": "alarms", "events": "all"}', 400, {"other": (1, 0)}),
    "bytes": (b"\\xff\\xfe\\x00" * 50, 400, {"other": (1, 0)}),
    "deep": ('{"topic": "alarms", "events": ' + "[" * 5000 + "]" * 5000 + "}", 400, {"other": (1, 0)}),
}


@pytest.mark.parametrize("name", DELIVERIES)
async def test_rubbish_deliveries_are_accounted_for(name, tmp_path):
    body, status, booked = DELIVERIES[name]
    async with keeping_house(tmp_path) as house:
        url = f"http://127.0.0.1:{house.daemon.webhook.port}/webhook"
        async with house.http.post(url, data=body) as answer:
            assert answer.status == status
        found = await house.samples()
    received, applied, dropped = (
        samples.by_label(found, f"mist_collector_webhook_events_{fate}_total", "topic")
        for fate in ("received", "applied", "dropped")
    )
    assert {topic: (received[topic,], applied[topic,]) for (topic,) in received} == booked
    assert {topic: applied[topic] + dropped.get(topic, 0) for topic in received} == received
    assert not any(samples.having(found, reason="internal_error").values())
