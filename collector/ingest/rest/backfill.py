"""Backfill: reads the state of devices by REST where the stream does not deliver it.

Mist's stream has neither a snapshot nor a resume: after an outage, a site shows old values until each of its devices
has sent another message. And a subscribed channel that delivers nothing may mean that all of its devices are down, or
that Mist does not deliver; REST has their state.

The listing is ``/orgs/:id/stats/devices?type=all`` (without `type` it contains access points only), 1,000 devices a
call. For a few sites of a large org ``/sites/:id/stats/devices`` of each takes fewer calls, and is read instead.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import quote

import structlog

from collector.errors import Fatal, RemoteError
from collector.ingest.rest.answers import is_token_rejected
from collector.ingest.rest.objects import ContainedHandler
from collector.ingest.rest.paging import PAGE_SIZE
from collector.mist import channels
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable

    from collector.clock import Clock
    from collector.ingest.rest.client import RestClient
    from collector.ingest.rest.objects import HandleObject
    from collector.mist.directory import Directory

log = structlog.get_logger(__name__)

BATCH: Final = 50  # objects handled before other tasks run
MERGE_S: Final = 2.0  # on average, jittered by half of it: requests within this time are merged into one read
MIN_PERIOD_S: Final = 60.0  # between two reads: a flapping stream must not exhaust the call budget of the token
DEVICES, MXEDGES = "stats/devices", "stats/mxedges"
_KINDS: Final = {DEVICES: "device", MXEDGES: "mxedge"}  # of the objects, by listing; channels carry the same


@dataclass(frozen=True, slots=True)
class StateListing:
    """A listing of the state of devices: its path, and where its entries belong unless they contain it."""

    path: str
    kind: str  # "device" | "mxedge"
    org_id: str
    site_id: str = ""


def listings(
    directory: Directory, site_ids: Collection[str], site_only_orgs: Collection[str], *, mxedges: bool
) -> list[StateListing]:
    """Return the listings that cover sites with the fewest calls.

    Args:
        directory: the known orgs, sites and devices.
        site_ids: the sites.
        site_only_orgs: ids of orgs of which the token can read single sites only.
        mxedges: whether Mist Edges are included.
    """
    found: list[StateListing] = []
    sites_of: defaultdict[str, list[str]] = defaultdict(list)
    for site in directory.sites.values():
        if site.id in site_ids:
            sites_of[site.org_id].append(site.id)
    devices_of = Counter(device.org_id for device in directory.devices.values())
    for org_id, sites in sites_of.items():
        by_site = org_id in site_only_orgs or len(sites) < math.ceil(devices_of[org_id] / PAGE_SIZE)
        for ending in (DEVICES, MXEDGES) if mxedges else (DEVICES,):
            if by_site:
                paths = [(f"/sites/{quote(site_id, safe='')}/{ending}", site_id) for site_id in sites]
            else:
                paths = [(f"/orgs/{quote(org_id, safe='')}/{ending}", "")]
            found += [StateListing(path, _KINDS[ending], org_id, site_id) for path, site_id in paths]
    return found


class Backfill:
    """Reads the state of devices by REST; reads do not overlap.

    `request` and `channels_recovered` note sites; `run` reads them, merged and at a limited rate. `read` reads at once.

    Args:
        rest: the client.
        directory: the known orgs, sites and devices.
        handle: takes each object; kinds are "device" and "mxedge".
        clock: for pauses.
        mxedges: whether Mist Edges are included.
        draw: draws uniformly from [0, 1), for jitter.

    Attributes:
        is_pending: whether sites remain to be read: initially, and after a transient error.
        site_only_orgs: ids of orgs of which the token can read single sites only; the inventory maintains it.
        mxedges: as above; may be changed.
    """

    def __init__(
        self,
        rest: RestClient,
        directory: Directory,
        handle: HandleObject,
        clock: Clock,
        *,
        mxedges: bool = False,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.is_pending = True
        self.site_only_orgs: Collection[str] = ()
        self.mxedges = mxedges
        self._rest = rest
        self._directory = directory
        self._handle = ContainedHandler(handle, rest.status.account)
        self._clock = clock
        self._draw = draw
        self._requested: set[str] = set()  # sites for the next reading of `run`
        self._has_request = asyncio.Event()
        self._waiting: set[str] = set()  # sites for the next reading of `read`
        self._reading = asyncio.Lock()

    async def run(self) -> NoReturn:
        """Read what is requested until cancelled."""
        while True:
            await self._has_request.wait()
            await self._clock.sleep(MERGE_S * (0.5 + self._draw()))
            self._has_request.clear()
            site_ids, self._requested = self._requested, set()
            await self.read(site_ids)
            await self._clock.sleep(MIN_PERIOD_S)

    def channels_recovered(self, paths: Iterable[str]) -> None:
        """Request the sites of channels that are subscribed again; channels without a listing are ignored."""
        for path in paths:
            self.request(path)

    def request(self, path: str) -> bool:
        """Request the site of a channel; return False where REST has no listing for what the channel carries."""
        found = channels.match(path)
        if found is None or found.channel.carries not in _KINDS.values() or "site_id" not in found.ids:
            return False
        self._requested.add(found.ids["site_id"])
        self._has_request.set()
        return True

    async def read(self, site_ids: Iterable[str] | None = None) -> int:
        """Read the state of the devices of sites, by default of all known ones; return the number of objects handled.

        Calls during a read are merged into the next one. An error is logged, not raised; `is_pending` is then
        true if a retry may succeed.
        """
        known = self._directory.sites
        self._waiting |= known.keys() if site_ids is None else known.keys() & set(site_ids)
        async with self._reading:
            wanted, self._waiting = self._waiting, set()
            return await self._read(wanted) if wanted else 0

    async def _read(self, wanted: Collection[str]) -> int:
        count = 0
        errors: list[RemoteError] = []
        for listing in listings(self._directory, wanted, self.site_only_orgs, mxedges=self.mxedges):
            try:
                with self._rest.boundary(listing.path):
                    async for payload, site_id in self._entries(listing):
                        if site_id in wanted or (not site_id and listing.kind == "mxedge"):
                            self._handle(listing.kind, payload, {"org_id": listing.org_id, "site_id": site_id})
                            count += 1
                            if count % BATCH == 0:
                                await self._clock.sleep(0)
            except RemoteError as error:
                errors.append(error)
                if is_token_rejected(error):
                    break
        self._conclude(count, errors)
        return count

    async def _entries(self, listing: StateListing) -> AsyncIterator[tuple[dict[str, object], str]]:
        """Yield each entry with the id of its site, "" for none; raises RemoteError as `RestClient.pages` does."""
        pages = partial(self._rest.pages, listing.path)
        async for entry in pages(type="all") if listing.kind == "device" else pages():
            site_id = entry.get("site_id")
            if not isinstance(site_id, str) or not site_id:
                device = self._directory.devices.get(mac_of(str(entry.get("mac", ""))) or "")
                site_id = listing.site_id or (device.site_id if device else "")
            yield entry, site_id

    def _conclude(self, count: int, errors: list[RemoteError]) -> None:
        self.is_pending = any(not isinstance(error, Fatal) or is_token_rejected(error) for error in errors)
        account = self._rest.status.account
        if errors:
            log.warning("backfill_failed", account=account, error=str(errors[0]), errors=len(errors))
        else:
            log.info("backfill_completed", account=account, objects=count)
