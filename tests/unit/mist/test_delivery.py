from __future__ import annotations

import pytest

from collector.errors import Rejected
from collector.mist.delivery import Delivery, parse_delivery

PING = {"id": "a", "name": "hook", "site_id": "b", "timestamp": 1614000000.5}

DELIVERIES = {
    "as documented": (
        b'{"topic":"ping","events":[{"id":"a","name":"hook","site_id":"b","timestamp":1614000000.5}]}',
        Delivery("ping", [PING]),
    ),
    "a topic that nobody knows": (b'{"events":[{}],"topic":"weather"}', Delivery("weather", [{}])),
    "no events are no fault": (b'{"topic":"ping","events":[]}', Delivery("ping", [])),
    "events that are no objects": (b'{"topic":"ping","events":[null,7,"x",[]]}', Delivery("ping", [None, 7, "x", []])),
    "a name that is no UTF-8": (b'{"topic":"ping","events":["caf\xe9\0"]}', Delivery("ping", ["caf\ufffd"])),
}

REJECTED = {
    "nothing": (b"", "not_json"),
    "truncated": (b'{"topic":"ping","events":[{"id":', "not_json"),
    "a form": (b"topic=ping&events=", "not_json"),
    "a list": (b"[]", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "no topic": (b'{"events":[{}]}', "no_topic"),
    "an empty topic": (b'{"topic":"","events":[{}]}', "no_topic"),
    "a topic that is no name": (b'{"topic":["ping"],"events":[{}]}', "no_topic"),
    "no events": (b'{"topic":"ping"}', "no_events"),
    "events null": (b'{"topic":"ping","events":null}', "no_events"),
    "one event without a list": (b'{"topic":"ping","events":{"id":"a"}}', "no_events"),
    "a bomb": (b'{"topic":"ping","events":' + b"[" * 2000 + b"]" * 2000 + b"}", "too_deep"),
}


@pytest.mark.parametrize(("body", "delivery"), DELIVERIES.values(), ids=DELIVERIES)
def test_a_body_is_read(body, delivery):
    assert parse_delivery(body) == delivery


@pytest.mark.parametrize(("body", "reason"), REJECTED.values(), ids=REJECTED)
def test_a_body_without_events_is_rejected(body, reason):
    assert parse_delivery(body) == Rejected(reason)
