"""The table of an object: its payload, its identity and labels, and the entities of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.metrics.model import Entity


@dataclass(frozen=True, slots=True)
class Object:
    """One kind of object.

    name      name in the metric reference
    roots     entities whose rows are the object itself
    labels    label names of its rows; a value is the field of the same name, or comes from the path of the channel or request
    nested    entities inside the object, parents before children
    fields    label name -> field of the payload, if their names differ
    identity  labels that identify the object; () for all of them
    carries   what its channel carries (`Channel.carries`); "" if it has no channel
    rest      kind, or kinds, of the REST objects with its payload
    inside    lists in the statistics of a device that contain it: "gateway.tunnels"
    requires  field of these statistics without which the list is ignored
    """

    name: str
    roots: tuple[Entity, ...]
    labels: tuple[str, ...]
    nested: tuple[Entity, ...] = ()
    fields: Mapping[str, str] | None = None
    identity: tuple[str, ...] = ()
    carries: str = ""
    rest: str | tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    requires: str = ""

    @property
    def polled(self) -> tuple[str, ...]:
        """Every kind of REST object with the payload."""
        return (self.rest,) if isinstance(self.rest, str) else self.rest

    def field_of(self, label: str) -> str:
        """Return the field of the payload with the value of a label."""
        return (self.fields or {}).get(label, label)
