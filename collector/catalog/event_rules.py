"""The language of `events.py`: a topic as one row, saying how its events are counted and what they tell.

A row is data: fields, label values and their caps, families. `event_rows.py` turns it into code that runs per event.
Paths are dotted JSON keys of an event. `each` names a place inside the event whose elements count as events of their
own: `alert_events[*]` (a list of objects) or `sle.{name}` (a map; `KEY` and `VALUE` then name its key and value).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeAlias

from collector.metrics.model import PLAIN, Entity, Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.metrics.model import AnyFamily

Part: TypeAlias = "Mapping[str, Any]"  # an event, or one element of it

PLACE = ("org_id", "site_id")  # the first labels of every row that an event counts or tells
KEY, VALUE = "key", "value"

UNKNOWN_VALUES = 50  # values of a label beyond those known beforehand, over all sites
COUNTED_ROWS = 50_000  # rows of one counter; some 250 bytes each
TOLD_ROWS = 20_000  # rows of one state
PASSING_KEPT_S = 30 * 86_400.0


def as_it_is(text: str) -> str:
    """The wire's text is the label's value."""
    return text


def always(_part: Part) -> bool:
    """Count every event."""
    return True


@dataclass(frozen=True, slots=True)
class By:
    """Where a label's value comes from, and how many values it may have; beyond that they are `other`.

    fields   the field, or several names of it, of which the first that says something counts
    of       wire text -> label value
    known    values admitted beforehand; unknown: how many others are, over all sites
    passing  values are names or ids that people make and drop: one that is not told for `PASSING_KEPT_S` gives its
             place to another, and its rows end
    """

    fields: str | tuple[str, ...]
    of: Callable[[str], str] = as_it_is
    known: tuple[str, ...] = ()
    unknown: int = UNKNOWN_VALUES
    passing: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """Every name of the field, preferred first."""
        return (self.fields,) if isinstance(self.fields, str) else self.fields


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """A row of counters for each combination of label values.

    A counter without a path counts events; one with a path adds up that field. A histogram observes its first `reads`.

    entity   the families and labels: `PLACE`, then those of `by`
    only     whether an event counts here
    scale    from the wire's unit to the base unit, for histograms
    born     values of the labels behind `PLACE` whose row begins at zero with each site, so that alerts see the first
             increment; each costs one row a site
    rows     the cap: beyond it the labels of a new row are `other`
    """

    entity: Entity
    by: Mapping[str, By]
    each: str = ""
    only: Callable[[Part], bool] = always
    scale: Scale = PLAIN
    born: tuple[tuple[str, ...], ...] = ()
    rows: int = COUNTED_ROWS


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A row whose values are what the latest event said; it ends when nothing is said for the entity's `ttl_s`.

    `by`: the labels that tell rows apart, beside `PLACE`. `rows`: the cap; beyond it a new row is left out and counted
    as such, because `other` would mix what does not belong together. An event older than the row is left out, too.
    """

    entity: Entity
    by: Mapping[str, By] = field(default_factory=dict)
    each: str = ""
    rows: int = TOLD_ROWS


class Sets(Enum):
    """State outside an event's own rows that a topic changes."""

    DEVICE_UP = auto()  # a type that ends in _CONNECTED or _DISCONNECTED: the device is up, or down
    ALARM_OPEN = auto()  # an alarm with a status: it is open, or no longer
    POSITION = auto()  # somebody is at a place of a map


@dataclass(frozen=True, slots=True)
class TopicTable:
    """One topic.

    type        the label `type` of `mist_webhook_events_total`; None when its events have no types
    each        where the elements stand that count as events of this topic; "" = each event is one
    moment      the field that says when it happened, or several, of which the first that says something counts
    counts      counters beside the common one; tells: states
    sets        what else it changes
    born        types whose counter begins at zero with each site; born_of_org: with each org, for events without a site
    """

    name: str
    type: By | None = None
    each: str = ""
    moment: tuple[str, ...] = ("timestamp",)
    counts: tuple[Counted, ...] = ()
    tells: tuple[Told, ...] = ()
    sets: Sets | None = None
    born: tuple[str, ...] = ()
    born_of_org: tuple[str, ...] = ()


def counted(
    name: str,
    *families: AnyFamily,
    by: Mapping[str, By],
    only: Callable[[Part], bool] = always,
    scale: Scale = PLAIN,
    born: tuple[tuple[str, ...], ...] = (),
) -> Counted:
    """A `Counted` with its entity; `name` is that of the table."""
    return Counted(Entity(name, families, labels=(*PLACE, *by), ttl_s=None), by, only=only, scale=scale, born=born)


def told(name: str, *families: AnyFamily, ttl_s: float, by: Mapping[str, By] | None = None, each: str = "") -> Told:
    """A `Told` with its entity; `name` is that of the table."""
    labels = by or {}
    return Told(Entity(name, families, labels=(*PLACE, *labels), ttl_s=ttl_s), labels, each=each)
