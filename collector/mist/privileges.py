"""The privileges of a token, from ``GET /self``: which orgs, sites and managed service providers it can read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


@dataclass(slots=True)
class Privileges:
    """What a token can read.

    Attributes:
        orgs: ids of orgs that can be read as a whole.
        sites: ids of sites by org id, for orgs of which only these sites can be read.
        org_names: names of such orgs, where the answer contains them.
        msps: ids of managed service providers; their orgs have to be listed.
        sitegroups: ids of site groups by org id, for orgs of which only their sites can be read (to be listed).
        orggroups: ids of org groups by managed service provider; their orgs have to be listed.
    """

    orgs: list[str] = field(default_factory=list)
    sites: dict[str, list[str]] = field(default_factory=dict)
    org_names: dict[str, str] = field(default_factory=dict)
    msps: list[str] = field(default_factory=list)
    sitegroups: dict[str, list[str]] = field(default_factory=dict)
    orggroups: dict[str, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.orgs or self.sites or self.msps or self.sitegroups or self.orggroups)

    def restricted_to(self, org_ids: Collection[str]) -> Privileges:
        """Return the privileges for some orgs; one without a privilege counts as whole (it may be an MSP's)."""
        return Privileges(
            orgs=[org_id for org_id in org_ids if org_id not in self.sites and org_id not in self.sitegroups],
            sites={org_id: sites for org_id, sites in self.sites.items() if org_id in org_ids},
            org_names=self.org_names,
            sitegroups={org_id: groups for org_id, groups in self.sitegroups.items() if org_id in org_ids},
        )

    def add_org(self, org_id: str) -> None:
        """Add an org that can be read as a whole."""
        if org_id not in self.orgs:
            self.orgs.append(org_id)

    def add_sites(self, org_id: str, site_ids: Iterable[str]) -> None:
        """Add sites of an org that cannot be read as a whole."""
        known = self.sites.setdefault(org_id, [])
        known.extend(site_id for site_id in dict.fromkeys(site_ids) if site_id not in known)

    def drop_covered(self) -> None:
        """Remove sites, site groups and org groups of an org or provider that can be read as a whole."""
        for org_id in self.orgs:
            self.sites.pop(org_id, None)
            self.sitegroups.pop(org_id, None)
        for msp_id in self.msps:
            self.orggroups.pop(msp_id, None)


def privileges_in(answer: object) -> Privileges:
    """Return the privileges in the answer of ``GET /self``; DecodeError when it contains no list of them.

    An org with both an org privilege and a site privilege can be read as a whole.
    """
    entries = answer.get("privileges") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        raise DecodeError("no_privileges")
    privileges = Privileges()
    for entry in entries:
        if isinstance(entry, dict):
            _add(privileges, entry)
    privileges.drop_covered()
    return privileges


def _add(privileges: Privileges, entry: dict[str, object]) -> None:
    """Add one entry. The scope `orgsites` is that of an org token with rights to all sites of its org."""
    org_id, msp_id = (_text(entry.get(key)) for key in ("org_id", "msp_id"))
    match entry.get("scope"):
        case "org" | "orgsites" if org_id:
            privileges.add_org(org_id)
        case "site" if org_id and (site_ids := _ids(entry, "site")):
            privileges.add_sites(org_id, site_ids)
            _add_name(privileges, org_id, entry)
        case "sitegroup" if org_id and (group_ids := _ids(entry, "sitegroup")):
            privileges.sitegroups.setdefault(org_id, []).extend(group_ids)
            _add_name(privileges, org_id, entry)
        case "msp" if msp_id and msp_id not in privileges.msps:
            privileges.msps.append(msp_id)
        case "orggroup" if msp_id and (group_ids := _ids(entry, "orggroup")):
            privileges.orggroups.setdefault(msp_id, []).extend(group_ids)
        case "orggroup" if org_id:
            privileges.add_org(org_id)
        case _:
            pass


def _add_name(privileges: Privileges, org_id: str, entry: dict[str, object]) -> None:
    if isinstance(name := entry.get("org_name"), str):
        privileges.org_names[org_id] = name


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _ids(entry: dict[str, object], name: str) -> list[str]:
    """Return the IDs in `<name>_id` and `<name>_ids`: Mist uses a single ID for sites and a list for groups."""
    listed = entry.get(f"{name}_ids")
    values = [entry.get(f"{name}_id"), *(listed if isinstance(listed, list) else ())]
    return [value for value in values if isinstance(value, str) and value]
