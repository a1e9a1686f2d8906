"""Which alarms are open: told at once by webhook, set right by each complete poll of Mist's alarm search.

A webhook says of some alarms (Marvis') that they are open or resolved; of the others it says only that they were raised.
The alarm search lists them all. An alarm that it lists is open until it says otherwise or somebody acknowledges it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.catalog.alarms import OPEN_ALARMS, is_acknowledged, is_open, moment_of
from collector.errors import Rejected
from collector.metrics.counter_table import CounterTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.catalog.event_rules import Part
    from collector.metrics.store import Store

NO_IDENTITY = Rejected("no_identity")
STALE = Rejected("stale")

REMEMBERED = 50_000  # alarms; beyond, the one that was spoken of longest ago goes
KEEP_S = 7 * 86400.0  # an alarm that nobody spoke of for so long is taken for gone: nothing polls, its end got lost
SWEEP_STEP = 500

Labels = tuple[str, str, str, str]  # org, site, group, severity


@dataclass(slots=True)
class Alarm:
    """What is remembered of one alarm. A closed one is remembered too: what was said before it closed may come late."""

    labels: Labels
    open: bool
    moment: float  # Unix seconds of what was last said of it; 0 = did not say
    told_at: float  # monotonic


class OpenAlarms:
    """All alarms of late, by id, and the gauge of those that are open."""

    def __init__(self, store: Store) -> None:
        self._tally = CounterTable(store, OPEN_ALARMS)
        self._alarms: dict[str, Alarm] = {}  # in the order in which they were last spoken of

    def event(self, alarm: Part, labels: Labels, now: float) -> Rejected | None:
        """A webhook's event. One that does not say whether the alarm is open changes nothing."""
        open_ = is_open(alarm)
        return None if open_ is None else self._tell(alarm, labels, now, open_=open_)

    def listed(self, alarm: Part, labels: Labels, now: float) -> Rejected | None:
        """An alarm as the search lists it."""
        return self._tell(alarm, labels, now, open_=is_open(alarm) is not False and not is_acknowledged(alarm))

    def complete(self, org_id: str, since: float) -> None:
        """The search listed every alarm of the org, beginning at `since` (monotonic): what it did not list is over."""
        over = [id_ for id_, alarm in self._alarms.items() if alarm.labels[0] == org_id and alarm.told_at < since]
        for id_ in over:
            self._forget(id_)

    def remove(self, gone: Callable[[tuple[str, ...]], bool]) -> None:
        """End what belongs to a site or an org that is gone."""
        self._alarms = {id_: alarm for id_, alarm in self._alarms.items() if not gone(alarm.labels)}
        self._tally.forget(gone)

    def sweep(self, now: float) -> Iterator[int]:
        """Forget alarms that nobody speaks of any more."""
        over = []
        for id_, alarm in self._alarms.items():
            if alarm.told_at >= now - KEEP_S:
                break
            over.append(id_)
        for first in range(0, len(over), SWEEP_STEP):
            for id_ in over[first : first + SWEEP_STEP]:
                self._forget(id_)
            yield min(SWEEP_STEP, len(over) - first)

    def _tell(self, alarm: Part, labels: Labels, now: float, *, open_: bool) -> Rejected | None:
        id_ = alarm.get("id")
        if not isinstance(id_, str) or not id_:
            return NO_IDENTITY
        moment = moment_of(alarm)
        known = self._alarms.get(id_)
        if known is not None and moment and moment < known.moment:
            return STALE
        self._forget(id_)
        if len(self._alarms) >= REMEMBERED:
            self._forget(next(iter(self._alarms)))
        self._alarms[id_] = Alarm(labels, open_, moment, now)
        self._tally.add(labels, by=float(open_))
        return None

    def _forget(self, id_: str) -> None:
        alarm = self._alarms.pop(id_, None)
        if alarm is not None and alarm.open:
            self._tally.add(alarm.labels, by=-1.0)
