"""The inventory of one account: reads periodically which orgs, sites and devices exist.

A refresh takes one call for ``/self``, one for the use of the token and a few per org (see `inventory_reader`). A
refresh that fails, completely or in part, removes no entry. It is counted in `RestStatus`, logged when the failure
begins and ends, and retried with backoff.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from collector.backoff import backoff_s
from collector.concurrency import first_completed
from collector.errors import Fatal, RemoteError
from collector.ingest.rest.answers import is_token_rejected
from collector.ingest.rest.inventory_reader import InventoryReader
from collector.ingest.rest.objects import ContainedHandler
from collector.mist.directory import Changes
from collector.mist.shard import Shard
from collector.mist.sitefilter import SiteFilter

if TYPE_CHECKING:
    from collector.clock import Clock
    from collector.ingest.rest.backfill import Backfill
    from collector.ingest.rest.client import RestClient
    from collector.ingest.rest.inventory_reader import InventorySnapshot
    from collector.ingest.rest.objects import HandleObject
    from collector.mist.directory import Directory

log = structlog.get_logger(__name__)

REFRESH_S: Final = 600.0
FIRST_RETRY_S: Final = 30.0
BATCH: Final = 200  # objects handled before other tasks run: some 5 ms
JITTER: Final = 0.05  # of the period, in both directions, so that shards do not read together
BUDGET_SHARE: Final = 0.5  # of the hour's calls at most; a very large account is read less often

OnChange = Callable[[Changes], None]
OnChanged = Callable[[], Awaitable[None]]


async def _do_nothing() -> None:
    """Implement `OnChanged`."""


class SitePatterns(Protocol):
    """The `sites` of an account's configuration: ids, or names with wildcards."""

    @property
    def include(self) -> Sequence[str]:
        """Sites to collect; none for every site."""

    @property
    def exclude(self) -> Sequence[str]:
        """Sites not to collect, whatever `include` contains."""


class InventoryScope(Protocol):
    """What the inventory uses of an account's configuration."""

    @property
    def name(self) -> str:
        """The name of the account."""

    @property
    def orgs(self) -> Sequence[str]:
        """Ids of the orgs to read; none for every org that the token can read."""

    @property
    def sites(self) -> SitePatterns:
        """Which of their sites to collect."""


class Inventory:
    """Maintains `directory` and hands on the objects that it reads.

    Args:
        rest: the client.
        account: which orgs and sites to read.
        directory: what is known.
        backfill: reads the state of the devices after the first refresh. Its `site_only_orgs` is set here.
        on_change: called after the directory has changed, several times for many changes.
        on_changed: awaited after the last of these calls.
        handle: takes each object; kinds are "org", "site" and "inventory".
        clock: for pauses.
        every_s: period of the refreshes in seconds.
        members: whether the members of virtual chassis are listed one by one.
        shard: the part of the sites that is collected.
        rng: for jitter.

    Attributes:
        ready: set after the first refresh that read everything to which the token has rights.
        every_s: as above; may be changed.
    """

    def __init__(
        self,
        rest: RestClient,
        account: InventoryScope,
        directory: Directory,
        backfill: Backfill,
        *,
        on_change: OnChange,
        handle: HandleObject,
        on_changed: OnChanged = _do_nothing,
        clock: Clock,
        every_s: float = REFRESH_S,
        members: bool = False,
        shard: Shard | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        self.every_s = every_s
        self._shard = shard or Shard()
        self._members = members
        self._rest = rest
        self._wake = asyncio.Event()
        self._reader = self._reader_of(account)
        self._account = account.name
        self._directory = directory
        self._backfill = backfill
        self._on_change = on_change
        self._on_changed = on_changed
        self._handle = ContainedHandler(handle, account.name)
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._failures = 0  # readings in a row
        self._asks_usage = True

    @property
    def site_only_orgs(self) -> Collection[str]:
        """Ids of orgs of which the token can read single sites only."""
        return self._backfill.site_only_orgs

    async def run(self) -> None:
        """Read at once, then every `every_s` seconds with jitter; after a failure sooner, with backoff."""
        while True:
            self._wake.clear()
            reader, calls_before = self._reader, self._reader.calls
            await self.refresh()
            if self._backfill.is_pending and self._directory.sites:
                await self._backfill.read()
            pause_s = self._pause_s(reader.calls - calls_before)
            await first_completed(self._wait_for_wake(), self._clock.sleep(pause_s))

    def soon(self) -> None:
        """Start the next refresh immediately, for example after the token was replaced."""
        self._wake.set()

    def rescope(self, account: InventoryScope) -> None:
        """Read the orgs and sites of `account` from now on, and at once."""
        self._reader = self._reader_of(account)
        self._wake.set()

    def _reader_of(self, account: InventoryScope) -> InventoryReader:
        sites = SiteFilter(tuple(account.sites.include), tuple(account.sites.exclude), self._shard)
        return InventoryReader(self._rest, orgs=tuple(account.orgs), sites=sites, members=self._members)

    async def _wait_for_wake(self) -> None:
        await self._wake.wait()

    async def refresh(self) -> bool:
        """Read the inventory once; return whether it was read completely."""
        try:
            with self._rest.boundary("/api/v1/self"):
                snapshot = await self._reader.read(self._directory)
        except RemoteError as error:
            self._failed([error])
            return False
        await self._clock.sleep(0)  # other tasks run between the last page and what follows
        await self._apply(snapshot)
        if snapshot.is_usable:
            self.ready.set()
        if snapshot.errors:
            self._failed(
                snapshot.errors, unread_orgs=len(snapshot.unread_orgs), unread_sites=len(snapshot.unread_sites)
            )
            return False
        await self._learn_usage()
        self._succeeded(snapshot)
        return True

    async def _apply(self, snapshot: InventorySnapshot) -> None:
        self._backfill.site_only_orgs = frozenset(snapshot.privileges.sites)
        changes = self._directory.replace(
            snapshot.orgs.values(),
            snapshot.sites.values(),
            snapshot.devices.values(),
            unread_orgs=snapshot.unread_orgs,
            unread_sites=snapshot.unread_sites,
        )
        if changes:
            for part in changes.batches():
                self._on_change(part)
                await self._clock.sleep(0)
            await self._on_changed()
        for number, one in enumerate(snapshot.objects, start=1):
            self._handle(one.kind, one.payload, one.ids)
            if number % BATCH == 0:
                await self._clock.sleep(0)

    async def _learn_usage(self) -> None:
        """Read how many calls other programs made with this token; without an answer the own count is used."""
        if not self._asks_usage:
            return
        try:
            await self._rest.learn_usage()
        except Fatal as error:
            self._asks_usage = is_token_rejected(error)  # otherwise this cloud has no such path
        except RemoteError:
            pass

    def _failed(self, errors: Sequence[RemoteError], **unread: int) -> None:
        status = self._rest.status
        status.inventory_failures += 1
        status.last_error = str(errors[0])
        self._failures += 1
        if self._failures == 1:
            log.warning(
                "inventory_failed", account=self._account, error=status.last_error, errors=len(errors), **unread
            )

    def _succeeded(self, snapshot: InventorySnapshot) -> None:
        is_first = self._rest.status.inventory_at is None
        self._rest.status.inventory_at = self._clock.now()
        self._rest.status.last_error = ""
        if is_first or self._failures:
            log.info(
                "inventory_read" if is_first else "inventory_recovered",
                account=self._account,
                orgs=len(snapshot.orgs),
                sites=len(snapshot.sites),
                devices=len(snapshot.devices),
                skipped=snapshot.skipped,
                calls=self._reader.calls,
            )
        self._failures = 0

    def _pause_s(self, calls: int) -> float:
        """Return the seconds until the next refresh, limited by the inventory's share of the hourly calls."""
        affordable_s = calls * 3600.0 / (self._rest.budget.usable * BUDGET_SHARE)
        if self._failures:
            retry_s = backoff_s(self._failures, self._rng.random(), first_s=FIRST_RETRY_S, ceiling_s=self.every_s)
            return max(retry_s, affordable_s)
        return max(self.every_s, affordable_s) * self._rng.uniform(1 - JITTER, 1 + JITTER)
