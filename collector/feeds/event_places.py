"""The organization and site of an event, as label values that stay limited.

Events may name sites and organizations that no inventory lists: they were removed (Mist repeats deliveries for hours),
are not collected, or never existed. Such events are counted too, but only under a limited number of IDs, and the rows
of an ID end `UNKNOWN_ID_TTL_S` after its last event, because no inventory reports its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from collector.metrics.counter_table import OTHER
from collector.mist.channels import fits
from collector.mist.identity import NIL_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

SITE_FIELDS: Final = ("site_id", "siteid")  # raw Wi-Fi topics use both spellings
ORG_FIELDS: Final = ("org_id", "orgid")
MAX_UNKNOWN_SITES: Final = 1000
MAX_UNKNOWN_ORGS: Final = 100
UNKNOWN_ID_TTL_S: Final = 86_400.0


class UnknownIds:
    """Limits the number of IDs that no inventory lists. IDs above the limit, and malformed IDs, become `other`.

    Attributes:
        refused: How often an ID became `other`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._last_used: dict[str, float] = {}  # monotonic time of the last event
        self.refused = 0

    def __len__(self) -> int:
        """Return the number of admitted IDs."""
        return len(self._last_used)

    def admit(self, identity: str, now: float) -> str:
        """Return the ID or `other`, and renew its time to live."""
        if identity not in self._last_used and (len(self._last_used) >= self._limit or not fits(identity)):
            self.refused += 1
            return OTHER
        self._last_used[identity] = now
        return identity

    def discard(self, identities: Iterable[str]) -> None:
        """Forget IDs that an inventory lists now."""
        for identity in identities:
            self._last_used.pop(identity, None)

    def expire(self, now: float) -> set[str]:
        """Forget the IDs past their time to live, and return them."""
        expired = {identity for identity, used in self._last_used.items() if used < now - UNKNOWN_ID_TTL_S}
        self.discard(expired)
        return expired


class EventPlaces:
    """Resolves the organization and site of events. A site has one organization, so their combinations are limited too.

    Args:
        directories: The inventories.
        now: The monotonic clock.
    """

    def __init__(self, directories: Directories, now: Callable[[], float]) -> None:
        self._directories = directories
        self._now = now
        self._sites, self._orgs = UnknownIds(MAX_UNKNOWN_SITES), UnknownIds(MAX_UNKNOWN_ORGS)
        self._org_of: dict[str, str] = {}  # unknown site -> its organization, from the first event that has one

    def of(self, part: Mapping[str, Any]) -> tuple[str, str]:
        """Return the IDs of the organization and the site of an event; "" for none, `other` above a limit.

        The organization of a listed site is the one in the inventory, whatever the event contains.
        """
        site_id, org_id = first_text(part, SITE_FIELDS), first_text(part, ORG_FIELDS)
        site_id = "" if site_id == NIL_ID else site_id
        site = self._directories.site(site_id) if site_id else None
        if site is not None:
            return site.org_id, site.id
        now = self._now()
        if not site_id:
            return self._org(org_id, now), ""
        shown = self._sites.admit(site_id, now)
        if shown == OTHER:
            return self._org(org_id, now), OTHER
        if org_id:
            org_id = self._org_of[site_id] = self._org(self._org_of.get(site_id, org_id), now)
        return org_id, site_id

    def _org(self, org_id: str, now: float) -> str:
        if org_id in ("", OTHER) or self._directories.org(org_id) is not None:
            return org_id
        return self._orgs.admit(org_id, now)

    def is_unlisted(self, part: Mapping[str, Any]) -> bool:
        """Return whether an inventory was read and does not list the site of this event."""
        return not self._directories.empty and self._directories.site(first_text(part, SITE_FIELDS)) is None

    def changed(self, changes: Changes) -> None:
        """Follow a change of the inventory: what it lists is no longer unknown."""
        sites = [site.id for site in changes.sites_added]
        self._sites.discard(sites)
        self._orgs.discard(org.id for org in changes.orgs_added)
        for site_id in sites:
            self._org_of.pop(site_id, None)

    def expire(self, now: float) -> tuple[set[str], set[str]]:
        """Forget unlisted sites and organizations past their time to live, and return their IDs.

        Until an inventory is read, all IDs are kept.
        """
        if self._directories.empty:
            return set(), set()
        sites = self._sites.expire(now)
        for site_id in sites:
            self._org_of.pop(site_id, None)
        return sites, self._orgs.expire(now)

    def refused_labels(self) -> dict[str, int]:
        """Return how often an ID became `other`, by label."""
        return {"org_id": self._orgs.refused, "site_id": self._sites.refused}


def first_text(part: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    """Return the first of these fields that has a string value; "" if none has."""
    for field in fields:
        value = part.get(field)
        if isinstance(value, str) and value:
            return value
    return ""
