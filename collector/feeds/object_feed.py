"""Objects that are simply told: each payload is one object, its identity and labels stand in its fields or its path.

Most of what Mist says is of this sort: an org, a site, a WAN tunnel, a BGP peer. Such an object is one row of `OBJECTS`
(in the module of its tables) and needs no code. Devices, whose kind and state must be worked out, have their own module.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from collector.errors import Rejected
from collector.feeds.feed import all_of
from collector.feeds.payloads import InnerList, one_or_many
from collector.metrics.compiler import ObjectKind
from collector.metrics.row_index import RowIndex
from collector.mist.identity import NIL_ID, mac_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from collector.catalog.objects import Object
    from collector.feeds.feed import Apply
    from collector.metrics.model import Entity
    from collector.metrics.row_index import ObjectRows
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NO_IDENTITY = Rejected("no_identity")
MAC_LABELS = {"mac", "ap"}  # one notation, however a payload writes it
SWEEP_STEP = 200
PERIODS_TO_LIVE = 2.5  # of the poll that tells of an object: one round may fail before its series end


class ObjectFeed:
    """The feed of all such objects."""

    def __init__(self, store: Store, directories: Directories, objects: Iterable[Object]) -> None:
        self._readers = [Reader(one, store, directories) for one in objects]
        self.channels = {reader.object.carries: reader.channel for reader in self._readers if reader.object.carries}
        self.rest = all_of((kind, reader.from_rest) for reader in self._readers for kind in reader.object.polled)

    def lists_of(self, device: str) -> list[InnerList]:
        """The lists inside a device's statistics that hold such objects."""
        places = [(where.partition("."), reader) for reader in self._readers for where in reader.object.inside]
        return [
            InnerList(key, reader.object.beside, reader.from_list)
            for (kind, _, key), reader in places
            if kind == device
        ]

    def kinds(self) -> Iterator[ObjectKind]:
        """The compiled objects."""
        return (reader.kind for reader in self._readers)

    def tallies(self) -> tuple[Entity, ...]:
        """None: nothing is counted here."""
        return ()

    def changed(self, changes: Changes) -> None:
        """Whatever belongs to a device, a site or an org that is gone ends."""
        gone = {
            "mac": {device.mac for device in changes.devices_removed},
            "site_id": {site.id for site in changes.sites_removed},
            "org_id": {org.id for org in changes.orgs_removed},
        }
        if any(gone.values()):
            for reader in self._readers:
                reader.remove(gone)

    def set_poll_period(self, kind: str, period_s: float, by: str) -> None:
        """An account (`by`) asks for this kind of object every `period_s`: what it tells of no more ends in good time.

        The slowest account sets the pace. What a stream tells of has a pace of its own.
        """
        for reader in self._readers:
            if kind in reader.object.polled and not reader.object.carries:
                reader.periods_s[kind, by] = period_s
                for table in reader.tables:
                    table.ttl_s = PERIODS_TO_LIVE * max(reader.periods_s.values())

    def sweep(self, now: float) -> Iterator[int]:
        """End what was not told for its time to live."""
        for reader in self._readers:
            yield from reader.sweep(now)


class Reader:
    """Reads one sort of object."""

    def __init__(self, one: Object, store: Store, directories: Directories) -> None:
        self.object = one
        self._directories = directories
        self._roster = RowIndex(one.labels)
        self._fields = tuple(one.field_of(label) for label in one.labels)
        self.kind = ObjectKind(one.name, store, self._roster, one.roots, one.nested, extras=self._fields)
        self.tables = [store.table(entity) for entity in self.kind.entities if entity.ttl_s is not None]
        self.periods_s: dict[tuple[str, str], float] = {}  # of the polls that tell of it, by kind and account
        getter = attrgetter(*map(self.kind.attribute, self._fields))
        self._read = getter if len(self._fields) > 1 else lambda struct: (getter(struct),)
        self._identity = [one.labels.index(label) for label in (one.identity or one.labels)]

    def channel(self, match: Match) -> Apply:
        """The handler of one channel."""

        def message(payload: object, now: float) -> Rejected | None:
            return self._apply(payload, match.ids, now)

        return one_or_many(message, self.kind.decoder.reject)

    def from_rest(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply one object of a REST answer; `ids` says where it was asked."""
        return self._apply(payload, ids, now)

    def from_list(self, elements: object, ids: Mapping[str, str], now: float) -> None:
        """Apply a list that stood inside a device's statistics; what cannot be applied is counted as left out."""
        for element in elements if isinstance(elements, list) else ():
            rejected = self._apply(element, ids, now)
            if rejected is not None:
                self.kind.decoder.reject(rejected.reason)

    def _apply(self, payload: object, ids: Mapping[str, str], now: float) -> Rejected | None:
        decoded = self.kind.decode(payload)
        if isinstance(decoded, Rejected):
            return decoded
        values = [
            self._label(label, own, ids) for label, own in zip(self.object.labels, self._read(decoded), strict=True)
        ]
        self._complete(values)
        identity = "\0".join([values[index] for index in self._identity])
        if not identity.strip("\0"):
            return NO_IDENTITY
        self.kind.write(decoded, self.kind.object_rows(identity, tuple(values)), now)
        return None

    def _label(self, label: str, own: object, ids: Mapping[str, str]) -> str:
        if isinstance(own, str | int) and own not in ("", NIL_ID):
            return (mac_of(own) or str(own)) if label in MAC_LABELS else str(own)
        return ids.get(label, "")

    def _complete(self, values: list[str]) -> None:
        """An object of a site belongs to the site's org, also where it does not say so."""
        labels = self.object.labels
        if "org_id" in labels and "site_id" in labels and not values[labels.index("org_id")]:
            site = self._directories.site(values[labels.index("site_id")])
            values[labels.index("org_id")] = site.org_id if site else ""

    def remove(self, gone: Mapping[str, set[str]]) -> None:
        """End the objects of these devices, sites and orgs, by the label that names them."""
        watched = [(at, gone[name]) for at, name in enumerate(self.object.labels) if gone.get(name)]
        for identity, place in list(self._roster.objects.items()):
            if any(place.labels[at] in ids for at, ids in watched):
                self._roster.remove(identity)

    def sweep(self, now: float) -> Iterator[int]:
        """End objects, and rows inside them, past their time to live."""
        identities = list(self._roster.objects)
        for first in range(0, len(identities), SWEEP_STEP):
            yield self._roster.sweep(now, identities[first : first + SWEEP_STEP], self._silent)

    def _silent(self, identity: str, place: ObjectRows) -> None:
        if all(row < 0 for row in place.rows):
            self._roster.remove(identity)
