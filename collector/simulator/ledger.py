"""What a fake cloud sent, and how it was answered: the book that tests compare a collector with."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from collector.simulator.frames import flavour

if TYPE_CHECKING:
    from collector.simulator.fleet import Emission, Event

EVENTS_KEPT = 200_000
"""The book keeps this many events and deliveries one by one; older ones stay in the sums only."""


@dataclass(slots=True)
class FrameRecord:
    """The frames of one flavour that one device spoke on one channel; `payload` is the last one's JSON."""

    count: int = 0
    at: float = 0.0
    payload: bytes = b"null"


@dataclass(slots=True)
class EventRecord:
    """One webhook event. `deliveries` counts requests that carried it, `accepted` those answered 2xx."""

    seq: int
    topic: str
    at: float
    payload: dict[str, Any]
    webhooks: int = 0
    deliveries: int = 0
    accepted: int = 0


@dataclass(slots=True)
class DeliveryRecord:
    """One HTTP request of the webhook sender. `status` is None when no answer came, and `error` says why.

    `at` is unix time by the clock; `attempt` counts from 1; `repeat` marks one sent again although it was accepted.
    """

    webhook_id: str
    topic: str
    events: tuple[int, ...]
    at: float
    attempt: int
    repeat: bool
    status: int | None = None
    error: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the receiver answered 2xx."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - the class of HTTP success


@dataclass(slots=True)
class Ledger:
    """The book of a fake cloud.

    `sent` counts frames once a socket (data, control, rubbish); `frames` counts data frames once, when anybody
    listened; `unheard` those that nobody had subscribed to. `connections` counts what became of connections.
    """

    frames: dict[str, dict[str, dict[str, FrameRecord]]] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    rubbish: Counter[str] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)
    subscriptions: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    heard: int = 0
    unheard: int = 0
    events: dict[int, EventRecord] = field(default_factory=dict)
    deliveries: deque[DeliveryRecord] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    topics: dict[str, Counter[str]] = field(default_factory=dict)
    _seq: int = 0

    def frame(self, emission: Emission, payload: bytes, sockets: int) -> None:
        """Enter a data frame that went to so many sockets."""
        if not sockets:
            self.unheard += 1
            return
        self.heard += 1
        self.sent["data"] += sockets
        kinds = self.frames.setdefault(emission.channel, {}).setdefault(emission.mac, {})
        name = flavour(emission.payload)
        record = kinds.get(name)
        if record is None:
            record = kinds[name] = FrameRecord()
        record.count += 1
        record.at = emission.at
        record.payload = payload

    def event(self, event: Event) -> EventRecord:
        """Enter a webhook event; it gets the next number."""
        self._seq += 1
        record = EventRecord(self._seq, event.topic, event.at, event.payload)
        self.events[record.seq] = record
        if len(self.events) > EVENTS_KEPT:
            del self.events[next(iter(self.events))]
        self._topic(event.topic)["events"] += 1
        return record

    def delivery(self, record: DeliveryRecord) -> None:
        """Enter a request of the webhook sender, after its answer."""
        self.deliveries.append(record)
        sums = self._topic(record.topic)
        sums["deliveries"] += 1
        sums["repeats"] += record.repeat
        sums["failures"] += not record.accepted
        for seq in record.events:
            event = self.events.get(seq)
            if event is not None:
                event.deliveries += 1
                event.accepted += record.accepted
                sums["delivered"] += record.accepted and event.accepted == 1

    def lost(self, topic: str, events: int) -> None:
        """Enter events that were given up after the last try."""
        self._topic(topic)["lost"] += events

    def summary(self) -> dict[str, Any]:
        """Return the sums, without any payload."""
        return {
            "stream": {
                "frames": self.heard,
                "unheard": self.unheard,
                "sent": dict(self.sent),
                "rubbish": dict(self.rubbish),
                "connections": dict(self.connections),
                "subscriptions": dict(self.subscriptions),
            },
            "rest": {"calls": dict(self.calls)},
            "webhooks": {topic: dict(sums) for topic, sums in self.topics.items()},
        }

    def frame_list(self, channel: str = "", mac: str = "", *, payloads: bool = True) -> list[dict[str, Any]]:
        """List what was spoken, one entry a channel, device and flavour; `payloads` adds the last payload of each."""
        return [
            {"channel": path, "mac": device, "flavour": name, "count": record.count, "at": record.at}
            | ({"payload": orjson.Fragment(record.payload)} if payloads else {})
            for path, devices in self.frames.items()
            if channel in ("", path)
            for device, kinds in devices.items()
            if mac in ("", device)
            for name, record in kinds.items()
        ]

    def event_list(self, topic: str = "", since: int = 0, limit: int = 10_000) -> list[dict[str, Any]]:
        """List events with a number above `since`, oldest first."""
        chosen = (e for e in self.events.values() if e.seq > since and topic in ("", e.topic))
        return [
            {
                "seq": record.seq,
                "topic": record.topic,
                "at": record.at,
                "webhooks": record.webhooks,
                "deliveries": record.deliveries,
                "accepted": record.accepted,
                "event": record.payload,
            }
            for record, _ in zip(chosen, range(limit), strict=False)
        ]

    def delivery_list(self, limit: int = 10_000) -> list[dict[str, Any]]:
        """List the latest requests of the webhook sender, oldest first."""
        skipped = max(0, len(self.deliveries) - limit)
        return [
            {
                "webhook_id": record.webhook_id,
                "topic": record.topic,
                "events": list(record.events),
                "at": record.at,
                "attempt": record.attempt,
                "repeat": record.repeat,
                "status": record.status,
                "error": record.error,
            }
            for place, record in enumerate(self.deliveries)
            if place >= skipped
        ]

    def _topic(self, topic: str) -> Counter[str]:
        return self.topics.setdefault(topic, Counter())
