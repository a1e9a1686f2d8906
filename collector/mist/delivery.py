"""The body of a webhook delivery, `{"topic": ..., "events": [...]}`, read with bounded work.

A small body is parsed at once. Of a large one only the boundaries of the events are determined (10 MB: 10 to 50 ms, the
number of JSON values is limited before that), and each event is parsed when it is its turn, so that the caller can do
other work in between. Parsing 10 MB at once would take up to 0.7 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from collector import tolerant_json
from collector.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_EVENTS: Final = 10_000  # of a delivery; Mist sends a few thousand at most
MAX_VALUES: Final = 500_000  # of a delivery, estimated by its commas
MAX_EVENT_BYTES: Final = 1_000_000
MAX_EVENT_VALUES: Final = 20_000
MAX_TOPIC_LENGTH: Final = 64
MAX_TOLERANT_BYTES: Final = 1 << 19  # the standard library's parser, which reads what orjson rejects, is slow
PARSED_AT_ONCE_BYTES: Final = 1 << 16  # at most 5 ms

TOO_MANY_EVENTS: Final = Rejected("too_many_events")
TOO_MANY_VALUES: Final = Rejected("too_many_values")
EVENT_TOO_LARGE: Final = Rejected("event_too_large")
_NOT_AN_OBJECT: Final = Rejected("not_an_object")
_NO_TOPIC: Final = Rejected("no_topic")
_TOPIC_TOO_LONG: Final = Rejected("topic_too_long")
_NO_EVENTS: Final = Rejected("no_events")


@dataclass(slots=True)
class Delivery:
    """A batch of events of one topic. An event should be an object, but is any JSON value."""

    topic: str
    events: list[object]


class DeliveryReader:
    """A delivery whose events are parsed while it is iterated, once.

    Attributes:
        topic: at most `MAX_TOPIC_LENGTH` characters.
        count: number of events.
    """

    def __init__(self, topic: str, events: Sequence[Any], *, is_raw: bool) -> None:
        self._is_raw = is_raw
        self.topic = topic
        self.count = len(events)
        self._events = events

    def __iter__(self) -> Iterator[object | Rejected]:
        """Yield each event, or Rejected("not_json" | "too_deep" | "event_too_large") in the place of one."""
        return map(_parsed, self._events) if self._is_raw else iter(self._events)


class _Envelope(msgspec.Struct):
    topic: str
    events: list[msgspec.Raw]


class _AnyEnvelope(msgspec.Struct):
    topic: msgspec.Raw = msgspec.Raw(b"null")
    events: msgspec.Raw = msgspec.Raw(b"null")


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_ANY_ENVELOPE: Final = msgspec.json.Decoder(_AnyEnvelope)


def parse_delivery(body: bytes) -> Delivery | Rejected:
    """Parse a verified body with all of its events at once; events that cannot be parsed are left out. Never raises.

    Returns:
        As `read_delivery`.
    """
    reader = read_delivery(body)
    if isinstance(reader, Rejected):
        return reader
    return Delivery(reader.topic, [event for event in reader if not isinstance(event, Rejected)])


def read_delivery(body: bytes) -> DeliveryReader | Rejected:
    """Read a verified body. Never raises.

    Returns:
        Rejected("not_json" | "too_deep" | "not_an_object" | "no_topic" | "topic_too_long" | "no_events" |
        "too_many_events" | "too_many_values") when there is no list of events to count. A delivery without events is
        valid.
    """
    if len(body) <= PARSED_AT_ONCE_BYTES:
        return _checked(tolerant_json.loads(body))
    if body.count(b",") >= MAX_VALUES:
        return TOO_MANY_VALUES
    try:
        envelope = _ENVELOPE.decode(body)
    except RecursionError:
        return tolerant_json.TOO_DEEP
    except msgspec.ValidationError:
        return _read_any_envelope(body)
    except ValueError:  # of msgspec.DecodeError and UnicodeDecodeError
        return _checked(tolerant_json.loads(body)) if len(body) <= MAX_TOLERANT_BYTES else tolerant_json.NOT_JSON
    return _bounded(envelope.topic, envelope.events, is_raw=True)


def _checked(message: object) -> DeliveryReader | Rejected:
    """Return a parsed body as a delivery."""
    if isinstance(message, Rejected):
        return message
    if not isinstance(message, dict):
        return _NOT_AN_OBJECT
    topic, events = message.get("topic"), message.get("events")
    if not isinstance(topic, str):
        return _NO_TOPIC
    if not isinstance(events, list):
        return _NO_TOPIC if not topic else _NO_EVENTS
    return _bounded(topic, events, is_raw=False)


def _read_any_envelope(body: bytes) -> Rejected:
    """Return why a large body is not a delivery."""
    try:
        envelope = _ANY_ENVELOPE.decode(body)
    except RecursionError:
        return tolerant_json.TOO_DEEP
    except msgspec.ValidationError:
        return _NOT_AN_OBJECT
    except ValueError:
        return tolerant_json.NOT_JSON
    topic = bytes(envelope.topic)
    return _NO_EVENTS if topic.startswith(b'"') and topic != b'""' else _NO_TOPIC


def _bounded(topic: str, events: Sequence[Any], *, is_raw: bool) -> DeliveryReader | Rejected:
    if not topic:
        return _NO_TOPIC
    if len(topic) > MAX_TOPIC_LENGTH:
        return _TOPIC_TOO_LONG
    return TOO_MANY_EVENTS if len(events) > MAX_EVENTS else DeliveryReader(topic, events, is_raw=is_raw)


def _parsed(event: msgspec.Raw) -> object | Rejected:
    """Parse one event of a large body."""
    raw = bytes(event)
    if len(raw) > 2 * MAX_EVENT_VALUES and (len(raw) > MAX_EVENT_BYTES or raw.count(b",") >= MAX_EVENT_VALUES):
        return EVENT_TOO_LARGE
    value: object
    if len(raw) <= MAX_TOLERANT_BYTES:
        value = tolerant_json.loads(raw)
        return value
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return tolerant_json.NOT_JSON
    return value
