"""The long proof: `python -m tests.benchmarks.long_scrape --minutes 10`.

A real Prometheus (on PATH) scrapes a million series every 15 s while 2,000 frames a second arrive. Told at the end:
scrapes that failed, their duration, the answers of `/-/healthy` up to the 99.9th percentile, and the daemon's memory at
the beginning and at the end. Exit code 1 when a scrape after the first failed, when the 99.9th percentile is over
50 ms, or when memory grew by more than a tenth after the first quarter.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from tests.benchmarks.million import SERIES
from tests.benchmarks.stream import Arena, wait_for
from tests.support import programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.children import Child

EVERY_S = 15
RATE = 2000.0
PROBE_S = 0.02
HEALTHY_WITHIN_MS = 50.0
GROWTH = 1.1
SERIES_AN_AP = 207  # of the frames of `traffic`
BLOCK_S = 5.0
PROMETHEUS_WITHIN_S = 10.0


@dataclass(slots=True)
class Watch:
    """What was seen while it ran."""

    healthy_ms: list[float] = field(default_factory=list)
    unhealthy: int = 0
    memory: list[int] = field(default_factory=list)
    frames: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def probe(self, port: int) -> None:
        """Ask for health again and again, each time on the same connection, until it is over."""
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        while not self.over.wait(PROBE_S):
            began = time.perf_counter()
            try:
                connection.request("GET", "/-/healthy")
                answer = connection.getresponse()
                answer.read()
                self.unhealthy += answer.status != 200
            except OSError:
                self.unhealthy += 1
                connection.close()
            self.healthy_ms.append((time.perf_counter() - began) * 1e3)

    @property
    def slowest_ms(self) -> float:
        """The 99.9th percentile."""
        return quantiles(self.healthy_ms, n=1000)[-1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.long_scrape", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--series", type=int, default=SERIES)
    parser.add_argument("--rate", type=float, default=RATE, help="frames a second")
    parser.add_argument("--every", type=int, default=EVERY_S, help="seconds between scrapes")
    asked = parser.parse_args()
    watch = Watch()
    with Arena("ap", asked.series // SERIES_AN_AP, rounds=1) as arena, tempfile.TemporaryDirectory() as folder:
        daemon = arena.start("daemon")
        arena.measure("daemon", arena.once)
        series, port = daemon.ask("series"), daemon.ask("ports")["metrics"]
        with prometheus(Path(folder), port, asked.every) as api:
            scrapes = live(arena, daemon, watch, asked, api)
    return told(watch, scrapes, series)


def live(arena: Arena, daemon: Child, watch: Watch, asked: argparse.Namespace, api: str) -> dict[str, list[float]]:
    """Let it run for its time; what Prometheus recorded of its scrapes, by metric."""
    prober = threading.Thread(target=watch.probe, args=(daemon.ask("ports")["metrics"],))
    until = time.monotonic() + asked.minutes * 60.0
    prober.start()
    try:
        while time.monotonic() < until:
            watch.frames += arena.cloud.ask("pace", to="daemon", rate=asked.rate, seconds=BLOCK_S)
            watch.memory.append(daemon.ask("taken")["rss_bytes"])
    finally:
        watch.over.set()
        prober.join()
    period = f"{round(asked.minutes * 60)}s"
    metrics = ("up", "scrape_duration_seconds", "scrape_samples_scraped")
    return {name: query(api, f'{name}{{job="daemon"}}[{period}]') for name in metrics}


def told(watch: Watch, scrapes: dict[str, list[float]], series: int) -> int:
    """Print what was found; the exit code."""
    memory = watch.memory[len(watch.memory) // 4 :]
    found = {
        "series": series,
        "frames": watch.frames,
        "scrapes": len(scrapes["up"]),
        "failed": scrapes["up"].count(0.0),
        "failed_after_the_first": scrapes["up"][1:].count(0.0),
        "samples": median(scrapes["scrape_samples_scraped"]),
        "scrape_s": {
            "first": scrapes["scrape_duration_seconds"][0],
            "median": median(scrapes["scrape_duration_seconds"]),
        },
        "healthy_ms": {"median": median(watch.healthy_ms), "p99.9": watch.slowest_ms, "asked": len(watch.healthy_ms)},
        "not_healthy": watch.unhealthy,
        "memory_mb": {"quarter": memory[0] / 1e6, "largest": max(memory) / 1e6, "end": memory[-1] / 1e6},
    }
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    good = (
        not found["failed_after_the_first"]
        and not watch.unhealthy
        and watch.slowest_ms <= HEALTHY_WITHIN_MS
        and memory[-1] <= memory[0] * GROWTH
    )
    return 0 if good else 1


@contextmanager
def prometheus(folder: Path, port: int, every_s: int) -> Iterator[str]:
    """A Prometheus that scrapes the daemon; gives the address of its API."""
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: {every_s}s, scrape_timeout: {every_s}s}}\n"
        f"scrape_configs: [{{job_name: daemon, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n",
        encoding="utf-8",
    )
    own = free_port()
    process = subprocess.Popen(
        [
            programs.require("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{own}",
            "--log.level=error",
        ],
    )
    try:
        api = f"http://127.0.0.1:{own}"
        wait_for(lambda: answers(f"{api}/-/ready"))
        yield api
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    """Whether it does, with 200."""
    try:
        with opener().open(url, timeout=PROMETHEUS_WITHIN_S):
            return True
    except OSError:
        return False


def query(api: str, expression: str) -> list[float]:
    """The recorded values of one series, oldest first."""
    url = f"{api}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with opener().open(url, timeout=PROMETHEUS_WITHIN_S) as answer:
        found = json.load(answer)["data"]["result"]
    return [float(value) for _, value in found[0]["values"]] if found else []


def opener() -> urllib.request.OpenerDirector:
    """Asks loopback, whatever proxy the environment names."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
