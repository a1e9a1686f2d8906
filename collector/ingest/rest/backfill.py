"""The state of every device, read once by REST: the stream gives no snapshot and resumes nothing after an outage.

``/orgs/:id/stats/devices?type=all`` (without `type` it lists access points only), a thousand devices a call. For a few
sites of a large org their own ``/sites/:id/stats/devices`` are cheaper, and then asked instead.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog

from collector.errors import Fatal, RemoteError
from collector.ingest.rest.paging import LIMIT
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable

    from collector.clock import Clock
    from collector.ingest.rest.client import Rest
    from collector.mist.directory import Directory

log = structlog.get_logger(__name__)

BATCH = 50  # payloads handed on before other tasks get their turn
DEVICES, MXEDGES = "stats/devices", "stats/mxedges"
KINDS = {DEVICES: "device", MXEDGES: "mxedge"}


@dataclass(frozen=True, slots=True)
class Source:
    """One listing to read: the path, and where its entries are unless they say otherwise."""

    path: str
    kind: str  # "device" | "mxedge"
    org_id: str
    site_id: str = ""


def sources(
    directory: Directory, wanted: Collection[str], closed_orgs: Collection[str], *, mxedges: bool
) -> list[Source]:
    """Return the listings that cover the sites in `wanted` with the fewest calls.

    `closed_orgs`: ids of orgs whose own paths the token may not read; there each site is asked.
    """
    found: list[Source] = []
    wanted_of: defaultdict[str, list[str]] = defaultdict(list)
    for site in directory.sites.values():
        if site.id in wanted:
            wanted_of[site.org_id].append(site.id)
    devices_of = Counter(device.org_id for device in directory.devices.values())
    for org_id, sites in wanted_of.items():
        by_site = org_id in closed_orgs or len(sites) < math.ceil(devices_of[org_id] / LIMIT)
        for ending in (DEVICES, MXEDGES) if mxedges else (DEVICES,):
            if by_site:
                paths = [(f"/sites/{quote(site_id, safe='')}/{ending}", site_id) for site_id in sites]
            else:
                paths = [(f"/orgs/{quote(org_id, safe='')}/{ending}", "")]
            found += [Source(path, KINDS[ending], org_id, site_id) for path, site_id in paths]
    return found


async def entries(rest: Rest, source: Source, directory: Directory) -> AsyncIterator[tuple[dict[str, object], str]]:
    """Yield each entry of `source` with the id of its site ("" = of none); raises RemoteError as paging does."""
    listing = rest.pages(source.path, type="all") if source.kind == "device" else rest.pages(source.path)
    async for entry in listing:
        site_id = entry.get("site_id")
        if not isinstance(site_id, str) or not site_id:
            device = directory.devices.get(mac_of(str(entry.get("mac", ""))) or "")
            site_id = source.site_id or (device.site_id if device else "")
        yield entry, site_id


class Priming:
    """Hands the state of devices to `hand_on(kind, payload, ids)`, one reading at a time.

    `owed` is True from the start and after a reading that may succeed later: somebody should call `prime` again.
    `closed_orgs` are the orgs of which the token reaches single sites only; the inventory keeps it true.
    """

    def __init__(
        self,
        rest: Rest,
        directory: Directory,
        hand_on: Callable[[str, dict[str, object], dict[str, str]], None],
        clock: Clock,
        *,
        mxedges: bool,
    ) -> None:
        self.owed = True
        self.closed_orgs: Collection[str] = ()
        self._rest = rest
        self._directory = directory
        self._hand_on = hand_on
        self._clock = clock
        self.mxedges = mxedges
        self._wanted: set[str] = set()  # sites for whoever reads next
        self._reading = asyncio.Lock()

    async def prime(self, site_ids: Iterable[str] | None = None) -> int:
        """Read the state of the devices of `site_ids` (None: of all known sites); returns how many were handed on.

        Calls made while another one reads are served together by the next reading.
        """
        known = self._directory.sites
        self._wanted |= known.keys() if site_ids is None else known.keys() & set(site_ids)
        async with self._reading:
            wanted, self._wanted = self._wanted, set()
            return await self._read(wanted) if wanted else 0

    async def _read(self, wanted: Collection[str]) -> int:
        handed_on = 0
        faults: list[RemoteError] = []
        for source in sources(self._directory, wanted, self.closed_orgs, mxedges=self.mxedges):
            try:
                async for payload, site_id in entries(self._rest, source, self._directory):
                    if site_id in wanted or (not site_id and source.kind == "mxedge"):
                        ids = {"org_id": source.org_id, "site_id": site_id}
                        self._hand_on(source.kind, payload, ids)
                        handed_on += 1
                        if handed_on % BATCH == 0:
                            await self._clock.sleep(0)
            except RemoteError as error:
                faults.append(error)
        self._note(handed_on, faults)
        return handed_on

    def _note(self, handed_on: int, faults: list[RemoteError]) -> None:
        self.owed = any(not isinstance(fault, Fatal) for fault in faults)
        account = self._rest.status.account
        if faults:
            log.warning("inventory_prime_failed", account=account, error=str(faults[0]), faults=len(faults))
        else:
            log.info("inventory_primed", account=account, entries=handed_on)
