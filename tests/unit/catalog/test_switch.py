"""Switches: cached frames do not change counters, and interfaces live until the next fresh frame."""

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
    payload = {"mac": "d0dd49000001", "type": "switch", "last_seen": 1774576000 + uptime, "uptime": uptime}
    return json.dumps(payload | plumbing | {"if_stat": interfaces})


class Switch:
    """A router, and the series of a switch with one interface."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.router = FeedRouter(now=lambda: self.now)
        self._handler = self.router.open_channel("/sites/s/stats/devices")

    def apply(self, text: str) -> None:
        assert self._handler(text, self.now) is None

    def sweep(self) -> None:
        deque(self.router.sweep(), maxlen=0)

    def value(self, family: str) -> float | None:
        lines = render_all(self.router.store).decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(family + "{")), None)

    @property
    def packets(self) -> float | None:
        return self.value("mist_switch_interface_receive_packets_total")


@pytest.fixture
def switch() -> Switch:
    return Switch()


def test_counters_of_cached_frames_are_not_exported(switch):
    story = [(FROZEN, False), (TRUE, True), (FROZEN, False), (FROZEN, False), (LATER, True), (FROZEN, False)]
    seen = []
    for minute, (packets, fresh) in enumerate(story):
        switch.apply(frame(60 * minute, packets, fresh=fresh))
        seen.append((switch.packets, switch.value("mist_device_uptime_seconds")))
    assert seen == [(None, 0), (TRUE, 60), (TRUE, 120), (TRUE, 180), (LATER, 240), (LATER, 300)]


def test_an_interface_lives_between_two_fresh_frames(switch):
    switch.apply(frame(0, TRUE, fresh=True))
    for uptime in range(30, 571, 30):
        switch.now += 30
        switch.apply(frame(uptime, FROZEN, fresh=False))
        switch.sweep()
    assert switch.packets == TRUE


def test_an_interface_without_fresh_frames_ends(switch):
    switch.apply(frame(0, TRUE, fresh=True))
    for uptime in range(30, 661, 30):
        switch.now += 30
        switch.apply(frame(uptime, FROZEN, fresh=False))
        switch.sweep()
    assert switch.packets is None
    assert switch.value("mist_device_uptime_seconds") == 660
