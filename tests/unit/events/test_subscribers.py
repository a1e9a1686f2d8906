"""Every event reaches every subscriber; one that raises disturbs no other."""

import structlog

from collector.event import Event
from collector.events.subscribers import EventSubscribers


def event(topic="alarms"):
    return Event(id="0" * 32, time=1.0, received=1.0, topic=topic)


def test_an_output_receives_each_event():
    received = []
    subscribers = EventSubscribers({"list": lambda: received.append})
    subscribers(event())
    subscribers(event("audits"))
    assert [one.topic for one in received] == ["alarms", "audits"]
    assert [one.topic for one in subscribers.recent.newest_first] == ["audits", "alarms"]


def test_an_output_that_raises_disturbs_no_other():
    received = []

    def broken():
        def fail(_event):
            raise RuntimeError("broken")

        return fail

    subscribers = EventSubscribers({"broken": broken, "list": lambda: received.append})
    with structlog.testing.capture_logs() as logs:
        subscribers(event())
        subscribers(event())
    assert len(received) == len(subscribers.recent.newest_first) == 2
    assert [(line["event"], line["output"]) for line in logs] == [("event_output_failed", "broken")]


def test_high_rate_topics_are_for_outputs_only():
    received = []
    assert not EventSubscribers({}).wants_topic("location")
    subscribers = EventSubscribers({"list": lambda: received.append})
    assert subscribers.wants_topic("location")
    subscribers(event("location"))
    assert len(received) == 1
    assert not subscribers.recent.newest_first
