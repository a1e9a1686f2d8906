"""API tokens, and the sites and orgs that they can access."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.simulator.directory import FleetDirectory

_ID = "([0-9a-fA-F-]{36})"
_SITE_SUFFIXES = (
    "stats/devices|stats/clients|stats/mxedges|devices|mxedges|pcaps|analyze_spectrum"
    f"|devices/{_ID}/(?:cmd|zigbee_join)"
    "|(?:clients|sdkclients|assets)/[^/]+/diag"
)
_MAP_SUFFIXES = "clients|unconnected_clients|sdkclients|assets|discovered_assets"
_ORG_SUFFIXES = "insights/summary|stats/mxedges|mxedges|otherdevices/sync|pcaps|mist_nac/test_idp"
_SITE = re.compile(f"/sites/{_ID}/(?:{_SITE_SUFFIXES})")
_MAP = re.compile(f"/sites/{_ID}/stats/maps/{_ID}/(?:{_MAP_SUFFIXES})")
_ORG = re.compile(f"/orgs/{_ID}/(?:{_ORG_SUFFIXES})")

TEST_CHANNEL = "/test"
_DENIED, _UNKNOWN = "permission denied", "channel not found"
_SCHEME = "Token "


class Permissions:
    """The valid tokens, and the ids of sites and orgs to which they have lost access."""

    def __init__(self, directory: FleetDirectory, token: str) -> None:
        self._directory = directory
        self.tokens = {token}
        self.denied: set[str] = set()

    def token_of(self, authorization: str | None) -> str | None:
        """Return the valid token of an Authorization header, else None. The only scheme is `Token` (mist/README 2)."""
        if authorization is None or not authorization.startswith(_SCHEME):
            return None
        given = authorization[len(_SCHEME) :].strip().encode()
        return next((token for token in self.tokens if hmac.compare_digest(token.encode(), given)), None)

    def allows_site(self, site_id: str) -> bool:
        """Return whether the tokens can access this site; True for an unknown site, which results in status 404."""
        return site_id not in self.denied and self._directory.org_of_site(site_id) not in self.denied

    def allows_org(self, org_id: str) -> bool:
        """Return whether the tokens can access this org."""
        return org_id not in self.denied

    def denial_of(self, channel: str) -> str:
        """Return the `detail` with which a subscription of this channel fails, "" if it is allowed.

        An unknown site or org fails like one without permission, so that ids cannot be probed (inferred: Mist documents
        only the detail `permission denied`).
        """
        if channel == TEST_CHANNEL:
            return ""
        if found := _SITE.fullmatch(channel):
            return "" if self._can_access(found[1]) else _DENIED
        if found := _MAP.fullmatch(channel):
            allowed = self._can_access(found[1]) and self._directory.has_map(found[1], found[2])
            return "" if allowed else _DENIED
        if found := _ORG.fullmatch(channel):
            allowed = self._directory.has_org(found[1]) and self.allows_org(found[1])
            return "" if allowed else _DENIED
        return _UNKNOWN

    def _can_access(self, site_id: str) -> bool:
        return self._directory.org_of_site(site_id) is not None and self.allows_site(site_id)
