"""Record of everything that the simulated cloud sent and received; tests compare the collector with it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from collector.simulator.frames import frame_type

if TYPE_CHECKING:
    from collector.simulator.fleet import StreamMessage, WebhookEvent

RECORDS_KEPT = 200_000
"""Number of event records and of delivery records that are kept; older ones remain in the totals."""


@dataclass(slots=True)
class FrameRecord:
    """Frames of one type from one device on one channel; `payload` is the JSON of the last one."""

    count: int = 0
    at: float = 0.0
    payload: bytes = b"null"


@dataclass(slots=True)
class EventRecord:
    """A webhook event.

    Attributes:
        seq: Sequence number, from 1.
        topic: Topic.
        at: Unix time at which the cloud raised it.
        payload: The event.
        webhooks: Number of webhooks that receive it.
        deliveries: Number of requests that contained it.
        accepted: Number of these that were answered with a status 2xx.
    """

    seq: int
    topic: str
    at: float
    payload: dict[str, Any]
    webhooks: int = 0
    deliveries: int = 0
    accepted: int = 0


@dataclass(slots=True)
class DeliveryRecord:
    """A request of the webhook sender.

    Attributes:
        webhook_id: Id of the webhook.
        topic: Topic.
        events: Sequence numbers of the events.
        at: Unix time of the clock.
        attempt: Number of the attempt, from 1.
        repeat: Whether the delivery was sent again although it had been accepted.
        status: HTTP status; None without a response.
        error: Type of the exception without a response, else "".
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
        """Whether the receiver answered with a status 2xx."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - the class of HTTP success


@dataclass(slots=True)
class Ledger:
    """The record of a simulated cloud.

    Attributes:
        frames: Channel -> MAC address -> frame type -> record.
        sent: Frames per socket, by type: data, control, malformed.
        malformed: Malformed frames per socket, by kind.
        connections: Connections, by outcome: opened, closed, lost, too_slow, rejected_<HTTP status>.
        subscriptions: Subscribe and unsubscribe messages, by outcome.
        calls: REST calls, by method, path template and status.
        data_frames: Data frames with at least one subscriber, counted once.
        frames_without_subscriber: Data frames that were not sent, because the channel had no subscriber or was silent.
        events: Webhook events by sequence number.
        deliveries: Requests of the webhook sender.
        topics: Topic -> totals of events and deliveries.
    """

    frames: dict[str, dict[str, dict[str, FrameRecord]]] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)
    subscriptions: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    data_frames: int = 0
    frames_without_subscriber: int = 0
    events: dict[int, EventRecord] = field(default_factory=dict)
    deliveries: deque[DeliveryRecord] = field(default_factory=lambda: deque(maxlen=RECORDS_KEPT))
    topics: dict[str, Counter[str]] = field(default_factory=dict)
    _seq: int = 0

    def add_frame(self, message: StreamMessage, payload: bytes, sockets: int) -> None:
        """Record a data frame that was written to this number of sockets."""
        if not sockets:
            self.frames_without_subscriber += 1
            return
        self.data_frames += 1
        self.sent["data"] += sockets
        by_type = self.frames.setdefault(message.channel, {}).setdefault(message.mac, {})
        name = frame_type(message.payload)
        record = by_type.get(name)
        if record is None:
            record = by_type[name] = FrameRecord()
        record.count += 1
        record.at = message.at
        record.payload = payload

    def add_event(self, event: WebhookEvent) -> EventRecord:
        """Record a webhook event with the next sequence number."""
        self._seq += 1
        record = EventRecord(self._seq, event.topic, event.at, event.payload)
        self.events[record.seq] = record
        if len(self.events) > RECORDS_KEPT:
            del self.events[next(iter(self.events))]
        self._totals(event.topic)["events"] += 1
        return record

    def add_delivery(self, record: DeliveryRecord) -> None:
        """Record a request of the webhook sender after its response."""
        self.deliveries.append(record)
        totals = self._totals(record.topic)
        totals["deliveries"] += 1
        totals["repeats"] += record.repeat
        totals["failures"] += not record.accepted
        totals["accepted"] += len(record.events) if record.accepted else 0
        for seq in record.events:
            event = self.events.get(seq)
            if event is not None:
                event.deliveries += 1
                event.accepted += record.accepted
                totals["delivered"] += record.accepted and event.accepted == 1

    def add_lost(self, topic: str, events: int) -> None:
        """Record events of which every delivery attempt failed."""
        self._totals(topic)["lost"] += events

    def summary(self) -> dict[str, Any]:
        """Return the totals, without payloads."""
        return {
            "stream": {
                "frames": self.data_frames,
                "without_subscriber": self.frames_without_subscriber,
                "sent": dict(self.sent),
                "malformed": dict(self.malformed),
                "connections": dict(self.connections),
                "subscriptions": dict(self.subscriptions),
            },
            "rest": {"calls": dict(self.calls)},
            "webhooks": {topic: dict(totals) for topic, totals in self.topics.items()},
        }

    def frame_list(self, channel: str = "", mac: str = "", *, payloads: bool = True) -> list[dict[str, Any]]:
        """Return one row per channel, device and frame type, with the last payload if `payloads` is set."""
        return [
            {"channel": path, "mac": device, "type": name, "count": record.count, "at": record.at}
            | ({"payload": orjson.Fragment(record.payload)} if payloads else {})
            for path, devices in self.frames.items()
            if channel in ("", path)
            for device, by_type in devices.items()
            if mac in ("", device)
            for name, record in by_type.items()
        ]

    def event_list(self, topic: str = "", since: int = 0, limit: int = 10_000) -> list[dict[str, Any]]:
        """Return events with a sequence number above `since`, oldest first."""
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
        """Return the latest requests of the webhook sender, oldest first."""
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
            for number, record in enumerate(self.deliveries)
            if number >= skipped
        ]

    def _totals(self, topic: str) -> Counter[str]:
        return self.topics.setdefault(topic, Counter())
