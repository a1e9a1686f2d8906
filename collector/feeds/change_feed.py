"""Change events on the stream: firmware updates of devices and Mist Edges, synchronization of third-party devices.

An event is counted, and the progress of a firmware update is written to the rows of the device, so that it is visible
before the next statistics. Events of Mist Edges arrive on the channels of the org and of the site; they count once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from collector.catalog import limits
from collector.catalog.changes import CHANGES, FIRMWARE, INITIAL_ZERO, SYNCS
from collector.catalog.device_tables import FIRMWARE_STATES
from collector.errors import Rejected
from collector.feeds.device_feed import KINDS, RECORD, identity, text
from collector.feeds.feed import Feed
from collector.feeds.payloads import one_or_many
from collector.metrics.counter_table import OTHER, CounterTable, LabelLimiter
from collector.mist.deduplicator import Deduplicator
from collector.mist.identity import NIL_ID, mac_of
from collector.mist.topics import canonical
from collector.tolerant_json import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.feeds.device_feed import DeviceFeed
    from collector.feeds.event_emitter import EventEmitter
    from collector.feeds.feed import ChannelHandler, OpenChannel
    from collector.metrics.model import Entity
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

    ChangeHandler = Callable[[dict[str, Any], Match, float], Rejected | None]

NOT_AN_OBJECT: Final = Rejected("not_an_object")
NO_IDENTITY: Final = Rejected("no_identity")
DUPLICATE: Final = Rejected("duplicate")
MEMORY_S, MEMORY_EVENTS = 600.0, 10_000  # of the deduplication
SITE_LABELS: Final = 2  # labels that a row above the limit keeps


class ChangeFeed(Feed):
    """All change events.

    Args:
        store: The store that exports the rows.
        directories: The inventories.
        devices: The feed with the rows of devices.
        events: Emits each change event.
    """

    name = "changes"

    def __init__(self, store: Store, directories: Directories, devices: DeviceFeed, events: EventEmitter) -> None:
        self._directories = directories
        self._devices = devices
        self._emitter = events
        self._changes = CounterTable(
            store, CHANGES, max_rows=lambda: limits.DEVICE_CHANGES.of(directories.site_count), keep=SITE_LABELS
        )
        self._syncs = CounterTable(store, SYNCS)
        self._duplicates = Deduplicator(window_s=MEMORY_S, limit=MEMORY_EVENTS)
        self._limiters = {
            "device_type": LabelLimiter((*KINDS, OTHER), unknown=20),
            "event_type": LabelLimiter((FIRMWARE,), unknown=50),
            "status": LabelLimiter(FIRMWARE_STATES, unknown=50),
            "vendor": LabelLimiter(unknown=20),
        }
        self.channels: Mapping[str, OpenChannel] = {
            "device_event": self._opener(self._device),
            "mxedge_event": self._opener(self._device),
            "otherdevice_sync": self._opener(self._sync),
        }

    def _opener(self, apply: ChangeHandler) -> OpenChannel:
        def channel(match: Match) -> ChannelHandler:
            def message(payload: object, now: float) -> Rejected | None:
                event = loads(payload) if isinstance(payload, str) else payload
                if isinstance(event, Rejected):
                    return event
                return apply(event, match, now) if isinstance(event, dict) else NOT_AN_OBJECT

            return one_or_many(message, self._devices.kinds_by_name[RECORD].decoder.reject)

        return channel

    def _limited(self, label: str, value: str) -> str:
        return self._limiters[label].admit(value) if value else ""

    def _device(self, event: dict[str, Any], match: Match, now: float) -> Rejected | None:
        detail = event.get("detail")
        detail = detail if isinstance(detail, dict) else {}
        device_id, type_, status = (
            text(part) for part in (event.get("device_id"), event.get("event_type"), detail.get("status"))
        )
        content = canonical([device_id, type_, detail])
        if self._duplicates.seen("", hash(content), now):
            return DUPLICATE
        mac = mac_of(device_id) or ""
        if not mac and not type_:
            return NO_IDENTITY
        org_id, site_id, kind = self._place_of(mac, event, match.ids)
        labels = (self._limited("device_type", kind), self._limited("event_type", type_))
        self._changes.add((org_id, site_id, *labels, self._limited("status", status.lower())))
        if type_ == FIRMWARE:
            self._devices.merge(mac, {FIRMWARE: detail}, now)
        self._emitter.change(match.channel.carries, event, (org_id, site_id), content)
        return None

    def _place_of(self, mac: str, event: Mapping[str, object], ids: Mapping[str, str]) -> tuple[str, str, str]:
        """Return org, site and type of the device: those of its rows, else those of the event and its channel."""
        rows = self._devices.row_index.objects.get(mac)
        if rows is not None:
            return rows.labels[0], rows.labels[1], rows.labels[3]
        site_id = ids.get("site_id") or identity(event.get("site_id"))
        site = self._directories.site(site_id)
        device = self._directories.device(mac)
        org_id = ids.get("org_id") or (site.org_id if site else "")
        return org_id, "" if site_id == NIL_ID else site_id, device.type if device else ""

    def _sync(self, event: dict[str, Any], match: Match, _now: float) -> Rejected | None:
        vendor, status = text(event.get("vendor")), text(event.get("status"))
        if not vendor and not status:
            return NO_IDENTITY
        org_id = match.ids.get("org_id", "")
        self._syncs.add((org_id, self._limited("vendor", vendor), self._limited("status", status.lower())))
        self._emitter.change(match.channel.carries, event, (org_id, ""), canonical(event))
        return None

    def computed(self) -> tuple[Entity, ...]:
        """Return the entities of the counters."""
        return (CHANGES, SYNCS)

    def refused_labels(self) -> dict[str, int]:
        """Return how often a value became `other`, by label."""
        return {label: limiter.refused for label, limiter in self._limiters.items()}

    def changed(self, changes: Changes) -> None:
        """End the rows of removed sites and orgs; start the counters of new sites at 0."""
        sites, orgs = {site.id for site in changes.sites_removed}, {org.id for org in changes.orgs_removed}
        if sites or orgs:
            self._changes.remove(lambda values: values[1] in sites or values[0] in orgs)
            self._syncs.remove(lambda values: values[0] in orgs)
        for site in changes.sites_added:
            for kind, status in INITIAL_ZERO:
                self._changes.create((site.org_id, site.id, kind, FIRMWARE, status))
