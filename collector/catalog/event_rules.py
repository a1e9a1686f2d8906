"""Model of `events.py`: a webhook topic as one row that declares how its events become counters and gauges.

A row is data: fields, label values and their limits, families. `event_rows.py` turns it into code that runs per event.
Paths are dotted JSON keys of an event. `elements` is the path of a list or map inside the event whose elements are
processed as separate events: `alert_events[*]` (a list of objects) or `sle.{name}` (a map, whose key and value have the
paths `KEY` and `VALUE`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeAlias

from collector.catalog.limits import EVENT_COUNTERS, EVENT_GAUGES
from collector.metrics.model import PLAIN, Entity, Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.catalog.limits import RowLimit
    from collector.metrics.model import AnyFamily

Part: TypeAlias = "Mapping[str, Any]"  # an event, or one of its elements

SITE_LABELS = ("org_id", "site_id")  # the first labels of every row of a rule
KEY, VALUE = "key", "value"
WEBHOOK = "webhook:"  # prefix of a topic in the metric reference and in counters of rejected parts

MAX_UNKNOWN_VALUES = 50  # values of a label in addition to the known ones, over all sites
MAX_ELEMENTS = 1000  # processed elements of one event
TRANSIENT_VALUE_TTL_S = 30 * 86_400.0


def unchanged(text: str) -> str:
    """Return the text of the field as the label value."""
    return text


def always(_part: Part) -> bool:
    """Accept every event."""
    return True


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Source of a label value, and the limit of distinct values; values above the limit become `other`.

    fields     the field, or alternative names of it; the first with a value is used
    normalize  text of the field -> label value
    known      values that are always accepted
    unknown    maximum number of other values, over all sites
    transient  values are names or ids that users create and delete: a value that is absent from events for
               `TRANSIENT_VALUE_TTL_S` is released, and its rows end
    """

    fields: str | tuple[str, ...]
    normalize: Callable[[str], str] = unchanged
    known: tuple[str, ...] = ()
    unknown: int = MAX_UNKNOWN_VALUES
    transient: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """Every name of the field, preferred first."""
        return (self.fields,) if isinstance(self.fields, str) else self.fields


@dataclass(frozen=True, slots=True, eq=False)
class CounterRule:
    """Counters and histograms with one row per combination of label values.

    A counter without a path counts events; a counter with a path adds the value of that field. A histogram observes the
    first of its `reads` that has a value.

    entity        the families and labels: `SITE_LABELS`, then those of `labels`
    labels        label name -> rule
    elements      path of the elements; "" for the event itself
    condition     whether an event is counted
    scale         from the unit of the field to the base unit, for histograms
    initial_zero  label values (without `SITE_LABELS`) of rows that start at 0 for every site, so that alerts detect the
                  first increment; each costs one row per site
    max_rows      the limit of rows, above which events of a new combination are counted in a row of their site with `other`
                  for the labels of the rule; rows that start at 0 do not count
    """

    entity: Entity
    labels: Mapping[str, LabelRule]
    elements: str = ""
    condition: Callable[[Part], bool] = always
    scale: Scale = PLAIN
    initial_zero: tuple[tuple[str, ...], ...] = ()
    max_rows: RowLimit = EVENT_COUNTERS


@dataclass(frozen=True, slots=True, eq=False)
class GaugeRule:
    """Gauges and state sets with the values of the latest event; a row ends `ttl_s` of the entity after its last event.

    An event that is older than the row is dropped.

    entity    the families and labels: `SITE_LABELS`, then those of `labels`
    labels    label name -> rule
    elements  path of the elements; "" for the event itself
    max_rows  the limit of rows, above which new rows are dropped and counted; they are not merged into `other`, because
              gauges of different rows cannot be combined
    """

    entity: Entity
    labels: Mapping[str, LabelRule] = field(default_factory=dict)
    elements: str = ""
    max_rows: RowLimit = EVENT_GAUGES


class StateUpdate(Enum):
    """State outside of the rows of a topic that its events update."""

    DEVICE_UP = auto()  # the types AP_CONNECTED, AP_DISCONNECTED (SW, GW, ME) set mist_device_up
    ALARM_OPEN = auto()  # an alarm with a status opens or closes the alarm
    POSITION = auto()  # a position of a client or asset on a map


@dataclass(frozen=True, slots=True)
class TopicTable:
    """One topic.

    name              the topic
    type              rule of the label `type` of `mist_webhook_events_total`; None if its events have no types
    elements          path of the elements that are counted as events of this topic; "" for the event itself
    time_fields       fields with the time of the event; the first with a value is used
    counters          counters in addition to `mist_webhook_events_total`
    gauges            gauges and state sets
    updates           further state that the events update
    initial_zero      types whose counter starts at 0 for every site
    org_initial_zero  types whose counter starts at 0 for every org, for events without a site
    """

    name: str
    type: LabelRule | None = None
    elements: str = ""
    time_fields: tuple[str, ...] = ("timestamp",)
    counters: tuple[CounterRule, ...] = ()
    gauges: tuple[GaugeRule, ...] = ()
    updates: StateUpdate | None = None
    initial_zero: tuple[str, ...] = ()
    org_initial_zero: tuple[str, ...] = ()


def counter_rule(
    name: str,
    *families: AnyFamily,
    labels: Mapping[str, LabelRule],
    condition: Callable[[Part], bool] = always,
    scale: Scale = PLAIN,
    initial_zero: tuple[tuple[str, ...], ...] = (),
) -> CounterRule:
    """Return a `CounterRule` with an entity of this table name."""
    entity = Entity(name, families, labels=(*SITE_LABELS, *labels), ttl_s=None, of=WEBHOOK)
    return CounterRule(entity, labels, condition=condition, scale=scale, initial_zero=initial_zero)


def gauge_rule(
    name: str, *families: AnyFamily, ttl_s: float, labels: Mapping[str, LabelRule] | None = None, elements: str = ""
) -> GaugeRule:
    """Return a `GaugeRule` with an entity of this table name."""
    rules = labels or {}
    return GaugeRule(Entity(name, families, labels=(*SITE_LABELS, *rules), ttl_s=ttl_s), rules, elements=elements)
