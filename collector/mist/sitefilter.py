"""Which sites an account watches: the `sites: {include, exclude}` of its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.mist.directory import Site


@dataclass(frozen=True, slots=True)
class SiteFilter:
    """Patterns, each a site id or a site name in which `*` and `?` stand for anything; upper and lower case are one.

    No `include` means every site; `exclude` wins over `include`. A filter that lets everything pass is False.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)

    def admits(self, site: Site) -> bool:
        """Say whether this site is watched."""
        if any(_matches(pattern, site) for pattern in self.exclude):
            return False
        return not self.include or any(_matches(pattern, site) for pattern in self.include)


def _matches(pattern: str, site: Site) -> bool:
    wanted = pattern.lower()
    return wanted == site.id.lower() or fnmatchcase(site.name.lower(), wanted.replace("[", "[[]"))
