"""Open alarms, from alarm webhooks and corrected by each complete poll of the alarm search.

Webhooks contain a status for some alarms (Marvis) only; the others report that an alarm was raised. The alarm search
lists all alarms. A listed alarm is open unless it has a closed status or is acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from collector.catalog import limits
from collector.catalog.alarms import OPEN_ALARMS, is_acknowledged, is_open, updated_at
from collector.catalog.event_rules import SITE_LABELS
from collector.errors import Rejected
from collector.metrics.counter_table import CounterTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.catalog.event_rules import Part
    from collector.catalog.limits import RowLimit
    from collector.metrics.store import Store

NO_IDENTITY: Final = Rejected("no_identity")
STALE: Final = Rejected("stale")

MAX_ALARMS: Final = 50_000  # above the limit, the alarm with the oldest update is removed
ALARM_TTL_S: Final = 7 * 86400.0  # after the last update; for alarms that no poll closes
SWEEP_STEP: Final = 500


@dataclass(slots=True)
class Alarm:
    """One alarm. Closed alarms are kept too, because an older message of the same alarm may arrive late.

    labels      org, site, group and severity of the row in which the alarm is counted
    open        whether the alarm is open
    time        time of its latest state in Unix seconds; 0 if unknown
    updated_at  monotonic time of the last message or poll with this alarm
    """

    labels: tuple[str, ...]
    open: bool
    time: float
    updated_at: float


class OpenAlarms:
    """The recent alarms by ID, and the gauge of open alarms.

    Args:
        store: The store that exports the gauge.
        max_rows: Returns a limit of rows at present.
    """

    def __init__(self, store: Store, max_rows: Callable[[RowLimit], int]) -> None:
        self._table = CounterTable(
            store, OPEN_ALARMS, max_rows=lambda: max_rows(limits.OPEN_ALARMS), keep=len(SITE_LABELS)
        )
        self._alarms: dict[bytes, Alarm] = {}  # by hash of the ID, in the order of their last update

    def event(self, alarm: Part, labels: tuple[str, ...], now: float) -> Rejected | None:
        """Apply a webhook event. An event without a status changes nothing."""
        open_ = is_open(alarm)
        return None if open_ is None else self._update(alarm, labels, now, open_=open_)

    def listed(self, alarm: Part, labels: tuple[str, ...], now: float) -> Rejected | None:
        """Apply an alarm of the alarm search."""
        return self._update(alarm, labels, now, open_=is_open(alarm) is not False and not is_acknowledged(alarm))

    def complete(self, org_id: str, since: float) -> None:
        """Remove the alarms of an org that were not updated since monotonic `since`, the start of a complete poll."""
        over = [key for key, alarm in self._alarms.items() if alarm.labels[0] == org_id and alarm.updated_at < since]
        for key in over:
            self._remove_alarm(key)

    def remove(self, matches: Callable[[tuple[str, ...]], bool]) -> None:
        """Remove the alarms and rows whose label values match."""
        self._alarms = {key: alarm for key, alarm in self._alarms.items() if not matches(alarm.labels)}
        self._table.remove(matches)

    def sweep(self, now: float) -> Iterator[int]:
        """Remove alarms past their time to live."""
        over = []
        for key, alarm in self._alarms.items():
            if alarm.updated_at >= now - ALARM_TTL_S:
                break
            over.append(key)
        for first in range(0, len(over), SWEEP_STEP):
            for key in over[first : first + SWEEP_STEP]:
                self._remove_alarm(key)
            yield min(SWEEP_STEP, len(over) - first)

    def _update(self, alarm: Part, labels: tuple[str, ...], now: float, *, open_: bool) -> Rejected | None:
        identity = alarm.get("id")
        if not isinstance(identity, str) or not identity:
            return NO_IDENTITY
        key = blake2b(identity.encode("utf-8", "backslashreplace"), digest_size=16).digest()
        time = updated_at(alarm)
        known = self._alarms.get(key)
        if known is not None and time and time < known.time:
            return STALE
        self._remove_alarm(key)
        if len(self._alarms) >= MAX_ALARMS:
            self._remove_alarm(next(iter(self._alarms)))
        labels = self._table.admit(labels)
        self._alarms[key] = Alarm(labels, open_, time, now)
        self._table.add(labels, by=float(open_))
        return None

    def _remove_alarm(self, key: bytes) -> None:
        alarm = self._alarms.pop(key, None)
        if alarm is not None and alarm.open:
            self._table.add(alarm.labels, by=-1.0)
