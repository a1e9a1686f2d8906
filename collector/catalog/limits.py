"""Limits of the number of rows: combinations of valid label values must not grow without bound.

A limit grows with the inventory, because most rows belong to a site. It is far above what a fleet produces, and stops
what a sender of invented values could produce. A row takes about 600 bytes.
"""

from __future__ import annotations

from typing import NamedTuple


class RowLimit(NamedTuple):
    """Maximum number of rows of a table.

    base      rows independent of the inventory
    per_site  rows for each site of the inventory, on average
    """

    base: int
    per_site: int = 50

    def of(self, sites: int) -> int:
        """Return the limit for a number of sites."""
        return self.base + self.per_site * sites


EVENT_COUNTERS = RowLimit(50_000)  # of the counters of one rule, without the rows that start at 0
EVENT_GAUGES = RowLimit(20_000)  # of the gauges of one rule
OPEN_ALARMS = RowLimit(20_000)
DEVICE_CHANGES = RowLimit(20_000)
CLIENTS = RowLimit(50_000, 200)  # per SSID, band and protocol
AP_CLIENTS = RowLimit(100_000, 1000)  # per AP, SSID and band
ASSETS = RowLimit(20_000)  # per map
DEVICES = 200_000  # in addition to those that an inventory lists
OBJECTS = 2_000_000  # of one kind, such as ports; all are from REST or from the statistics of devices
