"""Which sites of an account are collected: `sites: {include, exclude}` of its configuration, and its shard."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from collector.mist.shard import Shard

if TYPE_CHECKING:
    from collector.mist.directory import Site


@dataclass(frozen=True, slots=True)
class SiteFilter:
    """A filter of sites by patterns and shard; it is False when it admits every site.

    A pattern is a site id, or a site name with the wildcards `*` and `?`; case is ignored.

    Attributes:
        include: patterns of sites to admit; none for every site.
        exclude: patterns of sites not to admit, whatever `include` contains.
        shard: of what is left, only the sites of this shard are admitted.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shard: Shard = field(default_factory=Shard)

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude or self.shard)

    def admits(self, site: Site) -> bool:
        """Return whether a site is collected."""
        if not self.shard.owns(site.id) or any(_matches(pattern, site) for pattern in self.exclude):
            return False
        return not self.include or any(_matches(pattern, site) for pattern in self.include)


def _matches(pattern: str, site: Site) -> bool:
    wanted = pattern.lower()
    return wanted == site.id.lower() or fnmatchcase(site.name.lower(), wanted.replace("[", "[[]"))
