"""Every bench runs, tiny. Nothing here looks at a clock: figures are for `make bench`, and targets for people."""

import json
import math

import pytest

from tests.benchmarks import agreement, giant, readers, results
from tests.benchmarks.benches import BENCHES
from tests.benchmarks.giant_cloud import CALLS_AN_HOUR, Calls
from tests.benchmarks.profile import PROFILES, stages
from tests.benchmarks.settings import QUICK


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_runs_and_its_results_are_lines_of_json(name):
    # the benches of frames compare the samples of the daemon with those of naive, and raise where they differ
    found = BENCHES[name](QUICK)

    assert found
    for one in found:
        line = json.loads(one.line())
        assert {"bench", "unit", "value", "baseline", "ratio", "n", "spread"} <= line.keys()
        assert math.isfinite(line["value"])  # no more is sure of a time: with so few rounds a difference may be noise
        assert line["n"] > 0
    assert len(results.table(found).splitlines()) == len(found) + 1


def test_a_giant_starts_tiny():
    found = giant.start(6, 3, period_s=0.5, within_s=60)

    assert found["channels_up"] == found["subscribed"] == 6 * 3 + 2
    assert found["connections"] == found["handshakes"] == 1
    assert found["frames_applied"] == found["frames"] >= 18
    assert found["scrape_then"]["series"] > 18 * 150
    assert found["scrape_then"]["whole"]
    assert found["calls"] == sum(found["calls_of"].values()) <= 40
    assert not found["calls_refused"]
    assert not found["channels_refused"]
    assert not found["not_healthy"]
    for name, _ in (*giant.MILESTONES,):
        assert found[name] > 0, name
    assert "never" not in giant.table(found)


def test_a_giant_beyond_the_limits_is_refused():
    assert giant.most_within([0.0, 0.5, 0.9, 1.2, 1.49, 9.0], 1.0) == 4
    calls = Calls()
    admitted = [calls.admit("/self") for _ in range(CALLS_AN_HOUR + 1)]
    assert admitted.count(False) in (0, 1)  # 0 where the hour turned meanwhile
    assert calls.refused == admitted.count(False)


def test_the_stages_of_a_frame_are_told():
    assert "ObjectKind.write" in stages(2)
    assert set(PROFILES) >= {"device_frame", "webhook"}


def test_different_samples_are_a_disagreement():
    with pytest.raises(agreement.Disagreement, match="differ"):
        agreement.check('a{b="1"} 2.0\n', 'a{b="1"} 3.0\n')
    with pytest.raises(agreement.Disagreement, match="only 0"):
        agreement.check('a{b="1"} 2.0\n', 'a{b="2"} 2.0\n')
    assert agreement.check('a{b="1",c=""} 2.0\n', 'a{b="1"} 2.0\n') == 1


async def test_readers_are_compared():
    lines = await readers.compare(turns=1, seconds=0.05, scale=0.1)
    assert [line.partition(",")[0] for line in lines] == list(readers.KINDS)
    assert all("library " in line and "collector " in line for line in lines)


@pytest.mark.parametrize(
    ("target", "value", "baseline", "ratio", "met"),
    [
        (results.Target(results.LESS, 12), 10.0, 120.0, 12.0, True),
        (results.Target(results.LESS, 12), 10.0, 119.0, 11.9, False),
        (results.Target(results.SHARE, 0.8), 8.0, 10.0, 0.8, True),
        (results.Target(results.SHARE, 0.8), 9.0, 10.0, 0.9, False),
        (results.Target(results.LIMIT, 10), 10.0, None, None, True),
        (results.Target(results.LIMIT, 10), 10.1, None, None, False),
    ],
)
def test_what_meets_a_target(target, value, baseline, ratio, met):
    found = results.result("bench", "it", "us", [value], [baseline] if baseline else [], target, 1)

    assert found.ratio == (pytest.approx(ratio) if ratio else None)
    assert found.met is met


def test_a_ratio_is_the_median_of_the_turns():
    found = results.result("bench", "it", "us", [1.0, 2.0, 9.0], [10.0, 10.0, 18.0], results.Target(results.LESS, 2), 3)

    assert (found.value, found.baseline, found.ratio) == (2.0, 10.0, 5.0)
    assert found.spread == 4.0
