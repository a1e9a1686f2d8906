"""An option: a few chosen assets (wheelchairs, pumps) with series of their own, by MAC. Nobody is in it by default."""

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
    from collector.location.lane import Lane, Tell
    from collector.location.positions import Position
    from collector.metrics.store import Store


class NamedAssets:
    """The chosen ones, told by the channels of assets."""

    KINDS: ClassVar = frozenset({"asset", "discovered_asset"})

    def __init__(self, store: Store, macs: Iterable[str], absent_after_s: float) -> None:
        self._macs = {mac for text in macs if (mac := mac_of(text))}
        self._absent_after_s = absent_after_s
        self._rows, self._at = CounterTable(store, tables.NAMED), CounterTable(store, tables.NAMED_AT)
        self._heard: dict[tuple[str, str, str], float] = {}
        column = self._rows.table.column
        self._x, self._y = (column("mist_asset_position_meters", axis=axis) for axis in "xy")
        self._time = column("mist_asset_position_timestamp_seconds")

    def watcher(self, kind: LocatedKind) -> Tell | None:
        """What has to hear of the positions of a kind; None where no chosen ones are of this kind."""
        return self._hear if self._macs and kind.name in self.KINDS else None

    def _hear(self, lane: Lane, position: Position, now: float) -> None:
        mac = mac_of(position.who)
        if mac in self._macs:
            self._tell(lane.floor, str(mac), (position.x, position.y), position.seen, now)

    def _tell(self, floor: Floor, mac: str, position: tuple[float, float], seen: float, now: float) -> None:
        labels = (floor.org_id, floor.site_id, mac)
        row, table = self._rows.row(labels), self._rows.table
        for column, px in zip((self._x, self._y), position, strict=True):
            table.set(row, column, px / floor.ppm if floor.ppm else NAN)
        table.set(row, self._time, seen)
        self._heard[labels] = now
        zones = [zone.id for zone in floor.find(*position).zones] or [""]
        places = {(*labels, floor.id, zone_id) for zone_id in zones}
        self._at.remove(lambda values: values[2] == mac and values not in places)
        for values in places:
            self._at.table.set(self._at.row(values), 1, 1.0)

    def sweep(self, now: float) -> int:
        """End the series of those who were not heard of for long; how many."""
        gone = {labels for labels, heard in self._heard.items() if heard < now - self._absent_after_s}
        for labels in gone:
            del self._heard[labels]
        if gone:
            self._rows.remove(gone.__contains__)
            self._at.remove(lambda values: values[:3] in gone)
        return len(gone)
