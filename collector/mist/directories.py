"""The directories of all accounts, looked up as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.mist.directory import Device, Directory, Org, Site


class Directories:
    """Looks up sites and devices in every account's directory; their ids and MACs are unique across clouds."""

    def __init__(self, *directories: Directory) -> None:
        self._all = list(directories)

    def add(self, directory: Directory) -> None:
        """Include a directory."""
        self._all.append(directory)

    def remove(self, directory: Directory) -> None:
        """Exclude a directory that was included."""
        self._all.remove(directory)

    def org(self, org_id: str) -> Org | None:
        """The org of this id, None when no account has it."""
        for directory in self._all:
            found = directory.orgs.get(org_id)
            if found is not None:
                return found
        return None

    def site(self, site_id: str) -> Site | None:
        """Return the site of an id, None when no account has it."""
        for directory in self._all:
            found = directory.sites.get(site_id)
            if found is not None:
                return found
        return None

    def device(self, mac: str) -> Device | None:
        """Return the device of a MAC, None when no account has it."""
        for directory in self._all:
            found = directory.devices.get(mac)
            if found is not None:
                return found
        return None

    @property
    def site_count(self) -> int:
        """The number of sites of all accounts."""
        return sum(len(directory.sites) for directory in self._all)

    @property
    def empty(self) -> bool:
        """Whether no inventory was read yet: a site that is not listed may exist."""
        return not any(directory.sites for directory in self._all)
