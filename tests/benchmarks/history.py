"""Figures of the event history: `python -m tests.benchmarks.history [--events 50000] [--memory]`.

Events resemble those of a network: 34 topics, 500 sites, 10,000 devices, fields of device events, client joins and
alarms. Nothing is asserted: the figures depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
import uuid
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from collector.event import Event
from collector.event_query import EventFilter
from collector.events.history import History
from collector.events.identities import Identities
from collector.events.memory import MemoryHistory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.event_query import EventStore

START = 1_760_000_000.0
SITES = [str(uuid.UUID(int=number * 7919 + 2**100, version=4)) for number in range(500)]
ORG = "2818e386-8dec-2562-9ede-5b8a0fbbdc71"
TOPICS = ["device-events", "alarms", "client-join", "client-sessions", "nac-events", *(f"topic-{n}" for n in range(29))]


def make(number: int, random_: random.Random) -> Event:
    """Return one event."""
    site, device = number * 31 % 500, number * 17 % 10_000
    mac, client = f"5c5b35{device:06x}", f"{random_.getrandbits(46) | 2 << 40:012x}"[-12:]
    port, stamp = f"ge-0/0/{random_.randrange(48)}", START + number / 50
    topic = TOPICS[number % 34]
    fields: dict[str, str | int | float | bool] = {
        "org_id": ORG,
        "site_id": SITES[site],
        "site_name": f"Branch {site}",
        "timestamp": stamp,
        "device_type": "switch",
        "device_name": f"sw-{site}-{device}",
        "mac" if topic != "client-join" else "ap": mac,
        "port_id": port,
        "type": f"SW_{random_.choice(['PORT_UP', 'PORT_DOWN', 'CONFIGURED', 'RESTARTED', 'ALARM'])}",
        "model": "EX2300-48P",
        "version": "22.4R3",
        "reason": random_.choice(["power_cycle", "link_flap", "dhcp_timeout", "auth_failure"]),
        "ev_type": "notice",
        "text": f"SNMP_TRAP_LINK: ifIndex {random_.randrange(900)}, ifName {port}",
    }
    if topic.startswith(("client", "nac")):
        fields |= {"client_mac": client, "ssid": "corp", "bssid": mac, "rssi": -random_.randrange(40, 80), "band": "5"}
    return Event(
        id=blake2b(b"%d" % number, digest_size=16).hexdigest(),
        time=round(stamp, 3),
        received=stamp + 0.8,
        topic=topic,
        type=str(fields["type"]),
        severity=random_.choice(["info", "info", "info", "warning", "critical"]),
        org_id=ORG,
        site_id=SITES[site],
        site_name=f"Branch {site}",
        device_mac=mac,
        device_name=f"sw-{site}-{device}",
        device_type="switch",
        text=f"Port {port} of switch sw-{site}-{device} is down",
        fields=fields,
    )


async def stalls(worst: list[float]) -> None:
    """Measure how late the event loop runs."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        worst.append(time.perf_counter() - before - 0.001)


async def sender(history: EventStore, events: Sequence[Event], latencies: list[float]) -> None:
    """Append events in deliveries of 5."""
    for first in range(0, len(events), 5):
        before = time.perf_counter()
        await history.append(events[first : first + 5])
        latencies.append(time.perf_counter() - before)


async def paced(history: EventStore, events: Sequence[Event], per_s: float) -> tuple[list[float], list[float]]:
    """Append single events at a rate; return latencies of acknowledgement and delays of the event loop."""
    late: list[float] = []
    latencies: list[float] = []
    watch = asyncio.create_task(stalls(late))
    started = time.perf_counter()

    async def one(event: Event) -> None:
        before = time.perf_counter()
        await history.append([event])
        latencies.append(time.perf_counter() - before)

    async with asyncio.TaskGroup() as group:
        for number, event in enumerate(events):
            group.create_task(one(event))
            await asyncio.sleep(max(0.0, started + number / per_s - time.perf_counter()))
    watch.cancel()
    return latencies, late


def show(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def shown(values: Sequence[float]) -> str:
    """Return median, 99th percentile and maximum in milliseconds."""
    parts = [
        1000 * value for value in (statistics.median(values), statistics.quantiles(values, n=100)[98], max(values))
    ]
    return "median {:.2f}, p99 {:.2f}, max {:.2f} ms".format(*parts)


FILTERS = {
    "last 100": EventFilter(),
    "where key:value": EventFilter(where=(("port_id", "ge-0/0/12"),)),
    "topic and type": EventFilter(topics=("alarms",), types=("SW_PORT_DOWN",)),
    "site and type": EventFilter(sites=("Branch 77",), types=("SW_RESTARTED",)),
    "site in a window": EventFilter(sites=("Branch 77",), since=START + 100, until=START + 400),
    "one device": EventFilter(devices=("sw-31-17",)),
    "words": EventFilter(text="sw-31-17 down"),
    "prefix": EventFilter(text="sw-3*"),
    "nothing": EventFilter(where=(("reason", "none"),)),
}


async def measure(count: int, *, in_memory: bool) -> None:
    """Print the figures of a history."""
    random_ = random.Random(1)
    events = [make(number, random_) for number in range(count + 5000)]
    identities = Identities(b"k" * 32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.db"
        history: History | MemoryHistory = (
            MemoryHistory(identities=identities)
            if in_memory
            else History(path, identities=identities, unix_time=lambda: START + 86_400)
        )
        async with history:
            cpu, started, latencies = time.process_time(), time.perf_counter(), list[float]()
            async with asyncio.TaskGroup() as group:
                for lane in range(50):
                    group.create_task(sender(history, events[lane:count:50], latencies))
            elapsed = time.perf_counter() - started
            show(f"stored: {count / elapsed:.0f} events/s, acknowledged after {shown(latencies)}")
            show(f"CPU: {1e6 * (time.process_time() - cpu) / count:.0f} us per event")
            latencies, late = await paced(history, events[count:], 1000.0)
            show(f"at 1,000 events/s: acknowledged after {shown(latencies)}; event loop late {shown(late)}")
            await asyncio.sleep(8 if not in_memory else 0)  # the index
            for name, filter_ in FILTERS.items():
                times = []
                for _ in range(30):
                    before = time.perf_counter()
                    page = await history.query(filter_)
                    times.append(time.perf_counter() - before)
                show(f"query, {name}: {len(page.events)} events, {shown(times)}")
            show(f"status: {history.status}")
        if not in_memory:
            size = path.stat().st_size / len(events)
            show(f"size: {size:.0f} bytes per event")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--memory", action="store_true", help="measure the history in memory")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.events, in_memory=arguments.memory))


if __name__ == "__main__":
    main()
