"""Frames in every form that RFC 6455 allows, and in forms that it does not: over real sockets, byte for byte."""

import json
import struct

import pytest

from tests.support.misbehaving import device_channels, until
from tests.support.raw_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame
from tests.support.streaming import all_up, real_turns

A, B = device_channels(2)
BREAKS = "mist_collector_connection_breaks_total"


def data_message(number, size=0):
    """A message on channel A, and its payload."""
    payload = json.dumps({"number": number, "more": "x" * size})
    return json.dumps({"event": "data", "channel": A, "data": payload}).encode(), payload


def pieces(body, *cuts, kind=TEXT, between=b""):
    """A message in fragments that end at `cuts`, with `between` between them."""
    parts = [body[a:b] for a, b in zip((0, *cuts), (*cuts, len(body)), strict=True)]
    kinds = (kind, *[CONTINUATION] * len(cuts))
    frames = [frame(k, part, last=at == len(cuts)) for at, (k, part) in enumerate(zip(kinds, parts, strict=True))]
    return between.join(frames)


# Name -> a function of the bodies of three messages: what is written, in parts of one write each.
VALID = {
    "one frame each": lambda one, two, three: [frame(TEXT, one), frame(TEXT, two), frame(TEXT, three)],
    "all at once": lambda *bodies: [b"".join(frame(TEXT, body) for body in bodies)],
    "binary": lambda *bodies: [b"".join(frame(BINARY, body) for body in bodies)],
    "text and binary by turns": lambda one, two, three: [frame(TEXT, one) + frame(BINARY, two) + frame(TEXT, three)],
    "byte by byte": lambda *bodies: [bytes([octet]) for body in bodies for octet in frame(TEXT, body)],
    "cut in the head": lambda one, two, three: [
        frame(TEXT, one)[:3],
        frame(TEXT, one)[3:] + frame(TEXT, two)[:1],
        frame(TEXT, two)[1:] + frame(TEXT, three),
    ],
    "in fragments": lambda one, two, three: [pieces(one, 10, 20) + frame(TEXT, two) + pieces(three, 1, 2, 3)],
    "in fragments, with pings between": lambda one, two, three: [
        pieces(one, 10, 20, between=frame(PING, b"?")) + frame(TEXT, two) + pieces(three, 5, between=frame(PONG))
    ],
    "in empty fragments": lambda one, two, three: [pieces(one, 0, 0, 10, 10) + frame(TEXT, two) + frame(TEXT, three)],
    "in binary fragments": lambda one, two, three: [
        pieces(one, 4, kind=BINARY) + frame(TEXT, two) + frame(TEXT, three)
    ],
    "after pings and pongs": lambda *bodies: [
        b"".join(frame(PING, b"x" * 125) + frame(PONG) + frame(TEXT, body) for body in bodies)
    ],
    "with empty messages between": lambda *bodies: [b"".join(frame(TEXT) + frame(TEXT, body) for body in bodies)],
}


@pytest.mark.fault(
    "Stream",
    "All valid frame forms: binary, fragments with pings in between, split at any byte, many at once",
    held="Each message is handled once, complete and in order.",
)
@pytest.mark.parametrize("size", [0, 200, 70_000])
@pytest.mark.parametrize("name", VALID)
async def test_valid_frames(name, size, cloud, start, fault):
    if name == "byte by byte" and size > 1000:
        size = 1000
    pool = await start([A, B])
    await all_up(pool)
    bodies, payloads = zip(*(data_message(number, size) for number in range(3)), strict=True)
    for part in VALID[name](*bodies):
        cloud.write_raw(part)
        await real_turns(1)
    await until(lambda: len(pool.payloads) >= 3)
    assert pool.payloads == [(A, payload) for payload in payloads]
    assert pool.connection.disconnects == {}
    assert pool.balanced()
    fault.told(pool.samples(), "mist_collector_stream_frames_received_total")


GOOD, _ = data_message(0)
INVALID = {
    "a reserved bit": frame(TEXT, GOOD, flags=0x40),
    "an unknown kind of data": frame(0x3, GOOD),
    "an unknown kind of control": frame(0xB),
    "a length beyond 63 bits": b"\x81\x7f" + b"\xff" * 8,
    "a ping in fragments": frame(PING, last=False),
    "a ping of 126 bytes": b"\x89\x7e\x00\x7e" + b"x" * 126,
    "a continuation of nothing": frame(CONTINUATION, GOOD),
    "a message within another": frame(TEXT, GOOD[:10], last=False) + frame(TEXT, GOOD),
    "a close of one byte": frame(CLOSE, b"\x03"),
    "a close with a code that may not be sent": frame(CLOSE, struct.pack(">H", 1005)),
    "a close": frame(CLOSE, struct.pack(">H", 1000)),
}


@pytest.mark.fault(
    "Stream",
    "Frames that violate RFC 6455: reserved bits, unknown opcodes, fragments out of order, data after a close",
    held=(
        "The invalid frame and what follows it are not handled. The connection is closed and replaced. Valid "
        "frames before it count."
    ),
)
@pytest.mark.parametrize("name", INVALID)
async def test_invalid_frames(name, cloud, start, fault):
    pool = await start([A])
    await all_up(pool)
    before, payload = data_message(7)
    cloud.write_raw(frame(TEXT, before) + INVALID[name] + frame(TEXT, data_message(8)[0]))
    await until(lambda: pool.connection.disconnects)
    await pool.pass_until(pool.all_up)
    assert pool.payloads == [(A, payload)]
    assert pool.balanced()
    fault.told(pool.samples(), BREAKS)


TEXTS = {
    "no UTF-8": b'{"event": "data", "channel": "%b", "data": "\xff\xfe\xc3"}' % A.encode(),
    "a lone surrogate": b'{"event": "data", "channel": "%b", "data": "\\ud800"}' % A.encode(),
    "NUL in a string": b'{"event": "data", "channel": "%b", "data": "a\\u0000b"}' % A.encode(),
    "a number of 400 digits": b'{"event": "data", "channel": "%b", "data": {"n": %b}}' % (A.encode(), b"9" * 400),
    "a number beyond all": b'{"event": "data", "channel": "%b", "data": {"n": 1e999}}' % A.encode(),
    "NaN": b'{"event": "data", "channel": "%b", "data": {"n": NaN}}' % A.encode(),
    "the same key twice": b'{"event": "rubbish", "event": "data", "channel": "%b", "data": "{}"}' % A.encode(),
    "UTF-16": json.dumps({"event": "data"}).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "a million brackets": b"[" * 1_000_000,
}


@pytest.mark.fault(
    "Stream",
    "Payloads that are not valid JSON: invalid UTF-8, lone surrogates, NaN, numbers of 400 digits, a million brackets",
    held=(
        "Each is applied or counted as dropped. Invalid UTF-8 in a text frame may close the connection (RFC 6455); "
        "otherwise the frames after it are read."
    ),
)
@pytest.mark.parametrize("kind", [TEXT, BINARY])
@pytest.mark.parametrize("name", TEXTS)
async def test_texts_that_are_not_valid_json(name, kind, cloud, start, fault):
    pool = await start([A])
    await all_up(pool)
    after, payload = data_message(1)
    cloud.write_raw(frame(kind, TEXTS[name]) + frame(TEXT, after))
    await until(lambda: pool.connection.disconnects or (A, payload) in pool.payloads)
    if pool.connection.disconnects:  # a text frame that is no UTF-8 may end the connection: RFC 6455, 8.1
        assert (name, kind) in {("no UTF-8", TEXT), ("UTF-16", TEXT)}
        await pool.pass_until(pool.all_up)
    assert pool.balanced()
    fault.told(pool.samples(), "mist_collector_stream_frames_received_total")
