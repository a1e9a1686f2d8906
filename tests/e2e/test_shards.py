"""Four collectors share an organization: together they tell the whole, and nothing twice."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest

from collector import config
from collector.config.model import PollsConfig
from collector.daemon import wiring
from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions
from tests.support import samples
from tests.support.misbehaving import until
from tests.support.processes import Prometheus, eventually

if TYPE_CHECKING:
    from pathlib import Path

SHARDS = 4
PLAN = FleetPlan(sites=10, aps=2, switches=1, gateways=1, mxedges=2, clients_per_ap=3, reboots_per_device_day=0.0)
OWN = ("mist_collector_", "process_", "python_")  # of each collector, whatever it serves
POLLS_OFF = {name: False for name, switch in PollsConfig() if isinstance(switch, bool)}

ADDS_UP = "mist_webhook_delivery_delay_seconds"  # by topic only: each shard has its own part of the observations


def written(directory: Path, cloud: FakeCloud, shard: dict[str, int]) -> Path:
    directory.mkdir()
    token = directory / "token"
    token.touch(mode=0o600)
    token.write_text(cloud.options.token)
    file = directory / "collector.yaml"
    account = {"name": "main", "api_url": cloud.api_url, "stream_url": cloud.stream_url, "token_file": "token"}
    file.write_text(
        json.dumps(
            {
                "accounts": [account],
                "server": {"listen": "127.0.0.1:0"},
                "webhook": {"listen": "127.0.0.1:0", "allow_unsigned": True},
                "streams": {"devices": True, "mxedges": True, "org_insights": True, "clients": True},
                "polls": POLLS_OFF,
                "stream": {"open_every_s": 0},
                "shard": shard,
            }
        )
    )
    return file


@asynccontextmanager
async def collecting(directory: Path, cloud: FakeCloud, shard: dict[str, int]):
    loaded = config.load(written(directory, cloud, shard), {})
    started, stop = asyncio.get_running_loop().create_future(), asyncio.Event()
    task = asyncio.ensure_future(wiring.run(loaded, stop=stop, started=started.set_result))
    await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
    daemon = await started if started.done() else await task
    try:
        yield daemon
    finally:
        stop.set()
        await task


async def told(daemon) -> samples.Samples:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{daemon.operator.port}/metrics") as answer:
        found = samples.of_text(await answer.text())
    return {key: value for key, value in found.items() if not key[0].startswith(OWN)}


@pytest.mark.e2e
async def test_the_union_of_all_shards_is_the_whole_and_no_series_is_told_twice(tmp_path, prometheus):
    async with FakeCloud(CloudOptions(plan=PLAN, speed=0.0, tick_s=3600.0)) as cloud, AsyncExitStack() as stack:
        whole = await stack.enter_async_context(collecting(tmp_path / "whole", cloud, {}))
        parts = [
            await stack.enter_async_context(
                collecting(tmp_path / f"shard{index}", cloud, {"index": index, "count": SHARDS})
            )
            for index in range(SHARDS)
        ]
        every = [whole, *parts]
        await until(lambda: all(not daemon.readiness.reasons() for daemon in every))
        await cloud.advance(90)
        await until(lambda: sum(part.frames.received for part in parts) >= whole.frames.received > 0)
        events = [
            {"type": "AP_RESTARTED", "mac": f"5c5b35{n:06x}", "timestamp": 1767225600 + n, "site_id": site["id"]}
            | {"org_id": org["id"]}
            for org in cloud.fleet.orgs()
            for n, site in enumerate(cloud.fleet.sites(org["id"]))
        ]
        body = json.dumps({"topic": "device-events", "events": events}).encode()
        for daemon in every:  # a webhook reaches every shard
            daemon.dispatcher.delivery(body, 1767225700.0)

        of_whole = await told(whole)
        of_parts = [await told(part) for part in parts]
        union: dict = {}
        for part in of_parts:
            assert part, "every shard serves something"
            told_twice = [key for key in union.keys() & part.keys() if ADDS_UP not in key[0]]
            assert sorted(map(samples.shown, told_twice)) == []
            union |= part
        assert sorted(map(samples.shown, of_whole.keys() ^ union.keys())) == []
        name = "mist_webhook_events_total"
        assert sum(samples.total(part, name, topic="device-events") for part in of_parts) == len(events)
        foreign = sum(part.events["device-events"].dropped["foreign_shard"] for part in parts)
        assert foreign == (SHARDS - 1) * len(events)

        await asyncio.to_thread(
            scraped, prometheus, tmp_path, [part.operator.port for part in parts], sum(map(len, of_parts))
        )


def scraped(program, directory, ports, expected):
    """Prometheus holds exactly so many series from all targets together."""
    count = 'count({__name__=~"mist_.+",__name__!~"mist_collector_.+|.+_created"})'
    with Prometheus(program, directory, *(f"127.0.0.1:{port}" for port in ports)) as scraper:
        eventually(lambda: [row["value"][1] for row in scraper.query(count)] == [str(expected)], "all is scraped")
        assert scraper.query("count(up == 1)")[0]["value"][1] == str(len(ports))
