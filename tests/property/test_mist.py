"""What holds of Mist's language whatever comes in."""

from __future__ import annotations

import json
import re
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector import tolerant_json
from collector.errors import Rejected, SignatureError
from collector.mist.channels import CHANNELS, match, path
from collector.mist.deduplicator import Deduplicator
from collector.mist.delivery import Delivery, parse_delivery
from collector.mist.envelope import Data, Subscribed, SubscribeFailed, Unsubscribed, parse
from collector.mist.identity import mac_of
from collector.mist.signature import HEADER, sign, verify
from collector.mist.times import epoch_s
from collector.mist.topics import TOPICS, identity_of

if TYPE_CHECKING:
    from collections.abc import Iterable

ENVELOPE_REASONS = {"not_json", "too_deep", "not_an_object", "unknown_event", "no_channel"}
DELIVERY_REASONS = {"not_json", "too_deep", "not_an_object", "no_topic", "topic_too_long", "no_events"}

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, width=32)
    | st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.text(max_size=5), values, max_size=6)
names = st.sampled_from(["event", "channel", "data", "detail", "topic", "events"])
words = st.sampled_from(["data", "channel_subscribed", "channel_unsubscribed", "subscribe_failed", "/test", "ping"])
messages = st.dictionaries(names, words | values)
# Text as it may come off a socket: any code points, also those that no UTF-8 can hold.
unruly = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
macs = st.text("0123456789abcdef", min_size=12, max_size=12)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message that lost its tail, or had some bytes overwritten."""
    frame = bytearray(json.dumps(draw(messages)).encode())
    for at in draw(st.lists(st.integers(0, len(frame) - 1), max_size=4)):
        frame[at] = draw(st.integers(0, 255))
    return bytes(frame[: draw(st.integers(0, len(frame)))])


frames = st.binary() | unruly | damaged() | messages.map(json.dumps)


def shuffled(value: object, order: Iterable[int]) -> object:
    """The same content with every object's keys in another order."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: hash((tuple(order), key)))
        return {key: shuffled(value[key], order) for key in keys}
    if isinstance(value, list):
        return [shuffled(element, order) for element in value]
    return value


@given(frames)
def test_no_frame_raises(frame):
    event = parse(frame)
    match event:
        case Rejected(reason):
            assert reason in ENVELOPE_REASONS
        case Data(channel) | Subscribed(channel) | Unsubscribed(channel) | SubscribeFailed(channel):
            assert isinstance(channel, str)
            assert channel
        case _:
            pytest.fail(f"{event!r} is no event")


@given(st.text(min_size=1), values, st.booleans())
def test_a_good_data_frame_is_read_as_it_was_written(channel, payload, nested):
    payload = json.dumps(payload) if nested else payload
    frame = json.dumps({"channel": channel, "data": payload, "event": "data"})
    assert parse(frame) == parse(frame.encode()) == Data(channel, payload)


@given(values)
def test_the_second_attempt_reads_what_the_first_one_reads(value):
    text = json.dumps(value)
    assert tolerant_json.loads(text) == value
    assert tolerant_json.loads(text + "\0") == value


@given(unruly)
def test_whatever_is_salvaged_can_be_written_as_utf8(text):
    # The stray NUL at the end forces the second attempt; json writes lone surrogates as escapes.
    salvaged = tolerant_json.loads(json.dumps(text) + "\0")
    assert salvaged.encode().decode() == salvaged


@given(st.binary() | damaged() | messages.map(lambda message: json.dumps(message).encode()))
def test_no_delivery_raises(body):
    delivery = parse_delivery(body)
    if isinstance(delivery, Rejected):
        assert delivery.reason in DELIVERY_REASONS
    else:
        assert isinstance(delivery, Delivery)
        assert delivery.topic


@given(st.sampled_from([*TOPICS, "weather"]), objects, st.lists(st.integers(), max_size=3))
def test_an_identity_does_not_depend_on_the_order_of_keys(topic, event, order):
    assert identity_of(topic, event) == identity_of(topic, shuffled(event, order))


@given(st.sampled_from([*TOPICS, "weather"]), objects)
def test_an_event_is_not_its_neighbour(topic, event):
    # Without any identifying field an event is taken whole: any more makes it another.
    assert identity_of(topic, event) != identity_of(topic, event | {"a field more": True})


@given(st.sampled_from(["device-events", "device-updowns"]), macs, st.integers(1, 10**10), st.sampled_from(":-"))
def test_a_device_event_is_one_wherever_its_mac_stands(topic, mac, timestamp, separator):
    spelled = separator.join(mac[at : at + 2] for at in range(0, 12, 2)).upper()
    one = {"type": "AP_CONNECTED", "timestamp": timestamp, "ap": mac, "for_site": True}
    other = {"timestamp": float(timestamp), "mac": spelled, "type": "AP_CONNECTED"}
    assert identity_of(topic, one) == identity_of(topic, other)


@given(st.binary(), st.lists(st.binary(min_size=1), min_size=1, max_size=4), st.data())
def test_a_body_signed_with_any_of_the_secrets_verifies(body, secrets, draws):
    secret = draws.draw(st.sampled_from(secrets))
    verify(body, {HEADER: sign(body, secret)}, secrets)


@given(st.binary(min_size=1), st.binary(min_size=1, max_size=40), st.data())
def test_one_bit_more_or_less_does_not_verify(body, secret, draws):
    at = draws.draw(st.integers(0, len(body) * 8 - 1))
    forged = bytearray(body)
    forged[at // 8] ^= 1 << at % 8
    with pytest.raises(SignatureError) as refusal:
        verify(bytes(forged), {HEADER: sign(body, secret)}, [secret])
    assert refusal.value.reason == "mismatch"


@given(st.text(max_size=70), st.binary(max_size=20))
def test_no_made_up_signature_verifies(claimed, body):
    with pytest.raises(SignatureError) as refusal:
        verify(body, {HEADER: claimed}, [b"secret"])
    assert refusal.value.reason in {"missing", "malformed", "mismatch"}


@given(macs)
def test_every_notation_of_a_mac_leads_back_to_it(mac):
    pairs = [mac[at : at + 2] for at in range(0, 12, 2)]
    dotted = ".".join((mac[:4], mac[4:8], mac[8:]))
    for text in (mac, ":".join(pairs), "-".join(pairs), dotted, f"00000000-0000-0000-1000-{mac}"):
        assert mac_of(text) == mac_of(text.upper()) == mac


@given(st.text() | st.text("0123456789abcdefABCDEF:-.", max_size=40) | values)
def test_a_mac_is_a_mac_or_nothing(value):
    mac = mac_of(value)
    assert mac is None or re.fullmatch("[0-9a-f]{12}", mac, re.ASCII)


@given(values | st.text("0123456789.-+:TZ", max_size=30) | st.integers() | st.floats())
def test_a_moment_lies_between_1970_and_5138_or_is_none(value):
    moment = epoch_s(value)
    assert moment is None or 0 < moment < 1e11


@given(st.integers(1_000_000_000, 4_000_000_000))
def test_a_second_is_a_second_however_it_is_written(second):
    assert epoch_s(second) == epoch_s(second * 1000) == epoch_s(str(second)) == epoch_s(f"{second}000") == second


@given(st.sampled_from(CHANNELS), st.data())
def test_a_path_leads_back_to_its_channel_and_ids(channel, draws):
    id_text = st.text(string.ascii_letters + string.digits + "-_:.", min_size=1, max_size=64)
    ids = {name: draws.draw(id_text) for name in re.findall(r"\{(\w+)\}", channel.template)}
    found = match(path(channel, **ids))
    assert found is not None
    assert (found.channel, found.ids) == (channel, ids)


@given(st.text("/sitesorgmapdevc{}_-0", max_size=60) | st.text())
def test_what_is_recognised_can_be_built_again(text):
    found = match(text)
    assert found is None or path(found.channel, **found.ids) == text


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, 8), st.integers(1, 8))
def test_duplicates_agree_with_the_plain_rule(identities, window_s, limit):
    seen = Deduplicator(window_s=window_s, limit=limit)
    remembered: list[tuple[int, int]] = []  # (time, identity), oldest first
    for now, identity in enumerate(identities):
        remembered = [(at, known) for at, known in remembered if at > now - window_s]
        expected = any(known == identity for _, known in remembered)
        if not expected:
            remembered = [*remembered, (now, identity)][-limit:]
        assert seen.seen("topic", identity, now) == expected
        assert len(seen) == len(remembered)
