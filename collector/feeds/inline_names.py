"""`labels: inline`: site and device names as labels of every series, for queries without a join to the info families.

A renamed site or device starts new series, which is why IDs alone are the default.
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
    """Returns the labels `site_name` and `device_name` of rows with the IDs of a site or a device."""

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    def __call__(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return the names for these labels; "" for an unknown name."""
        site = self._directories.site(labels["site_id"]) if "site_id" in labels else None
        device = self._directories.device(labels["mac"]) if "mac" in labels else None
        return {"site_name": site.name if site else "", "device_name": device.name if device else ""}

    @staticmethod
    def changed(changes: Changes, indexes: Iterable[RowIndex], tables: Iterable[SupportsRelabel]) -> None:
        """Render the labels of the rows of renamed sites and devices again.

        Args:
            changes: The change of the inventory.
            indexes: The row indexes of all object kinds.
            tables: The tables of computed rows.
        """
        renamed = {c.after.id for c in changes.sites_changed if c.before.name != c.after.name}
        renamed |= {c.after.mac for c in changes.devices_changed if c.before.name != c.after.name}
        renamed |= {site.id for site in changes.sites_added} | {device.mac for device in changes.devices_added}
        if not renamed:
            return
        for index in indexes:
            for rows in index.objects.values():
                if not renamed.isdisjoint(rows.labels):
                    index.relabel(rows)
        for table in tables:
            table.relabel(lambda values: not renamed.isdisjoint(values))
