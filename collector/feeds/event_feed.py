"""Webhook events: counts every event, and runs the rules of its topic in `catalog.events`."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from collector.catalog.alarms import OPEN_ALARMS
from collector.catalog.event_rules import SITE_LABELS, WEBHOOK, StateUpdate, TopicTable
from collector.catalog.events import (
    ALARM_GROUP,
    ALARM_SEVERITY,
    DELAY,
    DELAYS,
    EVENTS,
    OTHER_TOPIC,
    TABLES,
)
from collector.catalog.limits import EVENT_COUNTERS
from collector.feeds.event_rows import (
    CounterRows,
    GaugeRows,
    Rejections,
    from_root,
    parts_of,
    sources_of,
    text_at,
    time_of,
)
from collector.feeds.feed import Feed
from collector.feeds.open_alarms import OpenAlarms
from collector.metrics.counter_table import OTHER, CounterTable, LabelLimiter
from collector.mist.channels import fits

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from collector.catalog.event_rules import CounterRule, GaugeRule, Part
    from collector.catalog.limits import RowLimit
    from collector.errors import Rejected
    from collector.feeds.event_places import EventPlaces
    from collector.feeds.feed import RestHandler, TopicEvent, TopicHandler
    from collector.metrics.compiler import ObjectKind
    from collector.metrics.model import Entity
    from collector.metrics.store import Store
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

MAX_NEW_TOPICS: Final = 20  # topics that the list of Mist may add
MAX_LEARNED_TYPES: Final = 500  # types of one topic that the lists of Mist may add


class TopicRows:
    """The rows of one topic, and what was left out of its events.

    Args:
        table: The table of the topic.
        store: The store that exports the rows.
        max_rows: Returns the limit of rows of a rule at present.
    """

    def __init__(self, table: TopicTable, store: Store, max_rows: Callable[[RowLimit], int]) -> None:
        self.table = table
        self.rejections = Rejections()
        self.counters = [CounterRows(store, rule, self.rejections, max_rows) for rule in table.counters]
        self.gauges = [GaugeRows(store, rule, WEBHOOK + table.name, self.rejections, max_rows) for rule in table.gauges]
        self.rows: tuple[CounterRows | GaugeRows, ...] = (*self.counters, *self.gauges)
        self.elements = {table.elements, *(rows.rule.elements for rows in self.rows)} - {""}
        known = table.type.known if table.type else ()
        self._types = LabelLimiter(
            (*table.initial_zero, *table.org_initial_zero, *known), unknown=table.type.unknown if table.type else 0
        )

    def admit_types(self, types: Iterable[str]) -> None:
        """Admit types from the list of Mist."""
        self._types.learn(types, limit=MAX_LEARNED_TYPES)

    def type_of(self, part: Part) -> str:
        """Return the label `type` of an event or one of its elements."""
        text = text_at(part, self.table.type, self.rejections) if self.table.type else ""
        shown = self._types.admit(text) if text else ""
        if shown == OTHER != text:
            self.rejections.labels["type"] += 1
        return shown

    def time_of(self, part: Part) -> float | None:
        """Return the time of an event or one of its elements in Unix seconds; None if it has none."""
        return time_of(part, self.table.time_fields, self.rejections)


class EventFeed(Feed):
    """Counters and gauges of all webhook topics, and the open alarms.

    Args:
        store: The store that exports the rows.
        directories: The inventories.
        places: Resolves the org and site of elements of an event.
    """

    name = "events"

    def __init__(self, store: Store, directories: Directories, places: EventPlaces) -> None:
        self.rest: Mapping[str, RestHandler] = {"alarm": self._alarm}
        self._store = store
        self._places = places
        self._max_rows: Callable[[RowLimit], int] = lambda limit: limit.of(directories.site_count)
        self._events = CounterTable(
            store, EVENTS, max_rows=lambda: self._max_rows(EVENT_COUNTERS), keep=len(SITE_LABELS)
        )
        self._delays = CounterTable(store, DELAYS)
        self._alarms = OpenAlarms(store, self._max_rows)
        self._alarm_limiters = [
            (rule, LabelLimiter(rule.known, unknown=rule.unknown)) for rule in (ALARM_GROUP, ALARM_SEVERITY)
        ]
        self._topics = {name: TopicRows(table, store, self._max_rows) for name, table in TABLES.items()}
        self._other = TopicRows(OTHER_TOPIC, store, self._max_rows)
        self._unknown_topics = 0  # events of topics without a table

    # Events

    def topic(self, name: str) -> TopicHandler:
        """Return the handler of a topic; events of an unknown topic are counted as `other`."""
        return partial(self._apply, self._topics.get(name, self._other))

    def _apply(self, topic: TopicRows, event: TopicEvent) -> Rejected | None:
        if topic is self._other:
            self._unknown_topics += 1
        payload, place = event.payload, (event.org_id, event.site_id)

        def place_of(part: Part) -> tuple[str, str]:
            return place if part is payload else self._places.of(part)

        parts: dict[str, Sequence[Part]] = {"": (payload,)}
        for elements in topic.elements:
            parts[elements] = list(parts_of(payload, elements, topic.rejections))
        # an event without elements is counted once
        for number, part in enumerate(parts[topic.table.elements] or (payload,)):
            self._count(topic, part, place_of(part), event.unix, first=number == 0)
        for counters in topic.counters:
            for part in parts[counters.rule.elements]:
                counters.apply(part, place_of(part), event.now)
        for gauges in topic.gauges:
            for part in parts[gauges.rule.elements]:
                gauges.apply(part, place_of(part), topic.time_of(part), event.now)
        if topic.table.updates is StateUpdate.ALARM_OPEN:
            return self._alarms.event(payload, (*place, *self._group_and_severity(topic, payload)), event.now)
        return None

    def _count(self, topic: TopicRows, part: Part, place: tuple[str, str], unix: float, *, first: bool) -> None:
        """Count an event or one of its elements; the delivery delay is observed once per event."""
        name = topic.table.name
        self._events.add((*place, name, topic.type_of(part)))
        time = topic.time_of(part) if first and unix > 0 else None
        if time is not None:
            self._delays.observe((name,), DELAY, max(0.0, unix - time))

    # Alarms

    def _alarm(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply an alarm of the alarm search of an org."""
        labels = self._group_and_severity(self._topics["alarms"], payload)
        place = self._places.of({**payload, **{name: id_ for name, id_ in ids.items() if id_}})
        return self._alarms.listed(payload, (*place, *labels), now)

    def rest_complete(self, kind: str, org_id: str, since: float) -> None:
        """Close the alarms of an org that a complete alarm search did not contain."""
        if kind == "alarm":
            self._alarms.complete(org_id, since)

    def _group_and_severity(self, topic: TopicRows, alarm: dict[str, Any]) -> tuple[str, str]:
        texts = ((text_at(alarm, rule, topic.rejections), limiter) for rule, limiter in self._alarm_limiters)
        group, severity = (limiter.admit(text) if text else "" for text, limiter in texts)
        return group, severity

    # Types

    def admit_types(self, topic: str, types: Iterable[str]) -> None:
        """Admit the types of a topic from the list of Mist, whatever other types were admitted before.

        The topic "" stands for the topics: a new one is counted under its own name, with the table of unknown topics.
        """
        if topic == "":
            for name in types:
                if name not in self._topics and len(self._topics) < len(TABLES) + MAX_NEW_TOPICS and fits(name):
                    self._topics[name] = TopicRows(TopicTable(name, OTHER_TOPIC.type), self._store, self._max_rows)
        elif topic in self._topics:
            self._topics[topic].admit_types(types)

    # Counters of the feed

    def refused_labels(self) -> dict[str, int]:
        """Return how often a label value became `other` because of its limit, for every label."""
        refused = {**self._places.refused_labels(), "topic": self._unknown_topics}
        labels = (label for topic in self._all() for counters in topic.counters for label in counters.rule.labels)
        refused |= dict.fromkeys(("group", "severity", "type", *labels), 0)
        for rule, limiter in self._alarm_limiters:
            refused[rule.paths[0]] += limiter.refused
        for topic in self._all():
            for label, count in topic.rejections.labels.items():
                refused[label] = refused.get(label, 0) + count
        return refused

    def rejected_parts(self) -> Counter[tuple[str, str]]:
        """Return how many parts of applied events were rejected, by object and reason."""
        rejected = super().rejected_parts()
        for topic in self._all():
            rejected.update({(WEBHOOK + topic.table.name, reason): n for reason, n in topic.rejections.parts.items()})
        return rejected

    def _all(self) -> Iterator[TopicRows]:
        return chain(self._topics.values(), [self._other])

    # Description

    def kinds(self) -> Iterator[ObjectKind]:
        """Return the compiled kinds of the gauges."""
        return (gauges.kind for topic in self._topics.values() for gauges in topic.gauges)

    def computed(self) -> tuple[Entity, ...]:
        """Return the entities of the counters."""
        own = (counters.rule.entity for topic in self._topics.values() for counters in topic.counters)
        return (EVENTS, DELAYS, OPEN_ALARMS, *own)

    def sources(self) -> Iterator[tuple[str, str, str]]:
        """Return the fields of all families, as (family, object, path)."""
        for table in TABLES.values():
            yield from sources_of_table(table)

    # Lifecycle

    def changed(self, changes: Changes) -> None:
        """End the rows of removed sites and orgs; start the counters of new ones at 0."""
        sites = {site.id for site in changes.sites_removed}
        orgs = {org.id for org in changes.orgs_removed}
        if sites or orgs:
            self._remove(lambda labels: labels[0] in orgs or labels[1] in sites)
        for org in changes.orgs_added:
            for table in TABLES.values():
                for type_ in table.org_initial_zero:
                    self._events.create((org.id, "", table.name, type_))
        for site in changes.sites_added:
            self._start_site(site.org_id, site.id)

    def _start_site(self, org_id: str, site_id: str) -> None:
        for topic in self._topics.values():
            for type_ in topic.table.initial_zero:
                self._events.create((org_id, site_id, topic.table.name, type_))
            for counters in topic.counters:
                counters.start_site(org_id, site_id)

    def _remove(self, matches: Callable[[tuple[str, ...]], bool]) -> None:
        self._events.remove(matches)
        self._alarms.remove(matches)
        for topic in self._topics.values():
            for rows in topic.rows:
                rows.remove(matches)

    def sweep(self, now: float) -> Iterator[int]:
        """End gauges past their time to live, transient label values, and the rows of unlisted sites and orgs.

        The other counters do not expire.
        """
        sites, orgs = self._places.expire(now)
        if sites or orgs:
            self._remove(lambda labels: labels[1] in sites or labels[0] in orgs)
        yield len(sites) + len(orgs)
        yield from self._alarms.sweep(now)
        for topic in self._topics.values():
            for rows in topic.rows:
                yield from rows.sweep(now)


def sources_of_table(table: TopicTable) -> Iterator[tuple[str, str, str]]:
    """Yield the fields of the families of one topic, as (family, object, path)."""
    object_ = WEBHOOK + table.name
    types = table.type.paths if table.type else ()
    for path in (*SITE_LABELS, *(from_root(path, table.elements) for path in types)):
        yield EVENTS.families[0].name, object_, path
    for path in table.time_fields:
        yield DELAY, object_, from_root(path, table.elements)
    rules: tuple[CounterRule | GaugeRule, ...] = (*table.counters, *table.gauges)
    for rule in rules:
        labels = tuple(sources_of(rule.labels, rule.elements))
        for family in rule.entity.families:
            for path in (*(from_root(path, rule.elements) for path in family.sources), *labels):
                yield family.name, object_, path
    if table.updates is StateUpdate.ALARM_OPEN:
        for path in ("id", "status", "resolved_time", *ALARM_GROUP.paths, *ALARM_SEVERITY.paths):
            yield OPEN_ALARMS.families[0].name, object_, path
            yield OPEN_ALARMS.families[0].name, "alarm", path  # the alarm search
    if table.updates is StateUpdate.DEVICE_UP:
        yield "mist_device_up", object_, "type"
