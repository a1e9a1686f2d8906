"""`make soak`: a simulated fleet lives fast, its devices and sites come and go, faults come at random, from a seed.

Twenty minutes by default. At the end everything is healed and compared: every value with the truth, every webhook event
with the ledger; and the slopes of memory, descriptors, tasks and rows are told. Exit code 0 when all of it holds.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.soak.measure import Reading, Slope, read, slopes
from tests.soak.trouble import Trouble
from tests.support import ap_oracle, samples
from tests.support.processes import Daemon, Simulator, eventually

if TYPE_CHECKING:
    from random import Random

EVERY_S = 3.0
WARM_SHARE = 0.3  # of the time: until rows, caches and the allocator have found their level
MOST_RSS_PERCENT = 1.0  # an hour
MOST_PERCENT = 5.0  # the same, of what is counted in whole numbers
QUIET_S = 30.0  # at the end
LAG_S = 360.0  # a refused channel is asked for again after five minutes
STREAM = {"ping_every_s": 5, "pong_within_s": 5, "open_every_s": 0.1}


def main() -> int:
    """Live, measure, compare, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sites", type=int, default=5)
    parser.add_argument("--aps", type=int, default=20, help="a site")
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    fleet = {"sites": asked.sites, "aps": asked.aps, "clients_per_ap": 3, "cadence_s": 10, "speed": 10}
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with (
            Simulator(directory, **fleet, seed=asked.seed, duplicate_share=0.2, calls_per_hour=1_000_000) as cloud,
            Daemon(
                directory,
                api_url=cloud.api_url,
                stream_url=cloud.stream_url,
                stream=STREAM,
                inventory={"refresh_s": 10},
            ) as daemon,
        ):
            daemon.ready()
            readings, deeds = _live(rng, cloud, daemon, asked.minutes * 60)
            faults = _compared(cloud, daemon)
            code, took_s = daemon.end()
    if code:
        faults.append(f"the daemon ended with {code}")
    found = slopes(readings, asked.minutes * 60 * WARM_SHARE)
    return _told(found, readings, deeds, faults, took_s)


def _live(rng: Random, cloud: Simulator, daemon: Daemon, seconds: float) -> tuple[list[Reading], Counter[str]]:
    (org,) = cloud.ask("/fleet")
    topics = [topic["key"] for topic in cloud.rest("/const/webhook_topics") if topic.get("for_org")]
    cloud.make_webhook(f"/orgs/{org['id']}", daemon.webhook_url, daemon.SECRET, topics)
    trouble, readings, deeds = Trouble(rng, cloud, daemon), [], Counter[str]()
    began = time.monotonic()
    due = began
    while (now := time.monotonic()) - began < seconds:
        if now >= due:
            deeds[trouble.next()] += 1
            due = now + rng.uniform(3, 15)
        readings.append(read(daemon.process.pid, daemon.metrics(), time.monotonic() - began))
        time.sleep(EVERY_S)
    trouble.heal()
    return readings, deeds


def _compared(cloud: Simulator, daemon: Daemon) -> list[str]:
    """What is not as it should be once all trouble is over."""
    time.sleep(QUIET_S)
    try:
        eventually(lambda: not daemon.why_not_ready(), "the daemon is ready", within_s=LAG_S)
        eventually(lambda: not _differences(cloud, daemon), "every value is the truth", within_s=LAG_S, every_s=15.0)
    except AssertionError as error:
        return [str(error), *_differences(cloud, daemon)[:20]]
    return _events(cloud, daemon)


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
        return samples.differences(expected, found)
    finally:
        cloud.tell("/resume")


def _events(cloud: Simulator, daemon: Daemon) -> list[str]:
    """Whether every event that was taken was counted once."""
    cloud.tell("/pause")
    time.sleep(1.0)
    found = samples.of_text(daemon.metrics())
    told = cloud.ask("/ledger/events?limit=1000000")
    accepted = [one for one in told if one["accepted"]]
    counted = samples.total(found, "mist_collector_webhook_events_applied_total")
    received = samples.total(found, "mist_collector_webhook_events_received_total")
    wrong = []
    if counted != len(accepted):
        wrong.append(f"{len(accepted)} events were taken, {counted:.0f} counted")
    if received != sum(one["accepted"] for one in accepted):
        wrong.append(f"{sum(one['accepted'] for one in accepted)} deliveries of events, {received:.0f} received")
    sys.stdout.write(f"{len(accepted):,} webhook events taken, {counted:,.0f} counted\n")
    return wrong


def _told(found: list[Slope], readings: list[Reading], deeds: Counter[str], faults: list[str], took_s: float) -> int:
    write = sys.stdout.write
    write(f"{sum(deeds.values())} deeds: {', '.join(f'{name} {count}' for name, count in sorted(deeds.items()))}\n")
    write(f"{len(readings)} readings, the last: {readings[-1]}\n")
    for slope in found:
        most = MOST_RSS_PERCENT if slope.name == "rss_mb" else MOST_PERCENT
        steep = slope.surely_percent > most
        write(
            f"{slope.name:12} level {slope.level:10.2f}  slope {slope.per_hour:+9.3f} an hour "
            f"({slope.percent:+.2f} %, +-{200 * slope.error / slope.level if slope.level else 0:.2f}) "
            f"{'STEEP' if steep else 'flat'}\n"
        )
        if steep:
            faults.append(f"{slope.name} grows by {slope.percent:.2f} % an hour")
    write(f"ended in {took_s:.1f} s\n")
    for fault in faults:
        write(f"WRONG: {fault}\n")
    write("all right\n" if not faults else f"{len(faults)} faults\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
