"""The feed of webhook events: counts them by topic, type and site, and tells devices that they are up or down."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from collector.catalog.events import DEVICE_TYPES, EVENTS, TABLES, TopicTable
from collector.metrics.tally import Bounded, Tally
from collector.mist import topics
from collector.mist.identity import mac_of
from collector.mist.times import epoch_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from collector.catalog.devices import Devices
    from collector.catalog.feed import Apply, ApplyEvent, RestApply
    from collector.errors import Rejected
    from collector.metrics.compiler import ObjectKind
    from collector.metrics.model import Entity
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

UNKNOWN_SITES = 1000  # site ids beyond the inventory that events may name before they become `other`
UNKNOWN_TYPES = 200  # event types, a topic
RECENT = 20  # events kept for the status page


class RecentEvent(NamedTuple):
    """One of the last webhook events, without anything personal."""

    unix: float
    topic: str
    type: str
    site_id: str


class WebhookEvents:
    """Events in, counters out."""

    def __init__(self, store: Store, directories: Directories, devices: Devices, now: Callable[[], float]) -> None:
        self.channels: Mapping[str, Callable[[Match], Apply]] = {}
        self.rest: Mapping[str, RestApply] = {}
        self.recent: deque[RecentEvent] = deque(maxlen=RECENT)
        self._directories = directories
        self._devices = devices
        self._now = now
        self._events = Tally(store, EVENTS)
        self._sites = Bounded(unknown=UNKNOWN_SITES)
        self._topics = Bounded(tuple(topics.TOPICS), unknown=0)
        self._types: dict[str, Bounded] = {}

    def topic(self, name: str) -> ApplyEvent:
        """The handler of a topic; one that nobody knows is counted as `other`."""
        table = TABLES.get(name, TopicTable(name))
        label = self._topics.admit(name)
        types = self._types.setdefault(label, Bounded(table.born, unknown=UNKNOWN_TYPES))

        def apply(event: dict[str, Any], unix: float) -> Rejected | None:
            type_ = event.get(table.type_field) if table.type_field else ""
            shown = types.admit(type_) if isinstance(type_, str) and type_ else ""
            org_id, site_id = self.where(event)
            self._events.add((org_id, site_id, label, shown))
            self.recent.appendleft(RecentEvent(unix, label, shown, site_id))
            if table.ups and isinstance(type_, str):
                self._updown(table, event, type_, (org_id, site_id))
            return None

        return apply

    def where(self, event: Mapping[str, object]) -> tuple[str, str]:
        """The org and site of an event, as the inventory has them; unknown sites up to a cap."""
        site_id, org_id = event.get("site_id"), event.get("org_id")
        site = self._directories.site(site_id) if isinstance(site_id, str) else None
        if site is not None:
            return site.org_id, site.id
        shown = self._sites.admit(site_id) if isinstance(site_id, str) and site_id else ""
        return (org_id if isinstance(org_id, str) else ""), shown

    def _updown(self, table: TopicTable, event: Mapping[str, object], type_: str, where: tuple[str, str]) -> None:
        up = next((up for end, up in table.ups.items() if type_.endswith(end)), None)
        kind = DEVICE_TYPES.get(type_.partition("_")[0])
        mac = mac_of(event.get("mac")) or mac_of(event.get("ap"))
        if up is not None and kind is not None and mac is not None:
            self._devices.updown(mac, (*where, kind), up, epoch_s(event.get("timestamp")), self._now())

    def refused_labels(self) -> dict[str, int]:
        """How often a label value became `other` because its cap was reached, by label."""
        return {
            "site_id": self._sites.refused,
            "topic": self._topics.refused,
            "type": sum(types.refused for types in self._types.values()),
        }

    def kinds(self) -> tuple[ObjectKind, ...]:
        """None: events are counted, not told."""
        return ()

    def tallies(self) -> tuple[Entity, ...]:
        """The counters."""
        return (EVENTS,)

    def changed(self, changes: Changes) -> None:
        """Counters of a new site begin at zero, those of a site that is gone end."""
        for site in changes.sites_removed:
            self._events.forget(lambda values, gone=site.id: values[1] == gone)  # type: ignore[misc]
        for site in changes.sites_added:
            for table in TABLES.values():
                for type_ in table.born:
                    self._events.born((site.org_id, site.id, table.name, type_))

    def sweep(self, _now: float) -> Iterator[int]:
        """Counters do not end by silence."""
        return iter(())
