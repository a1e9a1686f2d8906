"""The catalogue as one object: payloads and events go in, the store's rows follow.

Everything that ingest hands over arrives here, and is passed to whoever knows the object: `channels` by what a channel
carries, `topics` by name, REST objects by kind. To add one, add its row to the table it belongs to.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from collector.catalog.devices import Devices
from collector.catalog.events import DEVICE_TYPES, EVENTS, TABLES, TopicTable
from collector.catalog.places import ORG, SITE
from collector.errors import Rejected
from collector.metrics.compiler import ObjectKind
from collector.metrics.roster import Roster
from collector.metrics.store import Store
from collector.metrics.tally import Bounded, Tally
from collector.mist import channels, topics
from collector.mist.directories import Directories
from collector.mist.identity import mac_of
from collector.mist.times import epoch_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from collector.mist.directory import Changes

UNKNOWN_SITES = 1000  # site ids beyond the inventory that events may name before they become `other`
UNKNOWN_TYPES = 200  # event types, a topic
RECENT = 20  # events kept for the status page
SWEEP_STEP = 200  # identities looked at in one go; some hundred microseconds


class RecentEvent(NamedTuple):
    """One of the last webhook events, without anything personal."""

    unix: float
    topic: str
    type: str
    site_id: str


class Catalog:
    """Owns the store. `hears(site_id)` tells whether the site's device channel is up; `now` is the monotonic clock."""

    def __init__(
        self,
        directories: Directories | None = None,
        *,
        now: Callable[[], float] = lambda: 0.0,
        hears: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.store = Store()
        self.directories = directories or Directories()
        self._now = now
        self.devices = Devices(self.store, self.directories, hears)
        orgs, sites = Roster(("org_id",)), Roster(("org_id", "site_id"))
        self.org = ObjectKind("org", self.store, orgs, (ORG,))
        self.site = ObjectKind("site", self.store, sites, (SITE,))
        self.events = Tally(self.store, EVENTS)
        self._sites = Bounded(unknown=UNKNOWN_SITES)
        self._topics = Bounded(tuple(topics.TOPICS), unknown=0)
        self._types: dict[str, Bounded] = {}
        self.recent: deque[RecentEvent] = deque(maxlen=RECENT)

    def refused_labels(self) -> dict[str, int]:
        """How often a label value became `other` because its cap was reached, by label."""
        return {
            "site_id": self._sites.refused,
            "topic": self._topics.refused,
            "type": sum(types.refused for types in self._types.values()),
        }

    def rejected_parts(self) -> dict[tuple[str, str], int]:
        """Fields left out of payloads otherwise applied, by object and reason."""
        return {(kind.name, reason): count for kind in self.kinds() for reason, count in kind.decoder.rejected.items()}

    def kinds(self) -> Iterator[ObjectKind]:
        """Every object kind."""
        yield from self.devices.kinds.values()
        yield from (self.org, self.site)

    # what ingest calls

    def open_channel(self, path: str) -> Callable[[object, float], Rejected | None] | None:
        """The handler of a channel, or None when nothing on it is measured."""
        found = channels.match(path)
        if found is None or found.channel.carries != "device":
            return None
        return self.devices.channel(found.ids["site_id"])

    def open_topic(self, name: str) -> Callable[[dict[str, Any], float], Rejected | None]:
        """The handler of a topic; one that nobody knows is counted as `other`."""
        table = TABLES.get(name, TopicTable(name))
        label = self._topics.admit(name)
        types = self._types.setdefault(label, Bounded(table.born, unknown=UNKNOWN_TYPES))

        def apply(event: dict[str, Any], unix: float) -> Rejected | None:
            type_ = event.get(table.type_field) if table.type_field else ""
            shown = types.admit(type_) if isinstance(type_, str) and type_ else ""
            org_id, site_id = self._where(event)
            self.events.add((org_id, site_id, label, shown))
            self.recent.appendleft(RecentEvent(unix, label, shown, site_id))
            if table.ups and isinstance(type_, str):
                self._updown(table, event, type_, (org_id, site_id))
            return None

        return apply

    def rest_object(self, kind: str, payload: dict[str, Any], ids: Mapping[str, str]) -> Rejected | None:
        """An object as REST gave it: org, site, inventory entry or device statistics."""
        now, org_id, site_id = self._now(), ids.get("org_id", ""), ids.get("site_id", "")
        if kind == "device":
            return self.devices.from_rest(payload, org_id, site_id, now)
        if kind == "inventory":
            return self.devices.from_inventory(payload, org_id, site_id, now)
        if kind == "org":
            return write_root(self.org, payload, org_id, (org_id,), now)
        if kind == "site":
            return write_root(self.site, payload, site_id, (org_id, site_id), now)
        return Rejected("unknown_object")

    def changed(self, changes: Changes) -> None:
        """The inventory changed: series of what is gone end, counters of what is new begin at zero."""
        for device in changes.devices_removed:
            self.devices.remove(device.mac)
        for moved in changes.devices_changed:
            if (moved.before.site_id, moved.before.type) != (moved.after.site_id, moved.after.type):
                self.devices.remove(moved.after.mac)
        for site in changes.sites_removed:
            self.site.roster.remove(site.id)
            self.devices.remove_site(site.id)
            self.events.forget(lambda values, gone=site.id: values[1] == gone)  # type: ignore[misc]
        for org in changes.orgs_removed:
            self.org.roster.remove(org.id)
        for site in changes.sites_added:
            self._bear(site.org_id, site.id)

    def _bear(self, org_id: str, site_id: str) -> None:
        for table in TABLES.values():
            for type_ in table.born:
                self.events.born((org_id, site_id, table.name, type_))

    def sweep(self) -> Iterator[int]:
        """End what nobody spoke of within its time to live; yields after each step, so that others get their turn."""
        for kind in (self.devices.kinds["ap"], self.org, self.site):
            macs = list(kind.roster.places)
            for first in range(0, len(macs), SWEEP_STEP):
                yield kind.roster.sweep(self._now(), macs[first : first + SWEEP_STEP], self.devices.silent)

    # events

    def _where(self, event: Mapping[str, object]) -> tuple[str, str]:
        site_id, org_id = event.get("site_id"), event.get("org_id")
        site = self.directories.site(site_id) if isinstance(site_id, str) else None
        if site is not None:
            return site.org_id, site.id
        shown = self._sites.admit(site_id) if isinstance(site_id, str) and site_id else ""
        return (org_id if isinstance(org_id, str) else ""), shown

    def _updown(self, table: TopicTable, event: Mapping[str, object], type_: str, where: tuple[str, str]) -> None:
        up = next((up for end, up in table.ups.items() if type_.endswith(end)), None)
        kind = DEVICE_TYPES.get(type_.partition("_")[0])
        mac = mac_of(event.get("mac")) or mac_of(event.get("ap"))
        if up is not None and kind is not None and mac is not None:
            self.devices.updown(mac, (*where, kind), up, epoch_s(event.get("timestamp")), self._now())


def write_root(
    kind: ObjectKind, payload: dict[str, Any], identity: str, labels: tuple[str, ...], now: float
) -> Rejected | None:
    """Apply an object that is one row."""
    decoded = kind.decode(payload)
    if isinstance(decoded, Rejected):
        return decoded
    kind.write(decoded, kind.place(identity, labels), now)
    return None
