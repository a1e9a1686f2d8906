"""Change events of devices and Mist Edges on the stream: firmware progress, and the sync of third-party devices.

An event is counted, and what it says of the firmware is written where the device's own statistics write it, so that
progress shows without waiting for them. Mist Edges' events come on the org's channel and on the site's: each counts once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.catalog.device_tables import FIRMWARE_STATES
from collector.errors import Rejected
from collector.feeds.device_feed import RECORD, text
from collector.feeds.payloads import one_or_many
from collector.metrics.counter_table import CounterTable, LabelLimiter
from collector.metrics.model import Counter, Entity
from collector.mist.deduplicator import Deduplicator
from collector.mist.identity import NIL_ID, mac_of
from collector.tolerant_json import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from collector.feeds.device_feed import DeviceFeed
    from collector.feeds.feed import Apply, RestApply
    from collector.metrics.compiler import ObjectKind
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NOT_AN_OBJECT = Rejected("not_an_object")
NO_IDENTITY = Rejected("no_identity")
DUPLICATE = Rejected("duplicate")

CHANGES = Entity(
    "device_event",
    labels=("org_id", "site_id", "device_type", "event_type", "status"),
    ttl_s=None,
    families=(
        Counter(
            "mist_org_device_changes_total",
            None,
            "Total number of device change events received on the stream, by device type, event type and status.",
            reads=("event_type", "detail.status"),
        ),
    ),
)

SYNCS = Entity(
    "otherdevice_sync",
    labels=("org_id", "vendor", "status"),
    ttl_s=None,
    families=(
        Counter(
            "mist_other_device_syncs_total",
            None,
            "Total number of synchronizations of third-party devices with their vendor, by vendor and status.",
            reads=("vendor", "status"),
        ),
    ),
)

FIRMWARE = "fwupdate"
BORN = (("ap", "failed"), ("switch", "failed"), ("gateway", "failed"))  # alerts wait for the first of these
_KEPT_S, _KEPT = 600.0, 10_000


class ChangeFeed:
    """The feed of both; reads and writes the devices' rows."""

    def __init__(self, store: Store, directories: Directories, devices: DeviceFeed) -> None:
        self._directories = directories
        self._devices = devices
        self._changes, self._syncs = CounterTable(store, CHANGES), CounterTable(store, SYNCS)
        self._duplicates = Deduplicator(keep_s=_KEPT_S, limit=_KEPT)
        self._types = LabelLimiter((FIRMWARE,), unknown=50)
        self._statuses = LabelLimiter(FIRMWARE_STATES, unknown=50)
        self._vendors = LabelLimiter(unknown=20)
        self.channels: Mapping[str, Callable[[Match], Apply]] = {
            "device_event": self._opener(self._device),
            "mxedge_event": self._opener(self._device),
            "otherdevice_sync": self._opener(self._sync),
        }
        self.rest: Mapping[str, RestApply] = {}

    def _opener(
        self, apply: Callable[[dict[str, Any], Mapping[str, str], float], Rejected | None]
    ) -> Callable[[Match], Apply]:
        def channel(match: Match) -> Apply:
            def message(payload: object, now: float) -> Rejected | None:
                event = loads(payload) if isinstance(payload, str) else payload
                if isinstance(event, Rejected):
                    return event
                return apply(event, match.ids, now) if isinstance(event, dict) else NOT_AN_OBJECT

            return one_or_many(message, self._devices.kinds_by_name[RECORD].decoder.reject)

        return channel

    def _device(self, event: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        detail = event.get("detail")
        detail = detail if isinstance(detail, dict) else {}
        device_id, type_, status = (
            text(part) for part in (event.get("device_id"), event.get("event_type"), detail.get("status"))
        )
        if self._duplicates.seen("", hash((device_id, type_, repr(sorted(detail.items())))), now):
            return DUPLICATE
        mac = mac_of(device_id) or ""
        if not mac and not type_:
            return NO_IDENTITY
        org_id, site_id, kind = self._where(mac, event, ids)
        shown = self._types.admit(type_) if type_ else "", self._statuses.admit(status.lower()) if status else ""
        self._changes.add((org_id, site_id, kind, *shown))
        if type_ == FIRMWARE:
            self._devices.merge(mac, {FIRMWARE: detail}, now)
        return None

    def _where(self, mac: str, event: Mapping[str, object], ids: Mapping[str, str]) -> tuple[str, str, str]:
        """Org, site and kind of the device: as its rows have them, else as the event and its channel say."""
        place = self._devices.roster.objects.get(mac)
        if place is not None:
            return place.labels[0], place.labels[1], place.labels[3]
        site_id = ids.get("site_id") or text(event.get("site_id"))
        site = self._directories.site(site_id)
        device = self._directories.device(mac)
        org_id = ids.get("org_id") or (site.org_id if site else "")
        return org_id, "" if site_id == NIL_ID else site_id, device.type if device else ""

    def _sync(self, event: dict[str, Any], ids: Mapping[str, str], _now: float) -> Rejected | None:
        vendor, status = text(event.get("vendor")), text(event.get("status"))
        if not vendor and not status:
            return NO_IDENTITY
        shown = self._vendors.admit(vendor) if vendor else "", self._statuses.admit(status.lower()) if status else ""
        self._syncs.add((ids.get("org_id", ""), *shown))
        return None

    # the feed

    def kinds(self) -> tuple[ObjectKind, ...]:
        """None: what is written stands in the devices' rows."""
        return ()

    def tallies(self) -> tuple[Entity, ...]:
        """The counters."""
        return (CHANGES, SYNCS)

    def refused_labels(self) -> dict[str, int]:
        """How often a value became `other`, by label."""
        return {"event_type": self._types.refused, "status": self._statuses.refused, "vendor": self._vendors.refused}

    def changed(self, changes: Changes) -> None:
        """Counters of a new site begin at zero, those of a site or an org that is gone end."""
        sites, orgs = {site.id for site in changes.sites_removed}, {org.id for org in changes.orgs_removed}
        if sites or orgs:
            self._changes.forget(lambda values: values[1] in sites or values[0] in orgs)
            self._syncs.forget(lambda values: values[0] in orgs)
        for site in changes.sites_added:
            for kind, status in BORN:
                self._changes.born((site.org_id, site.id, kind, FIRMWARE, status))

    def sweep(self, _now: float) -> Iterator[int]:
        """Counters do not end by silence."""
        return iter(())
