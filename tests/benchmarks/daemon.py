"""The role `daemon`: the whole product, as `collector.daemon.wiring.run` composes it, with questions about its cost."""

from __future__ import annotations

import asyncio
import cProfile
import gc
import io
import math
import pstats
import time
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from collector import log
from collector.config import Config
from collector.daemon import wiring
from collector.metrics import text_format
from collector.mist import envelope
from collector.serve.metrics import Selection, gzipped
from tests.benchmarks import traffic
from tests.benchmarks.children import rss_bytes, spent
from tests.benchmarks.lateness import Lateness

TOKEN = "daemon"
TEMPLATES = 100


KINDS = ("clients", "unconnected_clients", "sdkclients", "assets", "discovered_assets")


def configuration(api_url: str, stream_url: str, secret_file: str | None, *, located: bool) -> Config:
    """Everything that device frames need is on, and where somebody is located that, too; nothing is off for speed."""
    config = Config.model_validate(
        {
            "accounts": [
                {"name": "bench", "api_url": api_url, "stream_url": stream_url, "token_env": "MIST_BENCH_TOKEN"}
            ],
            "streams": {
                "devices": True,
                "mxedges": True,
                "device_events": True,
                "location": dict.fromkeys(KINDS, located),
            },
            "server": {"listen": "127.0.0.1:0"},
            "webhook": {"enabled": True, "listen": "127.0.0.1:0", "secret_files": [secret_file], "rate_per_s": 1e6}
            if secret_file
            else {"enabled": False},
        }
    )
    config.bind({"MIST_BENCH_TOKEN": TOKEN}, ())
    return config


class Questions:
    """What may be asked of a running daemon."""

    def __init__(self, daemon: wiring.Daemon) -> None:
        self.daemon = daemon
        self._profile: cProfile.Profile | None = None
        self._lateness = Lateness()
        self._filled = 0  # how often `fill` used the templates after the first time

    def ports(self) -> dict[str, int]:
        return {"metrics": self.daemon.operator.port, "webhook": self.daemon.webhook.port if self.daemon.webhook else 0}

    def not_ready(self) -> list[str]:
        return self.daemon.readiness.reasons()

    def channels_up(self) -> int:
        """How many channels are acknowledged."""
        return sum(s.state == "up" for c in self.daemon.connections for s in c.subscriptions.values())

    def people(self) -> int:
        """How many are located."""
        return sum(line.people for line in self.daemon.location.lines())

    def taken(self) -> dict[str, object]:
        """Frames and events so far, CPU seconds so far, and what was dropped."""
        events = self.daemon.events.values()
        return {
            "frames": self.daemon.frames.received,
            "events": sum(account.received for account in events),
            "spent_s": spent(),
            "dropped": {**self.daemon.frames.dropped, **{k: n for a in events for k, n in a.dropped.items()}},
            "rss_bytes": rss_bytes(),
        }

    def exposition(self, path: str = "") -> str | int:
        """The whole exposition of the devices, or its length when it is written to `path`."""
        text = text_format.render_all(self.daemon.feeds.store)
        if not path:
            return text.decode()
        return Path(path).write_bytes(text)

    def fill(self, series: int) -> dict[str, float]:
        """Let APs speak until they make so many series; how many they are and what they cost in memory.

        The way from the frame on is the same as from the socket. Called again it refreshes the same devices.
        """
        made = traffic.access_points(TEMPLATES, 1)
        gc.collect()
        empty, spoken = rss_bytes(), self._speak(made, 1)
        more = max(0, math.ceil(series / self.series() - 1))
        spoken += sum(self._speak(made, 2 + turn) for turn in range(more if not self._filled else self._filled))
        self._filled = self._filled or more
        gc.collect()
        held = rss_bytes() - empty
        return {"devices": spoken, "series": self.series(), "rows": self.rows(), "bytes": held}

    def _speak(self, made: traffic.Traffic, number: int) -> int:
        """Every template once, under its alias of this number; how many."""
        for frame in made.frames:
            mac = orjson.loads(orjson.loads(frame)["data"])["mac"]
            text = frame.replace(mac.encode(), traffic.alias(mac, number).encode())
            self.daemon.dispatcher.event(envelope.parse(text), self.daemon.clock.now())
        return len(made.devices)

    def series(self) -> int:
        """How many series the exposition of the store has."""
        return sum(map(count_lines, text_format.render(self.daemon.feeds.store)))

    def rows(self) -> int:
        """How many rows all tables have."""
        return sum(map(len, self.daemon.feeds.store.tables.values()))

    async def scrape(self) -> dict[str, float]:
        """CPU seconds of one exposition, and of one with gzip, made as for /metrics."""
        began = spent()
        async for _ in self.daemon.scrape.render(Selection()):
            pass
        rendered = spent()
        async for _ in gzipped(self.daemon.scrape.render(Selection())):
            pass
        return {"text_s": rendered - began, "gzip_s": spent() - rendered}

    def watch(self) -> None:
        """Begin to look for stalls of the loop."""
        self._lateness.watch()

    def watched(self) -> dict[str, float]:
        """The longest stalls since then."""
        return self._lateness.watched()

    def profile(self, *, on: bool) -> str:
        """Start profiling, or stop and tell."""
        if on:
            self._profile = cProfile.Profile(time.process_time)  # CPU: what other processes take does not count
            self._profile.enable()
            return ""
        assert self._profile is not None
        self._profile.disable()
        text = io.StringIO()
        pstats.Stats(self._profile, stream=text).sort_stats("tottime").print_stats(30)
        return text.getvalue()


@asynccontextmanager
async def daemon(api_url: str, stream_url: str, secret_file: str | None = None, *, located: bool = False):
    log.configure("warning", "json")
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        wiring.run(
            configuration(api_url, stream_url, secret_file, located=located), stop=stop, started=started.set_result
        )
    )
    await asyncio.wait([running, started], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    questions = Questions(started.result())
    yield {name: getattr(questions, name) for name in dir(questions) if not name.startswith("_") and name != "daemon"}
    stop.set()
    await running


def count_lines(chunk: bytes) -> int:
    """Samples in a chunk of exposition."""
    return chunk.count(b"\n") - 2 * chunk.count(b"# HELP ")
