"""The start of a giant: `python -m tests.benchmarks.giant [--sites 5000] [--aps 20] [--located]`.

A cloud of that many sites and access points (`giant_cloud`), and the daemon as `mist-collector run` starts it, each a
process of its own. Told at the end: how long until the inventory is known, every channel acknowledged, `/-/ready` is
200 and every device heard; what it took in REST calls, handshakes and subscriptions a second; memory; the first scrape;
and how long `/-/healthy`, asked every 50 ms, kept waiting. A long answer is a stall only as far as the daemon itself
was on the processor meanwhile: the kernel tells (Linux only). Exit code 1 when it was not ready within `--within`
seconds, when Mist would have refused a call or a channel, or when an answer took more than `--stall` ms of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.children import ROOT, Child
from tests.benchmarks.giant_cloud import CALLS_AN_HOUR
from tests.benchmarks.long_scrape import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PROBE_S = 0.05
LOOK_S = 0.25
PERIOD_S = 30.0
WITHIN_S = 600.0
STALL_MS = 50.0
TOKEN = "giant"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer of /-/healthy."""

    at: float  # monotonic
    took_ms: float
    worked_ms: float  # of them the daemon was on the processor

    @property
    def stall_ms(self) -> float:
        """How much of the wait was the daemon's own doing, at most."""
        return min(self.took_ms, self.worked_ms)


@dataclass(slots=True)
class Watch:
    """Asks for health again and again, on the same connection, until it is over."""

    port: int
    pid: int
    answers: list[Answered] = field(default_factory=list)
    failed: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def probe(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.over.wait(PROBE_S):
            began, worked = time.monotonic(), on_processor_s(self.pid)
            try:
                connection.request("GET", "/-/healthy")
                answer = connection.getresponse()
                answer.read()
                self.failed += answer.status != 200
            except OSError:
                self.failed += 1
                connection.close()
            took, worked = time.monotonic() - began, on_processor_s(self.pid) - worked
            self.answers.append(Answered(began, took * 1e3, worked * 1e3))
        connection.close()


class Daemon:
    """The daemon's process, its log and its answers."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.pid = process.pid
        self.port = port
        self.began = time.monotonic()
        self.said: dict[str, float] = {}  # event of the log -> when it first came
        self.log: deque[str] = deque(maxlen=2000)
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            try:
                self.said.setdefault(json.loads(line)["event"], time.monotonic())
            except (ValueError, KeyError, TypeError):
                continue

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; 0 while nobody listens."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def memory(self) -> dict[str, float]:
        """Resident MB now, and the most so far."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        numbers = {line.split(":")[0]: line.split()[1] for line in text.splitlines() if line.startswith("Vm")}
        return {"now": int(numbers["VmRSS"]) / 1024, "peak": int(numbers["VmHWM"]) / 1024}

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._listening.join()
        assert self.process.stderr is not None
        self.process.stderr.close()


def on_processor_s(pid: int) -> float:
    """Seconds that the main thread of a process was on a processor; the present time where the kernel does not tell."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="ascii")
    except OSError:
        return time.monotonic()
    return int(text.split()[0]) / 1e9


def configuration(addresses: dict[str, Any], port: int, *, located: bool, shards: int) -> dict[str, Any]:
    """As an operator would write it: nothing but where the cloud is; with `located`, positions of clients too."""
    account = {key: addresses[key] for key in ("api_url", "stream_url")}
    return {
        "accounts": [{"name": "giant", "token_env": "MIST_BENCH_TOKEN", **account}],
        "server": {"listen": f"127.0.0.1:{port}"},
        "webhook": {"enabled": False},
        **({"streams": {"location": {"clients": True}}} if located else {}),
        **({"shard": {"index": 0, "count": shards}} if shards > 1 else {}),
    }


@contextmanager
def running(settings: dict[str, Any], port: int) -> Iterator[Daemon]:
    """The daemon at work."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "collector.yaml"
        file.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
        process = subprocess.Popen(
            [sys.executable, "-m", "collector", "run", "--config", str(file)],
            cwd=ROOT,
            env={**os.environ, "MIST_BENCH_TOKEN": TOKEN},
            stderr=subprocess.PIPE,
            text=True,
        )
        daemon = Daemon(process, port)
        try:
            yield daemon
        finally:
            daemon.end()


def start(
    sites: int, aps: int, *, period_s: float, within_s: float, located: bool = False, shards: int = 1
) -> dict[str, Any]:
    """Let it start; what was found, times in seconds since the process was started."""
    with Child("giant_cloud", sites=sites, aps=aps, period_s=period_s) as cloud:
        addresses, port = cloud.ask("addresses"), free_port()
        with running(configuration(addresses, port, located=located, shards=shards), port) as daemon:
            until = time.monotonic() + within_s
            found = {"sites": sites, "devices": sites * aps, "located": located, "period_s": period_s}
            found["listening_s"] = waited(lambda: daemon.get("/-/healthy")[0] == 200, daemon, until)
            watch = Watch(daemon.port, daemon.pid)
            prober = threading.Thread(target=watch.probe)
            prober.start()
            try:
                found |= observed(daemon, cloud, until)
            finally:
                watch.over.set()
                prober.join()
            found |= stalls(watch, daemon.began + (found["ready_s"] or within_s))
            return found | {"log": [line for line in daemon.log if '"info"' not in line][:10]}


def observed(daemon: Daemon, cloud: Child, until: float) -> dict[str, Any]:
    """What happens from the first moment on until every device has been heard and scraped."""
    found: dict[str, Any] = {"ready_s": waited(lambda: daemon.get("/-/ready")[0] == 200, daemon, until)}
    found |= {"ready_mb": daemon.memory(), "ready_cpu_s": on_processor_s(daemon.pid)}
    found["scrape_at_ready"] = scraped(daemon)
    waited(lambda: cloud.ask("seen")["silent"] == 0, daemon, until)
    waited(lambda: "backfill_completed" in daemon.said, daemon, until)
    settle(daemon, cloud, until)
    found["heard_s"] = since(cloud.ask("seen")["spoken_at"], daemon)
    found["heard_mb"] = daemon.memory()
    found["scrape_then"] = scraped(daemon)
    found["scraped_mb"] = daemon.memory()
    found["cpu_s"] = on_processor_s(daemon.pid)
    page = time.monotonic()
    found["status_page"] = {"bytes": len(daemon.get("/")[1]), "s": time.monotonic() - page}
    found["read_s"] = since(daemon.said.get("inventory_read"), daemon)
    found["backfilled_s"] = since(daemon.said.get("backfill_completed"), daemon)
    return found | of_the_cloud(cloud.ask("seen"), daemon) | counted(daemon)


def settle(daemon: Daemon, cloud: Child, until: float) -> None:
    """Wait until the daemon has read what was written by now."""
    written = cloud.ask("seen")["frames"]
    waited(lambda: counted(daemon)["frames"] >= written, daemon, until)


def counted(daemon: Daemon) -> dict[str, Any]:
    """What the daemon says of itself."""
    text = daemon.get("/metrics?collect[]=collector")[1].decode()
    own = [line.rpartition(" ") for line in text.splitlines() if line.startswith("mist_collector_")]
    values = {name: float(value) for name, _, value in own if "mist_collector_subscription_" not in name}
    return {
        "frames": values.get("mist_collector_stream_frames_received_total", 0.0),
        "frames_applied": values.get("mist_collector_stream_frames_applied_total", 0.0),
        "channels_up": values.get('mist_collector_subscriptions{account="giant",state="up"}', 0.0),
        "connections": sum(name.startswith("mist_collector_connection_up{") for name in values),
    }


def scraped(daemon: Daemon) -> dict[str, float]:
    """One scrape of everything, not compressed, counted as it comes."""
    connection, began = HTTPConnection("127.0.0.1", daemon.port, timeout=120), time.monotonic()
    series = size = 0
    whole = False
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        while chunk := answer.read1(1 << 20):
            series += chunk.count(b"\n") - chunk.count(b"# ")
            size += len(chunk)
        whole = True
    return {"series": series, "mb": size / 1e6, "s": time.monotonic() - began, "whole": whole}


def of_the_cloud(seen: dict[str, Any], daemon: Daemon) -> dict[str, Any]:
    """What the cloud saw."""
    return {
        "acknowledged_s": since(max(seen["subscribed"], default=None), daemon),
        "subscribed": len(seen["subscribed"]),
        "subscribed_a_second": most_within(seen["subscribed"], 1.0),
        "handshakes": len(seen["handshakes"]),
        "handshakes_a_second": most_within(seen["handshakes"], 1.0),
        "channels_refused": seen["refused"],
        "channels_a_connection": seen["largest"],
        "calls": sum(seen["calls"].values()),
        "calls_an_hour": max(seen["calls_by_hour"], default=0),
        "calls_refused": seen["calls_refused"],
        "calls_of": seen["calls"],
    }


def since(moment: float | None, daemon: Daemon) -> float | None:
    """Seconds from the start of the process to a moment of the same monotonic clock."""
    return None if moment is None else moment - daemon.began


def waited(good: Callable[[], bool], daemon: Daemon, until: float) -> float | None:
    """Wait until it is so, at most `until`; seconds since the process began, None when it never was."""
    while not good():
        if time.monotonic() > until or daemon.process.poll() is not None:
            return None
        time.sleep(LOOK_S)
    return time.monotonic() - daemon.began


def most_within(moments: Sequence[float], seconds: float) -> int:
    """The most of the moments that lie within so many seconds."""
    window: deque[float] = deque()
    most = 0
    for moment in sorted(moments):
        window.append(moment)
        while window[0] <= moment - seconds:
            window.popleft()
        most = max(most, len(window))
    return most


def stalls(watch: Watch, ready_at: float) -> dict[str, Any]:
    """How long health kept waiting, until ready and afterwards."""
    before = [one for one in watch.answers if one.at < ready_at]
    after = [one for one in watch.answers if one.at >= ready_at]
    parts = {"healthy_until_ready_ms": before, "healthy_then_ms": after}
    return {name: quantiles_of(part) for name, part in parts.items()} | {"not_healthy": watch.failed}


def quantiles_of(answers: list[Answered]) -> dict[str, float]:
    """Percentiles of the waits, and the longest that was the daemon's own doing."""
    took = sorted(one.took_ms for one in answers) or [0.0]
    found = {name: took[min(len(took) - 1, int(len(took) * share))] for name, share in SHARES.items()}
    own = sorted(one.stall_ms for one in answers) or [0.0]
    return found | {"max": took[-1], "own": own[-1], "over": sum(one > STALL_MS for one in own), "n": len(answers)}


SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def table(found: dict[str, Any]) -> str:
    """What was found, for people."""
    rows = [
        ("sites, access points", f"{found['sites']:,}, {found['devices']:,}"),
        *((words, seconds(found[key])) for key, words in MILESTONES),
        ("connections, channels", f"{found['connections']}, {found['subscribed']:,}"),
        ("most channels on a connection (Mist: 2000)", f"{found['channels_a_connection']:,}"),
        ("channels refused", f"{found['channels_refused']:,}"),
        ("handshakes, most a second", f"{found['handshakes']}, {found['handshakes_a_second']}"),
        ("subscriptions, most a second", f"{found['subscribed_a_second']:,}"),
        ("REST calls in all, most in an hour (Mist: 5000)", f"{found['calls']:,}, {found['calls_an_hour']:,}"),
        *((f"memory {when}, now and at most", memory(found[key])) for key, when in MEMORIES),
        *((words, scrape(found[key])) for key, words in SCRAPES),
        ("CPU seconds until ready, in all", f"{found['ready_cpu_s']:.1f}, {found['cpu_s']:.1f}"),
        ("frames written by then, and applied", f"{found['frames']:,.0f}, {found['frames_applied']:,.0f}"),
        ("status page", f"{found['status_page']['bytes'] / 1e3:,.0f} kB in {found['status_page']['s']:.2f} s"),
        *((words, healthy(found[key])) for key, words in HEALTHY),
        ("answers other than 200 from /-/healthy", f"{found['not_healthy']}"),
    ]
    width = max(len(words) for words, _ in rows)
    return "\n".join(f"{words:<{width}}  {value}" for words, value in rows)


MILESTONES = (
    ("listening_s", "listening"),
    ("read_s", "inventory known"),
    ("acknowledged_s", "last channel acknowledged"),
    ("ready_s", "/-/ready answers 200"),
    ("backfilled_s", "backfill of all devices completed"),
    ("heard_s", "every device has spoken"),
)
MEMORIES = (("ready_mb", "when ready"), ("heard_mb", "when all have spoken"), ("scraped_mb", "after the scrape then"))
SCRAPES = (("scrape_at_ready", "first scrape, when ready"), ("scrape_then", "scrape when all have spoken"))
HEALTHY = (("healthy_until_ready_ms", "/-/healthy until ready"), ("healthy_then_ms", "/-/healthy from then on"))


def seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def memory(of: dict[str, float]) -> str:
    return f"{of['now']:,.0f} MB, {of['peak']:,.0f} MB"


def scrape(one: dict[str, float]) -> str:
    cut = "" if one["whole"] else ", then cut off"
    return f"{one['series']:,} series, {one['mb']:,.0f} MB in {one['s']:.1f} s{cut}"


def healthy(one: dict[str, float]) -> str:
    told = ", ".join(f"{name} {one[name]:.0f}" for name in (*SHARES, "max"))
    own = f"own doing at most {one['own']:.0f} ms, {one['over']} times over {STALL_MS:.0f} ms"
    return f"{told} ms; {own}; {one['n']} asked"


def good(found: dict[str, Any], stall_ms: float) -> bool:
    """Whether it started within Mist's limits and without a stall."""
    return (
        found["ready_s"] is not None
        and not found["calls_refused"]
        and found["calls_an_hour"] <= CALLS_AN_HOUR
        and not found["channels_refused"]
        and max(found[key]["own"] for key, _ in HEALTHY) <= stall_ms
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.giant", description=__doc__)
    parser.add_argument("--sites", type=int, default=5000)
    parser.add_argument("--aps", type=int, default=20, help="access points of each site")
    parser.add_argument("--period", type=float, default=PERIOD_S, help="seconds in which each speaks once; 0: no pause")
    parser.add_argument("--within", type=float, default=WITHIN_S, help="seconds to wait at most")
    parser.add_argument("--stall", type=float, default=STALL_MS, help="longest stall that is good, ms")
    parser.add_argument("--located", action="store_true", help="also subscribe to positions of clients, a map a site")
    parser.add_argument("--shards", type=int, default=1, help="start the first of so many shards")
    parser.add_argument("--json", action="store_true", help="print everything as JSON, too")
    asked = parser.parse_args()
    options = {"period_s": asked.period, "within_s": asked.within, "located": asked.located, "shards": asked.shards}
    found = start(asked.sites, asked.aps, **options)
    sys.stdout.write(table(found) + "\n" + "".join(found["log"]))
    if asked.json:
        sys.stdout.write(json.dumps(found) + "\n")
    return 0 if good(found, asked.stall) else 1


if __name__ == "__main__":
    sys.exit(main())
