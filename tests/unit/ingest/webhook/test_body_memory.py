"""The shares of the memory for request bodies."""

import pytest

from collector.ingest.webhook.body_memory import (
    LARGE_BODIES,
    SMALL_BODIES,
    SMALL_BODY_BYTES,
    BodyMemoryFullError,
    DeliveryMemory,
)

LARGE = 1_000_000


def hold(memory, size, source="a", *, authenticated=True):
    """Reserve a body of this size, as it arrives."""
    reservation = memory.reserve(source, authenticated=authenticated)
    try:
        for start in range(0, size, 60_000):
            reservation.extend(min(60_000, size - start))
    except BodyMemoryFullError:
        free(reservation)
        raise
    return reservation


def free(*reservations):
    for reservation in reservations:
        with reservation:
            pass


def test_one_source_may_use_half_of_the_memory_for_large_bodies():
    memory = DeliveryMemory(LARGE)
    first, second = hold(memory, LARGE, "a"), hold(memory, LARGE, "a")
    with pytest.raises(BodyMemoryFullError):
        hold(memory, LARGE, "a")
    others = hold(memory, LARGE, "b"), hold(memory, LARGE, "c")
    assert memory.large.used == LARGE_BODIES * LARGE
    with pytest.raises(BodyMemoryFullError):
        hold(memory, LARGE, "d")
    free(first, second, *others)
    assert memory.large.used == 0


def test_sources_that_have_not_authenticated_may_use_half_of_it_together():
    memory = DeliveryMemory(LARGE)
    held = [hold(memory, LARGE, source, authenticated=False) for source in "ab"]
    with pytest.raises(BodyMemoryFullError):
        hold(memory, LARGE, "c", authenticated=False)
    held.append(hold(memory, LARGE, "d"))
    free(*held)
    hold(memory, LARGE, "c", authenticated=False)


def test_large_bodies_do_not_use_the_memory_of_small_ones():
    memory = DeliveryMemory(LARGE)
    for source in "abcd":
        hold(memory, LARGE, source)
    assert memory.small.used == 0
    small = [hold(memory, SMALL_BODY_BYTES, source) for source in "abcd" for _ in range(SMALL_BODIES // 4)]
    assert memory.small.used == SMALL_BODIES * SMALL_BODY_BYTES
    with pytest.raises(BodyMemoryFullError):
        hold(memory, 1, "e")
    free(*small)
    assert memory.small.used == 0


def test_a_body_that_is_rejected_holds_nothing_more():
    memory = DeliveryMemory(LARGE)
    held = [hold(memory, LARGE, source) for source in "aabb"]
    with pytest.raises(BodyMemoryFullError), memory.reserve("c", authenticated=True) as reservation:  # noqa: PT012
        reservation.extend(SMALL_BODY_BYTES)
        assert memory.small.used == SMALL_BODY_BYTES
        reservation.extend(1)
    assert memory.small.used == 0
    assert memory.used == sum(LARGE for _ in held)


def test_the_size_of_the_largest_body_may_change():
    memory = DeliveryMemory(LARGE)
    held = hold(memory, LARGE)
    memory.resize(LARGE // 4)
    with pytest.raises(BodyMemoryFullError):
        hold(memory, LARGE // 4)
    free(held)
    free(hold(memory, LARGE // 4))
    assert memory.used == 0
