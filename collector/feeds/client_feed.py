"""The feed of wireless clients: each message is one client's record; what is kept of it are counts and sums.

A client is known by a keyed hash of its MAC, forgotten when its record's own time to live is over. It is counted where
its latest message (by `last_seen`) says that it is, so neither the order of messages nor their repetition matters.

Its counters count since it associated. What is added up is how far they moved since its message before, so the sums
never fall: after a new association all that it counts is new; a counter that fell within one association (an old
record, come late) adds nothing. Of a client met for the first time only what cannot have been counted before is
counted: an association younger than the time after which a client is forgotten, begun while we listened.
"""

from __future__ import annotations

import math
import os
from array import array
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from collector.catalog import client_tables as tables
from collector.catalog.units import MEGABITS
from collector.errors import Rejected
from collector.feeds.client_record import FIELDS, Said, band_name, duration, flag, keep, measured, moment
from collector.feeds.headcount import Headcount
from collector.feeds.individual_rows import Individuals
from collector.feeds.payloads import one_or_many
from collector.metrics.compiler import ObjectKind
from collector.metrics.counter_table import CounterTable, LabelLimiter
from collector.metrics.interning import intern_text
from collector.metrics.row_index import RowIndex
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from collector.feeds.feed import Apply, RestApply
    from collector.metrics.model import Entity
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NO_IDENTITY = Rejected("no_identity")
STALE = Rejected("stale")
DUPLICATE = Rejected("duplicate")
TOO_MANY_CLIENTS = Rejected("too_many_clients")

MAX_CLIENTS = 200_000  # known at a time; some 600 bytes each
SWEEP_STEP = 250  # clients looked at in one go: some milliseconds if all of them left
TTL_S, SHORTEST_TTL_S, LONGEST_TTL_S = 300.0, 30.0, 3600.0
LOOK_EVERY_S, SSID_KEPT_S = 3600.0, 30 * 86_400.0  # SSIDs that nobody was on for so long give their places to others
SAME_START_S = 10.0  # the start of one association, computed from two messages, differs by less
UNKNOWN = math.nan


class Where(NamedTuple):
    """What a client is counted under."""

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

    def shared(self) -> Where:
        """The same, of strings that are in memory once however many clients have them."""
        return Where._make([intern_text(part) if isinstance(part, str) else part for part in self])


NOWHERE = Where()


class Client:
    """What is remembered of one client: where it is counted, how far its counters were, when that ends."""

    __slots__ = ("counters", "expires", "last_seen", "started", "uptime", "where")

    def __init__(self, counted: float) -> None:
        self.where = NOWHERE
        self.counters = array("d", [counted]) * len(tables.TRAFFIC)
        self.expires = self.last_seen = self.started = self.uptime = UNKNOWN


class ClientFeed:
    """All clients of all sites. `max_individuals` of them get rows of their own, 0 for none."""

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
        self._clients: dict[bytes, Client] = {}
        self._listening: dict[str, float] = {}  # site -> when its first client spoke
        self._now = 0.0  # of the latest message or sweep
        self._look_at = 0.0  # when to look for SSIDs that passed
        roster = RowIndex(("org_id", "site_id", "mac"))
        self.kind = ObjectKind(tables.OBJECT, store, roster, (tables.CLIENT,), tables.NESTED, extras=FIELDS.texts)
        self._read = attrgetter(*map(self.kind.attribute, FIELDS.all))
        self.individuals = Individuals(self.kind, max_individuals)
        self._all, self._by_ap, self._by_security, self._by_type = (
            Headcount(store, entity) for entity in (tables.CLIENTS, tables.AP_CLIENTS, tables.SECURITY, tables.TYPES)
        )
        self._segments, self._air = CounterTable(store, tables.SEGMENT), CounterTable(store, tables.RF)
        column = self._segments.table.column
        self._guests, self._dual, self._saving = map(column, (tables.GUESTS, tables.DUAL_BAND, tables.POWER_SAVING))
        self._roams = column(tables.ROAMS)
        self._traffic = [column(f"mist_site_client_{what}_total") for _, what, _ in tables.TRAFFIC]
        self._ssids: dict[str, LabelLimiter] = {}
        self._bounds = {
            "band": LabelLimiter(("2.4", "5", "6"), unknown=4),
            "protocol": LabelLimiter(("a", "b", "g", "n", "ac", "ax", "be"), unknown=4),
            "key_management": LabelLimiter(unknown=50),
            "type": LabelLimiter(("regular", "vip", "resource", "blocked"), unknown=10),
        }
        self.channels: Mapping[str, Callable[[Match], Apply]] = {"client": self.channel}
        self.rest: Mapping[str, RestApply] = {}

    # messages

    def channel(self, match: Match) -> Apply:
        """The handler of one site's channel; payloads are a client or a list of them."""
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
        said = Said._make(self._read(struct))
        mac = mac_of(said.mac)
        if mac is None:
            return NO_IDENTITY
        identity = blake2b(mac.encode(), digest_size=8, key=self._key).digest()
        known = self._clients.get(identity)
        late = late_message(known, said) if known else None
        if late is not None:
            return late
        if known is None and len(self._clients) >= self._max_clients:
            return TOO_MANY_CLIENTS
        self._apply(identity, known, said, (org_id, site_id), now)
        self.individuals.write(identity.hex(), (org_id, site_id, mac), struct, now)
        return None

    def _apply(self, identity: bytes, known: Client | None, said: Said, place: tuple[str, str], now: float) -> None:
        self._now = now
        ttl_s = min(max(duration(said.ttl) or TTL_S, SHORTEST_TTL_S), LONGEST_TTL_S)
        uptime = said.connected_for
        listening = self._listening.setdefault(place[1], now)
        if known is None:
            young = uptime <= ttl_s and now - uptime >= listening
            client = self._clients[identity] = Client(0.0 if young else UNKNOWN)
        else:
            client = known
        where = self._where(client.where, said, place)
        roamed = known is not None and moved_ap(client.where, where)
        if where != client.where:
            self._move(client.where, where, now)
            client.where = where.shared()
        segment = where[:2] + where[3:5]
        if roamed:
            self._segments.add(segment, self._roams)
        self._add_traffic(client, said, segment)
        self._observe(said, (*place, where.band))
        client.expires = now + ttl_s
        client.uptime, client.started, client.last_seen = uptime, said.started, moment(said.last_seen)

    # where it is counted

    def _where(self, before: Where, said: Said, place: tuple[str, str]) -> Where:
        ap = mac_of(said.ap_mac) or mac_of(said.ap_id) or before.ap
        ssid = keep(said.ssid, before.ssid)
        if ssid and ssid != before.ssid:
            ssid = self._ssids.setdefault(place[0], LabelLimiter(unknown=100)).admit(ssid)
        return Where(
            *place,
            ap,
            ssid,
            self._bounded("band", band_name(keep(said.band, before.band)), before.band),
            self._bounded("protocol", keep(said.protocol, before.protocol), before.protocol),
            self._bounded("key_management", keep(said.security, before.security), before.security),
            self._bounded("type", keep(said.type, before.type), before.type),
            flag(said.guest, before.guest),
            flag(said.dual_band, before.dual_band),
            flag(said.power_saving, before.power_saving),
        )

    def _bounded(self, label: str, value: str, before: str) -> str:
        return value if value == before or not value else self._bounds[label].admit(value)

    def _move(self, before: Where, after: Where, now: float) -> None:
        """Count one client there instead of here; `NOWHERE` is outside."""
        for where, by in ((before, -1), (after, 1)):
            if where is NOWHERE:
                continue
            place, segment = where[:2], where[:2] + where[3:5]
            self._all.change((*segment, where.protocol), by, now)
            self._by_ap.change((*place, *where[2:5]), by, now)
            self._by_security.change((*place, where.security), by, now)
            if where.type:
                self._by_type.change((*place, where.type), by, now)
            for column, present in (
                (self._guests, where.guest),
                (self._dual, where.dual_band),
                (self._saving, where.power_saving),
            ):
                self._segments.add(segment, column, by if present else 0)

    # what it counts

    def _add_traffic(self, client: Client, said: Said, segment: tuple[str, ...]) -> None:
        counters, values = client.counters, said.traffic
        if restarted(client, said):
            counters[:] = array("d", [0.0]) * len(counters)
        may_fall = math.isnan(said.connected_for)  # nothing tells a new association but a counter that fell
        self._segments.mark(segment, self._now)
        offset = self._segments.born(segment) * self._segments.table.width
        for index, value in enumerate(values):
            if not measured(value):
                continue
            moved = value - counters[index]
            if moved < 0.0:
                if not may_fall:
                    continue
                moved = value
            if moved > 0.0:
                self._segments.table.values[offset + self._traffic[index]] += moved
            counters[index] = value

    def _observe(self, said: Said, air: tuple[str, str, str]) -> None:
        if measured(said.rssi) and said.rssi:  # 0 dBm at a client's distance is no measurement
            self._air.observe(air, tables.RSSI, said.rssi)
        if measured(said.snr):
            self._air.observe(air, tables.SNR, said.snr)
        if measured(said.rx_rate):
            self._air.observe(air, tables.RECEIVE_SPEED, said.rx_rate * MEGABITS.times)
        if measured(said.tx_rate):
            self._air.observe(air, tables.TRANSMIT_SPEED, said.tx_rate * MEGABITS.times)
        if measured(said.idle):
            self._air.observe(air, tables.IDLE, said.idle)

    # the feed

    def __len__(self) -> int:
        """Clients known to be connected."""
        return len(self._clients)

    def kinds(self) -> tuple[ObjectKind, ...]:
        """A client's record."""
        return (self.kind,)

    def tallies(self) -> tuple[Entity, ...]:
        """What is counted."""
        return tables.AGGREGATES

    def refused_labels(self) -> dict[str, int]:
        """How often a value became `other`, by label; under `client` the messages of clients beyond the cap of rows."""
        return {
            "ssid": sum(ssids.refused for ssids in self._ssids.values()),
            "client": self.individuals.refused,
            **{label: bounded.refused for label, bounded in self._bounds.items()},
        }

    def changed(self, changes: Changes) -> None:
        """Clients and counts go with their site; with their AP the clients on it, who will speak again elsewhere."""
        for org in changes.orgs_removed:
            self._ssids.pop(org.id, None)
        sites = {site.id for site in changes.sites_removed}
        aps = {device.mac for device in changes.devices_removed}
        if not sites and not aps:
            return
        for identity, client in list(self._clients.items()):
            if client.where.site_id in sites or client.where.ap in aps:
                self._forget(identity, client, self._now)
        self._by_ap.forget(lambda values: values[2] in aps)
        for counted in (self._all, self._by_ap, self._by_security, self._by_type, self._air):
            counted.forget(lambda values: values[1] in sites)
        self._forget_segments(lambda values: values[1] in sites)
        for site_id in sites:
            self._listening.pop(site_id, None)

    def sweep(self, now: float) -> Iterator[int]:
        """Clients that were not spoken of for their time to live have left."""
        identities = list(self._clients)
        for first in range(0, len(identities), SWEEP_STEP):
            ended = 0
            for identity in identities[first : first + SWEEP_STEP]:
                client = self._clients.get(identity)
                if client is not None and client.expires <= now:
                    self._forget(identity, client, now)
                    ended += 1
            yield ended
        for headcount in (self._all, self._by_ap, self._by_security, self._by_type):
            yield headcount.sweep(now)
        yield self.individuals.sweep(now)
        yield from self._sweep_segments(now)

    def _sweep_segments(self, now: float) -> Iterator[int]:
        """Now and then, end the rows of SSIDs that nobody was on for long, and free their places."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        over = set[tuple[str, ...]]()
        for silent in self._segments.silent(now - SSID_KEPT_S):
            over.update(silent)
            yield len(silent)
        if over:
            self._forget_segments(over.__contains__)

    def _forget_segments(self, gone: Callable[[tuple[str, ...]], bool]) -> None:
        """End the rows that are `gone`, and free the places of SSIDs that no other row has."""
        ended = {(values[0], values[2]) for values in self._segments.forget(gone)}
        for org_id, ssid in ended - {(values[0], values[2]) for values in self._segments.values()}:
            if org_id in self._ssids:
                self._ssids[org_id].release([ssid])

    def _forget(self, identity: bytes, client: Client, now: float) -> None:
        self._move(client.where, NOWHERE, now)
        del self._clients[identity]
        self.individuals.remove(identity.hex())


def late_message(known: Client, said: Said) -> Rejected | None:
    """Why the message says nothing new, if so: it is older than what is known, or the same again."""
    last_seen = moment(said.last_seen)
    if last_seen > known.last_seen or math.isnan(last_seen) or math.isnan(known.last_seen):
        return None
    if last_seen < known.last_seen:
        return STALE
    return None if said.started > known.started + SAME_START_S else DUPLICATE  # a new association in the same second


def moved_ap(before: Where, after: Where) -> bool:
    """Whether a client of a site is on another AP of it."""
    return before.site_id == after.site_id and before.ap != after.ap and bool(before.ap)


def restarted(client: Client, said: Said) -> bool:
    """Whether the client associated anew since its message before, so that its counters began at zero."""
    if said.connected_for < client.uptime:
        return True
    fell = any(measured(value) and value < before for value, before in zip(said.traffic, client.counters, strict=True))
    return fell and said.started > client.started + SAME_START_S
