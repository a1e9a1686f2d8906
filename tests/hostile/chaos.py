"""The daemon with one healthy account, several hostile ones, and hostile webhook senders and visitors."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from collector.mist import signature
from tests.hostile.cloud import HostileCloud
from tests.support import ap_oracle, samples
from tests.support.processes import Daemon, Simulator, ask, eventually

if TYPE_CHECKING:
    from random import Random

TOKEN = "h0st1leTokenh0st1leTokenh0st1leTokenh0st1leT"
SCRAPE_EVERY_S = 1.0
LAG_S = 120.0
HEALTHY = {"sites": 2, "aps": 5, "clients_per_ap": 2, "cadence_s": 5, "speed": 5}
ATTACKED = {"sites": 2, "aps": 3, "switches": 1, "cadence_s": 1}
OF_CLIENTS = "mist_ap_ssid_clients"  # what the clients' channel provides, in messages of its own


@dataclass
class Report:
    """What happened: attacks by name, scrapes, and everything that is wrong."""

    attacks: Counter[str] = field(default_factory=Counter)
    scrapes: int = 0
    frames: list[float] = field(default_factory=list)  # of the healthy account, at each scrape
    rss_mb: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    restarts: dict[str, float] = field(default_factory=dict)


def run(*, seconds: float, seed: int, hostile: int = 4, fuzz_only: bool = False) -> Report:
    """Attack for `seconds`, then let it calm down and compare the healthy account with the truth."""
    rng, report = random.Random(seed), Report()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        directory = Path(folder)
        for name in ("good", "bad"):
            (directory / name).mkdir()
        good = stack.enter_context(Simulator(directory / "good", **HEALTHY, seed=seed, duplicate_share=0.2))
        bad = stack.enter_context(
            Simulator(directory / "bad", **ATTACKED, seed=seed + 1000, token=TOKEN, calls_per_hour=10**6)
        )
        clouds = [
            stack.enter_context(HostileCloud(random.Random(seed + number), bad.api_url, bad.stream_url))
            for number in range(hostile)
        ]
        for cloud in clouds:
            cloud.fuzz_only = fuzz_only
        daemon = stack.enter_context(_daemon(directory, good, clouds))
        daemon.started()
        eventually(lambda: _frames(daemon) > 0, "the healthy account streams", within_s=60)
        (org,) = good.ask("/fleet")
        topics = ["alarms", "audits", "device-events", "device-updowns", "client-sessions"]
        good.make_webhook(f"/orgs/{org['id']}", daemon.webhook_url, daemon.SECRET, topics)
        _attack(rng, report, daemon, seconds)
        for cloud in clouds:
            report.attacks.update(cloud.served)
            cloud.pass_share = 1.0
        _compare(report, good, daemon)
        _look_for_secrets(report, daemon)
        code, took_s = daemon.end()
        if code:
            report.wrong.append(f"the daemon ended with {code} after {took_s:.1f} s: {daemon.said()[-2000:]}")
    return report


def _daemon(directory: Path, good: Simulator, clouds: list[HostileCloud]) -> Daemon:
    (directory / "hostile-token").touch(mode=0o600)
    (directory / "hostile-token").write_text(f"{TOKEN}\n")
    accounts = [{"name": "good", "api_url": good.api_url, "stream_url": good.stream_url, "token_file": "token"}]
    accounts += [
        {
            "name": f"bad-{number}",
            "api_url": cloud.api_url,
            "stream_url": cloud.stream_url,
            "token_file": "hostile-token",
        }
        for number, cloud in enumerate(clouds)
    ]
    return Daemon(
        directory,
        api_url=good.api_url,
        stream_url=good.stream_url,
        accounts=accounts,
        stream={"open_every_s": 0.1, "ping_every_s": 5, "pong_within_s": 10},
        streams={"clients": True, "mxedges": True, "org_insights": True, "location": {"clients": True}},
        inventory={"refresh_s": 5},
        polls={"every_s": dict.fromkeys(("alarms", "ports", "site_stats", "sle", "maps", "zones"), 30)},
    )


def _attack(rng: Random, report: Report, daemon: Daemon, seconds: float) -> None:
    """Attack the listeners, and scrape once a second meanwhile."""
    until = time.monotonic() + seconds
    visitors = threading.Thread(target=_visit, args=(rng, report, daemon, until), daemon=True)
    visitors.start()
    while time.monotonic() < until:
        began = time.monotonic()
        _scrape(report, daemon)
        if daemon.process.poll() is not None:
            report.wrong.append(f"the daemon ended with {daemon.process.poll()}: {daemon.said()[-3000:]}")
            return
        time.sleep(max(0.0, SCRAPE_EVERY_S - (time.monotonic() - began)))
    visitors.join(60)


def _scrape(report: Report, daemon: Daemon) -> None:
    try:
        answer = ask(f"{daemon.url}/metrics")
    except (OSError, http.client.HTTPException) as error:
        report.wrong.append(f"scrape {report.scrapes}: {error!r}")
        return
    report.scrapes += 1
    if answer.status != 200:
        report.wrong.append(f"scrape {report.scrapes}: HTTP {answer.status}")
        return
    found = samples.of_text(answer.text)
    report.frames.append(_of_good(found))
    report.restarts = samples.by_label(found, "mist_collector_task_restarts_total", "task")
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    report.rss_mb.append(next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")))


def _of_good(found: Any) -> float:
    good = samples.having(found, account="good")
    return samples.total(good, "mist_collector_subscription_messages_total")


def _frames(daemon: Daemon) -> float:
    return _of_good(samples.of_text(daemon.metrics()))


def _visit(rng: Random, report: Report, daemon: Daemon, until: float) -> None:
    """Attack both listeners as a sender who knows the secret, and as one who does not."""
    secret = daemon.SECRET.encode()
    bodies = [
        json.dumps(
            {
                "topic": "alarms",
                "events": [{"org_id": f"o{n}", "site_id": f"s{n}", "type": f"t{n}"} for n in range(2000)],
            }
        ).encode(),
        json.dumps({"topic": "alarms", "events": [{"site_id": "x" * 2_000_000, "type": "y" * 2_000_000}]}).encode(),
        b'{"topic":"audits","events":[' + b"{}," * 300_000 + b"{}]}",
        b"[" * 500_000,
        b'{"topic":' + b'{"a":' * 2000,
        json.dumps({"topic": "t" * 500_000, "events": [{}]}).encode(),
        os.urandom(10_000),
    ]
    plugs: list[socket.socket] = []
    while time.monotonic() < until:
        body = rng.choice(bodies)
        signed = rng.random() < 0.7
        headers = {signature.HEADER: signature.sign(body, secret) if signed else "0" * 64}
        report.attacks["delivery" if signed else "unsigned delivery"] += 1
        _post(daemon.webhook_url, body, headers)
        with contextlib.suppress(OSError):
            where = urlsplit(rng.choice([daemon.url, daemon.webhook_url]))
            plugs.append(socket.create_connection((where.hostname, where.port), timeout=5))
            plugs[-1].sendall(
                rng.choice(
                    [
                        b"",
                        b"GET",
                        b"GET / HTTP/1.1\r\n",
                        b"\0" * 100,
                        b"POST /webhook HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
                    ]
                )
            )
        while len(plugs) > 100:
            plugs.pop(0).close()
        time.sleep(0.2)
    for plug in plugs:
        plug.close()


def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=30)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("POST", where.path, body, headers)
        connection.getresponse().read()


def _compare(report: Report, good: Simulator, daemon: Daemon) -> None:
    """The healthy account: every value is the truth, and its frames never stood still for long."""
    still = max((len(list(run)) for run in _runs(report.frames)), default=0)
    if still > 30:
        report.wrong.append(f"the healthy account's messages stood still for {still} scrapes")
    try:
        eventually(lambda: not _differences(good, daemon), "every value is the truth", within_s=LAG_S, every_s=5.0)
    except AssertionError as error:
        report.wrong += [str(error), *_differences(good, daemon)[:10]]


def _runs(numbers: list[float]) -> list[list[float]]:
    runs: list[list[float]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _differences(good: Simulator, daemon: Daemon) -> list[str]:
    good.tell("/pause")
    try:
        time.sleep(1.0)
        (org,) = good.ask("/fleet")
        inventory = {entry["mac"]: entry for entry in good.rest(f"/orgs/{org['id']}/inventory?limit=1000")}
        expected: dict[Any, float] = {}
        for mac, truth in good.ask("/truth").items():
            expected |= ap_oracle.expected(truth, inventory[mac])
        found = samples.having(samples.of_text(daemon.metrics()), org_id=org["id"])
        found = samples.named(found, "mist_ap_", "mist_device_")
        return samples.differences(
            *({key: v for key, v in some.items() if key[0] != OF_CLIENTS} for some in (expected, found))
        )
    finally:
        good.tell("/resume")


def _look_for_secrets(report: Report, daemon: Daemon) -> None:
    places = {"log": daemon.said(), "page": ask(f"{daemon.url}/").text, "metrics": daemon.metrics()}
    for where, text in places.items():
        for name, secret in (("the hostile account's token", TOKEN), ("the webhook secret", daemon.SECRET)):
            if secret in text:
                at = text.index(secret)
                report.wrong.append(f"{name} is in the {where}: ...{text[max(0, at - 200) : at]}")
