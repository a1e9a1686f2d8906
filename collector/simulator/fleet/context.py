"""State that all objects of a fleet share: the plan, the schedule, the overrides and the messages to send."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from collector.simulator.fleet.overrides import Overrides

if TYPE_CHECKING:
    from collector.simulator.fleet.plan import FleetPlan
    from collector.simulator.fleet.primitives import Payload

_ALARMS_KEPT = 1000

DAY_S, HOUR_S = 86_400.0, 3_600.0

ScheduledCall: TypeAlias = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """The payload of one data frame of the stream, as an object; the server encodes it.

    Attributes:
        channel: The channel of the frame.
        payload: The payload.
        kind: The sender: "ap", "switch", "gateway", "mxedge", "client", "map", "org", or "change" for a configuration
            or firmware change of a device.
        mac: MAC address of the sender, "" for a sender without one.
        at: Unix time at which the cloud sends the frame.
    """

    channel: str
    payload: Payload
    kind: str
    mac: str
    at: float


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event of a webhook delivery; `at` is the unix time at which the cloud raises it."""

    topic: str
    payload: Payload
    at: float


class Schedule:
    """A heap of calls ordered by unix time; each call receives the time for which it was scheduled.

    Calls with equal times keep the order in which they were scheduled, so that a run does not depend on the size of its
    steps.
    """

    def __init__(self, start: float) -> None:
        self.now = start
        self._order = itertools.count()
        self._entries: list[tuple[float, int, ScheduledCall]] = []

    def call_at(self, at: float, call: ScheduledCall) -> None:
        """Schedule `call` for the unix time `at`, or as soon as possible if `at` is in the past."""
        heapq.heappush(self._entries, (max(at, self.now), next(self._order), call))

    def run_until(self, until: float) -> None:
        """Run every call that is due up to and including `until`, including calls scheduled meanwhile."""
        entries = self._entries
        while entries and entries[0][0] <= until:
            self.now, _, call = heapq.heappop(entries)
            call(self.now)
        self.now = max(self.now, until)


class FleetContext:
    """Plan, schedule, overrides and recent alarms of a fleet, and the messages sent since the last step.

    `offset` numbers the messages of the message bus of the cloud (`_offset_*` in payloads).
    """

    def __init__(self, plan: FleetPlan) -> None:
        self.plan = plan
        self.schedule = Schedule(plan.start)
        self.messages: list[StreamMessage | WebhookEvent] = []
        self.offset = 1_000_000
        self.overrides = Overrides()
        self.alarms: deque[Payload] = deque(maxlen=_ALARMS_KEPT)

    def send_message(self, channel: str, payload: Payload, kind: str, mac: str, at: float) -> None:
        """Send a stream message."""
        self.messages.append(StreamMessage(channel, payload, kind, mac, at))

    def send_event(self, topic: str, payload: Payload, at: float) -> None:
        """Send a webhook event."""
        self.messages.append(WebhookEvent(topic, payload, at))

    def send_alarm(self, alarm: Payload, at: float) -> None:
        """Send an alarm, keep it for the alarm search and, for one alarm in four, send an update one cycle later."""
        self.alarms.append(alarm)
        self.send_event("alarms", alarm, at)
        if self.next_offset() % 4 == 0:
            again = at + self.plan.cadence_s
            update = alarm | {"count": alarm["count"] + 1, "last_seen": int(again), "update": True}
            self.schedule.call_at(again, lambda now: self.send_event("alarms", update, now))

    def next_offset(self) -> int:
        """Return the next offset of the message bus."""
        self.offset += 1
        return self.offset
