"""Truth bent on purpose: fields of what devices, ports, clients and zones say, held at a value while a scenario plays.

A bend names the fields by a path of keys, `*` for every key or element, `#` for a dot within a key:
`radio_stat.*.util_all`, `if_stat.ge-0/0/0#0.up`. A field that is not there stays so. The value is any JSON, or one of
these objects:

- `{"grow_per_s": n}`: what the fleet says, and `n` more for each second that the bend lasts
- `{"turn_every_s": n}`: the unix time of the last full `n` seconds, as of something that happens so often
- `{"in_s": n}`: the unix time `n` seconds after the bend began
- `{"share": n, "of": key}`: this share of the field `key` beside it, in whole numbers
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.simulator.fleet.messages import Payload

EVERY = "*"


@dataclass(frozen=True, eq=False, kw_only=True)
class Bend:
    """One bend: of `kind` ("ap", "switch", "gateway", "mxedge", "port", "client", "zone"), of whom, what, since when.

    `who` are MACs (of the device, where a port is meant) or ids of zones; None for all of the sites. `where` are
    fields that the payload must have with these values.
    """

    kind: str
    sites: frozenset[str]
    who: frozenset[str] | None
    fields: Mapping[str, Any]
    where: Mapping[str, Any] = field(default_factory=dict)
    since: float = 0.0

    def concerns(self, kind: str, who: str, site_id: str, payload: Payload) -> bool:
        """Whether this payload is bent."""
        return (
            kind == self.kind
            and (site_id in self.sites if self.who is None else who in self.who)
            and all(payload.get(key) == value for key, value in self.where.items())
        )

    def apply(self, payload: Payload, at: float) -> Payload:
        """Return a copy that is bent; what is not bent is shared."""
        for path, value in self.fields.items():
            payload = _put(payload, _keys(path), value, at, at - self.since)
        return payload


class Bends:
    """All bends of a fleet, in the order in which they were made: the later wins."""

    def __init__(self) -> None:
        self._all: list[Bend] = []

    def add(self, bend: Bend) -> None:
        """Begin to bend."""
        self._all.append(bend)

    def remove(self, bend: Bend) -> None:
        """Let the truth be heard again."""
        self._all.remove(bend)

    def apply(self, kind: str, who: str, site_id: str, payload: Payload, at: float) -> Payload:
        """Return what is said instead of this payload at the unix time `at`."""
        for bend in self._all:
            if bend.concerns(kind, who, site_id, payload):
                payload = bend.apply(payload, at)
        return payload


def _keys(path: str) -> list[str]:
    return [key.replace("#", ".") for key in path.split(".")]


def _put(node: Any, path: list[str], value: Any, at: float, lasted_s: float) -> Any:
    """Return `node` with the value at the path; only the containers on the way are copied."""
    key, rest = path[0], path[1:]
    if isinstance(node, list):
        return [_put(one, rest, value, at, lasted_s) if rest else value for one in node] if key == EVERY else node
    if not isinstance(node, dict):
        return node
    keys = list(node) if key == EVERY else [key] if key in node else []
    changed = {
        name: _put(node[name], rest, value, at, lasted_s) if rest else _said(node, name, value, at, lasted_s)
        for name in keys
    }
    return node | changed


def _said(beside: Payload, name: str, value: Any, at: float, lasted_s: float) -> Any:
    """The value that the rule makes."""
    if not isinstance(value, dict):
        return value
    if "grow_per_s" in value:
        return beside[name] + int(value["grow_per_s"] * lasted_s)
    if "turn_every_s" in value:
        return at - at % value["turn_every_s"]
    if "in_s" in value:
        return int(at - lasted_s + value["in_s"])
    if "share" in value:
        return int(beside[value["of"]] * value["share"])
    return value
