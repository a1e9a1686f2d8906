"""The control endpoint: reads the ledger and the true state, and controls time, fleet, faults and scenarios.

HTTP with JSON bodies, without authentication.

======  ====================  =====================================================================================
method  path                  response or effect
======  ====================  =====================================================================================
GET     /                     addresses, simulated time, whether it is paused, clients, active faults
GET     /ledger               totals of the ledger
GET     /ledger/frames        last frame of every device; `?channel=&mac=&payloads=0`
GET     /ledger/events        webhook events; `?topic=&since=&limit=`
GET     /ledger/deliveries    requests of the webhook sender; `?limit=`
GET     /truth                true state of every device, by MAC address
GET     /truth/{mac}          true state of one device
GET     /floors               true occupancy of maps and zones, by kind; `?seen_since=` (unix time)
GET     /fleet                orgs with their sites and devices
GET     /faults               active faults
POST    /faults               inject a fault: `{"kind": ..., ...}`, see `faults.ALLOWED`
DELETE  /faults               end all faults, or those of `?kind=`
POST    /fleet/actions        run an action: `{"action": ..., ...}`, see `directory.ACTIONS`
POST    /pause                pause the simulated time, after pending webhooks are sent
POST    /resume               resume the simulated time
POST    /advance              move the simulated time forward: `{"seconds": n}`
POST    /malformed            send malformed frames: `{"count": n, "kinds": [...], "channel": ...}`
GET     /scenarios            known and running scenarios
POST    /scenario             start a scenario: `{"name": ..., "site": 0}`, or a new one with `"steps": [...]`
DELETE  /scenario             end all scenarios, or those with `?name=`
POST    /tokens               replace the valid tokens: `{"tokens": [...]}`
======  ====================  =====================================================================================
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from collector.simulator.rest.responses import ApiError, json_body, json_response, positive_int
from collector.simulator.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.directory import FleetDirectory
    from collector.simulator.fault_injector import FaultInjector
    from collector.simulator.ledger import Ledger
    from collector.simulator.malformed import MalformedFrameSender
    from collector.simulator.permissions import Permissions
    from collector.simulator.rest.responses import Handler
    from collector.simulator.scenario_player import ScenarioPlayer
    from collector.simulator.simulation import SimulatedTime, Simulation
    from collector.simulator.stream import StreamServer
    from collector.simulator.webhook_sender import WebhookSender

_FLUSH_TIMEOUT_S = 10.0
"""Maximum time that /pause waits for webhooks; its response contains the number of those still undelivered."""


def application(
    *,
    urls: Callable[[], dict[str, str]],
    simulation: Simulation,
    time: SimulatedTime,
    directory: FleetDirectory,
    stream: StreamServer,
    sender: WebhookSender,
    ledger: Ledger,
    permissions: Permissions,
    faults: FaultInjector,
    malformed: MalformedFrameSender,
    scenarios: ScenarioPlayer,
) -> web.Application:
    """Return the control application; `urls` returns the addresses of the cloud."""
    app = web.Application(middlewares=[_errors_as_json])
    overview = OverviewEndpoint(urls, time=time, stream=stream, sender=sender, faults=faults)
    app.add_routes([web.get("/", overview.overview)])
    app.add_routes(LedgerEndpoints(ledger).routes())
    app.add_routes(FleetEndpoints(directory, simulation).routes())
    app.add_routes(TimeEndpoints(time, simulation, sender).routes())
    app.add_routes(FaultEndpoints(faults, malformed, permissions).routes())
    app.add_routes(ScenarioEndpoints(scenarios).routes())
    return app


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except web.HTTPException as error:
        return json_response({"detail": error.reason}, status=error.status)
    except (ValueError, TypeError) as error:
        return json_response({"detail": str(error)}, status=400)


class OverviewEndpoint:
    """Addresses and state of the cloud."""

    def __init__(
        self,
        urls: Callable[[], dict[str, str]],
        *,
        time: SimulatedTime,
        stream: StreamServer,
        sender: WebhookSender,
        faults: FaultInjector,
    ) -> None:
        self._urls = urls
        self._time = time
        self._stream = stream
        self._sender = sender
        self._faults = faults

    async def overview(self, _: web.Request) -> web.Response:
        """Return addresses, simulated time, clients, channels, undelivered webhooks and active faults."""
        return json_response(
            self._urls()
            | {
                "simulated_time": self._time.now(),
                "paused": self._time.paused,
                "clients": self._stream.clients,
                "channels": self._stream.subscribed,
                "undelivered": self._sender.undelivered,
                "faults": self._faults.active(),
            }
        )


class LedgerEndpoints:
    """Totals and records of the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of these endpoints."""
        return [
            web.get("/ledger", self.summary),
            web.get("/ledger/frames", self.frames),
            web.get("/ledger/events", self.events),
            web.get("/ledger/deliveries", self.deliveries),
        ]

    async def summary(self, _: web.Request) -> web.Response:
        """Return the totals."""
        return json_response(self._ledger.summary())

    async def frames(self, request: web.Request) -> web.Response:
        """Return the last frame of each device, by frame type."""
        query = request.query
        rows = self._ledger.frame_list(
            query.get("channel", ""), query.get("mac", ""), payloads=query.get("payloads") != "0"
        )
        return json_response(rows)

    async def events(self, request: web.Request) -> web.Response:
        """Return webhook events."""
        since = int(request.query.get("since", "0"))
        topic = request.query.get("topic", "")
        return json_response(self._ledger.event_list(topic, since, positive_int(request, "limit", 10_000)))

    async def deliveries(self, request: web.Request) -> web.Response:
        """Return requests of the webhook sender."""
        return json_response(self._ledger.delivery_list(positive_int(request, "limit", 10_000)))


class FleetEndpoints:
    """True state of the fleet, and actions on it."""

    def __init__(self, directory: FleetDirectory, simulation: Simulation) -> None:
        self._directory = directory
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of these endpoints."""
        return [
            web.get("/truth", self.truths),
            web.get("/truth/{mac}", self.truth),
            web.get("/floors", self.floors),
            web.get("/fleet", self.fleet),
            web.post("/fleet/actions", self.act),
        ]

    async def truths(self, _: web.Request) -> web.Response:
        """Return the true state of every device."""
        return json_response(self._directory.truths())

    async def truth(self, request: web.Request) -> web.Response:
        """Return the true state of one device."""
        truth = self._directory.truth(request.match_info["mac"])
        if truth is None:
            raise ApiError(404, "unknown device")
        return json_response(truth)

    async def floors(self, request: web.Request) -> web.Response:
        """Return the true occupancy of maps and zones."""
        return json_response(self._directory.floor_truth(float(request.query.get("seen_since", "0"))))

    async def fleet(self, _: web.Request) -> web.Response:
        """Return the orgs with their sites and devices."""
        return json_response(self._directory.tree())

    async def act(self, request: web.Request) -> web.Response:
        """Run an action of the fleet."""
        body = await _object(request)
        return json_response({"result": await self._simulation.act(body.pop("action", ""), **body)})


class TimeEndpoints:
    """Control of the simulated time."""

    def __init__(self, time: SimulatedTime, simulation: Simulation, sender: WebhookSender) -> None:
        self._time = time
        self._simulation = simulation
        self._sender = sender

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of these endpoints."""
        return [
            web.post("/pause", self.pause),
            web.post("/resume", self.resume),
            web.post("/advance", self.advance),
        ]

    async def pause(self, _: web.Request) -> web.Response:
        """Pause the simulated time and deliver pending webhooks."""
        self._time.pause()
        await self._simulation.advance(0)
        try:
            async with asyncio.timeout(_FLUSH_TIMEOUT_S):
                await self._sender.flush()
        except TimeoutError:
            pass  # the response contains the number of undelivered events
        return json_response(self._state() | {"undelivered": self._sender.undelivered})

    async def resume(self, _: web.Request) -> web.Response:
        """Resume the simulated time."""
        self._time.resume()
        return json_response(self._state())

    async def advance(self, request: web.Request) -> web.Response:
        """Move the simulated time forward."""
        seconds = (await _object(request)).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise ApiError(400, "seconds must be a number from 0")
        await self._simulation.advance(seconds)
        return json_response(self._state())

    def _state(self) -> dict[str, Any]:
        return {"paused": self._time.paused, "simulated_time": self._time.now()}


class FaultEndpoints:
    """Faults, malformed frames and valid tokens."""

    def __init__(self, faults: FaultInjector, malformed: MalformedFrameSender, permissions: Permissions) -> None:
        self._faults = faults
        self._malformed = malformed
        self._permissions = permissions

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of these endpoints."""
        return [
            web.get("/faults", self.active),
            web.post("/faults", self.inject),
            web.delete("/faults", self.heal),
            web.post("/malformed", self.malformed),
            web.post("/tokens", self.tokens),
        ]

    async def active(self, _: web.Request) -> web.Response:
        """Return the active faults."""
        return json_response(self._faults.active())

    async def inject(self, request: web.Request) -> web.Response:
        """Inject a fault."""
        body = await _object(request)
        await self._faults.inject(body.pop("kind", ""), **body)
        return json_response(self._faults.active())

    async def heal(self, request: web.Request) -> web.Response:
        """End faults."""
        await self._faults.heal(request.query.get("kind"))
        return json_response(self._faults.active())

    async def malformed(self, request: web.Request) -> web.Response:
        """Send malformed frames."""
        body = await _object(request)
        written = await self._malformed.send(
            int(body.get("count", 1)), tuple(body.get("kinds", ())), str(body.get("channel", ""))
        )
        return json_response(written)

    async def tokens(self, request: web.Request) -> web.Response:
        """Replace the valid tokens."""
        tokens = (await _object(request)).get("tokens")
        if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
            raise ApiError(400, "tokens must be a list of non-empty strings")
        self._permissions.tokens = set(tokens)
        return json_response({"tokens": len(tokens)})


class ScenarioEndpoints:
    """Known and running scenarios."""

    def __init__(self, scenarios: ScenarioPlayer) -> None:
        self._scenarios = scenarios

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of these endpoints."""
        return [
            web.get("/scenarios", self.list_),
            web.post("/scenario", self.start),
            web.delete("/scenario", self.end),
        ]

    async def list_(self, _: web.Request) -> web.Response:
        """Return the known and the running scenarios."""
        known = [
            {"name": one.name, "description": one.description, "alerts": list(one.alerts), "per_site": one.per_site}
            for one in SCENARIOS.values()
        ]
        return json_response({"scenarios": known, "running": self._scenarios.running()})

    async def start(self, request: web.Request) -> web.Response:
        """Start a scenario."""
        body = await _object(request)
        return json_response(self._scenarios.start(body.get("name", ""), body.get("site", 0), body.get("steps")))

    async def end(self, request: web.Request) -> web.Response:
        """End scenarios."""
        return json_response(await self._scenarios.end(request.query.get("name")))


async def _object(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of the body; an empty body is an empty object."""
    if not await request.read():
        return {}
    body: Any = await json_body(request)
    if not isinstance(body, dict):
        raise ApiError(400, "a JSON object is required")
    return body
