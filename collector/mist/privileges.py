"""The privileges of a token, from ``GET /self``: which orgs, sites and managed service providers it can read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(slots=True)
class Privileges:
    """What a token can read.

    Attributes:
        orgs: ids of orgs that can be read as a whole.
        sites: ids of sites by org id, for orgs of which only these sites can be read.
        org_names: names of such orgs, where the answer contains them.
        msps: ids of managed service providers; their orgs have to be listed.
    """

    orgs: list[str] = field(default_factory=list)
    sites: dict[str, list[str]] = field(default_factory=dict)
    org_names: dict[str, str] = field(default_factory=dict)
    msps: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.orgs or self.sites or self.msps)

    def restricted_to(self, org_ids: Collection[str]) -> Privileges:
        """Return the privileges for some orgs; one without a privilege counts as whole (it may be an MSP's)."""
        return Privileges(
            orgs=[org_id for org_id in org_ids if org_id not in self.sites],
            sites={org_id: sites for org_id, sites in self.sites.items() if org_id in org_ids},
            org_names=self.org_names,
        )


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
    for org_id in privileges.orgs:
        privileges.sites.pop(org_id, None)
    return privileges


def _add(privileges: Privileges, entry: dict[str, object]) -> None:
    org_id, site_id, msp_id = (entry.get(key) for key in ("org_id", "site_id", "msp_id"))
    match entry.get("scope"):
        case "org" if isinstance(org_id, str) and org_id and org_id not in privileges.orgs:
            privileges.orgs.append(org_id)
        case "site" if isinstance(org_id, str) and isinstance(site_id, str) and org_id and site_id:
            sites = privileges.sites.setdefault(org_id, [])
            if site_id not in sites:
                sites.append(site_id)
            if isinstance(name := entry.get("org_name"), str):
                privileges.org_names[org_id] = name
        case "msp" if isinstance(msp_id, str) and msp_id and msp_id not in privileges.msps:
            privileges.msps.append(msp_id)
        case _:
            pass
