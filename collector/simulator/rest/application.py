"""Puts the REST application together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from collector.simulator.rest.account import Account
from collector.simulator.rest.gate import Budget, Gate
from collector.simulator.rest.located import Located
from collector.simulator.rest.others import Others
from collector.simulator.rest.peers import Peers
from collector.simulator.rest.places import Places
from collector.simulator.rest.stats import Stats
from collector.simulator.rest.webhook_calls import WebhookCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.clock import Clock
    from collector.simulator.atlas import Atlas
    from collector.simulator.faults import Faults
    from collector.simulator.fleet import Fleet
    from collector.simulator.ledger import Ledger
    from collector.simulator.rights import Rights
    from collector.simulator.sender import Sender
    from collector.simulator.webhooks import Webhooks

PREFIX = "/api/v1"


def application(
    *,
    fleet: Fleet,
    atlas: Atlas,
    rights: Rights,
    faults: Faults,
    ledger: Ledger,
    webhooks: Webhooks,
    sender: Sender,
    clock: Clock,
    world_time: Callable[[], float],
    calls_per_hour: int,
) -> web.Application:
    """Return the application that serves `/api/v1`; `world_time` is the unix time of the simulated world."""

    def others() -> float:
        fault = faults.strikes("shared_token", clock.now())
        return fault.share if fault is not None else 0.0

    budget = Budget(calls_per_hour, others)
    gate = Gate(rights=rights, atlas=atlas, faults=faults, budget=budget, ledger=ledger, clock=clock)
    app = web.Application(middlewares=[gate.middleware()])
    parts = (
        Account(atlas, rights, budget, clock),
        Places(fleet, atlas),
        Stats(fleet, atlas, rights, world_time),
        Peers(fleet, world_time),
        Located(fleet, atlas),
        Others(fleet, world_time),
        WebhookCalls(atlas=atlas, webhooks=webhooks, sender=sender, ledger=ledger, clock=clock, world_time=world_time),
    )
    for part in parts:
        for method, path, answer in part.routes():
            app.router.add_route(method, PREFIX + path, answer)
    return app
