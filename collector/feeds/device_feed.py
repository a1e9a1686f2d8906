"""Devices: from a message on a site's device channel (or from REST) to the rows of that device.

What is decided here, and nowhere else: which kind of device a message is about, and whether the device is up.

Kind, by the first that tells: `type` in the message; the inventory, by MAC; `model` (an AP's begins with AP). A message
with none of these is an AP's: only APs send messages without a type (wire facts 4.1).

Up, by the latest of: a message whose last sight moved on (up); an up/down event (as it says); silence beyond the time
to live while the site's channel is heard (down); REST's status, asked only about a device that is not streaming.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from collector.catalog import ap, gateway, mxedge, switch
from collector.catalog.device_tables import DEVICE, DEVICE_LABELS, DEVICE_UP
from collector.errors import Rejected
from collector.feeds.payloads import Inside, one_or_many
from collector.metrics.compiler import ObjectKind
from collector.metrics.counter_table import OTHER
from collector.metrics.row_index import NO_ROW, RowIndex
from collector.metrics.store import LAST_SEEN
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import msgspec

    from collector.feeds.feed import Apply
    from collector.feeds.payloads import InnerList
    from collector.metrics.model import Entity
    from collector.metrics.row_index import ObjectRows
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NO_IDENTITY = Rejected("no_identity")
EMPTY = Rejected("empty")
STALE = Rejected("stale")
UNKNOWN_DEVICE = Rejected("unknown_device")

# kind -> (root entity, nested entities): to add a kind of device, add its tables here
KINDS: Mapping[str, tuple[Entity, tuple[Entity, ...]]] = {
    "ap": (ap.AP, ap.NESTED),
    "gateway": (gateway.GATEWAY, gateway.NESTED),
    "switch": (switch.SWITCH, switch.NESTED),
    mxedge.KIND: (mxedge.MXEDGE, mxedge.NESTED),
}

STEADY = {"ap": ap.SKIP_UNCHANGED}

RECORD = "record"  # what is known of a device without its measurements: the row that outlives silence
EXTRAS = ("mac", "type", "model", "org_id", "status", "site_id")
UP, DOWN, UNKNOWN = 1.0, 0.0, float("nan")
_OTHERS_HAVE = '"if_stat"'  # only switches and gateways have it
_HINTS = tuple((kind, (f'"type": "{kind}"', f'"type":"{kind}"')) for kind in ("switch", "gateway"))
SWEEP_STEP = 200  # devices looked at in one go: some hundred microseconds
LEFTOVER_S = 3600.0  # what REST tells of an unlisted device stays so long: the inventory may be late
_EVENT_TOLERANCE_S = 60.0  # an up/down event so much older than the device's last sight is still believed


class DeviceFeed:
    """All devices of all sites.

    `is_live(path)` tells whether a channel is up and speaks; `lists_of(kind)` the lists inside the statistics of such a
    device that hold objects of another feed.
    """

    def __init__(
        self,
        store: Store,
        directories: Directories,
        is_live: Callable[[str], bool],
        lists_of: Callable[[str], Sequence[InnerList]],
    ) -> None:
        self._directories = directories
        self._hears = is_live
        self.roster = RowIndex(DEVICE_LABELS)
        self.kinds_by_name = {
            name: ObjectKind(
                name, store, self.roster, (DEVICE, root), nested, extras=EXTRAS, skip_unchanged=STEADY.get(name, ())
            )
            for name, (root, nested) in KINDS.items()
        }
        self.kinds_by_name[RECORD] = ObjectKind(RECORD, store, self.roster, (DEVICE,), extras=EXTRAS)
        self._insides = {name: Inside(lists) for name in KINDS if (lists := lists_of(name))}
        self._extras = {name: attrgetter(*map(kind.attribute, EXTRAS)) for name, kind in self.kinds_by_name.items()}
        self.channels = {"device": self.channel}
        self.rest = {"device": self.from_rest, "inventory": self.from_inventory}
        self._ap = self.kinds_by_name["ap"]
        self._mixed_sites: set[str] = set()  # sites with other devices than APs: only there a message's kind is guessed
        self._table = store.table(DEVICE)
        self._up = self._table.column(DEVICE_UP)
        self._last_seen = self._table.column("mist_device_last_seen_timestamp_seconds")

    # the stream

    def channel(self, match: Match) -> Apply:
        """The handler of one site's device channel; payloads are a device or, from some senders, a list of them."""
        site_id = match.ids["site_id"]
        site = self._directories.site(site_id)
        org_id = site.org_id if site else ""

        def message(payload: object, now: float) -> Rejected | None:
            return self.message(payload, org_id, site_id, now)

        return one_or_many(message, self.kinds_by_name[RECORD].decoder.reject)

    def message(self, payload: object, org_id: str, site_id: str, now: float) -> Rejected | None:
        """Apply one device's message of the stream. The way of nearly every message is the one without a call."""
        kind = self._guess(payload) if site_id in self._mixed_sites else self._ap
        struct = kind.decode(payload)
        if isinstance(struct, Rejected):
            return struct
        mac, type_, _model, _org_id, status, _site_id = self._extras[kind.name](struct)
        place = self.roster.objects.get(mac)
        if (
            place is None
            or place.spec is not kind.spec
            or place.labels[1] != site_id
            or (type_ != place.labels[3] and type_ is not UNSET)
        ):
            kind.decoder.retract(payload)
            return self._first_message(payload, org_id, site_id, now)
        self.write(kind, struct, place, status, now)
        if kind is not self._ap:
            self._apply_inside(payload, place, now)
        return None

    def _first_message(self, payload: object, org_id: str, site_id: str, now: float) -> Rejected | None:
        """The same for a device that is new here, moved, or whose message needs a second look."""
        seen = self._decode(payload)
        if isinstance(seen, Rejected):
            return seen
        if seen.kind != "ap":
            self._mixed_sites.add(site_id)
        place = self._place(seen, org_id, site_id)
        self.write(self._kind(seen.kind), seen.struct, place, seen.status, now)
        self._apply_inside(payload, place, now)
        return None

    def write(self, kind: ObjectKind, struct: msgspec.Struct, place: ObjectRows, status: object, now: float) -> None:
        """Write a message of the stream; the device is up when its last sight moved on."""
        values, width, row = self._table.values, self._table.width, place.rows[0]
        before = values[row * width + self._last_seen] if row >= 0 else UNKNOWN
        kind.write(struct, place, now)
        offset = place.rows[0] * width
        # NaN differs from itself: a device that was never seen, or that never says when, is up when it speaks
        if values[offset + self._last_seen] != before:
            values[offset + self._up] = DOWN if type(status) is str and status not in {"", "connected"} else UP

    def _guess(self, payload: object) -> ObjectKind:
        """Which decoder to try first, at the price of one search; the decoded message has the last word."""
        if isinstance(payload, dict):
            type_ = payload.get("type")
            return self.kinds_by_name.get(type_, self._ap) if isinstance(type_, str) else self._ap
        if isinstance(payload, str) and _OTHERS_HAVE in payload:
            for kind, spellings in _HINTS:
                if spellings[0] in payload or spellings[1] in payload:
                    return self._kind(kind)
            return self.kinds_by_name[RECORD]
        return self.kinds_by_name["ap"]

    # REST

    def from_rest(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply a device's statistics as REST gives them; measurements only of one that is connected and not newer here."""
        seen = self._decode(payload)
        if isinstance(seen, Rejected):
            return seen
        return self.told(seen, self._place(seen, ids.get("org_id", ""), ids.get("site_id", "")), payload, now)

    def told(self, seen: Seen, place: ObjectRows, payload: dict[str, Any], now: float) -> Rejected | None:
        """Apply what REST tells of the device that has this place."""
        record = self.kinds_by_name[RECORD].decode(payload)
        if isinstance(record, Rejected):
            return record
        known = self.last_seen(place)
        if seen.status != "connected":
            self._write_record(record, place, now)
            if not streams(place):
                self._set_up(place, DOWN)
            return None
        fresh = last_seen_of(record, self.kinds_by_name[RECORD])
        if fresh < known:
            return STALE
        self._kind(seen.kind).write(seen.struct, place, now)
        self._set_up(place, UP)
        self._apply_inside(payload, place, now)
        return None

    def from_inventory(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply a device's entry of the inventory. A device that is assigned to no site has no series."""
        site_id = ids.get("site_id", "")
        if not site_id:
            return None
        record = self.kinds_by_name[RECORD].decode(payload)
        if isinstance(record, Rejected):
            return record
        seen = self._seen(record, RECORD)
        if isinstance(seen, Rejected):
            return seen
        place = self._place(seen, ids.get("org_id", ""), site_id)
        self._write_record(record, place, now)
        connected = payload.get("connected")
        if isinstance(connected, bool) and not streams(place):
            self._set_up(place, UP if connected else DOWN)
        return None

    # events and the passing of time

    def updown(self, mac: str, labels: tuple[str, str, str], up: float, at: float | None, now: float) -> None:
        """An event says that the device is up or down since `at` (Unix seconds); `labels` are org, site and type."""
        place = self.roster.objects.get(mac)
        if place is None:
            org_id, site_id, kind = labels
            if not self._directories.empty or not site_id:
                return  # the inventory is known and does not have it: another shard's, or gone
            place = self.roster.object_rows(mac, (org_id, site_id, mac, kind), self.kinds_by_name[RECORD].spec)
        last_seen = self._table.get(self.roster.row(place, 0), self._last_seen)
        if at is not None and at + _EVENT_TOLERANCE_S < last_seen:
            return
        self._table.set(place.rows[0], 0, now)
        self._set_up(place, up)

    def merge(self, mac: str, part: dict[str, object], now: float) -> None:
        """Write a part of a device's statistics that came another way, if the device is known."""
        place = self.roster.objects.get(mac)
        kind = self.kinds_by_name.get(place.labels[3]) if place is not None else None
        if place is None or kind is None:
            return
        struct = kind.decode(part)
        if not isinstance(struct, Rejected):
            kind.write(struct, self.roster.object_rows(mac, place.labels, kind.spec), now)

    def silent(self, mac: str, place: ObjectRows) -> None:
        """The device said nothing for its time to live: it is down, unless it is we who do not hear."""
        listed = self._directories.empty or place.labels[3] == mxedge.KIND  # the inventory lists no Mist Edges
        if not listed and self._directories.device(mac) is None:
            self.roster.remove(mac)
            return
        self._set_up(place, DOWN if any(map(self._hears, channels_of(place))) else UNKNOWN)

    def kinds(self) -> Iterable[ObjectKind]:
        """Every kind of device, and the record that all share."""
        return self.kinds_by_name.values()

    def tallies(self) -> tuple[Entity, ...]:
        """None: nothing is counted here."""
        return ()

    def changed(self, changes: Changes) -> None:
        """A device that left the inventory, its site or its kind: its series end."""
        for device in changes.devices_removed:
            self.roster.remove(device.mac)
        for moved in changes.devices_changed:
            if (moved.before.site_id, moved.before.type) != (moved.after.site_id, moved.after.type):
                self.roster.remove(moved.after.mac)
        gone = {site.id for site in changes.sites_removed}
        self._mixed_sites -= gone
        for mac in [mac for mac, place in self.roster.objects.items() if place.labels[1] in gone] if gone else ():
            self.roster.remove(mac)

    def sweep(self, now: float) -> Iterator[int]:
        """End what a device has not spoken of for its time to live."""
        macs = list(self.roster.objects)
        for first in range(0, len(macs), SWEEP_STEP):
            step = macs[first : first + SWEEP_STEP]
            yield self.roster.sweep(now, step, self.silent) + self._sweep_leftovers(now, step)

    def _sweep_leftovers(self, now: float, macs: list[str]) -> int:
        """End what is only remembered of devices that the inventory does not list; how many.

        REST told of them while they left the inventory. They measure nothing, so no silence would ever end them.
        """
        ended = 0
        for mac in () if self._directories.empty else macs:
            place = self.roster.objects.get(mac)
            if place is None or place.labels[3] == mxedge.KIND or streams(place) or self._directories.device(mac):
                continue
            if self.heard_at(place) < now - LEFTOVER_S:
                ended += self.roster.remove(mac)
        return ended

    # common ground

    def _apply_inside(self, payload: object, place: ObjectRows, now: float) -> None:
        """Apply what the device's statistics say of objects that have rows of their own: tunnels, peers, ports."""
        inside = self._insides.get(place.labels[3])
        if inside is not None:
            inside.apply(payload, dict(zip(DEVICE_LABELS, place.labels, strict=True)), now)

    def _place(self, seen: Seen, org_id: str, site_id: str) -> ObjectRows:
        labels: tuple[str, ...] = (org_id or seen.org_id, site_id, seen.mac, seen.kind)
        known = self.roster.objects.get(seen.mac)
        if known is not None and not labels[0] and known.labels[1:] == labels[1:]:
            labels = known.labels  # the org was known from another message
        if known is not None and seen.recorded and known.labels == labels:
            return known
        return self.roster.object_rows(
            seen.mac, labels, (self.kinds_by_name[RECORD] if seen.recorded else self._kind(seen.kind)).spec
        )

    def _write_record(self, record: msgspec.Struct, place: ObjectRows, now: float) -> None:
        """Write what is known of a device without its measurements; what the stream says of it counts again after."""
        self.kinds_by_name[RECORD].write(record, place, now)
        place.forget_unchanged()

    def _kind(self, name: str) -> ObjectKind:
        return self.kinds_by_name.get(name) or self.kinds_by_name[RECORD]

    def _decode(self, payload: object) -> Seen | Rejected:
        """Decode as the kind that the message turns out to be of."""
        tried = self._guess(payload)
        decoded = tried.decode(payload)
        seen = decoded if isinstance(decoded, Rejected) else self._seen(decoded, tried.name)
        if isinstance(seen, Rejected) or self._kind(seen.kind) is tried:
            return seen
        tried.decoder.retract(payload)
        actual = self._kind(seen.kind)
        decoded = actual.decode(payload)
        return decoded if isinstance(decoded, Rejected) else self._seen(decoded, actual.name)

    def _seen(self, struct: msgspec.Struct, kind: str) -> Seen | Rejected:
        mac_text, type_, model, org_id, status, _site_id = self._extras[kind](struct)
        mac = mac_of(mac_text)
        if mac is None:
            return NO_IDENTITY
        return Seen(struct, self._kind_of(mac, type_, model), mac, text(org_id), text(status), recorded=kind == RECORD)

    def _kind_of(self, mac: str, type_: object, model: object) -> str:
        if isinstance(type_, str) and type_:
            return type_
        known = self._directories.device(mac)
        if known is not None and known.type:
            return known.type
        return "ap" if not isinstance(model, str) or not model or model.startswith("AP") else OTHER

    def last_seen(self, place: ObjectRows) -> float:
        """When the device was last seen, as it said; NaN when it never did."""
        row = place.rows[0]
        return self._table.get(row, self._last_seen) if row >= 0 else UNKNOWN

    def heard_at(self, place: ObjectRows) -> float:
        """When somebody last spoke of the device, monotonic seconds; NaN when nobody did."""
        row = place.rows[0]
        return self._table.get(row, LAST_SEEN) if row >= 0 else UNKNOWN

    def _set_up(self, place: ObjectRows, up: float) -> None:
        self._table.set(self.roster.row(place, 0), self._up, up)


class Seen(NamedTuple):
    """A decoded message and what it says of itself."""

    struct: msgspec.Struct
    kind: str
    mac: str
    org_id: str
    status: str
    recorded: bool  # decoded as the record only


def channels_of(place: ObjectRows) -> tuple[str, ...]:
    """The channels on which the device speaks."""
    org_id, site_id, _mac, kind = place.labels
    if kind == mxedge.KIND:
        return f"/sites/{site_id}/stats/mxedges", f"/orgs/{org_id}/stats/mxedges"
    return (f"/sites/{site_id}/stats/devices",)


def text(value: object) -> str:
    """A string field that may be absent or null."""
    return value if isinstance(value, str) else ""


def streams(place: ObjectRows) -> bool:
    """Whether the device's measurements are alive."""
    return any(row != NO_ROW for row in place.rows[1:])


def last_seen_of(record: msgspec.Struct, kind: ObjectKind) -> float:
    """The last sight as the record tells it, NaN when it does not."""
    value = getattr(record, kind.attribute("last_seen"))
    return value if isinstance(value, float) else UNKNOWN
