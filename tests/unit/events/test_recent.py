"""The recent events of the status page."""

from collector.event import Event
from collector.events.recent import MAX_EVENTS, RecentEvents


def event(number):
    return Event(id=f"{number:032x}", time=0.0, received=float(number), topic="audits")


def test_the_newest_is_first():
    recent = RecentEvents()
    for number in range(3):
        recent.add(event(number))
    assert [one.received for one in recent.newest_first] == [2.0, 1.0, 0.0]


def test_the_number_is_limited():
    recent = RecentEvents()
    for number in range(MAX_EVENTS + 5):
        recent.add(event(number))
    assert len(recent.newest_first) == MAX_EVENTS
    assert recent.newest_first[-1].received == 5.0


def test_topics_with_an_event_per_packet_are_left_out():
    assert not RecentEvents.wants_topic("location-client")
    assert RecentEvents.wants_topic("alarms")
    assert RecentEvents.wants_topic("an unknown one")
