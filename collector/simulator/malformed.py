"""Malformed stream frames, which a client must tolerate."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from collector.simulator.ledger import Ledger
    from collector.simulator.stream import StreamServer

MEGABYTE = 1_000_000


def _data(channel: str, payload: Any) -> bytes:
    return orjson.dumps({"event": "data", "channel": channel, "data": payload})


def _wrong_types(channel: str, mac: str) -> bytes:
    """Return a frame of an existing device in which every value has a wrong type."""
    wrong = {
        "mac": mac,
        "uptime": {"seconds": 1},
        "cpu_util": [],
        "mem_used_kb": "plenty",
        "num_clients": "many",
        "radio_stat": "on",
        "port_stat": 7,
        "last_seen": "yesterday",
    }
    return _data(channel, orjson.dumps(wrong).decode())


def _deep(channel: str, _: str) -> bytes:
    depth = 2000
    return b'{"event":"data","channel":"' + channel.encode() + b'","data":' + b"[" * depth + b"]" * depth + b"}"


_MAKERS: dict[str, tuple[bool, Callable[[str, str, Random], bytes]]] = {
    "truncated": (True, lambda channel, mac, _: _data(channel, f'{{"mac":"{mac}","uptime":12}}')[:-9]),
    "truncated_payload": (True, lambda channel, mac, _: _data(channel, f'{{"mac":"{mac}","uptime":1')),
    "wrong_types": (True, lambda channel, mac, _: _wrong_types(channel, mac)),
    "null_payload": (True, lambda channel, _, __: _data(channel, None)),
    "number_payload": (True, lambda channel, _, __: _data(channel, 42)),
    "empty_list_payload": (True, lambda channel, _, __: _data(channel, [])),
    "mixed_list_payload": (True, lambda channel, _, __: _data(channel, [None, 1, "x", []])),
    "no_mac": (True, lambda channel, _, __: _data(channel, '{"uptime":1}')),
    "null": (True, lambda _, __, ___: b"null"),
    "list": (True, lambda _, __, ___: b'["event","data"]'),
    "empty": (True, lambda _, __, ___: b""),
    "plain_text": (True, lambda _, __, ___: b"upstream connect error or disconnect/reset before headers"),
    "unknown_event": (True, lambda channel, _, __: orjson.dumps({"event": "channel_sneezed", "channel": channel})),
    "no_channel": (True, lambda _, __, ___: b'{"event":"data","data":"{}"}'),
    "foreign_channel": (True, lambda _, __, ___: _data("/sites/nowhere/stats/devices", "{}")),
    "nul_bytes": (True, lambda channel, _, __: b"\0\0" + _data(channel, '{"mac":null}') + b"\0"),
    "deep": (True, lambda channel, mac, _: _deep(channel, mac)),
    "binary": (False, lambda _, __, rng: rng.randbytes(200)),
    "binary_nul": (False, lambda channel, _, __: _data(channel, "[]") + b"\0" * 8),
    "megabyte": (True, lambda channel, _, rng: _data(channel, rng.randbytes(MEGABYTE // 2).hex())[:MEGABYTE]),
    "megabyte_json": (True, lambda channel, _, __: _data(channel, {"note": "x" * MEGABYTE})),
}
"""Kind -> (whether it is a text frame, maker). None of them changes the true state of a device."""

KINDS: tuple[str, ...] = tuple(_MAKERS)


def malformed_frames(
    count: int, kinds: Iterable[str], channel: str, mac: str, seed: int
) -> Iterator[tuple[str, bytes, bool]]:
    """Yield kind, frame and whether it is a text frame, `count` times, cycling through the kinds.

    Args:
        count: Number of frames.
        kinds: Kinds of frames; empty for all.
        channel: Channel that the frames name.
        mac: MAC address that the payloads name.
        seed: Seed of random bytes.

    Raises:
        ValueError: For an unknown kind.
    """
    chosen = tuple(kinds) or KINDS
    for kind in chosen:
        if kind not in _MAKERS:
            raise ValueError(f"unknown kind of malformed frame {kind!r}; expected one of {', '.join(KINDS)}")
    rng = Random(f"{seed}/malformed")
    for kind in islice(cycle(chosen), count):
        text, make = _MAKERS[kind]
        yield kind, make(channel, mac, rng), text


class MalformedFrameSender:
    """Sends malformed frames to every client of the stream."""

    def __init__(self, stream: StreamServer, ledger: Ledger, seed: int) -> None:
        self._stream = stream
        self._ledger = ledger
        self._seed = seed

    async def send(self, count: int, kinds: tuple[str, ...] = (), channel: str = "") -> dict[str, int]:
        """Send `count` frames, cycling through the kinds (default: all).

        The frames name `channel`, by default a subscribed device channel.

        Returns:
            Kind -> number of frames written to sockets.

        Raises:
            ValueError: For an unknown kind.
        """
        subscribed = (path for path in self._stream.subscribed if path.endswith("/stats/devices"))
        path = channel or next(subscribed, "/test")
        mac = next(iter(self._ledger.frames.get(path, {"000000000000": None})))
        written: dict[str, int] = {}
        for kind, frame, text in malformed_frames(count, kinds, path, mac, self._seed):
            sockets = self._stream.write_to_all(frame, text=text)
            self._ledger.sent["malformed"] += sockets
            self._ledger.malformed[kind] += sockets
            written[kind] = written.get(kind, 0) + sockets
            await asyncio.sleep(0)
        return written
