"""Ways to read what a fleet says."""

from __future__ import annotations

import re
from pathlib import Path

from collector.simulator.fleet import StreamMessage, WebhookEvent

LEAVES = Path(__file__).parents[1] / "unit" / "simulator" / "fleet" / "leaves"


def frames(said, kind="ap", mac=None):
    """The frames of a kind (None: any), of one device or of all."""
    return [
        one for one in said if isinstance(one, StreamMessage) and kind in (None, one.kind) and mac in (None, one.mac)
    ]


def events(said, topic):
    return [one.payload for one in said if isinstance(one, WebhookEvent) and one.topic == topic]


def leaves(value, path=""):
    """Every leaf path of a payload; elements of lists as `[*]`."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield f"{path}[*]"
        for member in value:
            yield from leaves(member, f"{path}[*]")
    else:
        yield path


def never_said(table, payloads):
    """The leaves of a table (`{key}` stands for any map key) that none of the payloads has."""
    said = {leaf for payload in payloads for leaf in leaves(payload)}
    wanted = (LEAVES / f"{table}.txt").read_text().split()
    return [path for path in wanted if not any(_pattern(path).fullmatch(leaf) for leaf in said)]


def numbers(payload, names):
    """The counters of a payload: path -> value, for leaves whose last name is one of `names`."""
    found = {}

    def walk(value, path):
        if isinstance(value, dict):
            for key, member in value.items():
                walk(member, (*path, key))
        elif isinstance(value, list):
            for place, member in enumerate(value):
                walk(member, (*path, place))
        elif path[-1] in names and isinstance(value, int):
            found[path] = value

    walk(payload, ())
    return found


def _pattern(path):
    return re.compile(re.escape(path).replace(r"\{key\}", ".+"))
