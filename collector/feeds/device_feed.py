"""Devices: statistics from device channels and REST, and the state up or down.

Type of a device, from the first source that has it: `type` in the message; the inventory, by MAC address; `model`
(models of APs start with "AP"). A message with none of these is of an AP: only APs send messages without a type.

State, from the latest of: a message with a newer `last_seen` (up); an up/down event; no message within the time to live
although the channel of the site delivers messages (down); the status in REST, for devices that do not stream.
"""

from __future__ import annotations

from math import isnan
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import UNSET

from collector.catalog import ap, gateway, limits, mxedge, switch
from collector.catalog.device_tables import DEVICE, DEVICE_LABELS, DEVICE_UP
from collector.catalog.event_rules import StateUpdate
from collector.catalog.events import DEVICE_MACS, DEVICE_TYPES, TABLES, UPS
from collector.errors import Rejected
from collector.feeds.event_rows import time_of
from collector.feeds.feed import Feed
from collector.feeds.payloads import InnerLists, one_or_many
from collector.metrics.compiler import ObjectKind
from collector.metrics.counter_table import OTHER, LabelLimiter
from collector.metrics.row_index import NO_ROW, RowIndex
from collector.metrics.store import LAST_SEEN
from collector.mist.channels import fits
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import msgspec

    from collector.feeds.event_emitter import EventEmitter
    from collector.feeds.feed import ChannelHandler, TopicEvent, TopicHandler
    from collector.feeds.payloads import InnerList
    from collector.metrics.model import Entity
    from collector.metrics.row_index import ObjectRows
    from collector.metrics.store import Store, Table
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NO_IDENTITY: Final = Rejected("no_identity")
STALE: Final = Rejected("stale")
TOO_MANY_DEVICES: Final = Rejected("too_many_devices")

# type -> (root entity, nested entities): a new type of device is one line here
KINDS: Mapping[str, tuple[Entity, tuple[Entity, ...]]] = {
    "ap": (ap.AP, ap.NESTED),
    "gateway": (gateway.GATEWAY, gateway.NESTED),
    "switch": (switch.SWITCH, switch.NESTED),
    mxedge.KIND: (mxedge.MXEDGE, mxedge.NESTED),
}
SKIP_UNCHANGED = {"ap": ap.SKIP_UNCHANGED}
MAX_UNKNOWN_TYPES: Final = 20

RECORD: Final = "record"  # object kind of a device without measurements; its row outlives the measurements
EXTRAS: Final = ("mac", "type", "model", "org_id", "status", "site_id")
UP, DOWN, UNKNOWN = 1.0, 0.0, float("nan")
_NOT_OF_APS: Final = '"if_stat"'  # a field that only switches and gateways have
_TYPE_HINTS: Final = tuple((kind, (f'"type": "{kind}"', f'"type":"{kind}"')) for kind in ("switch", "gateway"))
SWEEP_STEP: Final = 200  # devices per step: some hundred microseconds
UNLISTED_TTL_S: Final = 3600.0  # of REST data of a device that the inventory does not list (yet)
_EVENT_TOLERANCE_S: Final = 60.0  # an up/down event may be older than `last_seen` by this much


class DeviceFeed(Feed):
    """All devices of all sites.

    Args:
        store: The store that exports the rows.
        directories: The inventories.
        is_live: Returns whether the channel of a path is subscribed and delivers messages.
        lists_of: Returns the lists inside the statistics of a device type that contain objects of other feeds.
        events: Emits the events device_up and device_down.
    """

    name = "devices"

    def __init__(
        self,
        store: Store,
        directories: Directories,
        is_live: Callable[[str], bool],
        lists_of: Callable[[str], Sequence[InnerList]],
        events: EventEmitter,
    ) -> None:
        self._store = store
        self._directories = directories
        self._is_live = is_live
        self._emitter = events
        self.row_index = RowIndex(DEVICE_LABELS)
        self.kinds_by_name = {
            name: ObjectKind(
                name,
                store,
                self.row_index,
                (DEVICE, root),
                nested,
                extras=(*EXTRAS, "id") if name == mxedge.KIND else EXTRAS,
                skip_unchanged=SKIP_UNCHANGED.get(name, ()),
            )
            for name, (root, nested) in KINDS.items()
        }
        self._record = self.kinds_by_name[RECORD] = ObjectKind(RECORD, store, self.row_index, (DEVICE,), extras=EXTRAS)
        self._inner_lists = {name: InnerLists(lists) for name in KINDS if (lists := lists_of(name))}
        self._extras = {name: attrgetter(*map(kind.attribute, EXTRAS)) for name, kind in self.kinds_by_name.items()}
        self._types = LabelLimiter((*KINDS, OTHER), unknown=MAX_UNKNOWN_TYPES)
        self.channels = {"device": self._channel}
        self.rest = {"device": self._statistics, "inventory": self._inventory_entry}
        self._ap = self.kinds_by_name["ap"]
        self._mixed_sites: set[str] = set()  # sites with other devices than APs, where the type must be guessed
        self._before_unknown: dict[str, float] = {}  # state of a device before it became unknown
        self._table = store.table(DEVICE)
        self._up = self._table.column(DEVICE_UP)
        self._last_seen = self._table.column("mist_device_last_seen_timestamp_seconds")

    # Stream

    def _channel(self, match: Match) -> ChannelHandler:
        """Return the handler of the device channel of a site. A payload is a device or a list of devices."""
        site_id = match.ids["site_id"]
        site = self._directories.site(site_id)
        org_id = site.org_id if site else ""

        def message(payload: object, now: float) -> Rejected | None:
            return self._message(payload, org_id, site_id, now)

        return one_or_many(message, self._record.decoder.reject)

    def _message(self, payload: object, org_id: str, site_id: str, now: float) -> Rejected | None:
        """Apply a message of the stream. The fast path, without a further call, is that of a known AP."""
        kind = self._guess(payload) if site_id in self._mixed_sites else self._ap
        struct = kind.decode(payload)
        if isinstance(struct, Rejected):
            return struct
        mac, type_, _model, _org_id, status, _site_id = self._extras[kind.name](struct)
        rows = self.row_index.objects.get(mac)
        if (
            rows is None
            or rows.spec is not kind.spec
            or rows.labels[1] != site_id
            or (type_ != rows.labels[3] and type_ is not UNSET)
        ):
            kind.decoder.retract(payload)
            return self._first_message(payload, org_id, site_id, now)
        self.write(kind, struct, rows, status, now)
        if kind is not self._ap:
            self._apply_inner_lists(payload, rows, now)
        return None

    def _first_message(self, payload: object, org_id: str, site_id: str, now: float) -> Rejected | None:
        """Apply a message of a device that is new, has moved, or whose type differs from the guess."""
        message = self._decode(payload)
        if isinstance(message, Rejected):
            return message
        if message.kind != "ap":
            self._mixed_sites.add(site_id)
        rows = self._rows_of(message, org_id, site_id)
        if isinstance(rows, Rejected):
            return rows
        self.write(self._kind(message.kind), message.struct, rows, message.status, now)
        self._apply_inner_lists(payload, rows, now)
        return None

    def write(self, kind: ObjectKind, struct: msgspec.Struct, rows: ObjectRows, status: object, now: float) -> None:
        """Write a message of the stream. The device is up if `last_seen` has changed, unless its status differs."""
        values, width, row = self._table.values, self._table.width, rows.rows[0]
        before = values[row * width + self._last_seen] if row >= 0 else UNKNOWN
        kind.write(struct, rows, now)
        offset = rows.rows[0] * width
        # NaN differs from itself: a device without `last_seen` is up with each message
        if values[offset + self._last_seen] != before:
            up = DOWN if type(status) is str and status not in {"", "connected"} else UP
            if values[offset + self._up] != up:
                self._set_up(rows, up, "stream")

    def _guess(self, payload: object) -> ObjectKind:
        """Return the kind to decode first, by a search of the text; the decoded message decides."""
        if isinstance(payload, dict):
            type_ = payload.get("type")
            return self.kinds_by_name.get(type_, self._ap) if isinstance(type_, str) else self._ap
        if isinstance(payload, str) and _NOT_OF_APS in payload:
            for kind, spellings in _TYPE_HINTS:
                if spellings[0] in payload or spellings[1] in payload:
                    return self._kind(kind)
            return self._record
        return self._ap

    # REST

    def _statistics(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply the statistics of a device."""
        message = self._decode(payload)
        if isinstance(message, Rejected):
            return message
        rows = self._rows_of(message, ids.get("org_id", ""), ids.get("site_id", ""))
        return rows if isinstance(rows, Rejected) else self.apply_rest(message, rows, payload, now)

    def apply_rest(
        self, message: DeviceMessage, rows: ObjectRows, payload: dict[str, Any], now: float
    ) -> Rejected | None:
        """Apply statistics of REST: measurements only if the device is connected and the stream is not newer."""
        record = self._record.decode(payload)
        if isinstance(record, Rejected):
            return record
        known = self.last_seen(rows)
        if message.status != "connected":
            self._write_record(record, rows, now)
            if not streams(rows) or not self.is_streamed(rows):
                self._set_up(rows, DOWN, "rest")
            return None
        if last_seen_of(record, self._record) < known:
            return STALE
        self._kind(message.kind).write(message.struct, rows, now)
        self._set_up(rows, UP, "rest")
        self._apply_inner_lists(payload, rows, now)
        return None

    def _inventory_entry(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply the inventory entry of a device. A device without a site has no series."""
        site_id = ids.get("site_id", "")
        if not site_id:
            return None
        record = self._record.decode(payload)
        if isinstance(record, Rejected):
            return record
        message = self._message_of(record, RECORD)
        if isinstance(message, Rejected):
            return message
        rows = self._rows_of(message, ids.get("org_id", ""), site_id)
        if isinstance(rows, Rejected):
            return rows
        self._write_record(record, rows, now)
        connected = payload.get("connected")
        if isinstance(connected, bool) and not streams(rows):
            self._set_up(rows, UP if connected else DOWN, "rest")
        return None

    # Webhook

    def topic(self, name: str) -> TopicHandler | None:
        """Return the handler of a topic with up/down events."""
        table = TABLES.get(name)
        if table is None or table.updates is not StateUpdate.DEVICE_UP:
            return None

        def apply(event: TopicEvent) -> None:
            type_ = event.payload.get("type")
            if not isinstance(type_, str):
                return
            prefix, _, state = type_.partition("_")
            kind, up = DEVICE_TYPES.get(prefix), UPS.get(state)
            mac = next((mac for field in DEVICE_MACS if (mac := mac_of(event.payload.get(field)))), None)
            if up is not None and kind is not None and mac is not None:
                labels = (event.org_id, event.site_id, kind)
                self._up_event(mac, labels, up, time_of(event.payload, table.time_fields), event.now)

        return apply

    def _up_event(self, mac: str, labels: tuple[str, str, str], up: float, time: float | None, now: float) -> None:
        """Apply an event by which the device is up or down since `time` (Unix seconds).

        `labels` are org, site and type for a device that is not known yet.
        """
        rows = self.row_index.objects.get(mac)
        if rows is None:
            org_id, site_id, kind = labels
            if not self._directories.empty or site_id in ("", OTHER) or self.is_full(mac):
                return  # an inventory was read and does not list it: a device of another shard, or removed
            rows = self.row_index.object_rows(mac, (org_id, site_id, mac, kind), self._record.spec)
        last_seen = self._table.get(self.row_index.row(rows, 0), self._last_seen)
        if time is not None and time + _EVENT_TOLERANCE_S < last_seen:
            return
        self._table.set(rows.rows[0], LAST_SEEN, now)
        self._set_up(rows, up, "webhook")

    # Other feeds

    def merge(self, mac: str, part: dict[str, object], now: float) -> None:
        """Write a part of the statistics of a device that arrived otherwise, if the device is known."""
        rows = self.row_index.objects.get(mac)
        kind = self.kinds_by_name.get(rows.labels[3]) if rows is not None else None
        if rows is None or kind is None:
            return
        struct = kind.decode(part)
        if not isinstance(struct, Rejected):
            kind.write(struct, self.row_index.object_rows(mac, rows.labels, kind.spec), now)

    def tables_of(self, kind: ObjectKind) -> list[Table]:
        """Return the tables of a device type."""
        return [self._store.table(entity) for entity in kind.entities]

    def is_streamed(self, rows: ObjectRows) -> bool:
        """Return whether a channel with the statistics of the device is live."""
        return any(map(self._is_live, channels_of(rows)))

    def last_seen(self, rows: ObjectRows) -> float:
        """Return `last_seen` of the device in the unit of the payload; NaN if unknown."""
        row = rows.rows[0]
        return self._table.get(row, self._last_seen) if row >= 0 else UNKNOWN

    def updated_at(self, rows: ObjectRows) -> float:
        """Return the monotonic time of the last message about the device; NaN if there was none."""
        row = rows.rows[0]
        return self._table.get(row, LAST_SEEN) if row >= 0 else UNKNOWN

    def remove(self, mac: str) -> bool:
        """End the series of a device; return whether it was known."""
        self._before_unknown.pop(mac, None)
        return self.row_index.remove(mac)

    # Lifecycle

    def kinds(self) -> Iterable[ObjectKind]:
        """Return the device types and the record that all have."""
        return self.kinds_by_name.values()

    def changed(self, changes: Changes) -> None:
        """End the series of devices that were removed, moved to another site or changed their type."""
        for device in changes.devices_removed:
            self.remove(device.mac)
        for moved in changes.devices_changed:
            if (moved.before.site_id, moved.before.type) != (moved.after.site_id, moved.after.type):
                self.remove(moved.after.mac)
        gone = {site.id for site in changes.sites_removed}
        self._mixed_sites -= gone
        for mac in [mac for mac, rows in self.row_index.objects.items() if rows.labels[1] in gone] if gone else ():
            self.remove(mac)

    def sweep(self, now: float) -> Iterator[int]:
        """End rows past their time to live; devices without measurements become down or unknown."""
        macs = list(self.row_index.objects)
        for first in range(0, len(macs), SWEEP_STEP):
            step = macs[first : first + SWEEP_STEP]
            yield self.row_index.sweep(now, step, self._expired) + self._remove_unlisted(now, step)

    def _expired(self, mac: str, rows: ObjectRows) -> None:
        """Handle the end of a device's measurements: it is down if its channel delivers messages, else unknown."""
        listed = self._directories.empty or rows.labels[3] == mxedge.KIND  # the inventory does not list Mist Edges
        if not listed and self._directories.device(mac) is None:
            self.remove(mac)
            return
        self._set_up(rows, DOWN if self.is_streamed(rows) else UNKNOWN, "timeout")

    def _remove_unlisted(self, now: float, macs: list[str]) -> int:
        """End devices without measurements that the inventory does not list; return their number.

        They are created by REST answers that arrive while a device leaves the inventory, and would not expire.
        """
        ended = 0
        for mac in () if self._directories.empty else macs:
            rows = self.row_index.objects.get(mac)
            if rows is None or rows.labels[3] == mxedge.KIND or streams(rows) or self._directories.device(mac):
                continue
            if self.updated_at(rows) < now - UNLISTED_TTL_S:
                ended += self.remove(mac)
        return ended

    # State

    def _set_up(self, rows: ObjectRows, up: float, cause: str) -> None:
        """Set the state of a device. A change between up and down is an event; the first known state is not.

        Args:
            rows: The rows of the device.
            up: `UP`, `DOWN` or `UNKNOWN`.
            cause: The source of the state: "stream", "webhook", "rest" or "timeout".
        """
        row, mac = self.row_index.row(rows, 0), rows.labels[2]
        before = self._table.get(row, self._up)
        self._table.set(row, self._up, up)
        if isnan(up):
            if not isnan(before):
                self._before_unknown[mac] = before
            return
        if isnan(before):
            before = self._before_unknown.pop(mac, UNKNOWN)
        if before in (UP, DOWN) and before != up:
            self._emitter.device_state(rows.labels, up=up == UP, cause=cause)

    # Decoding

    def _apply_inner_lists(self, payload: object, rows: ObjectRows, now: float) -> None:
        """Apply the objects inside the statistics of a device that have rows of their own: tunnels, peers, ports."""
        inner_lists = self._inner_lists.get(rows.labels[3])
        if inner_lists is not None:
            inner_lists.apply(payload, dict(zip(DEVICE_LABELS, rows.labels, strict=True)), now)

    def _rows_of(self, message: DeviceMessage, org_id: str, site_id: str) -> ObjectRows | Rejected:
        labels: tuple[str, ...] = (org_id or message.org_id, site_id, message.mac, message.kind)
        known = self.row_index.objects.get(message.mac)
        if known is None and self.is_full(message.mac):
            return TOO_MANY_DEVICES
        if known is not None and not labels[0] and known.labels[1:] == labels[1:]:
            labels = known.labels  # the org was in another message
        if known is not None and message.is_record and known.labels == labels:
            return known
        kind = self._kind(RECORD if message.is_record else message.kind)
        return self.row_index.object_rows(message.mac, labels, kind.spec)

    def is_full(self, mac: str) -> bool:
        """Return whether there is no room for a new device that the inventory does not list."""
        return len(self.row_index.objects) >= limits.DEVICES and self._directories.device(mac) is None

    def _write_record(self, record: msgspec.Struct, rows: ObjectRows, now: float) -> None:
        """Write a device without its measurements; unchanged parts of the next stream message are written again."""
        self._record.write(record, rows, now)
        rows.forget_unchanged()

    def _kind(self, name: str) -> ObjectKind:
        return self.kinds_by_name.get(name) or self._record

    def _decode(self, payload: object) -> DeviceMessage | Rejected:
        """Decode a payload as the kind that it is of."""
        tried = self._guess(payload)
        decoded = tried.decode(payload)
        message = decoded if isinstance(decoded, Rejected) else self._message_of(decoded, tried.name)
        if isinstance(message, Rejected) or self._kind(message.kind) is tried:
            return message
        tried.decoder.retract(payload)
        actual = self._kind(message.kind)
        decoded = actual.decode(payload)
        return decoded if isinstance(decoded, Rejected) else self._message_of(decoded, actual.name)

    def _message_of(self, struct: msgspec.Struct, kind: str) -> DeviceMessage | Rejected:
        mac_text, type_, model, org_id, status, _site_id = self._extras[kind](struct)
        mac = mac_of(mac_text)
        if mac is None:
            return NO_IDENTITY
        return DeviceMessage(
            struct,
            self._type_of(mac, type_, model),
            mac,
            identity(org_id),
            text(status),
            is_record=kind == RECORD,
        )

    def _type_of(self, mac: str, type_: object, model: object) -> str:
        if isinstance(type_, str) and type_:
            return self._types.admit(type_)
        known = self._directories.device(mac)
        if known is not None and known.type:
            return self._types.admit(known.type)
        return "ap" if not isinstance(model, str) or not model or model.startswith("AP") else OTHER

    def refused_labels(self) -> dict[str, int]:
        """Return how often an unknown device type became `other`."""
        return {"device_type": self._types.refused}


class DeviceMessage(NamedTuple):
    """A decoded message of a device.

    Attributes:
        struct: The decoded fields.
        kind: Device type.
        mac: MAC address.
        org_id: ID of the organization in the message; empty if it has none.
        status: Status in the message; empty if it has none.
        is_record: Whether `struct` has no measurements.
    """

    struct: msgspec.Struct
    kind: str
    mac: str
    org_id: str
    status: str
    is_record: bool


def channels_of(rows: ObjectRows) -> tuple[str, ...]:
    """Return the paths of the channels with the statistics of a device."""
    org_id, site_id, _mac, kind = rows.labels
    if kind == mxedge.KIND:
        return f"/sites/{site_id}/stats/mxedges", f"/orgs/{org_id}/stats/mxedges"
    return (f"/sites/{site_id}/stats/devices",)


def text(value: object) -> str:
    """Return a string field; "" if it is absent, null or no string."""
    return value if isinstance(value, str) else ""


def identity(value: object) -> str:
    """Return an ID field; "" if it is absent or not a valid ID."""
    return value if isinstance(value, str) and fits(value) else ""


def streams(rows: ObjectRows) -> bool:
    """Return whether the device has measurements."""
    return any(row != NO_ROW for row in rows.rows[1:])


def last_seen_of(record: msgspec.Struct, kind: ObjectKind) -> float:
    """Return `last_seen` of a decoded message in the unit of the payload; NaN if it has none."""
    value = getattr(record, kind.attribute("last_seen"))
    return value if isinstance(value, float) else UNKNOWN
