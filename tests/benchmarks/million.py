"""Benchmarks with a million series: scrapes, memory, and stalls of the event loop.

One daemon that received the messages of its devices, and one prometheus-client registry with the same series, loaded
from the daemon's exposition. A scrape is measured by the CPU time of the process that renders it.
"""

from __future__ import annotations

import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.benchmarks.children import Child
from tests.benchmarks.results import LESS, LIMIT, Target, result
from tests.benchmarks.stream import Arena

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.results import Result
    from tests.benchmarks.settings import Settings

SERIES = 1_000_000
SITES_OF = 100  # APs of the simulated cloud; `daemon.TEMPLATES` has the same sites
TURNS = 3  # of generate_latest, 13 s each
SCRAPES = 5
SCRAPE_WITHIN_S = 180.0


def million(settings: Settings) -> list[Result]:
    """Run scrape_1m, scrape_1m_gzip and memory_sample."""
    series = settings.count(SERIES)
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    with filled(series) as (_, daemon, held, text), Child("registry") as registry:
        loaded = registry.ask("load", path=text)
        for _ in range(min(TURNS, settings.repeat)):
            daemon.ask("fill", series=series)  # keeps rows from expiring
            ours.append(daemon.ask("scrape"))
            theirs.append(registry.ask("scrape"))
    per = [1e9 / held["series"], 1e9 / loaded["series"]]
    scrapes = [
        result(
            bench,
            baseline,
            "ns CPU a series",
            [turn[key] * per[0] for turn in ours],
            [turn[key] * per[1] for turn in theirs],
            Target(LESS, bound),
            int(held["series"]),
        )
        for bench, baseline, key, bound in (
            ("scrape_1m", "generate_latest", "text_s", 40),
            ("scrape_1m_gzip", "generate_latest + gzip 6", "gzip_s", 25),
        )
    ]
    memory = [held["bytes"] / held["series"]], [loaded["bytes_a_sample"]]
    n = int(held["series"])
    return [
        *scrapes,
        result("memory_sample", "", "bytes a sample", memory[0], [], Target(LIMIT, 30), n),
        result("memory_sample", "prometheus-client", "bytes a sample", *memory, Target(LESS, 25), n),
    ]


def loop_stall(settings: Settings) -> list[Result]:
    """Measure the longest stall during a compressed scrape under load, beside that of the naive implementation."""
    series = settings.count(SERIES)
    with filled(series) as (arena, daemon, held, text):
        turns = range(min(SCRAPES, 2 * settings.repeat))
        ours = [stall(arena, "daemon", daemon) for _ in turns]
        sys.stderr.write(f" (garbage collector: {median(turn['gc_ms'] for turn in ours):.3g} ms at most)")
        theirs = stall(arena, "naive", arena.start("naive", series=text))
    return [
        result(
            "loop_stall",
            f"naive ({what})",
            f"ms, {what}",
            [turn[key] for turn in ours],
            [theirs[key]] * len(ours),
            Target(LIMIT, 10),
            int(held["series"]),
        )
        for key, what in (("wall_ms", "wall"), ("cpu_ms", "CPU of the loop"))
    ]


@contextmanager
def filled(series: int) -> Iterator[tuple[Arena, Child, dict[str, Any], str]]:
    """Run a daemon with `series` series; yields also the path of a file with its exposition."""
    with Arena("ap", SITES_OF, rounds=1, afternoon=True) as arena, tempfile.TemporaryDirectory() as folder:
        daemon = arena.start("daemon")
        held = daemon.ask("fill", series=series)
        path = str(Path(folder) / "exposition.txt")
        daemon.ask("exposition", path=path)
        yield arena, daemon, held, path


def stall(arena: Arena, role: str, client: Child) -> dict[str, float]:
    """Scrape once under load and return the longest stalls."""
    arena.cloud.ask("begin_flood", to=role)
    client.ask("watch")
    read(client.ask("ports")["metrics"])
    longest = client.ask("watched")
    arena.cloud.ask("end_flood")
    return longest


def read(port: int, *, gzip: bool = True) -> int:
    """Scrape as Prometheus does; return the number of bytes."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Accept-Encoding": "gzip" if gzip else "identity"}
    )
    size = 0
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=SCRAPE_WITHIN_S) as answer:
        while part := answer.read(1 << 20):
            size += len(part)
    return size
