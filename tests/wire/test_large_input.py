"""Frames too large to keep as files: they are applied or dropped like any other, and do not multiply series."""

from __future__ import annotations

import json

import pytest

from collector.metrics.nested_rows import MAX_ELEMENTS
from tests.support import golden

MEGABYTE = 1_000_000
CHANNEL = "/sites/4ac1dcf4-9d8b-7211-65c4-057819f0862b/stats/devices"
AP = {"mac": "5c5b350e0001", "type": "ap", "last_seen": 1774576960, "num_clients": 7}


def frame(payload: object) -> bytes:
    """One frame, its payload as text."""
    return json.dumps({"event": "data", "channel": CHANNEL, "data": json.dumps(payload)}).encode()


@pytest.fixture
def replay(tmp_path):
    """Replay frames: the samples and the books."""

    def run(*frames: bytes) -> tuple[dict, dict]:
        file = tmp_path / "frames.jsonl"
        file.write_bytes(b"\n".join(frames) + b"\n")
        outcome = golden.replay((file,))
        assert not golden.unbalanced(outcome.object_counts)
        return golden.samples(outcome.text), outcome.object_counts

    return run


def named(samples: dict, name: str) -> list[float]:
    """The values of one metric."""
    return [value for (metric, _), value in samples.items() if metric == name]


@pytest.mark.parametrize(
    "filler",
    [{"text": "x" * MEGABYTE}, {"list": [0] * (MEGABYTE // 3)}, {"map": {str(n): n for n in range(MEGABYTE // 14)}}],
    ids=lambda filler: next(iter(filler)),
)
def test_a_megabyte_of_fields_that_nobody_reads(replay, filler):
    samples, object_counts = replay(frame(AP | filler))
    assert object_counts["applied"] == 1
    assert named(samples, "mist_ap_clients") == [7.0]


def test_a_name_of_a_megabyte_is_cut(replay):
    samples, _ = replay(frame(AP | {"name": "x" * MEGABYTE}))
    ((_, labels),) = [key for key in samples if key[0] == "mist_device_info"]
    assert max(len(value) for _, value in labels) == 256


def test_a_megabyte_of_rubbish_costs_only_itself(replay):
    rubbish = [b"\x00\xff" * (MEGABYTE // 2), b"[" * MEGABYTE, b'{"a":' * (MEGABYTE // 5), b'"' + b"x" * MEGABYTE]
    samples, object_counts = replay(*rubbish, frame(AP))
    assert object_counts["applied"] == 1
    assert sum(object_counts["dropped"].values()) == len(rubbish)
    assert named(samples, "mist_ap_clients") == [7.0]


def test_a_frame_cut_anywhere_is_dropped_whole(replay):
    whole = frame(AP)
    samples, object_counts = replay(*(whole[:end] for end in range(1, len(whole))))
    assert object_counts["applied"] == 0
    assert not samples


def test_one_object_has_so_many_rows_and_no_more(replay):
    ports = {f"eth{n}": {"up": True, "rx_bytes": n} for n in range(3 * MAX_ELEMENTS)}
    samples, object_counts = replay(frame(AP | {"port_stat": ports}))
    assert object_counts["applied"] == 1
    assert len(named(samples, "mist_ap_port_up")) == MAX_ELEMENTS
