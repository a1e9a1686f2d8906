"""Deliveries: what is read, what is rejected, and the bounds of the work."""

from __future__ import annotations

import json

import pytest

from collector.errors import Rejected
from collector.mist.delivery import (
    EVENT_TOO_LARGE,
    MAX_EVENT_BYTES,
    MAX_EVENT_VALUES,
    MAX_EVENTS,
    MAX_TOLERANT_BYTES,
    MAX_TOPIC_LENGTH,
    MAX_VALUES,
    PARSED_AT_ONCE_BYTES,
    Delivery,
    DeliveryReader,
    parse_delivery,
    read_delivery,
)

PING = {"id": "a", "name": "hook", "site_id": "b", "timestamp": 1614000000.5}
PADDING = b" " * PARSED_AT_ONCE_BYTES  # makes a body large without changing what it says

DELIVERIES = {
    "as documented": (
        b'{"topic":"ping","events":[{"id":"a","name":"hook","site_id":"b","timestamp":1614000000.5}]}',
        Delivery("ping", [PING]),
    ),
    "an unknown topic": (b'{"events":[{}],"topic":"weather"}', Delivery("weather", [{}])),
    "without events": (b'{"topic":"ping","events":[]}', Delivery("ping", [])),
    "events that are not objects": (b'{"topic":"ping","events":[null,7,"x",[]]}', Delivery("ping", [None, 7, "x", []])),
    "other keys": (b'{"a":{"b":[1]},"topic":"ping","events":[1]}', Delivery("ping", [1])),
    "a name that is not UTF-8": (b'{"topic":"ping","events":["caf\xe9"]}', Delivery("ping", ["caf\ufffd"])),
    "NUL in a name": (b'{"topic":"ping","events":["caf\xe9\0"]}', Delivery("ping", ["caf\ufffd"])),
    "a lone surrogate": (b'{"topic":"ping","events":["\\ud800x"]}', Delivery("ping", ["\ufffdx"])),
}

REJECTED = {
    "nothing": (b"", "not_json"),
    "truncated": (b'{"topic":"ping","events":[{"id":', "not_json"),
    "a form": (b"topic=ping&events=", "not_json"),
    "a list": (b"[]", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "no topic": (b'{"events":[{}]}', "no_topic"),
    "an empty topic": (b'{"topic":"","events":[{}]}', "no_topic"),
    "a topic that is not a string": (b'{"topic":["ping"],"events":[{}]}', "no_topic"),
    "neither": (b"{}", "no_topic"),
    "no events": (b'{"topic":"ping"}', "no_events"),
    "events null": (b'{"topic":"ping","events":null}', "no_events"),
    "an event without a list": (b'{"topic":"ping","events":{"id":"a"}}', "no_events"),
    "nested too deeply": (b'{"topic":"ping","events":' + b"[" * 2000 + b"]" * 2000 + b"}", "too_deep"),
    "a topic that is too long": (b'{"topic":"%b","events":[]}' % (b"x" * (MAX_TOPIC_LENGTH + 1)), "topic_too_long"),
}


@pytest.mark.parametrize("padding", [b"", PADDING], ids=["small", "large"])
@pytest.mark.parametrize(("body", "delivery"), DELIVERIES.values(), ids=DELIVERIES)
def test_valid_bodies(body, delivery, padding):
    assert parse_delivery(padding + body) == delivery


@pytest.mark.parametrize("padding", [b"", PADDING], ids=["small", "large"])
@pytest.mark.parametrize(("body", "reason"), REJECTED.values(), ids=REJECTED)
def test_rejected_bodies(body, reason, padding):
    assert parse_delivery(padding + body) == Rejected(reason)


def test_a_large_body_with_nested_events_is_rejected_when_it_is_too_deep():
    for body in (
        b'{"topic":"ping","events":[' + b"[" * 200_000 + b"]" * 200_000 + b"]}",
        b'{"topic":1,"events":[' + b"[" * 200_000 + b"]" * 200_000 + b"]}",
    ):
        assert read_delivery(PADDING + body) == Rejected("too_deep")


def test_events_of_a_large_body_are_parsed_when_they_are_needed():
    events = [{"n": number, "text": "x" * 100} for number in range(1000)]
    reader = read_delivery(json.dumps({"topic": "ping", "events": events}).encode())
    assert isinstance(reader, DeliveryReader)
    assert reader.count == 1000
    assert list(reader) == events


def test_an_event_that_cannot_be_parsed_costs_only_itself():
    deep = b"[" * 900 + b'"\xff"' + b"]" * 900
    body = b'{"topic":"ping","events":[{"a":1},"\xe9",%b,{"b":2}]}' % deep
    reader = read_delivery(PADDING + body)
    assert isinstance(reader, DeliveryReader)
    first, second, _, last = reader
    assert (first, second, last) == ({"a": 1}, "\ufffd", {"b": 2})


def test_the_number_of_events_is_limited():
    def body(number, event=b"{}"):
        return b'{"topic":"ping","events":[' + b",".join([event] * number) + b"]}"

    reader = read_delivery(body(MAX_EVENTS))
    assert isinstance(reader, DeliveryReader)
    assert reader.count == MAX_EVENTS
    assert read_delivery(body(MAX_EVENTS + 1)) == Rejected("too_many_events")
    assert read_delivery(body(MAX_EVENTS + 1, b'{"text":"aaaaaaaaaaaaaaaaaaaaaa"}')) == Rejected("too_many_events")
    assert read_delivery(body(MAX_VALUES + 1)) == Rejected("too_many_values")


@pytest.mark.parametrize(
    ("event", "fits"),
    [
        (json.dumps("x" * (MAX_EVENT_BYTES - 2)), True),
        (json.dumps("x" * (MAX_EVENT_BYTES - 1)), False),
        (json.dumps([100] * MAX_EVENT_VALUES), True),
        (json.dumps([100] * (MAX_EVENT_VALUES + 1)), False),
    ],
    ids=["bytes", "too many bytes", "values", "too many values"],
)
def test_the_size_of_an_event_is_limited(event, fits):
    reader = read_delivery(PADDING + b'{"topic":"ping","events":[1,%b,2]}' % event.encode())
    assert isinstance(reader, DeliveryReader)
    assert list(reader) == [1, json.loads(event) if fits else EVENT_TOO_LARGE, 2]


def test_the_slow_parser_is_not_used_for_large_bodies():
    almost_json = b'{"topic":"ping","events":[NaN]}'
    assert isinstance(read_delivery(PADDING + almost_json), DeliveryReader)
    assert read_delivery(b" " * MAX_TOLERANT_BYTES + almost_json) == Rejected("not_json")
    almost_text = b'{"topic":"ping","events":["\xff%b"]}' % (b"x" * MAX_TOLERANT_BYTES)
    assert list(read_delivery(almost_text)) == [Rejected("not_json")]
    assert parse_delivery(almost_text) == Delivery("ping", [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"[1,", "not_an_object"), (b'{"topic":1,"events":[tru]}', "not_json"), (b'{"topic":"","events":1}', "no_topic")],
)
def test_large_bodies_of_the_wrong_shape(body, reason):
    assert read_delivery(b" " * MAX_TOLERANT_BYTES + body) == Rejected(reason)
