"""Which part of the sites a collector serves, when several share an organization.

A shard is (index, count). A site belongs to the shard that a stable hash of its id names: the same on every machine,
in every release. What belongs to an organization and to no site belongs to the shard of the organization's id, so that
exactly one collector tells it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Shard:
    """Number `index` (from 0) of `count`; one of one owns everything."""

    index: int = 0
    count: int = 1

    def __bool__(self) -> bool:
        """Whether there are others."""
        return self.count > 1

    def owns(self, site_id: str, org_id: str = "") -> bool:
        """Whether this site (or, without a site, this organization) is served here."""
        return self.count == 1 or number_of(site_id or org_id) % self.count == self.index


@lru_cache(maxsize=65536)
def number_of(identity: str) -> int:
    """The first 64 bits of BLAKE2b of the id in lower case. Never change this: shards would swap sites."""
    return int.from_bytes(blake2b(identity.lower().encode(), digest_size=8).digest(), "big")
