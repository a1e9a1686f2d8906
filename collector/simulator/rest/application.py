"""The REST application: all endpoints behind the middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from collector.simulator.rest.identity import IdentityEndpoints
from collector.simulator.rest.middleware import HourlyCallLimit, RestMiddleware
from collector.simulator.rest.peers import PeerEndpoints
from collector.simulator.rest.sites import SiteEndpoints
from collector.simulator.rest.stats import StatsEndpoints
from collector.simulator.rest.webhooks import WebhookEndpoints

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.clock import Clock
    from collector.simulator.directory import FleetDirectory
    from collector.simulator.faults import Faults
    from collector.simulator.fleet import Fleet
    from collector.simulator.ledger import Ledger
    from collector.simulator.permissions import Permissions
    from collector.simulator.webhook_sender import WebhookSender
    from collector.simulator.webhooks import WebhookRegistry

PREFIX = "/api/v1"


def application(
    *,
    fleet: Fleet,
    directory: FleetDirectory,
    permissions: Permissions,
    faults: Faults,
    ledger: Ledger,
    webhooks: WebhookRegistry,
    sender: WebhookSender,
    clock: Clock,
    simulated_time: Callable[[], float],
    calls_per_hour: int,
) -> web.Application:
    """Return the application that serves `/api/v1`; `simulated_time` returns the simulated unix time."""

    def foreign_share() -> float:
        fault = faults.match("shared_token", clock.now())
        return fault.share if fault is not None else 0.0

    call_limit = HourlyCallLimit(calls_per_hour, foreign_share)
    middleware = RestMiddleware(
        permissions=permissions,
        directory=directory,
        faults=faults,
        call_limit=call_limit,
        ledger=ledger,
        clock=clock,
    )
    app = web.Application(middlewares=[middleware.function()])
    groups = (
        IdentityEndpoints(directory, permissions, call_limit, clock),
        SiteEndpoints(fleet, directory),
        StatsEndpoints(fleet, directory, permissions, simulated_time),
        PeerEndpoints(fleet, simulated_time),
        WebhookEndpoints(
            directory=directory,
            webhooks=webhooks,
            sender=sender,
            ledger=ledger,
            clock=clock,
            simulated_time=simulated_time,
        ),
    )
    for group in groups:
        for method, path, handler in group.routes():
            app.router.add_route(method, PREFIX + path, handler)
    return app
