import json

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import Rejected
from collector.ingest.dispatcher import Dispatcher
from collector.mist.deduplicator import Deduplicator
from collector.mist.envelope import Data, Subscribed, SubscribeFailed, Unsubscribed
from collector.status import Counts

NOW = 1_700_000_000.0


class Store:
    """Handlers that remember; what a channel or topic is called decides how they behave."""

    def __init__(self):
        self.applied = []
        self.opened = []

    def open(self, name):
        self.opened.append(name)
        if name == "/nothing":
            return None

        def apply(payload, now):
            if payload == "bad" or (isinstance(payload, dict) and payload.get("bad")):
                return Rejected("bad_value")
            if payload == "bug" or (isinstance(payload, dict) and payload.get("bug")):
                raise ZeroDivisionError("psk=hunter2")
            self.applied.append((name, payload, now))
            return None

        return apply


def make(duplicates=None):
    store, frames, events = Store(), Counts(), {}
    intake = Dispatcher(
        open_channel=store.open,
        open_topic=store.open,
        duplicates=Deduplicator() if duplicates is None else duplicates,
        frames=frames,
        events=events,
    )
    return intake, store, frames, events


def balanced(account):
    return account.received == account.applied + sum(account.dropped.values())


def body(topic, *events):
    return json.dumps({"topic": topic, "events": events}).encode()


def test_a_payload_reaches_the_handler_of_its_channel():
    intake, store, frames, _ = make()
    intake.subscribe("/a")
    intake.event(Data("/a", "{}"), NOW)
    intake.event(Data("/a", [1, 2, 3]), NOW)
    assert store.applied == [("/a", "{}", NOW), ("/a", [1, 2, 3], NOW)]
    assert store.opened == ["/a"]
    assert frames == Counts(2, 2)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Rejected("not_json"), "not_json"),
        (Data("/b", "{}"), "unsubscribed_channel"),
        (Data("/nothing", "{}"), "unsubscribed_channel"),
        (Data("/a", "bad"), "bad_value"),
        (Data("/a", "bug"), "internal_error"),
        (Subscribed("/a"), None),
        (Unsubscribed("/a"), None),
        (SubscribeFailed("/a", "no"), None),
    ],
)
def test_every_frame_is_booked(event, reason):
    intake, _, frames, _ = make()
    intake.subscribe("/a")
    intake.subscribe("/nothing")
    intake.event(event, NOW)
    assert frames == (Counts(1, 1) if reason is None else Counts(1, 0, {reason: 1}))


def test_after_unsubscribe_frames_are_dropped():
    intake, store, frames, _ = make()
    intake.subscribe("/a")
    intake.unsubscribe("/a")
    intake.unsubscribe("/never")
    intake.event(Data("/a", "{}"), NOW)
    assert store.applied == []
    assert frames.dropped == {"unsubscribed_channel": 1}


def test_a_bug_is_logged_once_without_what_nobody_should_read():
    intake, _, frames, _ = make()
    intake.subscribe("/a")
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            intake.event(Data("/a", "bug"), NOW)
    assert frames.dropped == {"internal_error": 5}
    (line,) = logs
    assert (line["event"], line["error"]) == ("handler_failed", "ZeroDivisionError")
    assert "hunter2" not in str(line)


def test_events_are_applied_by_topic_and_booked():
    intake, store, _, events = make()
    one, two = {"mac": "a", "type": "AP_X", "timestamp": 1}, {"mac": "b", "type": "AP_X", "timestamp": 1}
    assert intake.delivery(body("device-events", one, two), NOW) is None
    assert intake.delivery(body("ping", {"id": "1"}), NOW) is None
    assert store.applied == [
        ("device-events", one, NOW),
        ("device-events", two, NOW),
        ("ping", {"id": "1"}, NOW),
    ]
    assert events == {"device-events": Counts(2, 2), "ping": Counts(1, 1)}


def test_a_repeated_delivery_is_counted_as_duplicates():
    intake, store, _, events = make()
    delivery = body("device-events", {"mac": "a", "type": "AP_X", "timestamp": 1, "text": "x"})
    intake.delivery(delivery, NOW)
    intake.delivery(delivery, NOW + 60)
    assert len(store.applied) == 1
    assert events["device-events"] == Counts(2, 1, {"duplicate": 1})


def test_a_flood_of_one_topic_makes_no_other_count_twice():
    intake, store, _, events = make(Deduplicator(limit=50))
    alarm = body("alarms", {"id": "a", "type": "device_down"})
    intake.delivery(alarm, NOW)
    intake.delivery(body("location", *({"mac": str(number)} for number in range(200))), NOW)
    for number in range(200):
        intake.delivery(body(f"unheard-of-{number}", {"n": number}), NOW)
    intake.delivery(alarm, NOW + 60)
    assert [name for name, _, _ in store.applied].count("alarms") == 1
    assert events["alarms"] == Counts(2, 1, {"duplicate": 1})


def test_one_bad_event_spoils_no_other():
    intake, store, _, events = make()
    good = {"mac": "a", "type": "T", "timestamp": 1}
    intake.delivery(body("device-events", 7, {"bad": 1}, {"bug": 1}, None, good), NOW)
    assert store.applied == [("device-events", good, NOW)]
    assert events["device-events"] == Counts(5, 1, {"not_an_object": 2, "bad_value": 1, "internal_error": 1})


def test_unknown_topics_are_applied_and_booked_under_one_name():
    intake, store, _, events = make()
    for number in range(3):
        intake.delivery(body(f"weather-{number}", {"n": number}), NOW)
    assert events == {"other": Counts(3, 3)}
    assert [name for name, _, _ in store.applied] == ["weather-0", "weather-1", "weather-2"]


@pytest.mark.parametrize(
    ("rubbish", "reason"),
    [
        (b"{", "not_json"),
        (b"[]", "not_an_object"),
        (b"{}", "no_topic"),
        (b'{"topic": "ping", "events": 3}', "no_events"),
    ],
)
def test_a_body_that_cannot_be_read_is_one_event_dropped(rubbish, reason):
    intake, _, _, events = make()
    assert intake.delivery(rubbish, NOW) == Rejected(reason)
    assert events == {"other": Counts(1, 0, {reason: 1})}


def test_an_empty_delivery_is_nothing():
    intake, _, _, events = make()
    assert intake.delivery(body("ping"), NOW) is None
    assert all(account.received == 0 for account in events.values())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.binary()
        | ANYTHING.map(lambda value: json.dumps(value).encode())
        | st.lists(ANYTHING).map(lambda events: body("alarms", *events))
    )
)
def test_the_books_balance_whatever_arrives(bodies):
    intake, _, _, events = make()
    for raw in bodies:
        intake.delivery(raw, NOW)
    assert all(balanced(account) for account in events.values())


@given(
    st.lists(
        st.builds(Data, st.sampled_from(["/a", "/b"]), ANYTHING | st.sampled_from(["bad", "bug"]))
        | st.builds(Rejected, st.sampled_from(["not_json", "no_channel"]))
        | st.builds(Subscribed, st.text())
    )
)
def test_the_books_of_frames_balance(stream):
    intake, _, frames, _ = make()
    intake.subscribe("/a")
    for event in stream:
        intake.event(event, NOW)
    assert frames.received == len(stream)
    assert balanced(frames)
