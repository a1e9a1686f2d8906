"""`make ledger`: real processes, 200,000 events from 50 senders, 10 % twice, a reload and three outages meanwhile.

Exit code 0 when what was counted is what was sent, exactly.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import samples
from tests.support.processes import Daemon, Simulator, eventually
from tests.support.senders import Senders

if TYPE_CHECKING:
    from tests.support.samples import Samples

BOOKS = "mist_collector_webhook_events"
NEW_SECRET = "the secret from the reload on"
OUTAGE_S = 3.0


def main() -> int:
    """Send, count, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.ledger", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--senders", type=int, default=50)
    parser.add_argument("--twice", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Simulator(Path(folder), sites=2, aps=5, cadence_s=5) as cloud:
        webhook = {"listen": "127.0.0.1:0", "secret_files": ["webhook-secret"], "rate_per_s": 0}
        with Daemon(Path(folder), api_url=cloud.api_url, stream_url=cloud.stream_url, webhook=webhook) as daemon:
            daemon.ready()
            senders = Senders(
                lambda: daemon.webhook_url, asked.events, number=asked.senders, twice=asked.twice, seed=asked.seed
            )
            began = time.monotonic()
            asyncio.run(_send(senders, cloud, daemon))
            took_s = time.monotonic() - began
            found = samples.of_text(daemon.metrics())
            code, _ = daemon.end()
    return _told(senders, found, took_s, code)


async def _send(senders: Senders, cloud: Simulator, daemon: Daemon) -> None:
    secret = [Daemon.SECRET.encode()]
    senders.secret = lambda: secret[0]

    async def reload() -> None:
        file = daemon.directory / "collector.yaml"
        configuration = json.loads(file.read_text())
        (daemon.directory / "new-secret").write_text(NEW_SECRET)
        configuration["webhook"]["secret_files"] = ["new-secret"]
        file.write_text(json.dumps(configuration))
        daemon.process.send_signal(signal.SIGHUP)
        while not (senders.refused.get("401") or senders.waiting):  # noqa: ASYNC110 - a count, which wakes nobody
            await asyncio.sleep(0.01)
        secret[0] = NEW_SECRET.encode()

    async def outage() -> None:
        await asyncio.to_thread(cloud.tell, "/faults", kind="stream_down", seconds=OUTAGE_S)
        await asyncio.to_thread(eventually, daemon.why_not_ready, "the outage is noticed")
        await asyncio.to_thread(eventually, lambda: not daemon.why_not_ready(), "and over", within_s=60.0)

    senders.at(0.5, reload)
    for share in (0.2, 0.4, 0.8):
        senders.at(share, outage)
    await senders.run()


def _told(senders: Senders, found: Samples, took_s: float, code: int) -> int:
    counted = {
        "unique events sent": senders.events,
        "events sent, repetitions included": senders.sent,
        "counted (mist_webhook_events_total)": int(samples.total(found, "mist_webhook_events_total")),
        "applied": int(samples.total(found, f"{BOOKS}_applied_total")),
        "recognised as duplicates": int(samples.total(found, f"{BOOKS}_dropped_total", reason="duplicate")),
        "received": int(samples.total(found, f"{BOOKS}_received_total")),
        "reloads": int(samples.total(found, "mist_collector_config_reloads_total", outcome="good")),
        "stream breaks": int(samples.total(found, "mist_collector_connection_breaks_total")),
        "exit code of the daemon": code,
    }
    for name, value in counted.items():
        sys.stdout.write(f"{name:40}{value:>10,}\n")
    sys.stdout.write(f"{'answers other than 200':40}{senders.refused}\n")
    sys.stdout.write(f"{'events a second':40}{senders.sent / took_s:>10,.0f}\n")
    right = (
        counted["counted (mist_webhook_events_total)"] == counted["applied"] == senders.events
        and counted["received"] == senders.sent
        and counted["recognised as duplicates"] == senders.repeated
        and counted["reloads"] == 1
        and counted["stream breaks"] >= 3
        and code == 0
    )
    sys.stdout.write("exact\n" if right else "NOT exact\n")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
