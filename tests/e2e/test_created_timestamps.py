"""A restart between two scrapes: the counters have grown beyond their old values, so only `_created` shows it.

Prometheus from 2.55 on with `created-timestamp-zero-ingestion` turns `_created` of OpenMetrics into a sample of 0 at
that time. Older ones, and those without the feature, store `_created` as a series, whose value changes.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from collector.daemon.scrape import Scrape
from collector.feeds.router import FeedRouter
from collector.listener.address import ListenAddress
from collector.metrics.own_families import StatusRecords
from collector.metrics.self_metrics import SelfMetrics
from collector.serve.listener import OperatorListener
from collector.status import Counts
from tests.support.processes import Prometheus, eventually
from tests.support.programs import require

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SITE = "3f7d0000-0000-0000-0000-000000000001"
WEBHOOK_EVENTS = f'mist_webhook_events_total{{type="AP_RESTARTED",site_id="{SITE}"}}'
FRAMES = "mist_collector_stream_frames_received_total"
READS_CREATED = (2, 55)


class Collector:
    """The counting parts of a collector, which a test can restart between two scrapes."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self.openmetrics: list[bool] = []
        self.restart(0)

    def restart(self, count: int) -> None:
        """Start from nothing and count `count` events and frames. No scrape sees a state in between."""
        feeds, now = FeedRouter(), self._clock()
        apply = feeds.open_topic("device-events")
        for number in range(count):
            event = {"type": "AP_RESTARTED", "mac": f"5c5b35{number:06x}", "timestamp": now, "site_id": SITE}
            assert apply(event | {"org_id": SITE}, now) is None
        records = StatusRecords(
            version="1", to_unix=float, started_at=now, frames=Counts(received=count, applied=count), events={}
        )
        self.created = now
        self._scrape = Scrape(feeds.store, SelfMetrics(records))

    def render(self, selection):
        self.openmetrics.append(selection.openmetrics)
        return self._scrape.render(selection)


@asynccontextmanager
async def listening(collector: Collector) -> AsyncIterator[str]:
    listener = OperatorListener(ListenAddress("127.0.0.1", 0), render=collector.render, ready=list, status=None)
    async with listener:
        yield f"http://127.0.0.1:{listener.port}"


def version_of(program: str) -> tuple[int, ...]:
    answer = subprocess.run([program, "--version"], capture_output=True, check=True, text=True)
    return tuple(map(int, re.search(r"version (\d+)\.(\d+)", answer.stdout + answer.stderr).groups()))


def value(scraper: Prometheus, query: str) -> float | None:
    rows = scraper.query(query)
    assert len(rows) <= 1, rows
    return float(rows[0]["value"][1]) if rows else None


@pytest.mark.e2e
@pytest.mark.parametrize("feature", ["created-timestamp-zero-ingestion", ""], ids=["zero-ingestion", "plain"])
async def test_a_restart_between_two_scrapes_is_visible(tmp_path, prometheus, feature):
    collector = Collector(time.time)
    collector.restart(5)
    async with listening(collector) as url:

        def see() -> None:
            with Prometheus(prometheus, tmp_path, url, features=feature) as scraper:
                for counter in (WEBHOOK_EVENTS, FRAMES):
                    eventually(lambda name=counter: value(scraper, name) == 5.0, f"{counter} is scraped")
                before = collector.created
                loop.call_soon_threadsafe(collector.restart, 7)
                for counter in (WEBHOOK_EVENTS, FRAMES):
                    eventually(lambda name=counter: value(scraper, name) == 7.0, f"{counter} is scraped again")
                    check(scraper, counter, before)

        def check(scraper: Prometheus, counter: str, before: float) -> None:
            created = counter.replace("_total", "_created")
            assert collector.created > before
            if feature and version_of(prometheus) >= READS_CREATED:
                assert value(scraper, created) is None
                assert value(scraper, f"resets({counter}[5m])") == 1.0
                assert value(scraper, f"min_over_time({counter}[5m])") == 0.0
            else:
                assert value(scraper, created) == pytest.approx(collector.created, abs=0.002)
                assert value(scraper, f"min_over_time({created}[5m])") == pytest.approx(before, abs=0.002)
                assert value(scraper, f"changes({created}[5m])") == 1.0
                assert value(scraper, f"resets({counter}[5m])") == 0.0, "without _created it is not visible"

        loop = asyncio.get_running_loop()
        await asyncio.to_thread(see)
    assert all(collector.openmetrics)


def test_the_version_is_read():
    assert version_of(require("prometheus")) >= (2, 0)
