"""Overrides: fields of device, port, client and zone payloads that a scenario holds at a value.

An override names its fields by paths of keys. `*` matches every key or element, `#` stands for a dot inside a key:
`radio_stat.*.util_all`, `if_stat.ge-0/0/0#0.up`. A field that the payload lacks is not added. The value is any JSON
value or one of these expressions:

- `{"add_per_s": n}`: the original value plus `n` for each second since the override started
- `{"floor_to_s": n}`: the current unix time, rounded down to a multiple of `n` seconds
- `{"start_plus_s": n}`: the unix time `n` seconds after the override started
- `{"share": n, "of": key}`: `n` times the sibling field `key`, as an integer
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.simulator.fleet.primitives import Payload

_ANY = "*"


@dataclass(frozen=True, eq=False, kw_only=True)
class Override:
    """Field values for the payloads of some objects.

    Attributes:
        kind: Kind of object: "ap", "switch", "gateway", "mxedge", "port", "client" or "zone".
        sites: Ids of the sites to which the override applies if `ids` is None.
        ids: MAC addresses (of the device, for a port) or zone ids; None for all objects of the sites.
        fields: Path -> value or expression.
        where: Fields that a payload must have with these values.
        since: Unix time at which the override started.
    """

    kind: str
    sites: frozenset[str]
    ids: frozenset[str] | None
    fields: Mapping[str, Any]
    where: Mapping[str, Any] = field(default_factory=dict)
    since: float = 0.0

    def matches(self, kind: str, object_id: str, site_id: str, payload: Payload) -> bool:
        """Return whether the override applies to this payload."""
        return (
            kind == self.kind
            and (site_id in self.sites if self.ids is None else object_id in self.ids)
            and all(payload.get(key) == value for key, value in self.where.items())
        )

    def apply(self, payload: Payload, at: float) -> Payload:
        """Return a copy with the overridden fields; unchanged members are shared with `payload`."""
        for path, value in self.fields.items():
            payload = _replace(payload, _keys(path), value, at, at - self.since)
        return payload


class Overrides:
    """The active overrides of a fleet. If two override the same field, the later one wins."""

    def __init__(self) -> None:
        self._active: list[Override] = []

    def add(self, override: Override) -> None:
        """Activate an override."""
        self._active.append(override)

    def remove(self, override: Override) -> None:
        """Deactivate an override."""
        self._active.remove(override)

    def apply(self, kind: str, object_id: str, site_id: str, payload: Payload, at: float) -> Payload:
        """Return the payload at the unix time `at` with every override that matches it."""
        for override in self._active:
            if override.matches(kind, object_id, site_id, payload):
                payload = override.apply(payload, at)
        return payload


def _keys(path: str) -> list[str]:
    return [key.replace("#", ".") for key in path.split(".")]


def _replace(node: Any, path: list[str], value: Any, at: float, elapsed_s: float) -> Any:
    """Return `node` with the value at the path; only the containers along the path are copied."""
    key, rest = path[0], path[1:]
    if isinstance(node, list):
        if key != _ANY:
            return node
        return [_replace(one, rest, value, at, elapsed_s) if rest else value for one in node]
    if not isinstance(node, dict):
        return node
    keys = list(node) if key == _ANY else [key] if key in node else []
    changed = {
        name: _replace(node[name], rest, value, at, elapsed_s) if rest else _evaluate(node, name, value, at, elapsed_s)
        for name in keys
    }
    return node | changed


def _evaluate(siblings: Payload, name: str, value: Any, at: float, elapsed_s: float) -> Any:
    """Return the value of an expression for the field `name`; any other value is returned as it is."""
    if not isinstance(value, dict):
        return value
    if "add_per_s" in value:
        return siblings[name] + int(value["add_per_s"] * elapsed_s)
    if "floor_to_s" in value:
        return at - at % value["floor_to_s"]
    if "start_plus_s" in value:
        return int(at - elapsed_s + value["start_plus_s"])
    if "share" in value:
        return int(siblings[value["of"]] * value["share"])
    return value
