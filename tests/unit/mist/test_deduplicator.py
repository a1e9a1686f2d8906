from __future__ import annotations

import tracemalloc
from random import Random

import pytest

from collector.mist.deduplicator import Deduplicator

TOPIC = "device-events"


def test_an_event_is_new_once():
    seen = Deduplicator()
    assert [seen.seen(TOPIC, identity, 0.0) for identity in (1, 2, 1, 2, 3)] == [False, False, True, True, False]
    assert len(seen) == 3


def test_an_event_expires_and_is_new_again():
    seen = Deduplicator(window_s=10)
    seen.seen(TOPIC, 1, 100.0)
    assert seen.seen(TOPIC, 1, 109.9)
    assert not seen.seen(TOPIC, 1, 110.0)
    assert seen.seen(TOPIC, 1, 110.1)


def test_a_repetition_does_not_renew_an_entry():
    seen = Deduplicator(window_s=10)
    seen.seen(TOPIC, 1, 0.0)
    seen.seen(TOPIC, 1, 9.0)
    assert not seen.seen(TOPIC, 1, 10.0)


def test_expired_entries_are_removed():
    seen = Deduplicator(window_s=10)
    for identity in range(1000):
        seen.seen(TOPIC, identity, float(identity))
    assert len(seen) == 10


def test_beyond_the_limit_the_oldest_entry_is_removed():
    seen = Deduplicator(limit=3)
    for identity in (1, 2, 3, 4):
        seen.seen(TOPIC, identity, 0.0)
    assert len(seen) == 3
    assert [seen.seen(TOPIC, identity, 0.0) for identity in (2, 3, 4)] == [True, True, True]
    assert not seen.seen(TOPIC, 1, 0.0)


def test_a_clock_that_jumps_back_delays_expiry():
    seen = Deduplicator(window_s=10)
    seen.seen(TOPIC, 1, 1000.0)
    seen.seen(TOPIC, 2, 0.0)
    assert seen.seen(TOPIC, 2, 500.0)
    assert not seen.seen(TOPIC, 2, 1010.0)
    assert len(seen) == 1


def test_the_default_retention_is_six_hours():
    seen = Deduplicator()
    seen.seen(TOPIC, 1, 0.0)
    assert seen.seen(TOPIC, 1, 21599.0)
    assert not seen.seen(TOPIC, 1, 21600.0)


def test_topics_are_independent():
    seen = Deduplicator()
    assert not seen.seen("alarms", 1, 0.0)
    assert not seen.seen("location", 1, 0.0)
    assert seen.seen("alarms", 1, 0.0)
    assert len(seen) == 2


def test_a_flood_of_one_topic_does_not_evict_other_topics():
    seen = Deduplicator(limit=100)
    for alarm in range(40):
        seen.seen("alarms", alarm, 0.0)
    for position in range(10_000):
        seen.seen("location", position, 1.0)
    assert len(seen) == 100
    assert all(seen.seen("alarms", alarm, 2.0) for alarm in range(40))
    assert [seen.seen("location", position, 2.0) for position in (9_940, 9_999)] == [True, True]


def test_the_size_after_expiry():
    seen = Deduplicator(window_s=10, limit=3)
    for identity in range(3):
        seen.seen("alarms", identity, 0.0)
    for identity in range(3):
        seen.seen("alarms", 10 + identity, 20.0)
    assert len(seen) == 3
    assert all(seen.seen("alarms", 10 + identity, 21.0) for identity in range(3))


@pytest.mark.slow
def test_a_full_memory_has_the_same_size_whichever_topics_filled_it():
    limit, topics = 60_000, ("device-events", "alarms", "audits", "client-join", "location")
    random = Random(1)
    tracemalloc.start()
    try:
        seen = Deduplicator(limit=limit)
        for _ in range(2 * limit):
            seen.seen("ping", random.getrandbits(62), 0.0)
        full, most = tracemalloc.get_traced_memory()[0], 0
        for number in range(3 * limit):
            seen.seen(topics[number % len(topics)], random.getrandbits(62), 1.0)
            if number % 1000 == 0:
                most = max(most, tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert len(seen) == limit
    assert most < 1.15 * full, f"{most:,} bytes instead of {full:,}"
