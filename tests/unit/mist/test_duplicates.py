from __future__ import annotations

from collector.mist.duplicates import Duplicates


def test_an_event_is_new_once():
    seen = Duplicates()
    assert [seen.seen(identity, 0.0) for identity in (1, 2, 1, 2, 3)] == [False, False, True, True, False]
    assert len(seen) == 3


def test_an_event_is_forgotten_after_its_time_and_then_new_again():
    seen = Duplicates(keep_s=10)
    seen.seen(1, 100.0)
    assert seen.seen(1, 109.9)
    assert not seen.seen(1, 110.0)
    assert seen.seen(1, 110.1)


def test_a_repetition_does_not_renew_the_memory():
    seen = Duplicates(keep_s=10)
    seen.seen(1, 0.0)
    seen.seen(1, 9.0)
    assert not seen.seen(1, 10.0)


def test_time_passing_frees_what_is_not_asked_for():
    seen = Duplicates(keep_s=10)
    for identity in range(1000):
        seen.seen(identity, float(identity))
    assert len(seen) == 10


def test_beyond_the_limit_the_oldest_goes_first():
    seen = Duplicates(limit=3)
    for identity in (1, 2, 3, 4):
        seen.seen(identity, 0.0)
    assert len(seen) == 3
    assert [seen.seen(identity, 0.0) for identity in (2, 3, 4)] == [True, True, True]
    assert not seen.seen(1, 0.0)


def test_a_clock_that_jumps_back_forgets_late_but_keeps_working():
    seen = Duplicates(keep_s=10)
    seen.seen(1, 1000.0)
    seen.seen(2, 0.0)
    assert seen.seen(2, 500.0)
    assert not seen.seen(2, 1010.0)
    assert len(seen) == 1


def test_by_default_six_hours_are_kept():
    seen = Duplicates()
    seen.seen(1, 0.0)
    assert seen.seen(1, 21599.0)
    assert not seen.seen(1, 21600.0)
