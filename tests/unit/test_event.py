"""The record of an event."""

import msgspec
import pytest

from collector.event import SEVERITIES, Event


def test_an_event_is_immutable():
    event = Event(id="0" * 32, time=1.0, received=2.0, topic="alarms")
    with pytest.raises(AttributeError):
        event.topic = "audits"


def test_defaults():
    event = Event(id="0" * 32, time=1.0, received=2.0, topic="alarms")
    assert (event.source, event.severity, event.status, event.fields) == ("webhook", SEVERITIES[0], "", {})


def test_an_event_is_encoded_as_json():
    event = Event(id="0" * 32, time=1.0, received=2.0, topic="alarms", fields={"a.0": 1, "b": True, "c": "x", "d": 1.5})
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
