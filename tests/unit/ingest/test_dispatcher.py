import asyncio
import json

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from collector.concurrency import SLICE_S
from collector.errors import HistoryUnavailable, Rejected
from collector.event import Event
from collector.events.memory import MemoryHistory
from collector.ingest.dispatcher import Dispatcher, Recorder
from collector.mist.deduplicator import Deduplicator
from collector.mist.envelope import Data, Subscribed, SubscribeFailed, Unsubscribed
from collector.status import Counts

NOW = 1_700_000_000.0
PSK = "hunter2"


class Store:
    """Handlers that record what they apply; the payload decides how they behave."""

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
                raise ZeroDivisionError(PSK)
            self.applied.append((name, payload, now))
            return None

        return apply


def make(duplicates=None, **more):
    store, frames, events = Store(), Counts(), {}
    dispatcher = Dispatcher(
        open_channel=store.open,
        open_topic=store.open,
        duplicates=Deduplicator() if duplicates is None else duplicates,
        frames=frames,
        events=events,
        **more,
    )
    return dispatcher, store, frames, events


def balanced(counts):
    return counts.received == counts.applied + sum(counts.dropped.values())


def body(topic, *events):
    return json.dumps({"topic": topic, "events": events}).encode()


def test_a_payload_reaches_the_handler_of_its_channel():
    dispatcher, store, frames, _ = make()
    dispatcher.subscribe("/a")
    dispatcher.event(Data("/a", "{}"), NOW)
    dispatcher.event(Data("/a", [1, 2, 3]), NOW)
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
def test_every_frame_is_counted(event, reason):
    dispatcher, _, frames, _ = make()
    dispatcher.subscribe("/a")
    dispatcher.subscribe("/nothing")
    dispatcher.event(event, NOW)
    assert frames == (Counts(1, 1) if reason is None else Counts(1, 0, {reason: 1}))


def test_after_unsubscribe_frames_are_dropped():
    dispatcher, store, frames, _ = make()
    dispatcher.subscribe("/a")
    dispatcher.unsubscribe("/a")
    dispatcher.unsubscribe("/never")
    dispatcher.event(Data("/a", "{}"), NOW)
    assert store.applied == []
    assert frames.dropped == {"unsubscribed_channel": 1}


def test_an_exception_of_a_handler_is_logged_once_without_its_message():
    dispatcher, _, frames, _ = make()
    dispatcher.subscribe("/a")
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            dispatcher.event(Data("/a", "bug"), NOW)
    assert frames.dropped == {"internal_error": 5}
    (line,) = logs
    assert (line["event"], line["error"], line["channel"]) == ("handler_failed", "ZeroDivisionError", "/a")
    assert PSK not in str(line)


def test_events_are_applied_and_counted_by_topic():
    dispatcher, store, _, events = make()
    one, two = {"mac": "a", "type": "AP_X", "timestamp": 1}, {"mac": "b", "type": "AP_X", "timestamp": 1}
    assert dispatcher.delivery(body("device-events", one, two), NOW) is None
    assert dispatcher.delivery(body("ping", {"id": "1"}), NOW) is None
    assert store.applied == [
        ("device-events", one, NOW),
        ("device-events", two, NOW),
        ("ping", {"id": "1"}, NOW),
    ]
    assert events == {"device-events": Counts(2, 2), "ping": Counts(1, 1)}


def test_a_repeated_delivery_is_counted_as_duplicates():
    dispatcher, store, _, events = make()
    delivery = body("device-events", {"mac": "a", "type": "AP_X", "timestamp": 1, "text": "x"})
    dispatcher.delivery(delivery, NOW)
    dispatcher.delivery(delivery, NOW + 60)
    assert len(store.applied) == 1
    assert events["device-events"] == Counts(2, 1, {"duplicate": 1})


def test_a_flood_of_one_topic_does_not_evict_duplicates_of_others():
    dispatcher, store, _, events = make(Deduplicator(limit=50))
    alarm = body("alarms", {"id": "a", "type": "device_down"})
    dispatcher.delivery(alarm, NOW)
    dispatcher.delivery(body("location", *({"mac": str(number)} for number in range(200))), NOW)
    for number in range(200):
        dispatcher.delivery(body(f"unknown-{number}", {"n": number}), NOW)
    dispatcher.delivery(alarm, NOW + 60)
    assert [name for name, _, _ in store.applied].count("alarms") == 1
    assert events["alarms"] == Counts(2, 1, {"duplicate": 1})


def test_a_bad_event_does_not_affect_others():
    dispatcher, store, _, events = make()
    good = {"mac": "a", "type": "T", "timestamp": 1}
    dispatcher.delivery(body("device-events", 7, {"bad": 1}, {"bug": 1}, None, good), NOW)
    assert store.applied == [("device-events", good, NOW)]
    assert events["device-events"] == Counts(5, 1, {"not_an_object": 2, "bad_value": 1, "internal_error": 1})


def test_unknown_topics_are_applied_and_counted_as_other():
    dispatcher, store, _, events = make()
    for number in range(3):
        dispatcher.delivery(body(f"weather-{number}", {"n": number}), NOW)
    assert events == {"other": Counts(3, 3)}
    assert [name for name, _, _ in store.applied] == ["weather-0", "weather-1", "weather-2"]


@pytest.mark.parametrize(
    ("malformed", "reason"),
    [
        (b"{", "not_json"),
        (b"[]", "not_an_object"),
        (b"{}", "no_topic"),
        (b'{"topic": "ping", "events": 3}', "no_events"),
    ],
)
def test_a_malformed_body_counts_as_one_dropped_event(malformed, reason):
    dispatcher, _, _, events = make()
    assert dispatcher.delivery(malformed, NOW) == Rejected(reason)
    assert events == {"other": Counts(1, 0, {reason: 1})}


def test_a_delivery_without_events():
    dispatcher, _, _, events = make()
    assert dispatcher.delivery(body("ping"), NOW) is None
    assert events == {}


# Slices


class Timer:
    """A timer on which more than a slice passes between two readings."""

    def __init__(self):
        self.readings = 0

    def __call__(self):
        self.readings += 1
        return self.readings * 2 * SLICE_S


async def test_a_delivery_is_applied_in_slices():
    dispatcher, store, _, events = make(timer=Timer())
    turns = []

    async def other_work():
        while True:
            turns.append(len(store.applied))
            await asyncio.sleep(0)

    working = asyncio.ensure_future(other_work())
    assert await dispatcher.deliver(body("ping", *({"n": n} for n in range(50))), NOW) is None
    working.cancel()
    assert turns[:40] == list(range(1, 41)), "the event loop had a turn after each slice"
    assert events == {"ping": Counts(50, 50)}


async def test_deliveries_are_applied_one_after_the_other_in_the_order_of_receipt():
    dispatcher, store, _, _ = make(timer=Timer())
    numbers = iter(range(1000))
    deliveries = [body("ping", *({"n": next(numbers)} for _ in range(size))) for size in (20, 1, 5, 1)]
    await asyncio.gather(*(dispatcher.deliver(delivery, NOW) for delivery in deliveries))
    assert [event["n"] for _, event, _ in store.applied] == list(range(27))


async def test_a_short_delivery_takes_one_slice():
    dispatcher, store, _, _ = make(timer=lambda: 0.0)
    delivering = dispatcher.deliver(body("ping", {"n": 1}, {"n": 2}), NOW)
    with pytest.raises(StopIteration) as done:
        delivering.send(None)
    assert done.value.value is None
    assert len(store.applied) == 2


async def test_a_delivery_that_is_cancelled_keeps_the_counts_balanced_and_lets_others_in():
    dispatcher, store, _, events = make(timer=Timer())
    delivery = body("ping", *({"n": n} for n in range(50)))
    first = asyncio.ensure_future(dispatcher.deliver(delivery, NOW))
    while len(store.applied) < 10:  # noqa: ASYNC110 - a plain record
        await asyncio.sleep(0)
    first.cancel()
    assert await dispatcher.deliver(delivery, NOW) is None
    assert len(store.applied) == 50
    assert balanced(events["ping"])
    assert events["ping"].dropped == {"duplicate": events["ping"].received - 50}


async def test_a_malformed_delivery_is_rejected():
    dispatcher, _, _, events = make()
    assert await dispatcher.deliver(b"{", NOW) == Rejected("not_json")
    assert events == {"other": Counts(1, 0, {"not_json": 1})}


async def test_events_that_are_too_large_are_dropped_and_counted():
    dispatcher, store, _, events = make()
    delivery = body("ping", {"n": 1}, {"text": "x" * 2_000_000}, {"n": 2}, 7)
    assert await dispatcher.deliver(delivery, NOW) is None
    assert [event for _, event, _ in store.applied] == [{"n": 1}, {"n": 2}]
    assert events["ping"] == Counts(4, 2, {"event_too_large": 1, "not_an_object": 1})


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
def test_the_counts_balance_for_any_body(bodies):
    dispatcher, _, _, events = make()
    for raw in bodies:
        dispatcher.delivery(raw, NOW)
    assert all(balanced(counts) for counts in events.values())


@given(
    st.lists(
        st.builds(Data, st.sampled_from(["/a", "/b"]), ANYTHING | st.sampled_from(["bad", "bug"]))
        | st.builds(Rejected, st.sampled_from(["not_json", "no_channel"]))
        | st.builds(Subscribed, st.text())
    )
)
def test_the_counts_of_frames_balance(stream):
    dispatcher, _, frames, _ = make()
    dispatcher.subscribe("/a")
    for event in stream:
        dispatcher.event(event, NOW)
    assert frames.received == len(stream)
    assert balanced(frames)


# Webhook events with a history


class FailingHistory(MemoryHistory):
    """Refuses what it is asked to refuse."""

    refuses = False

    async def append(self, events, increments=()):
        if self.refuses:
            raise HistoryUnavailable("disk_full")
        return await super().append(events, increments)


def recorded(history):
    """Return a dispatcher with a history, its store and the events that it passes on."""
    store, passed, counts = Store(), [], {}

    def events_of(topic, payload, unix):
        return [
            Event(id=f"{payload['id']}-{part}", time=unix, received=unix, topic=topic)
            for part in range(payload.get("parts", 1))
        ]

    dispatcher = Dispatcher(
        open_channel=store.open,
        open_topic=store.open,
        duplicates=Deduplicator(),
        frames=Counts(),
        events=counts,
        recorder=Recorder(events_of, history, passed.append),
    )
    return dispatcher, store, passed, counts


def audits(*events):
    return json.dumps({"topic": "audits", "events": events}).encode()


async def test_events_are_stored_before_they_are_applied():
    history = FailingHistory()
    dispatcher, store, passed, counts = recorded(history)
    history.refuses = True
    assert await dispatcher.deliver(audits({"id": "a"}), NOW) == Rejected("history_unavailable")
    assert (store.applied, passed, counts) == ([], [], {})
    history.refuses = False
    assert await dispatcher.deliver(audits({"id": "a"}), NOW) is None
    assert len(store.applied) == len(passed) == 1


async def test_what_the_history_knows_is_a_duplicate_in_another_process():
    history = MemoryHistory()
    first, *_ = recorded(history)
    second, store, passed, counts = recorded(history)
    await first.deliver(audits({"id": "a", "parts": 3}), NOW)
    await second.deliver(audits({"id": "a", "parts": 3}, {"id": "b"}, 7), NOW)
    assert [payload["id"] for _, payload, _ in store.applied] == ["b"]
    assert [event.id for event in passed] == ["b-0"]
    assert counts["audits"].received == 3
    assert counts["audits"].dropped == {"duplicate": 1, "not_an_object": 1}


async def test_topics_that_are_not_kept_are_applied():
    dispatcher, store, passed, _ = recorded(MemoryHistory(["audits"]))
    await dispatcher.deliver(audits({"id": "a"}, {"id": "a"}), NOW)
    assert len(store.applied) == 1
    assert passed == []


async def test_a_large_delivery_is_stored_in_parts_and_in_order():
    history = MemoryHistory()
    dispatcher, store, passed, counts = recorded(history)
    await dispatcher.deliver(audits(*({"id": f"{number}"} for number in range(1000))), NOW)
    assert [payload["id"] for _, payload, _ in store.applied] == [f"{number}" for number in range(1000)]
    assert [event.id for event in passed] == [f"{number}-0" for number in range(1000)]
    assert counts["audits"].applied == 1000
