import json

import pytest
from collector.simulator.rubbish import KINDS, MEGABYTE, rubbish

from collector.simulator import frames

CHANNEL = "/sites/a/stats/devices"
PAYLOAD = b'{"mac":"5c5b35000001","name":"Caf\xc3\xa9 \\"1\\""}'


def test_the_payload_is_nested_as_a_string():
    frame = json.loads(frames.DataFrames(nested=True).make(CHANNEL, PAYLOAD))
    assert frame["event"] == "data"
    assert frame["channel"] == CHANNEL
    assert frame["data"] == PAYLOAD.decode()


def test_a_plain_channel_carries_an_object():
    maker = frames.DataFrames(nested=True, plain_channels=frozenset({"/insights/summary"}))
    assert json.loads(maker.make("/orgs/a/insights/summary", PAYLOAD))["data"] == json.loads(PAYLOAD)
    assert json.loads(maker.make(CHANNEL, PAYLOAD))["data"] == PAYLOAD.decode()


def test_objects_everywhere_when_not_nested():
    assert json.loads(frames.DataFrames(nested=False).make(CHANNEL, PAYLOAD))["data"] == json.loads(PAYLOAD)


def test_the_order_of_the_keys_varies():
    maker = frames.DataFrames(nested=True)
    assert len({tuple(json.loads(maker.make(CHANNEL, b"{}"))) for _ in range(6)}) == 6


@pytest.mark.parametrize(
    ("payload", "flavour"),
    [
        ({"_offset_apbasic": 1}, "basic"),
        ({"_offset_apstats": 1, "_time": 1}, "full"),
        ({"_ttl": 600}, "cached"),
        ({"_ttl": 190, "_time": 1}, "fresh"),
        ({"mac": "x"}, ""),
    ],
)
def test_flavours_are_told_by_their_marks(payload, flavour):
    assert frames.flavour(payload) == flavour


def test_a_detail_is_absent_when_there_is_none():
    assert json.loads(frames.control("channel_subscribed", "/test")) == {
        "event": "channel_subscribed",
        "channel": "/test",
    }


def test_rubbish_goes_round_all_kinds_and_repeats_by_seed():
    first = list(rubbish(len(KINDS) + 1, (), CHANNEL, "5c5b35000001", seed=7))
    assert [kind for kind, _, _ in first] == [*KINDS, KINDS[0]]
    assert first == list(rubbish(len(KINDS) + 1, (), CHANNEL, "5c5b35000001", seed=7))


def test_text_rubbish_is_utf8_so_that_no_client_may_close_for_it():
    for kind, frame, text in rubbish(len(KINDS), (), CHANNEL, "5c5b35000001", seed=7):
        assert not text or frame.decode().encode() == frame, kind
        assert len(frame) < 1 << 20, "clients may refuse frames over 1 MiB"


def test_megabytes_are_that_big():
    sizes = [len(frame) for _, frame, _ in rubbish(2, ("megabyte", "megabyte_json"), CHANNEL, "", seed=1)]
    assert min(sizes) >= MEGABYTE


def test_unknown_rubbish_is_refused():
    with pytest.raises(ValueError, match="unknown rubbish"):
        list(rubbish(1, ("glitter",), CHANNEL, "", seed=1))
