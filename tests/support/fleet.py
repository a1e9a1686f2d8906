"""Helpers to read the messages and payloads of a simulated fleet."""

from __future__ import annotations

import re
from pathlib import Path

from collector.simulator.fleet import StreamMessage, WebhookEvent

LEAVES = Path(__file__).parents[1] / "unit" / "simulator" / "fleet" / "leaves"


def stream_messages(messages, kind="ap", mac=None):
    """Return the stream messages of a kind (None: any) and of a device (None: all)."""
    return [
        one
        for one in messages
        if isinstance(one, StreamMessage) and kind in (None, one.kind) and mac in (None, one.mac)
    ]


def events(messages, topic):
    """Return the payloads of the webhook events of a topic."""
    return [one.payload for one in messages if isinstance(one, WebhookEvent) and one.topic == topic]


def leaves(value, path=""):
    """Yield every leaf path of a payload; `[*]` stands for the elements of a list."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield f"{path}[*]"
        for member in value:
            yield from leaves(member, f"{path}[*]")
    else:
        yield path


def missing_leaves(table, payloads):
    """Return the leaf paths of a table (`{key}` stands for any map key) that no payload has."""
    present = {leaf for payload in payloads for leaf in leaves(payload)}
    expected = (LEAVES / f"{table}.txt").read_text().split()
    return [path for path in expected if not any(_pattern(path).fullmatch(leaf) for leaf in present)]


def counters(payload, names):
    """Return path -> value of the integer leaves whose last key is one of `names`."""
    found = {}

    def walk(value, path):
        if isinstance(value, dict):
            for key, member in value.items():
                walk(member, (*path, key))
        elif isinstance(value, list):
            for index, member in enumerate(value):
                walk(member, (*path, index))
        elif path[-1] in names and isinstance(value, int):
            found[path] = value

    walk(payload, ())
    return found


def _pattern(path):
    return re.compile(re.escape(path).replace(r"\{key\}", ".+"))
