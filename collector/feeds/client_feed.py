"""Wireless clients: each message is the record of one client; exported are their numbers and sums of their traffic.

A client is identified by a keyed hash of its MAC address, and forgotten when the time to live of its record is over. It
is counted where its latest message (by `last_seen`) has it, so the order and the repetition of messages do not matter.

The counters of a client count since its association. The feed adds their increase since the previous message, so the
sums never decrease: after a new association the whole value is new; a counter that decreased within one association
(an old record that arrived late) adds nothing. Of the first message of a client, only what was not counted before is
added: the traffic of an association that is younger than the time to live and began after the site's first message.
"""

from __future__ import annotations

import math
import os
from array import array
from functools import partial
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from collector.catalog import client_tables as tables
from collector.catalog import limits
from collector.catalog.units import MEGABITS
from collector.errors import Rejected
from collector.feeds.client_record import (
    FIELDS,
    TEXT_FIELDS,
    UNKNOWN,
    ClientRecord,
    band_name,
    duration_s,
    flag_or,
    measured,
    text_or,
    timestamp,
)
from collector.feeds.feed import Feed
from collector.feeds.gauge_table import GaugeTable
from collector.feeds.individual_rows import IndividualRows
from collector.feeds.payloads import one_or_many
from collector.metrics.compiler import ObjectKind
from collector.metrics.counter_table import CounterTable, LabelLimiter
from collector.metrics.interning import intern_text
from collector.metrics.row_index import RowIndex
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from collector.catalog.limits import RowLimit
    from collector.feeds.feed import ChannelHandler, OpenChannel
    from collector.metrics.model import Entity
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NO_IDENTITY: Final = Rejected("no_identity")
STALE: Final = Rejected("stale")
DUPLICATE: Final = Rejected("duplicate")
TOO_MANY_CLIENTS: Final = Rejected("too_many_clients")

MAX_CLIENTS: Final = 200_000  # about 600 bytes each
MAX_SSIDS: Final = 100  # of an org
SWEEP_STEP: Final = 250  # clients per step: some milliseconds if all of them left
DEFAULT_TTL_S, MIN_TTL_S, MAX_TTL_S = 300.0, 30.0, 3600.0  # of a record
SCAN_EVERY_S, SSID_TTL_S = 3600.0, 30 * 86_400.0  # an SSID without clients for that long is released
SAME_ASSOCIATION_S: Final = 10.0  # times of one association, computed from two messages, differ by less
SITE_LABELS: Final = 2  # labels that a row above the limit keeps


class ClientLabels(NamedTuple):
    """The labels and states under which a client is counted."""

    org_id: str = ""
    site_id: str = ""
    ap: str = ""
    ssid: str = ""
    band: str = ""
    protocol: str = ""
    security: str = ""
    type: str = ""
    guest: bool = False
    dual_band: bool = False
    power_saving: bool = False

    @property
    def segment(self) -> tuple[str, ...]:
        """Org, site, SSID and band."""
        return self[:2] + self[3:5]

    def interned(self) -> ClientLabels:
        """Return the same with strings that all clients share."""
        return ClientLabels._make([intern_text(part) if isinstance(part, str) else part for part in self])


NOWHERE: Final = ClientLabels()


class TrackedClient:
    """What is kept of one client. Times are NaN if unknown.

    Attributes:
        labels: Where the client is counted.
        counters: Its counters in the latest message, in the order of `client_tables.TRAFFIC`; NaN if unknown.
        expires: Monotonic time at which it is forgotten.
        last_seen: `last_seen` of the latest message, Unix seconds.
        associated_at: Time of its association, Unix seconds.
        associated_for_s: Time since its association in the latest message.
        other_segment: Label values of its segment row if that is one with `other`; None if they are those of `labels`.
    """

    __slots__ = (
        "associated_at", "associated_for_s", "counters", "expires", "labels", "last_seen", "other_segment",
    )  # fmt: skip

    def __init__(self, counted: float) -> None:
        self.labels = NOWHERE
        self.other_segment: tuple[str, ...] | None = None
        self.counters = array("d", [counted]) * len(tables.TRAFFIC)
        self.expires = self.last_seen = self.associated_at = self.associated_for_s = UNKNOWN

    @property
    def segment(self) -> tuple[str, ...]:
        """The label values of the row with its traffic."""
        return self.other_segment or self.labels.segment


class ClientFeed(Feed):
    """All clients of all sites.

    Args:
        store: The store that exports the rows.
        directories: The inventories.
        max_individuals: Maximum number of clients with rows of their own; 0 for none.
        max_clients: Maximum number of known clients.
        key: Key of the hash of MAC addresses; random by default.
    """

    name = "clients"

    def __init__(
        self,
        store: Store,
        directories: Directories,
        *,
        max_individuals: int = 0,
        max_clients: int = MAX_CLIENTS,
        key: bytes | None = None,
    ) -> None:
        self._directories = directories
        self._max_clients = max_clients
        self._key = key or os.urandom(16)
        self._clients: dict[bytes, TrackedClient] = {}
        self._listening_since: dict[str, float] = {}  # site -> time of its first message
        self._now = 0.0  # of the latest message or sweep
        self._next_scan = 0.0
        row_index = RowIndex(("org_id", "site_id", "mac"))
        self.kind = ObjectKind(tables.OBJECT, store, row_index, (tables.CLIENT,), tables.NESTED, extras=TEXT_FIELDS)
        self._read = attrgetter(*map(self.kind.attribute, FIELDS))
        self.individuals = IndividualRows(self.kind, max_individuals)
        self._make_tables(store)
        self._ssids: dict[str, LabelLimiter] = {}  # by org
        self._limiters = {
            "band": LabelLimiter(("2.4", "5", "6"), unknown=4),
            "protocol": LabelLimiter(("a", "b", "g", "n", "ac", "ax", "be"), unknown=4),
            "key_management": LabelLimiter(unknown=50),
            "type": LabelLimiter(("regular", "vip", "resource", "blocked"), unknown=10),
        }
        self.channels: Mapping[str, OpenChannel] = {"client": self.channel}

    def _make_tables(self, store: Store) -> None:
        def max_rows(limit: RowLimit) -> int:
            return limit.of(self._directories.site_count)

        several, many = partial(max_rows, limits.CLIENTS), partial(max_rows, limits.AP_CLIENTS)
        self._all = GaugeTable(store, tables.CLIENTS, max_rows=several, keep=SITE_LABELS)
        self._by_ap = GaugeTable(store, tables.AP_CLIENTS, max_rows=many, keep=SITE_LABELS)
        self._by_security = GaugeTable(store, tables.SECURITY, max_rows=several, keep=SITE_LABELS)
        self._by_type = GaugeTable(store, tables.TYPES, max_rows=several, keep=SITE_LABELS)
        self._segments = CounterTable(store, tables.SEGMENT, max_rows=several, keep=SITE_LABELS)
        self._rf = CounterTable(store, tables.RF, max_rows=several, keep=SITE_LABELS)
        column = self._segments.table.column
        self._guests, self._dual, self._saving = map(column, (tables.GUESTS, tables.DUAL_BAND, tables.POWER_SAVING))
        self._roams = column(tables.ROAMS)
        self._traffic = [column(f"mist_site_client_{what}_total") for _, what, _ in tables.TRAFFIC]

    # Messages

    def channel(self, match: Match) -> ChannelHandler:
        """Return the handler of the channel of a site. A payload is a client or a list of clients."""
        site_id = match.ids["site_id"]
        site = self._directories.site(site_id)
        org_id = site.org_id if site else ""

        def message(payload: object, now: float) -> Rejected | None:
            return self._message(payload, org_id, site_id, now)

        return one_or_many(message, self.kind.decoder.reject)

    def _message(self, payload: object, org_id: str, site_id: str, now: float) -> Rejected | None:
        struct = self.kind.decode(payload)
        if isinstance(struct, Rejected):
            return struct
        record = ClientRecord._make(self._read(struct))
        mac = mac_of(record.mac)
        if mac is None:
            return NO_IDENTITY
        identity = blake2b(mac.encode(), digest_size=8, key=self._key).digest()
        known = self._clients.get(identity)
        outdated = reason_outdated(known, record) if known else None
        if outdated is not None:
            return outdated
        if known is None and len(self._clients) >= self._max_clients:
            return TOO_MANY_CLIENTS
        self._apply(identity, known, record, (org_id, site_id), now)
        self.individuals.write(identity.hex(), (org_id, site_id, mac), struct, now)
        return None

    def _apply(
        self, identity: bytes, known: TrackedClient | None, record: ClientRecord, place: tuple[str, str], now: float
    ) -> None:
        self._now = now
        ttl_s = min(max(duration_s(record.ttl) or DEFAULT_TTL_S, MIN_TTL_S), MAX_TTL_S)
        associated_for_s = record.associated_for_s
        listening_since = self._listening_since.setdefault(place[1], now)
        if known is None:
            is_new = associated_for_s <= ttl_s and now - associated_for_s >= listening_since
            client = self._clients[identity] = TrackedClient(0.0 if is_new else UNKNOWN)
        else:
            client = known
        labels = self._labels_of(client.labels, record, place)
        roamed = known is not None and is_roam(client.labels, labels)
        if labels != client.labels:
            self._move(client, labels.interned(), now)
        if roamed:
            self._segments.add(client.segment, self._roams)
        self._add_traffic(client, record)
        self._observe(record, (*place, labels.band))
        client.expires = now + ttl_s
        client.associated_for_s, client.associated_at = associated_for_s, record.associated_at
        client.last_seen = timestamp(record.last_seen)

    # Number of clients

    def _labels_of(self, before: ClientLabels, record: ClientRecord, place: tuple[str, str]) -> ClientLabels:
        ap = mac_of(record.ap_mac) or mac_of(record.ap_id) or before.ap
        ssid = text_or(record.ssid, before.ssid)
        if ssid and ssid != before.ssid:
            ssid = self._ssids.setdefault(place[0], LabelLimiter(unknown=MAX_SSIDS)).admit(ssid)
        return ClientLabels(
            *place,
            ap,
            ssid,
            self._limited("band", band_name(text_or(record.band, before.band)), before.band),
            self._limited("protocol", text_or(record.protocol, before.protocol), before.protocol),
            self._limited("key_management", text_or(record.security, before.security), before.security),
            self._limited("type", text_or(record.type, before.type), before.type),
            flag_or(record.guest, before.guest),
            flag_or(record.dual_band, before.dual_band),
            flag_or(record.power_saving, before.power_saving),
        )

    def _limited(self, label: str, value: str, before: str) -> str:
        return value if value == before or not value else self._limiters[label].admit(value)

    def _move(self, client: TrackedClient, labels: ClientLabels, now: float) -> None:
        """Count a client under other labels; new clients come from, and removed ones go to, `NOWHERE`."""
        if client.labels is not NOWHERE:
            self._count(client, -1, now)
        client.labels = labels
        if labels is not NOWHERE:
            segment = self._segments.admit(labels.segment)
            client.other_segment = None if segment == labels.segment else segment
            self._count(client, 1, now)

    def _count(self, client: TrackedClient, by: int, now: float) -> None:
        labels = client.labels
        place = labels[:2]
        self._all.change((*labels.segment, labels.protocol), by, now)
        self._by_ap.change((*place, *labels[2:5]), by, now)
        self._by_security.change((*place, labels.security), by, now)
        if labels.type:
            self._by_type.change((*place, labels.type), by, now)
        for column, present in (
            (self._guests, labels.guest),
            (self._dual, labels.dual_band),
            (self._saving, labels.power_saving),
        ):
            self._segments.add(client.segment, column, by if present else 0)

    # Traffic and signal

    def _add_traffic(self, client: TrackedClient, record: ClientRecord) -> None:
        counters, segment = client.counters, client.segment
        if is_reassociation(client, record):
            counters[:] = array("d", [0.0]) * len(counters)
        may_decrease = math.isnan(record.associated_for_s)  # then a decrease is the only sign of a new association
        self._segments.touch(segment, self._now)
        offset = self._segments.row(segment) * self._segments.table.width
        for index, value in enumerate(record.traffic):
            if not measured(value):
                continue
            increase = value - counters[index]
            if increase < 0.0:
                if not may_decrease:
                    continue
                increase = value
            if increase > 0.0:
                self._segments.table.values[offset + self._traffic[index]] += increase
            counters[index] = value

    def _observe(self, record: ClientRecord, labels: tuple[str, str, str]) -> None:
        if measured(record.rssi) and record.rssi:  # 0 dBm is not a valid RSSI of a client
            self._rf.observe(labels, tables.RSSI, record.rssi)
        if measured(record.snr):
            self._rf.observe(labels, tables.SNR, record.snr)
        if measured(record.rx_rate):
            self._rf.observe(labels, tables.RECEIVE_SPEED, record.rx_rate * MEGABITS.times)
        if measured(record.tx_rate):
            self._rf.observe(labels, tables.TRANSMIT_SPEED, record.tx_rate * MEGABITS.times)
        if measured(record.idle):
            self._rf.observe(labels, tables.IDLE, record.idle)

    # The feed

    def __len__(self) -> int:
        """Return the number of connected clients."""
        return len(self._clients)

    def kinds(self) -> tuple[ObjectKind, ...]:
        """Return the compiled record of a client."""
        return (self.kind,)

    def computed(self) -> tuple[Entity, ...]:
        """Return the entities of the aggregates."""
        return tables.AGGREGATES

    def refused_labels(self) -> dict[str, int]:
        """Return how often a value became `other`, by label; `client` counts messages of clients without rows."""
        return {
            "ssid": sum(limiter.refused for limiter in self._ssids.values()),
            "client": self.individuals.refused,
            **{label: limiter.refused for label, limiter in self._limiters.items()},
        }

    def changed(self, changes: Changes) -> None:
        """End the clients and rows of removed sites, and the clients of removed APs."""
        for org in changes.orgs_removed:
            self._ssids.pop(org.id, None)
        sites = {site.id for site in changes.sites_removed}
        aps = {device.mac for device in changes.devices_removed}
        if not sites and not aps:
            return
        for identity, client in list(self._clients.items()):
            if client.labels.site_id in sites or client.labels.ap in aps:
                self._remove(identity, client, self._now)
        self._by_ap.remove(lambda values: values[2] in aps)
        for table in (self._all, self._by_ap, self._by_security, self._by_type, self._rf):
            table.remove(lambda values: values[1] in sites)
        self._remove_segments(lambda values: values[1] in sites)
        for site_id in sites:
            self._listening_since.pop(site_id, None)

    def sweep(self, now: float) -> Iterator[int]:
        """End clients and rows past their time to live."""
        identities = list(self._clients)
        for first in range(0, len(identities), SWEEP_STEP):
            ended = 0
            for identity in identities[first : first + SWEEP_STEP]:
                client = self._clients.get(identity)
                if client is not None and client.expires <= now:
                    self._remove(identity, client, now)
                    ended += 1
            yield ended
        for table in (self._all, self._by_ap, self._by_security, self._by_type):
            yield table.sweep(now)
        yield self.individuals.sweep(now)
        yield from self._sweep_segments(now)

    def _sweep_segments(self, now: float) -> Iterator[int]:
        """End the rows of SSIDs without clients for `SSID_TTL_S`, and release the SSIDs."""
        if now < self._next_scan:
            return
        self._next_scan = now + SCAN_EVERY_S
        expired = set[tuple[str, ...]]()
        for step in self._segments.unused_since(now - SSID_TTL_S):
            expired.update(step)
            yield len(step)
        if expired:
            self._remove_segments(expired.__contains__)

    def _remove_segments(self, matches: Callable[[tuple[str, ...]], bool]) -> None:
        """End the rows whose label values match, and release the SSIDs that no other row has."""
        ended = {(values[0], values[2]) for values in self._segments.remove(matches)}
        for org_id, ssid in ended - {(values[0], values[2]) for values in self._segments}:
            if org_id in self._ssids:
                self._ssids[org_id].release([ssid])

    def _remove(self, identity: bytes, client: TrackedClient, now: float) -> None:
        self._move(client, NOWHERE, now)
        del self._clients[identity]
        self.individuals.remove(identity.hex())


def reason_outdated(known: TrackedClient, record: ClientRecord) -> Rejected | None:
    """Return why a message is ignored: it is older than the latest one, or a repetition of it. None if it is new."""
    last_seen = timestamp(record.last_seen)
    if last_seen > known.last_seen or math.isnan(last_seen) or math.isnan(known.last_seen):
        return None
    if last_seen < known.last_seen:
        return STALE
    is_new = record.associated_at > known.associated_at + SAME_ASSOCIATION_S  # a new association in the same second
    return None if is_new else DUPLICATE


def is_roam(before: ClientLabels, after: ClientLabels) -> bool:
    """Return whether a client moved to another AP of its site."""
    return before.site_id == after.site_id and before.ap != after.ap and bool(before.ap)


def is_reassociation(client: TrackedClient, record: ClientRecord) -> bool:
    """Return whether the client associated again since its previous message, so that its counters restarted at 0."""
    if record.associated_for_s < client.associated_for_s:
        return True
    decreased = any(
        measured(value) and value < before for value, before in zip(record.traffic, client.counters, strict=True)
    )
    return decreased and record.associated_at > client.associated_at + SAME_ASSOCIATION_S
