"""Reads the inventory of an account once: orgs, sites and devices, and which of them could not be read.

Each org takes three listings: ``/orgs/:id`` (its name), ``/orgs/:id/sites`` and ``/orgs/:id/inventory``. A page holds
1,000 entries, so that 1,000 sites with 8 devices each take ten calls. A token with rights to single sites only takes
two calls a site (``/sites/:id`` and its ``stats/devices``), because it cannot read the org.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import structlog

from collector.errors import DecodeError, Fatal, MalformedAnswer, RemoteError
from collector.ingest.rest.answers import is_token_rejected
from collector.ingest.rest.objects import RestObject
from collector.mist.directory import Device, Org, Site
from collector.mist.privileges import Privileges, privileges_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector.ingest.rest.client import RestClient
    from collector.mist.directory import Directory
    from collector.mist.sitefilter import SiteFilter

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class InventorySnapshot:
    """The result of one inventory read.

    Attributes:
        privileges: what the token can read.
        orgs, sites: by id.
        devices: by MAC.
        objects: every object as it was received, for the feeds.
        unread_orgs, unread_sites: ids of those that were not read completely.
        errors: why.
        skipped: number of entries without a valid id or MAC.
    """

    privileges: Privileges
    orgs: dict[str, Org] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    objects: list[RestObject] = field(default_factory=list)
    unread_orgs: set[str] = field(default_factory=set)
    unread_sites: set[str] = field(default_factory=set)
    errors: list[RemoteError] = field(default_factory=list)
    skipped: int = 0

    @property
    def is_usable(self) -> bool:
        """Whether something was read, and a retry would not soon read what is missing."""
        return bool(self.orgs) and all(isinstance(error, Fatal) for error in self.errors)


class InventoryReader:
    """Reads what a token has rights to.

    Args:
        rest: the client.
        orgs: ids of the orgs to read; none for all.
        sites: which of their sites are collected.
        members: whether the members of virtual chassis are listed one by one.

    Attributes:
        calls: REST calls made so far.
    """

    def __init__(self, rest: RestClient, *, orgs: Sequence[str], sites: SiteFilter, members: bool = False) -> None:
        self.calls = 0
        self._rest = rest
        self._orgs = orgs
        self._site_filter = sites
        self._members = members
        self._refused_msps: set[str] = set()
        self._known: Mapping[str, Device] = {}

    async def read(self, known: Directory) -> InventorySnapshot:
        """Read everything once; RemoteError when not even the list of orgs could be read.

        Args:
            known: the directory so far. Its orgs stay when a listing that may contain them could not be read.
        """
        self._known = known.devices
        with self._rest.boundary("/api/v1/self"):
            snapshot = InventorySnapshot(await self._privileges())
        if not self._orgs:
            await self._add_msp_orgs(snapshot, known)
        await self._add_group_sites(snapshot)
        if not snapshot.privileges.orgs and not snapshot.privileges.sites:
            raise snapshot.errors[0] if snapshot.errors else Fatal("the token can read no org", where="/api/v1/self")
        for org_id in snapshot.privileges.orgs:
            path = f"/orgs/{quote(org_id, safe='')}"
            try:
                with self._rest.boundary(path):
                    await self._read_org(path, org_id, snapshot)
            except RemoteError as error:
                if is_token_rejected(error):
                    raise
                snapshot.unread_orgs.add(org_id)
                snapshot.errors.append(error)
        for org_id, site_ids in snapshot.privileges.sites.items():
            await self._read_single_sites(org_id, site_ids, snapshot)
        return snapshot

    def _called(self) -> None:
        self.calls += 1

    async def _privileges(self) -> Privileges:
        try:
            privileges = privileges_in(await self._rest.get("/self", on_call=self._called))
        except DecodeError:
            raise MalformedAnswer("it contains no privileges", where="/api/v1/self") from None
        return privileges.restricted_to(self._orgs) if self._orgs else privileges

    async def _add_msp_orgs(self, snapshot: InventorySnapshot, known: Directory) -> None:
        """Add the orgs of every managed service provider, or of its org groups that the token can read.

        A refusal is logged once and removes no known org.
        """
        privileges = snapshot.privileges
        for msp_id in (*privileges.msps, *privileges.orggroups):
            groups = privileges.orggroups.get(msp_id)
            path = f"/msps/{quote(msp_id, safe='')}/orgs"
            try:
                with self._rest.boundary(path):
                    async for org in self._rest.pages(path, consistent=True, on_call=self._called):
                        org_id = org.get("id")
                        if isinstance(org_id, str) and (groups is None or _is_in(org, "orggroup_ids", groups)):
                            privileges.add_org(org_id)
            except RemoteError as error:
                snapshot.unread_orgs |= known.orgs.keys() - privileges.sites.keys()
                if is_token_rejected(error):
                    raise
                if not isinstance(error, Fatal):
                    snapshot.errors.append(error)
                elif msp_id not in self._refused_msps:
                    log.warning("inventory_msp_refused", msp_id=msp_id, error=str(error))
                    self._refused_msps.add(msp_id)
        snapshot.unread_orgs -= set(privileges.orgs)
        privileges.drop_covered()

    async def _add_group_sites(self, snapshot: InventorySnapshot) -> None:
        """Add the sites of site groups; an org whose sites cannot be listed keeps those that are known."""
        privileges = snapshot.privileges
        for org_id, groups in privileges.sitegroups.items():
            path = f"/orgs/{quote(org_id, safe='')}/sites"
            try:
                with self._rest.boundary(path):
                    listing = self._rest.pages(path, consistent=True, on_call=self._called)
                    entries = [entry async for entry in listing if _is_in(entry, "sitegroup_ids", groups)]
            except RemoteError as error:
                if is_token_rejected(error):
                    raise
                snapshot.unread_orgs.add(org_id)
                snapshot.errors.append(error)
            else:
                privileges.add_sites(
                    org_id, (site_id for entry in entries if isinstance(site_id := entry.get("id"), str))
                )

    async def _read_org(self, path: str, org_id: str, snapshot: InventorySnapshot) -> None:
        answer = await self._rest.get(path, on_call=self._called)
        payload = answer if isinstance(answer, dict) else {}
        snapshot.orgs[org_id] = Org.from_payload({**payload, "id": org_id}) or Org(org_id)
        snapshot.objects.append(RestObject("org", payload, {"org_id": org_id}))
        async for entry in self._rest.pages(f"{path}/sites", consistent=True, on_call=self._called):
            self._add_site(entry, org_id, snapshot)
        extra: dict[str, Any] = {"vc": True} if self._members else {}
        async for entry in self._rest.pages(f"{path}/inventory", consistent=True, on_call=self._called, **extra):
            self._add_device(entry, org_id, snapshot)

    def _add_site(self, entry: dict[str, object], org_id: str, snapshot: InventorySnapshot) -> bool:
        """Add a site that is collected; return whether it is."""
        site = Site.from_payload({**entry, "org_id": org_id})
        if site is None:
            snapshot.skipped += 1
            return False
        if not self._site_filter.admits(site):
            return False
        snapshot.sites[site.id] = site
        snapshot.objects.append(RestObject("site", entry, {"org_id": org_id, "site_id": site.id}))
        return True

    def _add_device(self, entry: dict[str, object], org_id: str, snapshot: InventorySnapshot) -> None:
        """Add a device of a collected site; without a filter, also one in stock and one of a site just created."""
        device = Device.from_payload({**entry, "org_id": org_id})
        if device is None:
            snapshot.skipped += 1
        elif device.site_id in snapshot.sites or not self._site_filter:
            known = self._known.get(device.mac)
            snapshot.devices[device.mac] = known if known is not None and known == device else device
            ids = {"org_id": org_id, "site_id": device.site_id, "mac": device.mac}
            snapshot.objects.append(RestObject("inventory", entry, ids))

    async def _read_single_sites(self, org_id: str, site_ids: Sequence[str], snapshot: InventorySnapshot) -> None:
        """Read sites of an org that the token cannot read as a whole; a site that fails affects no other."""
        org = snapshot.orgs.setdefault(org_id, Org(org_id, snapshot.privileges.org_names.get(org_id, "")))
        snapshot.objects.append(RestObject("org", asdict(org), {"org_id": org_id}))
        for site_id in site_ids:
            path = f"/sites/{quote(site_id, safe='')}"
            try:
                with self._rest.boundary(path):
                    await self._read_single_site(path, site_id, org_id, snapshot)
            except RemoteError as error:
                if is_token_rejected(error):
                    raise
                snapshot.unread_sites.add(site_id)
                snapshot.errors.append(error)

    async def _read_single_site(self, path: str, site_id: str, org_id: str, snapshot: InventorySnapshot) -> None:
        answer = await self._rest.get(path, on_call=self._called)
        payload = answer if isinstance(answer, dict) else {}
        if not self._add_site({**payload, "id": site_id}, org_id, snapshot):
            return
        listing = self._rest.pages(f"{path}/stats/devices", consistent=True, on_call=self._called, type="all")
        async for entry in listing:
            device = Device.from_payload(entry, org_id, site_id)
            if device is not None:  # in the form of the inventory, which this token cannot read
                self._add_device(asdict(device), org_id, snapshot)


def _is_in(entry: Mapping[str, object], field_name: str, groups: Sequence[str]) -> bool:
    """Return whether an org or site is in one of the groups; one that does not name its groups is.

    Mist lists only what a token can read, and the groups of an entry are optional.
    """
    own = entry.get(field_name)
    return not isinstance(own, list) or any(group in groups for group in own)
