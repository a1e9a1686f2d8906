"""`make soak`: a simulated fleet lives fast, its devices and sites come and go, faults come at random, from a seed.

Twenty minutes by default, after a warm-up. At the end everything is healed and compared: every value with the truth,
every webhook event with the ledger; and the slopes of memory, descriptors, tasks and rows are told, with how sure they
are. Exit code 0 when all of it holds.

What grows in this world is the collector, not the world: as many devices and sites come as go. The memory of webhook
events already seen fills for six hours by design, so the warm-up fills it to its limit first, with pings.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import random
import sys
import tempfile
import time
from collections import Counter
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from collector.mist import signature
from tests.soak.measure import Reading, Slope, read, slopes
from tests.soak.trouble import Trouble
from tests.support import ap_oracle, samples
from tests.support.processes import Daemon, Simulator, eventually

if TYPE_CHECKING:
    from random import Random

EVERY_S = 3.0
WARM_MINUTES = 8.0  # until rows, caches and the allocator have found their level, so much the sooner
WARM_PAUSES_S, PAUSES_S = (0.5, 2.0), (3.0, 15.0)  # as trouble follows on trouble: the peaks of an hour come in minutes
REMEMBERED = 500_000  # events, the limit of `Deduplicator`
CALM_S = 180.0  # between the two: until what thick trouble took away is there again
BATCH = 25  # as small as Mist's are: what the events of a delivery share in memory must not be more here
MOST_RSS_PERCENT = 1.0  # an hour
MOST_PERCENT = 5.0  # the same, of what is counted in whole numbers
QUIET_S = 30.0  # at the end
LAG_S = 360.0  # a refused channel is asked for again after five minutes
OF_CLIENTS = "mist_ap_ssid_clients"  # what the clients' channel tells of an AP: not of its own messages
PORT_UP = "mist_ap_port_up"
PASSING_SITES = 2  # at a time
LIVELY = {"events_per_device_hour": 20, "site_events_per_hour": 120, "unconnected_clients": 5, "assets": 3}
STREAMS = {
    "clients": True,
    "org_insights": True,
    "location": {"clients": True, "unconnected_clients": True, "assets": True},
}
EVENTS = {"history": {"path": "events.db", "max_size": "16MiB"}}  # a full file: one in memory fills for hours
STREAM = {"ping_every_s": 5, "pong_within_s": 5, "open_every_s": 0.1}


def main() -> int:
    """Live, measure, compare, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="measured")
    parser.add_argument("--warm-minutes", type=float, default=WARM_MINUTES, help="before that")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sites", type=int, default=5)
    parser.add_argument("--aps", type=int, default=20, help="a site")
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    fleet = {"sites": asked.sites, "aps": asked.aps, "clients_per_ap": 3, "cadence_s": 10, "speed": 10} | LIVELY
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with (
            Simulator(directory, **fleet, seed=asked.seed, duplicate_share=0.2, calls_per_hour=1_000_000) as cloud,
            Daemon(
                directory,
                api_url=cloud.api_url,
                stream_url=cloud.stream_url,
                stream=STREAM,
                streams=STREAMS,
                inventory={"refresh_s": 10},
                events=EVENTS,
            ) as daemon,
        ):
            daemon.ready()
            filled = _fill(daemon)
            trouble = _begin(rng, cloud, daemon)
            _live(rng, trouble, asked.warm_minutes * 60, WARM_PAUSES_S)
            _live(rng, trouble, CALM_S, PAUSES_S)
            readings, deeds = _live(rng, trouble, asked.minutes * 60, PAUSES_S)
            trouble.heal()
            faults = _compared(cloud, daemon, filled)
            code, took_s = daemon.end()
    if code:
        faults.append(f"the daemon ended with {code}")
    return _told(slopes(readings), readings, deeds, faults, took_s)


def _fill(daemon: Daemon) -> int:
    """Fill the memory of events already seen; returns how many events that took."""
    where = urlsplit(daemon.webhook_url)
    with contextlib.closing(http.client.HTTPConnection(where.netloc, timeout=60)) as connection:
        for first in range(0, REMEMBERED, BATCH):
            events = [{"number": number} for number in range(first, first + BATCH)]
            body = json.dumps({"topic": "ping", "events": events}).encode()
            headers = {signature.HEADER: signature.sign(body, daemon.SECRET.encode())}
            while (status := _posted(connection, where.path, body, headers)) == HTTPStatus.TOO_MANY_REQUESTS:
                time.sleep(1.0)
            assert status == HTTPStatus.OK, status
    return REMEMBERED


def _posted(connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> int:
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _begin(rng: Random, cloud: Simulator, daemon: Daemon) -> Trouble:
    """Webhooks, and the sites that will be replaced."""
    (org,) = cloud.ask("/fleet")
    topics = [topic["key"] for topic in cloud.rest("/const/webhook_topics") if topic.get("for_org")]
    cloud.make_webhook(f"/orgs/{org['id']}", daemon.webhook_url, daemon.SECRET, topics)
    trouble = Trouble(rng, cloud, daemon)
    for _ in range(PASSING_SITES):
        trouble.add_site()
    return trouble


def _live(
    rng: Random, trouble: Trouble, seconds: float, pauses_s: tuple[float, float]
) -> tuple[list[Reading], Counter[str]]:
    daemon = trouble.daemon
    readings, deeds = [], Counter[str]()
    began = time.monotonic()
    due = began
    while (now := time.monotonic()) - began < seconds:
        if now >= due:
            deeds[trouble.next()] += 1
            due = now + rng.uniform(*pauses_s)
        if not readings or now - began - readings[-1].at_s >= EVERY_S:
            readings.append(read(daemon.process.pid, daemon.metrics(), now - began))
        time.sleep(min(EVERY_S, max(due - time.monotonic(), 0.05)))
    return readings, deeds


def _compared(cloud: Simulator, daemon: Daemon, filled: int) -> list[str]:
    """What is not as it should be once all trouble is over."""
    time.sleep(QUIET_S)
    try:
        eventually(lambda: not daemon.why_not_ready(), "the daemon is ready", within_s=LAG_S)
        eventually(lambda: not _differences(cloud, daemon), "every value is the truth", within_s=LAG_S, every_s=15.0)
    except AssertionError as error:
        return [str(error), *_differences(cloud, daemon)[:20]]
    return _events(cloud, daemon, filled)


def _differences(cloud: Simulator, daemon: Daemon) -> list[str]:
    """The world stands still while it is compared."""
    cloud.tell("/pause")
    try:
        time.sleep(1.0)
        (org,) = cloud.ask("/fleet")
        inventory = {entry["mac"]: entry for entry in cloud.rest(f"/orgs/{org['id']}/inventory?limit=1000")}
        expected: dict[Any, float] = {}
        for mac, truth in cloud.ask("/truth").items():
            expected |= ap_oracle.expected(truth, inventory[mac])
        found = samples.named(samples.of_text(daemon.metrics()), "mist_ap_", "mist_device_")
        down = {labels for (family, labels), up in expected.items() if family == PORT_UP and not up}
        return samples.differences(*(_knowable(some, down) for some in (expected, found)))
    finally:
        cloud.tell("/resume")


def _knowable(found: dict[Any, float], down: set[Any]) -> dict[Any, float]:
    """Without what no listener can know once a frame is lost: a port that is down may say that, and nothing more."""
    return {
        (family, labels): value
        for (family, labels), value in found.items()
        if family != OF_CLIENTS and (labels not in down or not family.startswith("mist_ap_port_") or family == PORT_UP)
    }


def _events(cloud: Simulator, daemon: Daemon, filled: int) -> list[str]:
    """Whether every event that was taken was counted once."""
    cloud.tell("/pause")
    time.sleep(1.0)
    found = samples.of_text(daemon.metrics())
    topics = cloud.ask("/ledger")["webhooks"].values()  # totals: the list of events has a limit, which an hour exceeds
    delivered = sum(totals.get("delivered", 0) for totals in topics)
    accepted = sum(totals.get("accepted", 0) for totals in topics)
    counted = samples.total(found, "mist_collector_webhook_events_applied_total") - filled
    received = samples.total(found, "mist_collector_webhook_events_received_total") - filled
    wrong = []
    if counted != delivered:
        wrong.append(f"{delivered} events were accepted, {counted:.0f} counted")
    if received != accepted:
        wrong.append(f"{accepted} events in accepted deliveries, {received:.0f} received")
    sys.stdout.write(f"{delivered:,} webhook events accepted, {counted:,.0f} counted\n")
    return wrong


def _told(found: list[Slope], readings: list[Reading], deeds: Counter[str], faults: list[str], took_s: float) -> int:
    write = sys.stdout.write
    write(f"{sum(deeds.values())} deeds: {', '.join(f'{name} {count}' for name, count in sorted(deeds.items()))}\n")
    write(f"{len(readings)} readings, the last: {readings[-1]}\n")
    for slope in found:
        most = MOST_RSS_PERCENT if slope.name == "rss_mb" else MOST_PERCENT
        verdict = "told only" if slope.name == "combinations" else slope.verdict(most)
        write(
            f"{slope.name:12} level {slope.level:10.2f}  slope {slope.per_hour:+9.3f} an hour "
            f"({slope.percent:+.2f} %, +-{slope.margin:.2f}; at most {most:g}) {verdict}\n"
        )
        if verdict == "STEEP":
            faults.append(f"{slope.name} grows by {slope.percent:.2f} % an hour")
    write("unsure: a longer run tells (--minutes); combinations of words fill up to their caps, see measure.py\n")
    write(f"ended in {took_s:.1f} s\n")
    for fault in faults:
        write(f"WRONG: {fault}\n")
    write("all right\n" if not faults else f"{len(faults)} faults\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
