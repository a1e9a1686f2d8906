"""The verdict of `make soak`: what it calls flat, steep, or unsure."""

import random

import pytest

from tests.soak.measure import Reading, slopes

EVERY_S = 3.0


def verdict(levels, most=1.0):
    """Of memory that had these levels, a reading each."""
    readings = [Reading(at * EVERY_S, level, 20, 3, 50.0, 1000.0, 100.0) for at, level in enumerate(levels)]
    (rss,) = (slope for slope in slopes(readings) if slope.name == "rss_mb")
    return rss.verdict(most), rss


def test_what_does_not_move_is_flat():
    found, rss = verdict([150.0] * 400)
    assert (found, rss.percent, rss.margin) == ("flat", 0.0, 0.0)


def test_what_falls_is_flat():
    assert verdict([150.0 - at / 100 for at in range(400)])[0] == "flat"


@pytest.mark.parametrize("percent", [2.0, 10.0, 100.0])
def test_a_leak_is_steep(percent):
    rng = random.Random(1)
    rising = [100.0 * (1 + percent / 100 * at * EVERY_S / 3600) + rng.uniform(-0.05, 0.05) for at in range(400)]
    found, rss = verdict(rising)
    assert found == "STEEP"
    assert rss.percent == pytest.approx(percent, rel=0.3)


def test_a_step_early_or_late_is_no_line_and_makes_it_unsure():
    for step_at in (100, 200, 300):
        found, rss = verdict([100.0 + (at >= step_at) for at in range(400)])
        assert found in ("unsure", "STEEP")
        assert rss.margin > 1.0


def test_what_wanders_is_not_called_surely_anything():
    """A walk at random has no slope, however clear the line through each of its readings may look."""
    wrong = 0
    for seed in range(100):
        rng, level, levels = random.Random(seed), 100.0, []
        for _ in range(400):
            level += rng.gauss(0, 0.02)
            levels.append(level)
        wrong += verdict(levels)[0] == "STEEP"
    assert wrong <= 20


def test_too_few_readings_tell_nothing():
    assert verdict([100.0, 200.0])[0] == "unsure"
