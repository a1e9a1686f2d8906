"""Who may do what: tokens, and the sites and orgs that they do not reach."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.simulator.atlas import Atlas

_ID = "([0-9a-fA-F-]{36})"
_SITE_TAILS = (
    "stats/devices|stats/clients|stats/mxedges|devices|mxedges|pcaps|analyze_spectrum"
    f"|devices/{_ID}/(?:cmd|zigbee_join)"
    "|(?:clients|sdkclients|assets)/[^/]+/diag"
)
_MAP_TAILS = "clients|unconnected_clients|sdkclients|assets|discovered_assets"
_ORG_TAILS = "insights/summary|stats/mxedges|mxedges|otherdevices/sync|pcaps|mist_nac/test_idp"
_SITE = re.compile(f"/sites/{_ID}/(?:{_SITE_TAILS})")
_MAP = re.compile(f"/sites/{_ID}/stats/maps/{_ID}/(?:{_MAP_TAILS})")
_ORG = re.compile(f"/orgs/{_ID}/(?:{_ORG_TAILS})")

TEST_CHANNEL = "/test"
_DENIED, _UNKNOWN = "permission denied", "channel not found"
_SCHEME = "Token "


class Rights:
    """The tokens that are good, and the ids of sites and orgs whose rights were taken from them."""

    def __init__(self, atlas: Atlas, token: str) -> None:
        self._atlas = atlas
        self.tokens = {token}
        self.denied: set[str] = set()

    def token_of(self, authorization: str | None) -> str | None:
        """Return the good token of an Authorization header, else None. The only scheme is `Token` (mist/README 2)."""
        if authorization is None or not authorization.startswith(_SCHEME):
            return None
        given = authorization[len(_SCHEME) :].strip().encode()
        return next((token for token in self.tokens if hmac.compare_digest(token.encode(), given)), None)

    def allows_site(self, site_id: str) -> bool:
        """Whether the tokens reach this site; unknown sites count as reached, they are a 404."""
        return site_id not in self.denied and self._atlas.org_of_site(site_id) not in self.denied

    def allows_org(self, org_id: str) -> bool:
        """Whether the tokens reach this org."""
        return org_id not in self.denied

    def why_not(self, channel: str) -> str:
        """Return why this channel cannot be subscribed, "" when it can.

        A site or an org that does not exist is refused like one without rights, so that ids cannot be probed
        (inferred: Mist documents one detail, `permission denied`).
        """
        if channel == TEST_CHANNEL:
            return ""
        if found := _SITE.fullmatch(channel):
            return "" if self._reaches(found[1]) else _DENIED
        if found := _MAP.fullmatch(channel):
            reached = self._reaches(found[1]) and self._atlas.has_map(found[1], found[2])
            return "" if reached else _DENIED
        if found := _ORG.fullmatch(channel):
            reached = self._atlas.has_org(found[1]) and self.allows_org(found[1])
            return "" if reached else _DENIED
        return _UNKNOWN

    def _reaches(self, site_id: str) -> bool:
        return self._atlas.org_of_site(site_id) is not None and self.allows_site(site_id)
