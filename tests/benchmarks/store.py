"""Benchmarks of the store alone, in this process: an update, and the expiry of many rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson
from prometheus_client import Gauge

from collector.feeds.router import FeedRouter
from collector.metrics import text_format
from tests.benchmarks import agreement, traffic
from tests.benchmarks.results import LESS, LIMIT, SHARE, Target, result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.benchmarks.results import Result
    from tests.benchmarks.settings import Settings

UPDATES = 20_000
ROWS = 100_000
EXPIRED = 0.1
APS = 50
TTL_S = 100_000.0  # longer than the time to live of any measurement


def store_update(settings: Settings) -> list[Result]:
    """Write the decoded samples of one AP into the store, and the same samples with `labels().set()`."""
    catalog = FeedRouter()
    frames = [orjson.loads(frame) for frame in traffic.access_points(APS, 1).frames]
    for frame in frames:
        catalog.open_channel(frame["channel"])(frame["data"], 1.0)
    kind = catalog.devices.kinds_by_name["ap"]
    decoded = [
        (kind.decode(frame["data"]), catalog.devices.row_index.objects[orjson.loads(frame["data"])["mac"]])
        for frame in frames
    ]
    gauges = as_gauges(text_format.render_all(catalog.store).decode())
    write, values, baselines = kind.write, [], []
    rounds = max(1, settings.count(UPDATES) // len(decoded))

    def ours() -> None:
        for struct, rows in decoded:
            write(struct, rows, 2.0)

    def theirs() -> None:
        for gauge, labels, value in gauges:
            gauge.labels(*labels).set(value)

    for _ in range(settings.repeat):
        values.append(cost_us(ours, rounds) / len(decoded))
        baselines.append(cost_us(theirs, max(1, rounds // 20)) / len(decoded))
    return [
        result(
            "store_update",
            "labels().set()",
            "us CPU an AP",
            values,
            baselines,
            Target(LESS, 30),
            rounds * len(decoded) * settings.repeat,
        )
    ]


def as_gauges(text: str) -> list[tuple[Gauge, tuple[str, ...], float]]:
    """Return every sample of an exposition as a gauge with its label values and its value, without info series."""
    made: dict[tuple[str, tuple[str, ...]], Gauge] = {}
    found = []
    for (name, labels), value in agreement.samples(text).items():
        names = tuple(key for key, _ in labels)
        gauge = made.get((name, names))
        if gauge is None:
            gauge = made[name, names] = Gauge(name, "The same family.", names, registry=None)
        found.append((gauge, tuple(value for _, value in labels), value))
    return found


def cost_us(work: Callable[[], Any], rounds: int) -> float:
    """Return the CPU microseconds of one call."""
    began = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - began) / rounds * 1e6


def expire(settings: Settings) -> list[Result]:
    """Expire a tenth of all rows: the longest step of the sweep, and a scrape while they end."""
    stalls, sweeping, still = [], [], []
    rows = 0
    for _ in range(settings.repeat):
        fleet = ExpiringFleet(settings.count(ROWS))
        rows = fleet.rows
        still.append(fleet.scrape_s() * 1e3)
        longest, during = fleet.sweep_s()
        stalls.append(longest * 1e3)
        sweeping.append(during * 1e3)
        if rows - fleet.rows < rows * EXPIRED / 2:
            raise RuntimeError(f"of {rows} rows only {rows - fleet.rows} ended")
    return [
        result("expire", "", "ms CPU, longest", stalls, [], Target(LIMIT, 10), rows),
        result("expire", "a scrape without", "ms CPU, scrape", sweeping, still, Target(SHARE, 1.1), rows),
    ]


class ExpiringFleet:
    """A store with `rows` rows, of which those of a tenth of the devices have expired."""

    def __init__(self, rows: int) -> None:
        self._now = 0.0
        self.catalog = FeedRouter(now=lambda: self._now)
        self._bodies = [orjson.loads(frame) for frame in traffic.access_points(APS, 1).frames[:APS]]
        copies = 0
        while self.rows < rows:
            copies += 1
            self._send(copies)
        self._now = TTL_S
        for number in range(1, copies + 1):
            self._send(number, skip=EXPIRED)

    @property
    def rows(self) -> int:
        """Return the number of rows of all tables."""
        return sum(map(len, self.catalog.store.tables.values()))

    def _send(self, number: int, *, skip: float = 0.0) -> None:
        for index, frame in enumerate(self._bodies):
            if index < APS * skip:
                continue
            mac = orjson.loads(frame["data"])["mac"]
            text = frame["data"].replace(mac, traffic.alias(mac, number))
            self.catalog.open_channel(frame["channel"])(text, self._now)

    def scrape_s(self) -> float:
        """Return the CPU seconds of a scrape while no row ends."""
        return self._scrape(iter(()))[0]

    def sweep_s(self) -> tuple[float, float]:
        """Return the CPU seconds of the longest step of the sweep, and of a scrape that it interleaves with."""
        scrape, steps = self._scrape(self.catalog.sweep())
        return max(steps), scrape

    def _scrape(self, sweep: Iterator[int]) -> tuple[float, list[float]]:
        """Render chunk by chunk, with one step of the sweep between chunks, as on the event loop."""
        store, scrape, steps = self.catalog.store, 0.0, []
        began = time.process_time()
        number = store.begin_scrape()
        chunks = text_format.render(store)
        while next(chunks, None) is not None:
            scrape += time.process_time() - began
            began = time.process_time()
            next(sweep, None)
            steps.append(time.process_time() - began)
            began = time.process_time()
        store.end_scrape(number)
        scrape += time.process_time() - began
        for _ in sweep:
            steps.append(time.process_time() - began)
            began = time.process_time()
        return scrape, steps
