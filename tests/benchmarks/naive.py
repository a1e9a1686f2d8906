"""The baselines of the stream: what one writes in an afternoon, and what no Python program can do without.

`naive`      websockets, json for the envelope, json for the payload, `labels().set()` of prometheus-client for each
             field, `start_http_server`. Which fields is data: either the eighty that such exporters have of an AP
             (`AFTERNOON`), or every field that our tables have.
`read_only`  websockets, orjson twice, the result thrown away.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from websockets.asyncio.client import connect

from tests.benchmarks.children import rss_bytes, spent
from tests.benchmarks.fields import Fields
from tests.benchmarks.lateness import Lateness
from tests.benchmarks.positions import Positions

if TYPE_CHECKING:
    from collections.abc import Callable

# eighty samples of an AP with three radios and five ports
AFTERNOON = (
    "mist_device_last_seen_timestamp_seconds", "mist_device_uptime_seconds", "mist_device_cpu_utilization_ratio",
    "mist_device_memory_total_bytes", "mist_device_memory_used_bytes", "mist_ap_clients", "mist_ap_receive_bytes_total",
    "mist_ap_transmit_bytes_total", "mist_ap_receive_packets_total", "mist_ap_transmit_packets_total",
    "mist_ap_cpu_temperature_celsius", "mist_ap_ambient_temperature_celsius",
    "mist_ap_radio_clients", "mist_ap_radio_channel", "mist_ap_radio_bandwidth_hertz",
    "mist_ap_radio_transmit_power_dbm", "mist_ap_radio_noise_floor_dbm", "mist_ap_radio_utilization_ratio",
    "mist_ap_radio_utilization_by_cause_ratio",
    "mist_ap_radio_receive_bytes_total", "mist_ap_radio_transmit_bytes_total", "mist_ap_radio_receive_packets_total",
    "mist_ap_radio_transmit_packets_total",
    "mist_ap_port_up", "mist_ap_port_speed_bytes_per_second", "mist_ap_port_receive_bytes_total",
    "mist_ap_port_transmit_bytes_total", "mist_ap_port_receive_packets_total", "mist_ap_port_transmit_packets_total",
    "mist_ap_port_receive_errors_total", "mist_ap_port_receive_peak_bytes_per_second",
)  # fmt: skip


class Reader:
    """A client that hands each frame to `take` and counts."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self.frames = 0
        self.task: asyncio.Task[None] | None = None
        self._take = take

    async def run(self, url: str, token: str, channels: list[str], ready: asyncio.Future[None]) -> None:
        """Subscribe, then read until cancelled."""
        tls = ssl.create_default_context() if url.startswith("wss") else None
        headers = {"Authorization": f"Token {token}"}
        async with connect(url, additional_headers=headers, ssl=tls, proxy=None, close_timeout=0.2) as websocket:
            for channel in channels:
                await websocket.send(json.dumps({"subscribe": channel}))
                await websocket.recv()
            ready.set_result(None)
            async for message in websocket:
                self._take(message)
                self.frames += 1

    def taken(self) -> dict[str, object]:
        if self.task is not None and self.task.done():
            self.task.result()
        return {"frames": self.frames, "spent_s": spent(), "dropped": {}, "rss_bytes": rss_bytes()}


@asynccontextmanager
async def reading(reader: Reader, url: str, token: str, channels: list[str]):
    """Run the reader in the background."""
    ready = asyncio.get_running_loop().create_future()
    task = reader.task = asyncio.create_task(reader.run(url, token, channels, ready))
    await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    yield
    task.cancel()
    await asyncio.wait([task])


@asynccontextmanager
async def naive(
    stream_url: str,
    channels: list[str],
    org_id: str,
    *,
    afternoon: bool,
    series: str = "",
    zones: list[dict[str, Any]] | None = None,
):
    registry = CollectorRegistry()
    fields = Fields(registry, org_id, AFTERNOON if afternoon else None) if zones is None else Positions(registry, zones)
    server, thread = start_http_server(0, "127.0.0.1", registry)

    def take(message: str) -> None:
        frame = json.loads(message)
        payload = frame["data"]
        if isinstance(payload, str):
            payload = json.loads(payload)
        fields.apply(frame["channel"], payload)

    def exposition() -> str:
        return generate_latest(registry).decode()

    if series:  # a million of another's series beside one's own
        from tests.benchmarks.registry import fill

        fill(registry, series, prefix="held_")
    reader, lateness = Reader(take), Lateness()
    async with reading(reader, stream_url, "naive", channels):
        yield {
            "taken": reader.taken,
            "exposition": exposition,
            "ports": lambda: {"metrics": server.server_port},
            "watch": lateness.watch,
            "watched": lateness.watched,
        }
    server.shutdown()
    server.server_close()
    thread.join()


@asynccontextmanager
async def read_only(stream_url: str, channels: list[str]):
    def take(message: str) -> None:
        payload: Any = orjson.loads(message)["data"]
        if isinstance(payload, str):
            orjson.loads(payload)

    reader = Reader(take)
    async with reading(reader, stream_url, "read_only", channels):
        yield {"taken": reader.taken}
