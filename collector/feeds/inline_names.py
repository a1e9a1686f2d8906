"""`labels: inline`: the names of sites and devices on every series, for who cannot join with the info families.

Names change, and with them every series of what they name: that is why ids alone are the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from collector.metrics.row_index import RowIndex
    from collector.metrics.store import SupportsRelabel
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes


class InlineNames:
    """Gives `site_name` and `device_name` for rows that carry their ids."""

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    def __call__(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The names to add to these labels; what is unknown is left out."""
        site = self._directories.site(labels["site_id"]) if "site_id" in labels else None
        device = self._directories.device(labels["mac"]) if "mac" in labels else None
        return {"site_name": site.name if site else "", "device_name": device.name if device else ""}

    @staticmethod
    def changed(changes: Changes, rosters: Iterable[RowIndex], tallies: Iterable[SupportsRelabel]) -> None:
        """Write the new names on the rows of what was renamed."""
        renamed = {c.after.id for c in changes.sites_changed if c.before.name != c.after.name}
        renamed |= {c.after.mac for c in changes.devices_changed if c.before.name != c.after.name}
        renamed |= {site.id for site in changes.sites_added} | {device.mac for device in changes.devices_added}
        if not renamed:
            return
        for roster in rosters:
            for place in roster.objects.values():
                if not renamed.isdisjoint(place.labels):
                    roster.relabel(place)
        for tally in tallies:
            tally.relabel(lambda values: not renamed.isdisjoint(values))
