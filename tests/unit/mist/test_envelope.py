"""One frame in, one event out: each row is a frame as it may come off the socket."""

from __future__ import annotations

import json
import math

import pytest

from collector.errors import Rejected
from collector.mist.envelope import Data, Subscribed, SubscribeFailed, Unsubscribed, data_of, parse

SITE = "/sites/4ac1dcf4-9d8b-7211-65c4-057819f0862b/stats/devices"
DEEP = "[" * 2000 + "]" * 2000

EVENTS = {
    "the documentation's data": (b'{"data": "1", "event": "data", "channel": "/test"}', Data("/test", "1")),
    "data as text": ('{"event":"data","channel":"/test","data":{"a":1}}', Data("/test", {"a": 1})),
    "a nested string stays a string": (
        json.dumps({"event": "data", "channel": SITE, "data": '{"mac":"5c5b35000001"}'}),
        Data(SITE, '{"mac":"5c5b35000001"}'),
    ),
    "a list": (b'{"event":"data","channel":"/test","data":[1,2]}', Data("/test", [1, 2])),
    "null": (b'{"event":"data","channel":"/test","data":null}', Data("/test", None)),
    "no payload": (b'{"event":"data","channel":"/test"}', Data("/test", None)),
    "NUL bytes": (b'{"event":"da\0ta","channel":"/test","data":1}\0\0', Data("/test", 1)),
    "a byte order mark": (b'\xef\xbb\xbf{"event":"data","channel":"/test","data":1}', Data("/test", 1)),
    "invalid UTF-8": (b'{"event":"data","channel":"/test","data":"caf\xe9"}', Data("/test", "caf\ufffd")),
    "a surrogate in text": ('{"event":"data","channel":"/test","data":"\ud800"}', Data("/test", "?")),
    "a lone surrogate escape": (b'{"event":"data","channel":"/test","data":"a\\udc80b"}', Data("/test", "a\ufffdb")),
    "lone, paired and escaped surrogates": (
        b'{"event":"data","channel":"/test","data":"\\ud83d\\ude00 \\\\ud800 \\ud800"}',
        Data("/test", "\U0001f600 \\ud800 \ufffd"),
    ),
    "a raw line break in a string": (b'{"event":"data","channel":"/test","data":"a\nb"}', Data("/test", "a\nb")),
    "an infinity": (b'{"event":"data","channel":"/test","data":-Infinity}', Data("/test", -math.inf)),
    "a huge integer beside a NUL": (
        b'{"event":"data","channel":"/test","data":' + b"9" * 400 + b"}\0",
        Data("/test", math.inf),
    ),
    "subscribed": (b'{"event": "channel_subscribed", "channel": "/test"}', Subscribed("/test")),
    "unsubscribed": (b'{"event": "channel_unsubscribed", "channel": "/test"}', Unsubscribed("/test")),
    "refused": (
        b'{"event": "subscribe_failed", "channel": "/test", "detail": "permission denied"}',
        SubscribeFailed("/test", "permission denied"),
    ),
    "refused without a word": (b'{"event": "subscribe_failed", "channel": "/test"}', SubscribeFailed("/test", "")),
    "refused with null": (
        b'{"event": "subscribe_failed", "channel": "/test", "detail": null}',
        SubscribeFailed("/test", ""),
    ),
}

REJECTED = {
    "empty": (b"", "not_json"),
    "empty text": ("", "not_json"),
    "truncated": (b'{"event":"data","channel":"/sites/4ac1', "not_json"),
    "binary": (bytes(range(256)), "not_json"),
    "only NUL": (b"\0" * 64, "not_json"),
    "a megabyte of nothing": (b"x" * 1_048_576, "not_json"),
    "a number too long to be one": (b'{"event":"data","channel":"/test","data":01}', "not_json"),
    "a list instead": (b'[{"event":"data","channel":"/test","data":1}]', "not_an_object"),
    "null instead": (b"null", "not_an_object"),
    "a string instead": (b'"data"', "not_an_object"),
    "an empty object": (b"{}", "unknown_event"),
    "an unknown event": (b'{"event":"weather","channel":"/test"}', "unknown_event"),
    "an event that is a list": (b'{"event":["data"],"channel":"/test"}', "unknown_event"),
    "data from nowhere": (b'{"event":"data","data":{}}', "no_channel"),
    "data from an empty channel": (b'{"event":"data","channel":"","data":{}}', "no_channel"),
    "data from a number": (b'{"event":"data","channel":7,"data":{}}', "no_channel"),
    "an acknowledgement of nothing": (b'{"event":"channel_subscribed"}', "no_channel"),
    "a bomb": (DEEP.encode(), "too_deep"),
    "a bomb that never closes": (b"[" * 1_048_576, "too_deep"),
    "a bomb in the payload": ('{"event":"data","channel":"/test","data":' + DEEP + "}", "too_deep"),
}


@pytest.mark.parametrize(("frame", "event"), EVENTS.values(), ids=EVENTS)
def test_a_frame_is_read(frame, event):
    assert parse(frame) == event


@pytest.mark.parametrize(("frame", "reason"), REJECTED.values(), ids=REJECTED)
def test_a_frame_that_says_nothing_is_rejected(frame, reason):
    assert parse(frame) == Rejected(reason)


def test_a_large_frame_is_read_whole():
    payload = "x" * 1_048_576
    assert parse(json.dumps({"event": "data", "channel": "/test", "data": payload})) == Data("/test", payload)


def test_not_a_number_is_left_for_the_reader_of_the_field():
    event = parse(b'{"event":"data","channel":"/test","data":{"rssi":NaN,"snr":20}}')
    assert isinstance(event, Data)
    assert isinstance(event.payload, dict)
    assert math.isnan(event.payload["rssi"])
    assert event.payload["snr"] == 20


def test_events_of_different_kinds_differ():
    assert Subscribed("/test") != Unsubscribed("/test")


@pytest.mark.parametrize("frame", [row[0] for row in (*EVENTS.values(), *REJECTED.values())], ids=[*EVENTS, *REJECTED])
def test_the_fast_path_agrees_with_the_complete_one(frame):
    data, message = data_of(frame), parse(frame)
    if data is not None:
        assert message == Data(*data)


def test_the_fast_path_takes_what_mist_sends():
    assert data_of(json.dumps({"event": "data", "channel": SITE, "data": "{}"}).encode()) == (SITE, "{}")
    assert data_of(memoryview(b'{"data": {"a": 1}, "channel": "/test", "event": "data"}')) == ("/test", {"a": 1})


@pytest.mark.parametrize(
    "frame",
    [b'{"event":"data","channel":[],"data":1}', b'{"event":"data","channel":"","data":1}', b'{"event":"data"}', b"[]"],
)
def test_the_fast_path_leaves_the_rest_to_the_complete_one(frame):
    assert data_of(frame) is None
