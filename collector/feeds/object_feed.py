"""Objects described by a table alone: each payload is one object, with its labels in fields or in the path.

Most objects of Mist are of this sort: an org, a site, a WAN tunnel, a BGP peer. Such an object is one row of `OBJECTS`
in the module of its tables and needs no code. Devices, whose type and state are derived, have their own feed.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from collector.catalog import limits
from collector.errors import Rejected
from collector.feeds.feed import Feed, combined
from collector.feeds.payloads import InnerList, one_or_many
from collector.metrics.compiler import ObjectKind
from collector.metrics.labels import shorten
from collector.metrics.row_index import RowIndex
from collector.mist.identity import NIL_ID, mac_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from collector.catalog.objects import Object
    from collector.feeds.feed import ChannelHandler
    from collector.metrics.row_index import ObjectRows
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NO_IDENTITY: Final = Rejected("no_identity")
TOO_MANY_OBJECTS: Final = Rejected("too_many_objects")
MAC_LABELS: Final = frozenset({"mac", "ap"})  # written as 12 hexadecimal digits, whatever the notation in the payload
SWEEP_STEP: Final = 200
TTL_PERIODS: Final = 2.5  # time to live in poll periods: series survive one failed round


class ObjectFeed(Feed):
    """All objects that a table alone describes.

    Args:
        store: The store that exports the rows.
        directories: The inventories.
        objects: The tables.
    """

    name = "objects"

    def __init__(self, store: Store, directories: Directories, objects: Iterable[Object]) -> None:
        self._readers = [ObjectReader(one, store, directories) for one in objects]
        self.channels = {reader.object.carries: reader.channel for reader in self._readers if reader.object.carries}
        self.rest = combined((kind, reader.from_rest) for reader in self._readers for kind in reader.object.polled)

    def lists_of(self, device: str) -> list[InnerList]:
        """Return the lists inside the statistics of a device type that contain such objects."""
        places = [(where.partition("."), reader) for reader in self._readers for where in reader.object.inside]
        return [
            InnerList(key, reader.object.requires, reader.from_list)
            for (kind, _, key), reader in places
            if kind == device
        ]

    def kinds(self) -> Iterator[ObjectKind]:
        """Return the compiled objects."""
        return (reader.kind for reader in self._readers)

    def changed(self, changes: Changes) -> None:
        """End the objects of removed devices, sites and orgs."""
        gone = {
            "mac": {device.mac for device in changes.devices_removed},
            "site_id": {site.id for site in changes.sites_removed},
            "org_id": {org.id for org in changes.orgs_removed},
        }
        if any(gone.values()):
            for reader in self._readers:
                reader.remove(gone)

    def set_poll_period(self, kind: str, period_s: float, account: str) -> None:
        """Set the time to live of an object to `TTL_PERIODS` of its poll; with several accounts, of the slowest poll.

        The time to live of objects that are also streamed is at least that of their table.
        """
        for reader in self._readers:
            if kind in reader.object.polled:
                reader.periods_s[kind, account] = period_s
                polled_s = TTL_PERIODS * max(reader.periods_s.values())
                for table in reader.tables:
                    table.ttl_s = max(polled_s, table.entity.ttl_s or 0.0) if reader.object.carries else polled_s

    def sweep(self, now: float) -> Iterator[int]:
        """End rows past their time to live."""
        for reader in self._readers:
            yield from reader.sweep(now)


class ObjectReader:
    """Applies the payloads of one object.

    Attributes:
        object: The table.
        kind: The compiled object.
        tables: The tables of the store whose rows expire.
        periods_s: Poll periods by kind of REST object and account.
    """

    def __init__(self, one: Object, store: Store, directories: Directories) -> None:
        self.object = one
        self._directories = directories
        self._row_index = RowIndex(one.labels)
        self._fields = tuple(one.field_of(label) for label in one.labels)
        self.kind = ObjectKind(one.name, store, self._row_index, one.roots, one.nested, extras=self._fields)
        self.tables = [store.table(entity) for entity in self.kind.entities if entity.ttl_s is not None]
        self.periods_s: dict[tuple[str, str], float] = {}
        getter = attrgetter(*map(self.kind.attribute, self._fields))
        self._read = getter if len(self._fields) > 1 else lambda struct: (getter(struct),)
        self._identity = [one.labels.index(label) for label in (one.identity or one.labels)]

    def channel(self, match: Match) -> ChannelHandler:
        """Return the handler of one channel."""

        def message(payload: object, now: float) -> Rejected | None:
            return self._apply(payload, match.ids, now)

        return one_or_many(message, self.kind.decoder.reject)

    def from_rest(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply an object of a REST answer; `ids` are those of the request."""
        return self._apply(payload, ids, now)

    def from_list(self, elements: object, ids: Mapping[str, str], now: float) -> None:
        """Apply a list inside the statistics of a device; rejected elements are counted as rejected parts."""
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
        known = self._row_index.objects
        if identity not in known and len(known) >= limits.OBJECTS:
            return TOO_MANY_OBJECTS
        self.kind.write(decoded, self.kind.object_rows(identity, tuple(values)), now)
        return None

    def _label(self, label: str, own: object, ids: Mapping[str, str]) -> str:
        if isinstance(own, str | int) and own not in ("", NIL_ID):
            return (mac_of(own) if label in MAC_LABELS else None) or shorten(str(own))
        return ids.get(label, "")

    def _complete(self, values: list[str]) -> None:
        """Set the org of an object that has only a site."""
        labels = self.object.labels
        if "org_id" in labels and "site_id" in labels and not values[labels.index("org_id")]:
            site = self._directories.site(values[labels.index("site_id")])
            values[labels.index("org_id")] = site.org_id if site else ""

    def remove(self, gone: Mapping[str, set[str]]) -> None:
        """End the objects of removed devices, sites and orgs; `gone` has their IDs by label name."""
        watched = [(at, gone[name]) for at, name in enumerate(self.object.labels) if gone.get(name)]
        for identity, rows in list(self._row_index.objects.items()):
            if any(rows.labels[at] in ids for at, ids in watched):
                self._row_index.remove(identity)

    def sweep(self, now: float) -> Iterator[int]:
        """End rows past their time to live, and objects without rows."""
        identities = list(self._row_index.objects)
        for first in range(0, len(identities), SWEEP_STEP):
            yield self._row_index.sweep(now, identities[first : first + SWEEP_STEP], self._expired)

    def _expired(self, identity: str, rows: ObjectRows) -> None:
        if all(row < 0 for row in rows.rows):
            self._row_index.remove(identity)
