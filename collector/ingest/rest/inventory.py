"""What exists, kept current: reads the inventory of one account again and again, and primes the state of its devices.

A round costs one call for ``/self``, one for the use of the token and a few per org (see `reading`). A round that
fails, wholly or in part, takes nothing away: what was known stays, the failure is counted in `RestStatus`, logged
when it begins and when it ends, and tried again with back-off.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog

from collector.concurrency import first_completed
from collector.errors import Fatal, RemoteError
from collector.ingest.rest.backfill import Priming
from collector.ingest.rest.inventory_reader import Reader
from collector.ingest.rest.retries import backoff_s
from collector.mist.directory import Changes
from collector.mist.shard import Shard
from collector.mist.sitefilter import SiteFilter

if TYPE_CHECKING:
    from collector.clock import Clock
    from collector.ingest.rest.client import Rest
    from collector.ingest.rest.inventory_reader import Reading
    from collector.mist.directory import Directory

log = structlog.get_logger(__name__)

EVERY_S = 600.0
FIRST_RETRY_S = 30.0
BATCH = 200  # entries handed on before other tasks get their turn: some 5 ms
JITTER = 0.05  # of the interval, either way, so that shards do not ask together
BUDGET_SHARE = 0.5  # of the hour's calls at most for reading the inventory; huge accounts are read less often

OnChange = Callable[[Changes], None]
OnChanged = Callable[[], Awaitable[None]]
OnPayload = Callable[[str, dict[str, object], dict[str, str]], None]  # kind, raw dict, ids


async def _nothing_more() -> None:
    """Nobody waits for the end of the changes."""


class SitesScope(Protocol):
    """The `sites` of an account's configuration: names (globs) or ids."""

    @property
    def include(self) -> Sequence[str]:
        """Sites to watch; none = every site."""

    @property
    def exclude(self) -> Sequence[str]:
        """Sites not to watch, whatever `include` says."""


class AccountScope(Protocol):
    """What the inventory reads of an account's configuration: org ids (none = all the token reaches) and sites."""

    @property
    def name(self) -> str:
        """What the operator calls the account."""

    @property
    def orgs(self) -> Sequence[str]:
        """Ids of the orgs to read; none = every org that the token reaches."""

    @property
    def sites(self) -> SitesScope:
        """Which of their sites to watch."""


class Inventory:
    """Keeps `directory` true and hands on what it reads.

    `on_change(changes)` is called after the directory has changed, in parts where much has; after the last part
    `on_changed()` is awaited. `on_payload(kind, payload, ids)` is called for each raw object: kinds "org", "site",
    "inventory" at each round, "device" (and "mxedge") when priming; ids are `org_id` and, where they apply, `site_id`
    (may be empty) and `mac`. `ready` is set after the first round that was complete, or that only lacks what the token
    is refused. `mxedges` primes Mist Edges too; `members` lists the members of virtual chassis one by one. `shard`
    narrows the sites to those served here.
    """

    def __init__(
        self,
        rest: Rest,
        account: AccountScope,
        directory: Directory,
        *,
        on_change: OnChange,
        on_payload: OnPayload,
        on_changed: OnChanged = _nothing_more,
        clock: Clock,
        every_s: float = EVERY_S,
        mxedges: bool = False,
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
        self._on_change = on_change
        self._on_changed = on_changed
        self._on_payload = on_payload
        self._clock = clock
        self._priming = Priming(rest, directory, self._hand_on, clock, mxedges=mxedges)
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._failures = 0  # rounds in a row
        self._asks_usage = True
        self._broken_kinds: set[str] = set()  # of payload, told in the log

    @property
    def closed_orgs(self) -> Collection[str]:
        """Ids of orgs of which the token reaches single sites only."""
        return self._priming.closed_orgs

    async def run(self) -> None:
        """Read at once, then every `every_s` seconds, give or take 5 %; sooner, with back-off, after a failure."""
        while True:
            self._wake.clear()
            calls_before = self._calls()
            await self.refresh()
            if self._priming.owed and self._directory.sites:
                await self.prime()
            pause_s = self._pause_s(self._calls() - calls_before)
            await first_completed(self._asked(), self._clock.sleep(pause_s))

    def soon(self) -> None:
        """Let the next round begin at once: the token was replaced, say."""
        self._wake.set()

    def rescope(self, account: AccountScope) -> None:
        """Watch the orgs and sites of `account` from now on, and read at once."""
        self._reader = self._reader_of(account)
        self._wake.set()

    def prime_mxedges(self, *, on: bool) -> None:
        """Whether the state of Mist Edges is primed, too."""
        self._priming.mxedges = on

    def _reader_of(self, account: AccountScope) -> Reader:
        watched = SiteFilter(tuple(account.sites.include), tuple(account.sites.exclude), self._shard)
        return Reader(self._rest, orgs=tuple(account.orgs), watched=watched, members=self._members)

    async def _asked(self) -> None:
        await self._wake.wait()

    async def refresh(self) -> bool:
        """Do one round; True when it was complete."""
        try:
            reading = await self._reader.read(self._directory)
        except RemoteError as error:
            self._failed([error])
            return False
        await self._clock.sleep(0)  # after the last page; what follows is work, too
        await self._apply(reading)
        if reading.usable:
            self.ready.set()
        if reading.faults:
            self._failed(reading.faults, orgs=len(reading.unread_orgs), sites=len(reading.unread_sites))
            return False
        await self._learn_usage()
        self._succeeded(reading)
        return True

    async def prime(self, site_ids: Iterable[str] | None = None) -> int:
        """Read the state of the devices of `site_ids` (None: all) by REST; returns how many were handed on.

        To be called when the stream of these sites comes back after an outage: Mist resumes nothing. A failure is
        logged, never raised, and made up for by the next round of `run`.
        """
        return await self._priming.prime(site_ids)

    async def _apply(self, reading: Reading) -> None:
        self._priming.closed_orgs = frozenset(reading.reach.sites)
        changes = self._directory.replace(
            reading.orgs.values(),
            reading.sites.values(),
            reading.devices.values(),
            unread_orgs=reading.unread_orgs,
            unread_sites=reading.unread_sites,
        )
        if changes:
            for part in changes.parts():
                self._on_change(part)
                await self._clock.sleep(0)
            await self._on_changed()
        for number, entry in enumerate(reading.payloads, start=1):
            self._hand_on(entry.kind, entry.payload, entry.ids)
            if number % BATCH == 0:
                await self._clock.sleep(0)

    def _hand_on(self, kind: str, payload: dict[str, object], ids: dict[str, str]) -> None:
        try:
            self._on_payload(kind, payload, ids)
        except Exception:
            # One odd object must not end the reading of all others; told once a kind, with its traceback.
            if kind not in self._broken_kinds:
                self._broken_kinds.add(kind)
                log.exception("inventory_payload_failed", account=self._account, kind=kind, **ids)

    async def _learn_usage(self) -> None:
        """Ask how many calls others made with this token. A courtesy: without an answer our own count stands."""
        if not self._asks_usage:
            return
        try:
            await self._rest.learn_usage()
        except Fatal:
            self._asks_usage = False
        except RemoteError:
            pass

    def _failed(self, faults: Sequence[RemoteError], **unread: int) -> None:
        status = self._rest.status
        status.inventory_failures += 1
        status.last_error = str(faults[0])
        self._failures += 1
        if self._failures == 1:
            fields = {"faults": len(faults), **{f"unread_{key}": count for key, count in unread.items()}}
            log.warning("inventory_failed", account=self._account, error=status.last_error, **fields)

    def _succeeded(self, reading: Reading) -> None:
        first = self._rest.status.inventory_at is None
        self._rest.status.inventory_at = self._clock.now()
        self._rest.status.last_error = ""
        if first or self._failures:
            log.info(
                "inventory_read" if first else "inventory_recovered",
                account=self._account,
                orgs=len(reading.orgs),
                sites=len(reading.sites),
                devices=len(reading.devices),
                skipped=reading.skipped,
                calls=self._calls(),
            )
        self._failures = 0

    def _pause_s(self, calls: int) -> float:
        """Return the seconds to the next round, which may not cost more than its share of the hour's calls."""
        affordable_s = calls * 3600.0 / (self._rest.budget.usable * BUDGET_SHARE)
        if self._failures:
            retry_s = backoff_s(self._failures, self._rng, first_s=FIRST_RETRY_S, cap_s=self.every_s)
            return max(retry_s, affordable_s)
        return max(self.every_s, affordable_s) * self._rng.uniform(1 - JITTER, 1 + JITTER)

    def _calls(self) -> int:
        return sum(self._rest.status.calls.values())
