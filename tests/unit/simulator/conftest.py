"""A small simulated cloud whose time advances only on request, and a webhook receiver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from collector.simulator.cloud import FakeCloud, serve_application
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions, SenderOptions
from tests.support.stream_client import AUTHORIZED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PLAN = FleetPlan(orgs=2, sites=3, aps=4, clients_per_ap=2)


def options(**changes) -> CloudOptions:
    """Return options of a cloud with paused time and a sender without backoff."""
    sender = SenderOptions(duplicate_share=0.0, backoff_s=0.0, attempts=3)
    return CloudOptions(**({"plan": PLAN, "speed": 0.0, "sender": sender} | changes))


@pytest.fixture
def make_options():
    return options


@pytest.fixture
async def cloud() -> AsyncIterator[FakeCloud]:
    async with FakeCloud(options()) as opened:
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers=AUTHORIZED) as opened:
        yield opened


@dataclass
class Receiver:
    """Answers deliveries with `statuses` in turn, then 200; a status of 0 aborts the connection without a response."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        status = self.statuses.pop(0) if self.statuses else 200
        if not status:
            request.transport.abort()
        return web.Response(status=status or 200)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiving = Receiver()
    app = web.Application()
    app.router.add_post("/webhook", receiving.receive)
    async with serve_application(app, "127.0.0.1", 0) as port:
        receiving.url = f"http://127.0.0.1:{port}/webhook"
        yield receiving
