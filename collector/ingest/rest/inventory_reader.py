"""One reading of what an account can see: orgs, sites and devices, with what could not be read named.

Per org three listings: ``/orgs/:id`` (its name), ``/orgs/:id/sites`` and ``/orgs/:id/inventory``; a page holds 1000
entries, so 1000 sites with 8 devices each cost ten calls. A token that has rights to single sites only costs two calls
a site (``/sites/:id`` and its ``stats/devices``), for it may not ask the org.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import structlog

from collector.errors import DecodeError, Fatal, RemoteError, Retryable
from collector.mist.directory import Device, Org, Site
from collector.mist.privileges import Reach, reach_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector.ingest.rest.client import Rest
    from collector.mist.directory import Directory
    from collector.mist.sitefilter import SiteFilter

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Payload:
    """One raw object of the cloud on its way to the catalogue: what it is, its dict, the ids of where it was."""

    kind: str  # "org" | "site" | "inventory"
    payload: dict[str, object]
    ids: dict[str, str]


@dataclass(slots=True)
class Reading:
    """What one round has read. Orgs and sites in `unread_*` were not read completely; `faults` says why."""

    reach: Reach
    orgs: dict[str, Org] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    payloads: list[Payload] = field(default_factory=list)
    unread_orgs: set[str] = field(default_factory=set)
    unread_sites: set[str] = field(default_factory=set)
    faults: list[RemoteError] = field(default_factory=list)
    skipped: int = 0  # entries without an id or a MAC

    @property
    def usable(self) -> bool:
        """True when something was read and what is missing will not come by trying again soon."""
        return bool(self.orgs) and all(isinstance(fault, Fatal) for fault in self.faults)


class Reader:
    """Reads what a token reaches, narrowed to the configured `orgs` (ids; none = all) and to the sites of `watched`."""

    def __init__(self, rest: Rest, *, orgs: Sequence[str], watched: SiteFilter, members: bool = False) -> None:
        self._rest = rest
        self._orgs = orgs
        self._watched = watched
        self._members = members  # also list the members of virtual chassis (vc=true)
        self._refused_msps: set[str] = set()
        self._known: Mapping[str, Device] = {}

    async def read(self, known: Directory) -> Reading:
        """Read everything once; raises RemoteError when not even the list of orgs could be had.

        `known` is the directory so far: its orgs stay when a listing that might name them could not be read.
        """
        self._known = known.devices
        reading = Reading(await self._reach())
        if not self._orgs:
            await self._expand_msps(reading, known)
        if not reading.reach.orgs and not reading.reach.sites:
            raise reading.faults[0] if reading.faults else Fatal("the token reaches no org", where="/api/v1/self")
        for org_id in reading.reach.orgs:
            try:
                await self._read_org(org_id, reading)
            except RemoteError as error:
                reading.unread_orgs.add(org_id)
                reading.faults.append(error)
        for org_id, site_ids in reading.reach.sites.items():
            await self._read_single_sites(org_id, site_ids, reading)
        return reading

    async def _reach(self) -> Reach:
        try:
            reach = reach_of(await self._rest.get("/self"))
        except DecodeError as error:
            raise Retryable("the answer lists no privileges", where="/api/v1/self") from error
        return reach.narrowed(self._orgs) if self._orgs else reach

    async def _expand_msps(self, reading: Reading, known: Directory) -> None:
        """Add the orgs of every managed service provider; a refusal is told once and takes no known org away."""
        for msp_id in reading.reach.msps:
            try:
                async for org in self._rest.pages(f"/msps/{quote(msp_id, safe='')}/orgs", steady=True):
                    org_id = org.get("id")
                    if isinstance(org_id, str) and org_id not in reading.reach.orgs:
                        reading.reach.orgs.append(org_id)
            except RemoteError as error:
                reading.unread_orgs |= known.orgs.keys() - reading.reach.sites.keys()
                if not isinstance(error, Fatal):
                    reading.faults.append(error)
                elif msp_id not in self._refused_msps:
                    log.warning("inventory_msp_not_expanded", msp_id=msp_id, error=str(error))
                    self._refused_msps.add(msp_id)
        reading.unread_orgs -= set(reading.reach.orgs)
        for org_id in reading.reach.orgs:
            reading.reach.sites.pop(org_id, None)

    async def _read_org(self, org_id: str, reading: Reading) -> None:
        path, ids = f"/orgs/{quote(org_id, safe='')}", {"org_id": org_id}
        answer = await self._rest.get(path)
        payload = answer if isinstance(answer, dict) else {}
        reading.orgs[org_id] = Org.from_payload({**payload, "id": org_id}) or Org(org_id)
        reading.payloads.append(Payload("org", payload, ids))
        async for entry in self._rest.pages(f"{path}/sites", steady=True):
            self._take_site(entry, org_id, reading)
        extra: dict[str, Any] = {"vc": True} if self._members else {}
        async for entry in self._rest.pages(f"{path}/inventory", steady=True, **extra):
            self._take_device(entry, org_id, reading)

    def _take_site(self, entry: dict[str, object], org_id: str, reading: Reading) -> bool:
        site = Site.from_payload({**entry, "org_id": org_id})
        if site is None:
            reading.skipped += 1
            return False
        if not self._watched.admits(site):
            return False
        reading.sites[site.id] = site
        reading.payloads.append(Payload("site", entry, {"org_id": org_id, "site_id": site.id}))
        return True

    def _take_device(self, entry: dict[str, object], org_id: str, reading: Reading) -> None:
        """Keep a device of a watched site; without a filter, also those in stock and those of a site just made."""
        device = Device.from_payload({**entry, "org_id": org_id})
        if device is None:
            reading.skipped += 1
        elif device.site_id in reading.sites or not self._watched:
            known = self._known.get(device.mac)
            reading.devices[device.mac] = known if known is not None and known == device else device
            ids = {"org_id": org_id, "site_id": device.site_id, "mac": device.mac}
            reading.payloads.append(Payload("inventory", entry, ids))

    async def _read_single_sites(self, org_id: str, site_ids: Sequence[str], reading: Reading) -> None:
        """Read sites of an org whose own paths are closed to the token; a site that fails takes no other with it."""
        org = reading.orgs.setdefault(org_id, Org(org_id, reading.reach.org_names.get(org_id, "")))
        reading.payloads.append(Payload("org", asdict(org), {"org_id": org_id}))
        for site_id in site_ids:
            try:
                await self._read_single_site(org_id, site_id, reading)
            except RemoteError as error:
                reading.unread_sites.add(site_id)
                reading.faults.append(error)

    async def _read_single_site(self, org_id: str, site_id: str, reading: Reading) -> None:
        path = f"/sites/{quote(site_id, safe='')}"
        answer = await self._rest.get(path)
        payload = answer if isinstance(answer, dict) else {}
        if not self._take_site({**payload, "id": site_id}, org_id, reading):
            return
        async for entry in self._rest.pages(f"{path}/stats/devices", steady=True, type="all"):
            device = Device.from_payload(entry, org_id, site_id)
            if device is not None:  # as the inventory would list it, which this token may not read
                self._take_device(asdict(device), org_id, reading)
