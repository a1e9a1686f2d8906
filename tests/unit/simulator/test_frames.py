import json

import pytest

from collector.simulator.frames import FrameEncoder, control_frame, frame_type

CHANNEL = "/sites/a/stats/devices"
PAYLOAD = b'{"mac":"5c5b35000001","name":"Caf\xc3\xa9 \\"1\\""}'


def test_the_payload_is_nested_as_a_string():
    frame = json.loads(FrameEncoder(nested=True).encode(CHANNEL, PAYLOAD))
    assert frame == {"event": "data", "channel": CHANNEL, "data": PAYLOAD.decode()}


def test_a_plain_channel_carries_an_object():
    encoder = FrameEncoder(nested=True, plain_channels=frozenset({"/insights/summary"}))
    assert json.loads(encoder.encode("/orgs/a/insights/summary", PAYLOAD))["data"] == json.loads(PAYLOAD)
    assert json.loads(encoder.encode(CHANNEL, PAYLOAD))["data"] == PAYLOAD.decode()


def test_every_channel_carries_an_object_without_nesting():
    assert json.loads(FrameEncoder(nested=False).encode(CHANNEL, PAYLOAD))["data"] == json.loads(PAYLOAD)


def test_the_order_of_the_keys_varies():
    encoder = FrameEncoder(nested=True)
    assert len({tuple(json.loads(encoder.encode(CHANNEL, b"{}"))) for _ in range(6)}) == 6


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"_offset_apbasic": 1}, "basic"),
        ({"_offset_apstats": 1, "_time": 1}, "full"),
        ({"_ttl": 600}, "cached"),
        ({"_ttl": 190, "_time": 1}, "fresh"),
        ({"mac": "x"}, ""),
    ],
)
def test_the_frame_type_follows_from_the_marker_fields(payload, expected):
    assert frame_type(payload) == expected


@pytest.mark.parametrize(("detail", "members"), [("", {}), ("permission denied", {"detail": "permission denied"})])
def test_a_control_frame_has_a_detail_only_if_there_is_one(detail, members):
    frame = json.loads(control_frame("subscribe_failed", "/test", detail))
    assert frame == {"event": "subscribe_failed", "channel": "/test"} | members
