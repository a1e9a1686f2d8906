"""The feed of webhook events: runs each event through its topic's table (`events.py`)."""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from collector.catalog.alarms import OPEN_ALARMS
from collector.catalog.event_rules import SITE_LABELS, StateUpdate, TopicTable
from collector.catalog.events import (
    ALARM_GROUP,
    ALARM_SEVERITY,
    DELAY,
    DELAYS,
    DEVICE_MACS,
    DEVICE_TYPES,
    EVENTS,
    OTHER_TOPIC,
    TABLES,
    UPS,
)
from collector.errors import Rejected
from collector.feeds.event_rows import CounterRows, GaugeRows, Refusals, dig, from_root, parts_of, sources_of, text_at
from collector.feeds.open_alarms import OpenAlarms
from collector.feeds.unknown_sites import UnknownSites
from collector.metrics.counter_table import OTHER, CounterTable, LabelLimiter
from collector.mist.identity import mac_of
from collector.mist.times import epoch_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from collector.catalog.event_rules import CounterRule, GaugeRule, Part
    from collector.feeds.device_feed import DeviceFeed
    from collector.feeds.feed import Apply, ApplyEvent, RestApply
    from collector.metrics.compiler import ObjectKind
    from collector.metrics.model import Entity
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

UNKNOWN_SITE = Rejected("unknown_site")
SITE_IDS, ORG_IDS = ("site_id", "siteid"), ("org_id", "orgid")  # raw Wi-Fi topics are seen with both
UNKNOWN_SITES = 1000  # site ids beyond the inventory that events may name before they become `other`
UNKNOWN_ORGS = 100  # org ids, the same
NEW_TOPICS = 20  # topics that Mist's list may add
KNOWN_TYPES = 500  # types of one topic that Mist's lists may add
RECENT = 20  # events kept for the status page
OBJECT = "webhook:"  # before a topic's name: what the reference and the count of rejected parts call its events


class RecentEvent(NamedTuple):
    """One of the last webhook events, without anything personal."""

    unix: float
    topic: str
    type: str
    site_id: str


class Topic:
    """One topic at work: its table's rows, the types it has seen, what it refused."""

    def __init__(self, table: TopicTable, store: Store) -> None:
        self.table = table
        self.refusals = Refusals()
        self.counts = [CounterRows(store, rule, self.refusals) for rule in table.counters]
        self.tells = [GaugeRows(store, rule, OBJECT + table.name, self.refusals) for rule in table.gauges]
        self.rows: tuple[CounterRows | GaugeRows, ...] = (*self.counts, *self.tells)
        unknown = table.type.unknown if table.type else 0
        self._types = LabelLimiter((*table.initial_zero, *table.org_initial_zero, *self._known()), unknown=unknown)

    def _known(self) -> tuple[str, ...]:
        return self.table.type.known if self.table.type else ()

    def admit_types(self, types: Iterable[str]) -> None:
        """These types exist, says Mist."""
        self._types.know(types, limit=KNOWN_TYPES)

    def type_of(self, part: Part) -> str:
        """The label `type` of one part of an event."""
        text = text_at(part, self.table.type, self.refusals) if self.table.type else ""
        shown = self._types.admit(text) if text else ""
        if shown == OTHER != text:
            self.refusals.labels["type"] += 1
        return shown

    def moment_of(self, part: Part) -> float | None:
        """When it happened, Unix seconds; None when it does not say, or not so that it can be read."""
        for path in self.table.time_fields:
            said = dig(part, path)
            moment = epoch_s(said)
            if moment is not None:
                return moment
            if said not in (None, "", 0):
                self.refusals.reject("not_a_time")
        return None


class EventFeed:
    """Events in, counters and states out. `now` is the monotonic clock."""

    def __init__(self, store: Store, directories: Directories, devices: DeviceFeed, now: Callable[[], float]) -> None:
        self.channels: Mapping[str, Callable[[Match], Apply]] = {}
        self.rest: Mapping[str, RestApply] = {"alarm": self.from_rest}
        self.recent: deque[RecentEvent] = deque(maxlen=RECENT)
        self._store = store
        self._directories = directories
        self._devices = devices
        self._now = now
        self._events = CounterTable(store, EVENTS)
        self._delays = CounterTable(store, DELAYS)
        self._alarms = OpenAlarms(store)
        self._sites, self._orgs = UnknownSites(UNKNOWN_SITES), UnknownSites(UNKNOWN_ORGS)
        self._alarm_labels = [(by, LabelLimiter(by.known, unknown=by.unknown)) for by in (ALARM_GROUP, ALARM_SEVERITY)]
        self._topics = {name: Topic(table, store) for name, table in TABLES.items()}
        self._other = Topic(OTHER_TOPIC, store)
        self._sets: dict[StateUpdate, Callable[[Topic, dict[str, Any], tuple[str, str]], None]] = {
            StateUpdate.DEVICE_UP: self._set_device_up,
            StateUpdate.ALARM_OPEN: self._set_alarm_open,
            StateUpdate.POSITION: self._set_position,
        }
        self.positions: Callable[[str, Mapping[str, Any], float], Rejected | None] = no_positions
        self.unknown_topics = 0  # events of topics that nobody knows

    # events

    def topic(self, name: str) -> ApplyEvent:
        """The handler of a topic; one that nobody knows is counted as `other`."""
        topic = self._topics.get(name, self._other)

        def apply(event: dict[str, Any], unix: float) -> Rejected | None:
            return self._apply(topic, event, unix)

        return apply

    def _apply(self, topic: Topic, event: dict[str, Any], unix: float) -> Rejected | None:
        table = topic.table
        if topic is self._other:
            self.unknown_topics += 1
        now, place = self._now(), self.where(event)

        def where(part: Part) -> tuple[str, str]:
            return place if part is event else self.where(part)

        for at, part in enumerate(self._counted_parts(topic, event)):
            self._count(topic, part, where(part), unix, first=at == 0)
        for counts in topic.counts:
            for part in parts_of(event, counts.rule.elements, topic.refusals):
                counts.apply(part, where(part), now)
        for tells in topic.tells:
            for part in parts_of(event, tells.rule.elements, topic.refusals):
                tells.apply(part, where(part), topic.moment_of(part), now)
        if table.updates is not None:
            self._sets[table.updates](topic, event, place)
        return None

    @staticmethod
    def _counted_parts(topic: Topic, event: dict[str, Any]) -> Sequence[Part]:
        """What counts as events of the topic; an event without any of it counts as one."""
        each = topic.table.elements
        return (list(parts_of(event, each, topic.refusals)) or [event]) if each else (event,)

    def _count(self, topic: Topic, part: Part, where: tuple[str, str], unix: float, *, first: bool) -> None:
        """What all topics have in common. A delivery's delay is that of the event, however many parts it has."""
        name, type_ = topic.table.name, topic.type_of(part)
        self._events.add((*where, name, type_))
        self.recent.appendleft(RecentEvent(unix, name, type_, where[1]))
        moment = topic.moment_of(part) if first and unix > 0 else None
        if moment is not None:
            self._delays.observe((name,), DELAY, max(0.0, unix - moment))

    def where(self, part: Part) -> tuple[str, str]:
        """The org and site of an event, as the inventory has them; unknown ones up to a cap."""
        site_id, org_id = identity(part, SITE_IDS), identity(part, ORG_IDS)
        site = self._directories.site(site_id) if site_id else None
        if site is not None:
            return site.org_id, site.id
        now = self._now()
        return self._orgs.admit(org_id, now) if org_id else "", self._sites.admit(site_id, now) if site_id else ""

    # state elsewhere

    def _set_device_up(self, topic: Topic, event: dict[str, Any], where: tuple[str, str]) -> None:
        type_ = event.get("type")
        if not isinstance(type_, str):
            return
        up = next((up for end, up in UPS.items() if type_.endswith(end)), None)
        kind = DEVICE_TYPES.get(type_.partition("_")[0])
        mac = next((mac for name in DEVICE_MACS if (mac := mac_of(event.get(name)))), None)
        if up is not None and kind is not None and mac is not None:
            self._devices.updown(mac, (*where, kind), up, topic.moment_of(event), self._now())

    def _set_alarm_open(self, topic: Topic, event: dict[str, Any], where: tuple[str, str]) -> None:
        rejected = self._alarms.event(event, (*where, *self._group_and_severity(topic, event)), self._now())
        if rejected is not None:
            topic.refusals.reject(rejected.reason)

    def _set_position(self, topic: Topic, event: dict[str, Any], _where: tuple[str, str]) -> None:
        rejected = UNKNOWN_SITE if self._is_stranger(event) else self.positions(topic.table.name, event, self._now())
        if rejected is not None:
            topic.refusals.reject(rejected.reason)

    def _is_stranger(self, event: dict[str, Any]) -> bool:
        """Whether the inventory is known and does not list the event's site: nobody would end what it leaves on maps."""
        return not self._directories.empty and self._directories.site(identity(event, SITE_IDS)) is None

    def from_rest(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply an alarm as the alarm search of an org lists it."""
        labels = self._group_and_severity(self._topics["alarms"], payload)
        place = self.where({**payload, **{name: id_ for name, id_ in ids.items() if id_}})
        return self._alarms.listed(payload, (*place, *labels), now)

    def complete_alarms(self, org_id: str, began: float) -> None:
        """The alarm search of this org was read to its end, beginning at `began` (monotonic): it replaces the set."""
        self._alarms.complete(org_id, began)

    def _group_and_severity(self, topic: Topic, alarm: dict[str, Any]) -> tuple[str, str]:
        texts = ((text_at(alarm, by, topic.refusals), bounded) for by, bounded in self._alarm_labels)
        group, severity = (bounded.admit(text) if text else "" for text, bounded in texts)
        return group, severity

    # types known beforehand

    def admit_types(self, topic: str, types: Iterable[str]) -> None:
        """Mist's list of the types of a topic: shown by name however many unknown ones came before.

        The topic "" stands for the topics themselves: one that is new to us is then counted by its own name.
        """
        if topic == "":
            for name in types:
                if name not in self._topics and len(self._topics) < len(TABLES) + NEW_TOPICS:
                    self._topics[name] = Topic(TopicTable(name, OTHER_TOPIC.type), self._store)
        elif topic in self._topics:
            self._topics[topic].admit_types(types)

    # the books

    def refused_labels(self) -> dict[str, int]:
        """How often a label value became `other` because its cap was reached, by label; each from zero on."""
        refused = {"org_id": self._orgs.refused, "site_id": self._sites.refused, "topic": self.unknown_topics}
        labels = (label for topic in self._all() for counts in topic.counts for label in counts.rule.labels)
        refused |= dict.fromkeys(("group", "severity", "type", *labels), 0)
        for by, bounded in self._alarm_labels:
            refused[by.paths[0]] += bounded.refused
        for topic in self._all():
            for label, count in topic.refusals.labels.items():
                refused[label] = refused.get(label, 0) + count
        return refused

    def rejected_parts(self) -> dict[tuple[str, str], int]:
        """What was left out of events otherwise applied, by object and reason."""
        return {
            (OBJECT + topic.table.name, reason): count
            for topic in self._all()
            for reason, count in topic.refusals.parts.items()
        }

    def _all(self) -> Iterator[Topic]:
        return chain(self._topics.values(), [self._other])

    # as a feed

    def kinds(self) -> Iterator[ObjectKind]:
        """The objects that events tell."""
        return (tells.kind for topic in self._topics.values() for tells in topic.tells)

    def tallies(self) -> tuple[Entity, ...]:
        """The entities counted here."""
        counted = (counts.rule.entity for topic in self._topics.values() for counts in topic.counts)
        return (EVENTS, DELAYS, OPEN_ALARMS, *counted)

    def changed(self, changes: Changes) -> None:
        """Rows of a site or an org that is gone end; counters of a new one that alerts rely on begin at zero."""
        sites = {site.id for site in changes.sites_removed}
        orgs = {org.id for org in changes.orgs_removed}
        if sites or orgs:
            self._remove(lambda labels: labels[0] in orgs or labels[1] in sites)
        self._sites.listed(site.id for site in changes.sites_added)
        self._orgs.listed(org.id for org in changes.orgs_added)
        for org in changes.orgs_added:
            for table in TABLES.values():
                for type_ in table.org_initial_zero:
                    self._events.born((org.id, "", table.name, type_))
        for site in changes.sites_added:
            self._begin(site.org_id, site.id)

    def _begin(self, org_id: str, site_id: str) -> None:
        for topic in self._topics.values():
            for type_ in topic.table.initial_zero:
                self._events.born((org_id, site_id, topic.table.name, type_))
            for counts in topic.counts:
                counts.begin(org_id, site_id)

    def _remove(self, gone: Callable[[tuple[str, ...]], bool]) -> None:
        self._events.forget(gone)
        self._alarms.remove(gone)
        for topic in self._topics.values():
            for rows in topic.rows:
                rows.remove(gone)

    def sweep(self, now: float) -> Iterator[int]:
        """End what nobody told again in its time; counters do not end by silence, but for those of strangers."""
        yield self._sweep_strangers(now)
        yield from self._alarms.sweep(now)
        for topic in self._topics.values():
            for rows in topic.rows:
                yield from rows.sweep(now)

    def _sweep_strangers(self, now: float) -> int:
        """End the rows of sites and orgs that no inventory lists and of which no event came for long; how many these are.

        Before an inventory was read everybody is a stranger, and stays.
        """
        if self._directories.empty:
            return 0
        sites, orgs = self._sites.gone(now), self._orgs.gone(now)
        if sites or orgs:
            self._remove(lambda labels: labels[1] in sites or labels[0] in orgs)
        return len(sites) + len(orgs)


def identity(part: Part, names: tuple[str, ...]) -> str:
    """The first of these fields that is an id; "" when none is."""
    for name in names:
        value = part.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def no_positions(_topic: str, _event: Mapping[str, Any], _now: float) -> Rejected | None:
    """Nobody wants to know where somebody is."""
    return None


def sources() -> Iterator[tuple[str, str, str]]:
    """Every field that a family is made of, for the reference: (family, object, path)."""
    for table in TABLES.values():
        object_ = OBJECT + table.name
        for path in (
            *SITE_LABELS,
            *(from_root(path, table.elements) for path in (table.type.paths if table.type else ())),
        ):
            yield EVENTS.families[0].name, object_, path
        for path in table.time_fields:
            yield DELAY, object_, from_root(path, table.elements)
        rows: tuple[CounterRule | GaugeRule, ...] = (*table.counters, *table.gauges)
        for row in rows:
            own = tuple(sources_of(row.labels, row.elements))
            for family in row.entity.families:
                for path in (*(from_root(path, row.elements) for path in family.sources), *own):
                    yield family.name, object_, path
        if table.updates is StateUpdate.ALARM_OPEN:
            for path in ("id", "status", "resolved_time", *ALARM_GROUP.paths, *ALARM_SEVERITY.paths):
                yield OPEN_ALARMS.families[0].name, object_, path
                yield OPEN_ALARMS.families[0].name, "alarm", path  # by REST
        if table.updates is StateUpdate.DEVICE_UP:
            yield "mist_device_up", object_, "type"
