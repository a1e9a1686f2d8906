"""BLE assets from REST polls: their number by map, and histograms of their health with one observation per poll."""

from __future__ import annotations

import os
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from collector.catalog import asset_tables as tables
from collector.catalog import limits
from collector.errors import Rejected
from collector.feeds.client_record import duration_s, measured, text_or
from collector.feeds.device_feed import identity
from collector.feeds.feed import Feed
from collector.feeds.gauge_table import GaugeTable
from collector.feeds.individual_rows import IndividualRows
from collector.feeds.object_feed import TTL_PERIODS
from collector.metrics.compiler import ObjectKind
from collector.metrics.counter_table import CounterTable
from collector.metrics.row_index import RowIndex
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from collector.feeds.feed import RestHandler
    from collector.metrics.model import Entity
    from collector.metrics.store import Store
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

NO_IDENTITY: Final = Rejected("no_identity")
TOO_MANY_ASSETS: Final = Rejected("too_many_assets")
MAX_ASSETS: Final = 200_000
SWEEP_STEP: Final = 2000
SITE_LABELS: Final = 2  # labels that a row above the limit keeps


class TrackedAsset(NamedTuple):
    """What is kept of one asset.

    Attributes:
        labels: Org, site and map under which it is counted.
        expires: Monotonic time at which it is forgotten.
    """

    labels: tuple[str, str, str]
    expires: float


class AssetFeed(Feed):
    """All assets of all sites.

    Args:
        store: The store that exports the rows.
        directories: The inventories.
        max_individuals: Maximum number of assets with rows of their own; 0 for none but the named ones.
        named: MAC addresses of assets with rows in any case.
    """

    name = "assets"

    def __init__(
        self, store: Store, directories: Directories, *, max_individuals: int = 0, named: Collection[str] = ()
    ) -> None:
        self._directories = directories
        self._key = os.urandom(16)
        self._assets: dict[bytes, TrackedAsset] = {}
        self._periods_s: dict[str, float] = {}  # of the polls, by account
        self._ttl_s = tables.TTL_S
        row_index = RowIndex(("org_id", "site_id", "mac"))
        extras = ("mac", "map_id", "site_id", "_ttl")
        self.kind = ObjectKind(tables.OBJECT, store, row_index, (tables.ASSET,), tables.NESTED, extras=extras)
        self._read = attrgetter(*map(self.kind.attribute, extras))
        self._observed = [(self.kind.attribute(field), family, scale) for field, family, scale in tables.OBSERVED]
        self.individuals = IndividualRows(self.kind, max_individuals, named)
        self._count = GaugeTable(
            store,
            tables.ASSETS,
            max_rows=lambda: limits.ASSETS.of(directories.site_count),
            keep=SITE_LABELS,
        )
        self._health = CounterTable(store, tables.HEALTH)
        self.rest: Mapping[str, RestHandler] = {"asset": self._asset}

    def _asset(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply one asset of a poll."""
        struct = self.kind.decode(payload)
        if isinstance(struct, Rejected):
            return struct
        mac_text, map_id, own_site, ttl = self._read(struct)
        mac = mac_of(mac_text)
        if mac is None:
            return NO_IDENTITY
        site_id = identity(own_site) or ids.get("site_id", "")
        site = self._directories.site(site_id)
        org_id = ids.get("org_id") or (site.org_id if site else "")
        key = blake2b(mac.encode(), digest_size=8, key=self._key).digest()
        if key not in self._assets and len(self._assets) >= MAX_ASSETS:
            return TOO_MANY_ASSETS
        # a record that is valid for less than a poll period lives until the next poll
        expires = now + max(duration_s(ttl), self._ttl_s)
        self._track(key, TrackedAsset((org_id, site_id, identity(text_or(map_id, ""))), expires), now)
        for attribute, family, scale in self._observed:
            value = getattr(struct, attribute)
            if measured(value):
                self._health.observe((org_id, site_id), family, scale.of(value))
        self.individuals.write(key.hex(), (org_id, site_id, mac), struct, now)
        return None

    def set_poll_period(self, kind: str, period_s: float, account: str) -> None:
        """Set the time to live of an asset to `TTL_PERIODS` of its poll; with several accounts, of the slowest poll."""
        if kind in self.rest:
            self._periods_s[account] = period_s
            self._ttl_s = TTL_PERIODS * max(self._periods_s.values())

    def _track(self, key: bytes, asset: TrackedAsset, now: float) -> None:
        before = self._assets.get(key)
        if before is None or before.labels != asset.labels:
            if before is not None:
                self._count.change(before.labels, -1, now)
            self._count.change(asset.labels, 1, now)
        self._assets[key] = asset

    # The feed

    def __len__(self) -> int:
        """Return the number of known assets."""
        return len(self._assets)

    def kinds(self) -> tuple[ObjectKind, ...]:
        """Return the compiled record of an asset."""
        return (self.kind,)

    def computed(self) -> tuple[Entity, ...]:
        """Return the entities of the aggregates."""
        return tables.AGGREGATES

    def refused_labels(self) -> dict[str, int]:
        """Return the messages of assets above the limit of rows per asset."""
        return {"asset": self.individuals.refused}

    def changed(self, changes: Changes) -> None:
        """End the assets and rows of removed sites."""
        sites = {site.id for site in changes.sites_removed}
        if not sites:
            return
        for key, asset in list(self._assets.items()):
            if asset.labels[1] in sites:
                del self._assets[key]
                self.individuals.remove(key.hex())
        for table in (self._count, self._health):
            table.remove(lambda values: values[1] in sites)

    def sweep(self, now: float) -> Iterator[int]:
        """End assets that several polls did not contain."""
        keys = list(self._assets)
        for first in range(0, len(keys), SWEEP_STEP):
            step = ((key, self._assets.get(key)) for key in keys[first : first + SWEEP_STEP])
            expired = [key for key, asset in step if asset is not None and asset.expires <= now]
            for key in expired:
                self._count.change(self._assets.pop(key).labels, -1, now)
                self.individuals.remove(key.hex())
            yield len(expired)
        yield self._count.sweep(now)
        yield self.individuals.sweep(now)
