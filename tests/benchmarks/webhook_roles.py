"""The roles of the webhook bench: who posts, and the least that a receiver must do."""

from __future__ import annotations

import asyncio
import copy
import hmac
import json
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web

from collector.mist.signature import HEADER, sign
from collector.simulator.fleet import Fleet, FleetPlan, WebhookEvent
from tests.benchmarks.children import spent

BODY_BYTES = 2048
CONNECTIONS = 4
TOPICS = ("device-events", "device-updowns", "client-join", "client-sessions", "alarms", "audits")
MOMENTS = {"timestamp", "connect", "disconnect"}

Delivery = tuple[str, list[dict[str, Any]]]


@asynccontextmanager
async def verify_only(secret_file: str):
    """An aiohttp handler that verifies the signature of the body and answers 200."""
    secret, counted = read(secret_file), [0]

    async def post(request: web.Request) -> web.Response:
        body = await request.read()
        claimed = request.headers.get(HEADER, "")
        if not hmac.compare_digest(hmac.new(secret, body, sha256).hexdigest(), claimed):
            return web.Response(status=401)
        counted[0] += 1
        return web.Response()

    application = web.Application()
    application.router.add_post("/webhook", post)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield {
        "ports": lambda: {"webhook": runner.addresses[0][1]},
        "taken": lambda: {"deliveries": counted[0], "spent_s": spent()},
    }
    await runner.cleanup()


@asynccontextmanager
async def poster(secret_file: str):
    """Posts signed deliveries, none twice, over a few connections kept open."""
    secret, templates, made = read(secret_file), deliveries(), [0]

    async def post(port: int, number: int) -> dict[str, int]:
        """Post so many; all of them were answered with 200 when this returns."""
        turns = range(made[0], made[0] + number)
        made[0] += number
        bodies = [unlike(templates[turn % len(templates)], turn) for turn in turns]
        requests = [request_of(body, secret) for body in bodies]
        parts = [requests[first::CONNECTIONS] for first in range(CONNECTIONS)]
        await asyncio.gather(*(converse(port, part) for part in parts if part))
        return {"deliveries": number, "events": sum(len(json.loads(body)["events"]) for body in bodies)}

    yield {"post": post}


async def converse(port: int, requests: list[bytes]) -> None:
    """Post one after the other on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"a delivery was answered with {head.splitlines()[0]!r}")
        length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:"))
        await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()


def read(secret_file: str) -> bytes:
    return Path(secret_file).read_bytes().strip()


def deliveries() -> list[Delivery]:
    """Events as the simulator tells them, batched by topic to 2 KB of body, the topics in turn."""
    fleet = Fleet(FleetPlan(sites=2, aps=20, events_per_device_hour=20.0, reboots_per_device_day=20.0))
    waiting: dict[str, list[dict[str, Any]]] = {topic: [] for topic in TOPICS}
    batches: dict[str, list[Delivery]] = {topic: [] for topic in TOPICS}
    for one in fleet.step(fleet.now + 3600.0):
        if not isinstance(one, WebhookEvent) or one.topic not in waiting:
            continue
        batch = waiting[one.topic]
        batch.append(one.payload)
        if len(body_of(one.topic, batch)) >= BODY_BYTES:
            batches[one.topic].append((one.topic, batch))
            waiting[one.topic] = []
    for topic, batch in waiting.items():
        if not batches[topic]:
            batches[topic].append((topic, batch))
    turns = max(map(len, batches.values()))
    return [found[turn % len(found)] for turn in range(turns) for found in batches.values()]


def unlike(delivery: Delivery, number: int) -> bytes:
    """The body of these events at another time, so that they are no duplicates."""
    topic, events = delivery
    later = copy.deepcopy(events)
    for event in later:
        for moment in MOMENTS & event.keys():
            event[moment] += 10 * number
        if "id" in event:
            event["id"] = f"{event['id'][:-8]}{number:08x}"
    return body_of(topic, later)


def body_of(topic: str, events: list[dict[str, Any]]) -> bytes:
    return json.dumps({"topic": topic, "events": events}, separators=(",", ":")).encode()


def request_of(body: bytes, secret: bytes) -> bytes:
    """The whole HTTP request."""
    head = (
        "POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mist-webhook\r\nContent-Type: application/json\r\n"
        f"{HEADER}: {sign(body, secret)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
