"""Switches as time passes: frozen counters never count, interfaces outlive the rarity of fresh frames."""

from __future__ import annotations

import json
from collections import deque

import pytest

from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render_all

FROZEN, TRUE, LATER = 19758, 85336, 99001


def frame(uptime: int, packets: int, *, fresh: bool) -> str:
    plumbing = {"_ttl": 190, "_time": 1774400000.25} if fresh else {"_ttl": 600}
    interfaces = {"ge-0/0/0.0": {"port_id": "ge-0/0/0", "up": True, "rx_pkts": packets, "tx_pkts": 1}}
    switch = {"mac": "d0dd49000001", "type": "switch", "last_seen": 1774576000 + uptime, "uptime": uptime}
    return json.dumps(switch | plumbing | {"if_stat": interfaces})


class Told:
    """A catalogue, and what it exports of one switch with one interface."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.catalog = FeedRouter(now=lambda: self.now)
        self._apply = self.catalog.open_channel("/sites/s/stats/devices")

    def tell(self, text: str) -> None:
        assert self._apply(text, self.now) is None

    def sweep(self) -> None:
        deque(self.catalog.sweep(), maxlen=0)

    def value(self, family: str) -> float | None:
        lines = render_all(self.catalog.store).decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(family + "{")), None)

    @property
    def packets(self) -> float | None:
        return self.value("mist_switch_interface_receive_packets_total")


@pytest.fixture
def told() -> Told:
    return Told()


def test_counters_of_cached_frames_never_show(told):
    story = [(FROZEN, False), (TRUE, True), (FROZEN, False), (FROZEN, False), (LATER, True), (FROZEN, False)]
    seen = []
    for minute, (packets, fresh) in enumerate(story):
        told.tell(frame(60 * minute, packets, fresh=fresh))
        seen.append((told.packets, told.value("mist_device_uptime_seconds")))
    assert seen == [(None, 0), (TRUE, 60), (TRUE, 120), (TRUE, 180), (LATER, 240), (LATER, 300)]


def test_an_interface_outlives_cached_frames_between_two_fresh_ones(told):
    told.tell(frame(0, TRUE, fresh=True))
    for uptime in range(30, 571, 30):
        told.now += 30
        told.tell(frame(uptime, FROZEN, fresh=False))
        told.sweep()
    assert told.packets == TRUE


def test_an_interface_that_no_fresh_frame_confirms_ends(told):
    told.tell(frame(0, TRUE, fresh=True))
    for uptime in range(30, 661, 30):
        told.now += 30
        told.tell(frame(uptime, FROZEN, fresh=False))
        told.sweep()
    assert told.packets is None
    assert told.value("mist_device_uptime_seconds") == 660
