"""Optional series for single assets (wheelchairs, pumps), selected by MAC address. None by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from collector.catalog import location as tables
from collector.metrics.counter_table import CounterTable
from collector.metrics.store import NAN
from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collector.catalog.location import LocatedKind
    from collector.location.floor import Floor
    from collector.location.floor_counters import FloorCounters, OnPosition
    from collector.location.positions import Position
    from collector.metrics.store import Store


class NamedAssets:
    """The selected assets, located by the channels of assets."""

    KINDS: ClassVar = frozenset({"asset", "discovered_asset"})

    def __init__(self, store: Store, macs: Iterable[str], absent_after_s: float) -> None:
        self._macs = {mac for text in macs if (mac := mac_of(text))}
        self._absent_after_s = absent_after_s
        self._rows, self._at = CounterTable(store, tables.NAMED), CounterTable(store, tables.NAMED_AT)
        self._last_seen: dict[tuple[str, str, str], float] = {}
        column = self._rows.table.column
        self._x, self._y = (column("mist_asset_position_meters", axis=axis) for axis in "xy")
        self._time = column("mist_asset_position_timestamp_seconds")

    def watcher(self, kind: LocatedKind) -> OnPosition | None:
        """Return what to call for each position of a kind; None if no selected asset is of this kind."""
        return self._on_position if self._macs and kind.name in self.KINDS else None

    def _on_position(self, counters: FloorCounters, position: Position, now: float) -> None:
        mac = mac_of(position.who)
        if mac in self._macs:
            self._write(counters.floor, str(mac), (position.x, position.y), position.seen, now)

    def _write(self, floor: Floor, mac: str, position: tuple[float, float], seen: float, now: float) -> None:
        labels = (floor.org_id, floor.site_id, mac)
        row, table = self._rows.row(labels), self._rows.table
        for column, px in zip((self._x, self._y), position, strict=True):
            table.set(row, column, px / floor.ppm if floor.ppm else NAN)
        table.set(row, self._time, seen)
        self._last_seen[labels] = now
        zones = [zone.id for zone in floor.find(*position).zones] or [""]
        zone_sets = {(*labels, floor.id, zone_id) for zone_id in zones}
        self._at.remove(lambda values: values[2] == mac and values not in zone_sets)
        for values in zone_sets:
            self._at.table.set(self._at.row(values), 1, 1.0)

    def sweep(self, now: float) -> int:
        """End the series of assets without a recent position; return their number."""
        gone = {labels for labels, last_seen in self._last_seen.items() if last_seen < now - self._absent_after_s}
        for labels in gone:
            del self._last_seen[labels]
        if gone:
            self._rows.remove(gone.__contains__)
            self._at.remove(lambda values: values[:3] in gone)
        return len(gone)
