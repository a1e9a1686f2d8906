"""What one webhook request says: `{"topic": ..., "events": [...]}`."""

from __future__ import annotations

from dataclasses import dataclass

from collector import tolerant_json
from collector.errors import Rejected


@dataclass(slots=True)
class Delivery:
    """A batch of events of one topic, as they came: an event should be an object, but nothing here promises it."""

    topic: str
    events: list[object]


def parse_delivery(body: bytes) -> Delivery | Rejected:
    """Read a verified body. Never raises.

    Rejected("not_json" | "too_deep" | "not_an_object" | "no_topic" | "no_events") when there is nothing to count;
    an empty list of events is a good delivery of nothing.
    """
    message = tolerant_json.loads(body)
    if isinstance(message, Rejected):
        return message
    if not isinstance(message, dict):
        return Rejected("not_an_object")
    topic, events = message.get("topic"), message.get("events")
    if not isinstance(topic, str) or not topic:
        return Rejected("no_topic")
    if not isinstance(events, list):
        return Rejected("no_events")
    return Delivery(topic, events)
