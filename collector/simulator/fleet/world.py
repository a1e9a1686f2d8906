"""What all inhabitants of a fleet share: the plan, the agenda and the ear that listens."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from collector.simulator.fleet.agenda import Agenda
from collector.simulator.fleet.bends import Bends
from collector.simulator.fleet.messages import Emission, Event

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.plan import FleetPlan

_ALARMS_KEPT = 1000

DAY_S, HOUR_S = 86_400.0, 3_600.0


class World:
    """Collects what is said, in the order in which it is said; `offset` numbers the messages of the cloud's own bus."""

    def __init__(self, plan: FleetPlan) -> None:
        self.plan = plan
        self.agenda = Agenda(plan.start)
        self.said: list[Emission | Event] = []
        self.offset = 1_000_000
        self.bends = Bends()
        self.alarms: deque[Payload] = deque(maxlen=_ALARMS_KEPT)

    def emit(self, channel: str, payload: Payload, kind: str, mac: str, at: float) -> None:
        """Say the data of a stream frame."""
        self.said.append(Emission(channel, payload, kind, mac, at))

    def event(self, topic: str, payload: Payload, at: float) -> None:
        """Say a webhook event."""
        self.said.append(Event(topic, payload, at))

    def alarm(self, alarm: Payload, at: float) -> None:
        """Say an alarm, remember it for the alarm search and, one time in four, say it again as an update."""
        self.alarms.append(alarm)
        self.event("alarms", alarm, at)
        if self.next_offset() % 4 == 0:
            again = at + self.plan.cadence_s
            update = alarm | {"count": alarm["count"] + 1, "last_seen": int(again), "update": True}
            self.agenda.put(again, lambda now: self.event("alarms", update, now))

    def next_offset(self) -> int:
        """Return the next number of the bus."""
        self.offset += 1
        return self.offset


def pause(rng: Random, per: float, unit_s: float) -> float | None:
    """Return a random time in seconds until something that happens `per` times in `unit_s`; None when it never does."""
    return rng.expovariate(per / unit_s) if per > 0 else None
