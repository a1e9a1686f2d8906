"""The table type of an object kind: which payload it is, which labels identify it, which rows it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.metrics.model import Entity


@dataclass(frozen=True, slots=True)
class Object:
    """One sort of object.

    name      as in the field reference
    roots     the entities whose rows the object is; nested: those inside it, parents before children
    labels    the label names of its rows; each value is a field of that name, or stands in the channel's path
    fields    label name -> field of the payload, where the two are not called alike
    identity  the labels that tell two objects apart (all of them, unless given)
    carries   what its channel carries; rest: the kind, or kinds, under which REST polls hand it over
    inside    lists in the statistics of a device in which it stands, too: "gateway.tunnels"
    beside    the field of those statistics without which the list is not believed
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
    beside: str = ""

    @property
    def polled(self) -> tuple[str, ...]:
        """Every kind under which REST polls hand it over."""
        return (self.rest,) if isinstance(self.rest, str) else self.rest

    def field_of(self, label: str) -> str:
        """The payload's field behind a label."""
        return (self.fields or {}).get(label, label)
