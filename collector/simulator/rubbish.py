"""Frames that no client should ever see, and must survive."""

from __future__ import annotations

from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

MEGABYTE = 1_000_000


def _data(channel: str, payload: Any) -> bytes:
    return orjson.dumps({"event": "data", "channel": channel, "data": payload})


def _wrong_types(channel: str, mac: str) -> bytes:
    """Name a real device, with every value of a type it must not have."""
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
    "list_of_rubbish": (True, lambda channel, _, __: _data(channel, [None, 1, "x", []])),
    "no_mac": (True, lambda channel, _, __: _data(channel, '{"uptime":1}')),
    "null": (True, lambda _, __, ___: b"null"),
    "list": (True, lambda _, __, ___: b'["event","data"]'),
    "empty": (True, lambda _, __, ___: b""),
    "words": (True, lambda _, __, ___: b"upstream connect error or disconnect/reset before headers"),
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
"""Kind -> (sent as text?, maker). None of them changes what is true of a device."""

KINDS: tuple[str, ...] = tuple(_MAKERS)


def rubbish(count: int, kinds: Iterable[str], channel: str, mac: str, seed: int) -> Iterator[tuple[str, bytes, bool]]:
    """Yield `count` times (kind, frame, whether it is text), going round the kinds; all kinds when none is named.

    `channel` and `mac` make them look like the real ones. Raises ValueError for a kind that does not exist.
    """
    chosen = tuple(kinds) or KINDS
    for kind in chosen:
        if kind not in _MAKERS:
            raise ValueError(f"unknown rubbish {kind!r}; there is {', '.join(KINDS)}")
    rng = Random(f"{seed}/rubbish")
    for kind in islice(cycle(chosen), count):
        text, make = _MAKERS[kind]
        yield kind, make(channel, mac, rng), text
