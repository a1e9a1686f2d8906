"""Which sites an account watches: the `sites: {include, exclude}` of its configuration, and its shard."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from collector.mist.shard import Shard

if TYPE_CHECKING:
    from collector.mist.directory import Site


@dataclass(frozen=True, slots=True)
class SiteFilter:
    """Patterns, each a site id or a site name in which `*` and `?` stand for anything; upper and lower case are one.

    No `include` means every site; `exclude` wins over `include`; of what is left only the sites of `shard` are watched.
    A filter that lets everything pass is False.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shard: Shard = field(default_factory=Shard)

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude or self.shard)

    def admits(self, site: Site) -> bool:
        """Say whether this site is watched."""
        if not self.shard.owns(site.id) or any(_matches(pattern, site) for pattern in self.exclude):
            return False
        return not self.include or any(_matches(pattern, site) for pattern in self.include)


def _matches(pattern: str, site: Site) -> bool:
    wanted = pattern.lower()
    return wanted == site.id.lower() or fnmatchcase(site.name.lower(), wanted.replace("[", "[[]"))
