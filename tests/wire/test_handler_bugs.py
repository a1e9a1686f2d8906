"""A bug in a catalogue function: the log line names the object kind, the channel and the line of generated code."""

from __future__ import annotations

import json

import structlog

from collector.catalog import ap
from collector.feeds.router import FeedRouter
from collector.ingest.dispatcher import Dispatcher
from collector.metrics.model import Label, StateSet
from collector.mist.deduplicator import Deduplicator
from collector.mist.envelope import Data
from collector.status import Counts

CHANNEL = "/sites/3f7d0000-0000-0000-0000-000000000001/stats/devices"
SECRET = "guest-laptop-of-smith"


def broken(*_: object) -> str:
    raise ZeroDivisionError(SECRET)


def apply(*payloads: dict) -> list[dict]:
    """Apply payloads of the device channel and return the log lines."""
    feeds, frames = FeedRouter(), Counts()
    dispatcher = Dispatcher(
        open_channel=feeds.open_channel,
        open_topic=feeds.open_topic,
        duplicates=Deduplicator(),
        frames=frames,
        events={},
    )
    dispatcher.subscribe("/sites/3f7d0000-0000-0000-0000-000000000002/stats/devices")
    dispatcher.subscribe(CHANNEL)
    with structlog.testing.capture_logs() as logs:
        for payload in payloads:
            dispatcher.event(Data(CHANNEL, json.dumps({"mac": "5c5b35000001", "type": "ap"} | payload)), 1.0)
    assert frames.received == len(payloads)
    assert frames.dropped == ({"internal_error": len(payloads)} if logs else {})
    return logs


def assert_line(line: dict, path: str) -> None:
    assert line["event"] == "handler_failed"
    assert line["error"] == "ZeroDivisionError"
    assert line["where"].startswith("broken:")
    assert line["object"] == "ap"
    assert line["channel"] == CHANNEL
    function, number, source = line["generated"].split(":", 2)
    assert function == "write_ap"
    (kind,) = (kind for kind in FeedRouter().kinds() if kind.name == "ap")
    assert kind.writer.source.splitlines()[int(number) - 1].strip() == source.strip()
    assert path in source.partition("#")[2]
    assert SECRET not in str(line)


def test_a_state_set():
    (family,) = (one for one in ap.AP.families if isinstance(one, StateSet) and one.path == "gps_stat.src")
    fold = family.fold
    object.__setattr__(family, "fold", broken)
    try:
        (line,) = apply({"gps_stat": {"src": "gps"}}, {"gps_stat": {"src": "other"}})  # the same bug once
    finally:
        object.__setattr__(family, "fold", fold)
    assert_line(line, "ap.gps_stat")


def test_a_label_of_a_nested_row(monkeypatch):
    (radio,) = (entity for entity in ap.NESTED if "band" in entity.labels and entity.within is ap.AP)
    monkeypatch.setitem(radio.labels, "band", Label("usage", broken))
    (line,) = apply({"radio_stat": {"band_5": {"channel": 36}}})
    assert_line(line, "ap.radio_stat")


def test_without_a_bug_nothing_is_logged():
    assert apply({"gps_stat": {"src": "gps"}}, {"radio_stat": {"band_5": {"channel": 36}}}) == []
