"""Sharding: which sites a collector serves when several share an organisation.

A shard is (index, count). A site belongs to the shard that a stable hash of its id selects: the same on every machine
and in every release. What belongs to an organisation and to no site belongs to the shard of the organisation's id, so
that exactly one collector exposes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `index` (from 0) of `count`; it is False when there is only one, which owns everything."""

    index: int = 0
    count: int = 1

    def __bool__(self) -> bool:
        return self.count > 1

    def owns(self, site_id: str, org_id: str = "") -> bool:
        """Return whether a site (or, without a site, an organisation) belongs to this shard."""
        return self.count == 1 or stable_hash(site_id or org_id) % self.count == self.index


@lru_cache(maxsize=65536)
def stable_hash(identity: str) -> int:
    """Return the first 64 bits of BLAKE2b of an id in lower case. A change would move sites between shards."""
    return int.from_bytes(blake2b(identity.lower().encode(), digest_size=8).digest(), "big")
