"""The feed of BLE assets, as REST polls give them: counted by map, their health observed once a poll."""

from __future__ import annotations

import os
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from collector.catalog import asset_tables as tables
from collector.errors import Rejected
from collector.feeds.client_record import duration, keep, measured
from collector.feeds.headcount import Headcount
from collector.feeds.individual_rows import Individuals
from collector.feeds.object_feed import PERIODS_TO_LIVE
from collector.metrics.compiler import ObjectKind
from collector.metrics.counter_table import CounterTable
from collector.metrics.row_index import RowIndex
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from collector.feeds.feed import Apply, RestApply
    from collector.metrics.model import Entity
    from collector.metrics.store import Store
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NO_IDENTITY = Rejected("no_identity")
TOO_MANY_ASSETS = Rejected("too_many_assets")
MAX_ASSETS = 200_000
SWEEP_STEP = 2000


class Known(NamedTuple):
    """Where an asset is counted, and until when (monotonic seconds)."""

    where: tuple[str, str, str]  # org, site, map
    expires: float


class AssetFeed:
    """All assets of all sites. `max_individuals` of them get rows of their own, 0 for none but those `named` by MAC."""

    def __init__(
        self, store: Store, directories: Directories, *, max_individuals: int = 0, named: Collection[str] = ()
    ) -> None:
        self._directories = directories
        self._key = os.urandom(16)
        self._known: dict[bytes, Known] = {}
        self._periods_s: dict[str, float] = {}  # of the polls, by account
        self._ttl_s = tables.TTL_S
        roster = RowIndex(("org_id", "site_id", "mac"))
        self.kind = ObjectKind(
            tables.OBJECT, store, roster, (tables.ASSET,), tables.NESTED, extras=("mac", "map_id", "site_id", "_ttl")
        )
        self._read = attrgetter(*map(self.kind.attribute, ("mac", "map_id", "site_id", "_ttl")))
        self._observed = [(self.kind.attribute(field), family, scale) for field, family, scale in tables.OBSERVED]
        self.individuals = Individuals(self.kind, max_individuals, named)
        self._count, self._health = Headcount(store, tables.ASSETS), CounterTable(store, tables.HEALTH)
        self.channels: Mapping[str, Callable[[Match], Apply]] = {}
        self.rest: Mapping[str, RestApply] = {"asset": self.from_rest}

    def from_rest(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply one asset of a poll."""
        struct = self.kind.decode(payload)
        if isinstance(struct, Rejected):
            return struct
        mac_text, map_id, own_site, ttl = self._read(struct)
        mac = mac_of(mac_text)
        if mac is None:
            return NO_IDENTITY
        site_id = keep(own_site, "") or ids.get("site_id", "")
        site = self._directories.site(site_id)
        org_id = ids.get("org_id") or (site.org_id if site else "")
        identity = blake2b(mac.encode(), digest_size=8, key=self._key).digest()
        if identity not in self._known and len(self._known) >= MAX_ASSETS:
            return TOO_MANY_ASSETS
        # the next poll must come before that, however short the record is valid
        known = Known((org_id, site_id, keep(map_id, "")), now + max(duration(ttl), self._ttl_s))
        self._place(identity, known, now)
        for attribute, family, scale in self._observed:
            value = getattr(struct, attribute)
            if measured(value):
                self._health.observe((org_id, site_id), family, scale.of(value))
        self.individuals.write(identity.hex(), (org_id, site_id, mac), struct, now)
        return None

    def set_poll_period(self, kind: str, period_s: float, by: str) -> None:
        """An account (`by`) polls assets every `period_s`; the slowest account sets how long an asset stays."""
        if kind in self.rest:
            self._periods_s[by] = period_s
            self._ttl_s = PERIODS_TO_LIVE * max(self._periods_s.values())

    def _place(self, identity: bytes, known: Known, now: float) -> None:
        before = self._known.get(identity)
        if before is None or before.where != known.where:
            if before is not None:
                self._count.change(before.where, -1, now)
            self._count.change(known.where, 1, now)
        self._known[identity] = known

    # the feed

    def __len__(self) -> int:
        """Assets known."""
        return len(self._known)

    def kinds(self) -> tuple[ObjectKind, ...]:
        """An asset's record."""
        return (self.kind,)

    def tallies(self) -> tuple[Entity, ...]:
        """What is counted."""
        return tables.AGGREGATES

    def refused_labels(self) -> dict[str, int]:
        """Messages of assets beyond the cap of rows."""
        return {"asset": self.individuals.refused}

    def changed(self, changes: Changes) -> None:
        """Assets and counts go with their site."""
        sites = {site.id for site in changes.sites_removed}
        if not sites:
            return
        for identity, known in list(self._known.items()):
            if known.where[1] in sites:
                del self._known[identity]
                self.individuals.remove(identity.hex())
        for counted in (self._count, self._health):
            counted.forget(lambda values: values[1] in sites)

    def sweep(self, now: float) -> Iterator[int]:
        """Assets that several polls did not list are gone."""
        identities = list(self._known)
        for first in range(0, len(identities), SWEEP_STEP):
            gone = [one for one in identities[first : first + SWEEP_STEP] if self._known[one].expires <= now]
            for identity in gone:
                self._count.change(self._known.pop(identity).where, -1, now)
                self.individuals.remove(identity.hex())
            yield len(gone)
        yield self._count.sweep(now)
        yield self.individuals.sweep(now)
