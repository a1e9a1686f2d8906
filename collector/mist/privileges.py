"""What a token may see: the `privileges` of ``GET /self`` (`scope` org, site or msp), as a list of things to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(slots=True)
class Reach:
    """How far a token reaches.

    `orgs`: ids of orgs that may be read whole. `sites`: for orgs of which only some sites may be read, the ids of
    those sites by org id. `org_names`: names of such orgs where the privilege told one. `msps`: ids of managed
    service providers, whose orgs must be asked for.
    """

    orgs: list[str] = field(default_factory=list)
    sites: dict[str, list[str]] = field(default_factory=dict)
    org_names: dict[str, str] = field(default_factory=dict)
    msps: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.orgs or self.sites or self.msps)

    def narrowed(self, wanted: Collection[str]) -> Reach:
        """Keep only the configured orgs; one that no privilege names is taken as whole (it may come through an MSP)."""
        return Reach(
            orgs=[org_id for org_id in wanted if org_id not in self.sites],
            sites={org_id: sites for org_id, sites in self.sites.items() if org_id in wanted},
            org_names=self.org_names,
        )


def reach_of(self_answer: object) -> Reach:
    """Read the answer of ``GET /self``; raises DecodeError when it holds no list of privileges.

    An org named by both an org and a site privilege is read whole.
    """
    privileges = self_answer.get("privileges") if isinstance(self_answer, dict) else None
    if not isinstance(privileges, list):
        raise DecodeError("no_privileges")
    reach = Reach()
    for privilege in privileges:
        if isinstance(privilege, dict):
            _widen(reach, privilege)
    for org_id in reach.orgs:
        reach.sites.pop(org_id, None)
    return reach


def _widen(reach: Reach, privilege: dict[str, object]) -> None:
    org_id, site_id, msp_id = (privilege.get(key) for key in ("org_id", "site_id", "msp_id"))
    match privilege.get("scope"):
        case "org" if isinstance(org_id, str) and org_id and org_id not in reach.orgs:
            reach.orgs.append(org_id)
        case "site" if isinstance(org_id, str) and isinstance(site_id, str) and org_id and site_id:
            sites = reach.sites.setdefault(org_id, [])
            if site_id not in sites:
                sites.append(site_id)
            if isinstance(name := privilege.get("org_name"), str):
                reach.org_names[org_id] = name
        case "msp" if isinstance(msp_id, str) and msp_id and msp_id not in reach.msps:
            reach.msps.append(msp_id)
        case _:
            pass
