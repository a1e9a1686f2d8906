"""The control endpoint: reads the ledger and the truth, and makes trouble. HTTP with JSON, no authentication.

======  ====================  =====================================================================================
method  path                  what it does
======  ====================  =====================================================================================
GET     /                     addresses, time of the world, whether it is paused, clients, faults
GET     /ledger               the sums of the ledger
GET     /ledger/frames        last frame of every device; `?channel=&mac=&payloads=0`
GET     /ledger/events        webhook events; `?topic=&since=&limit=`
GET     /ledger/deliveries    requests of the webhook sender; `?limit=`
GET     /truth                true state of every device, by MAC
GET     /truth/{mac}          true state of one device
GET     /floors               who is on every map and in every zone, by kind; `?seen_since=` unix
GET     /fleet                orgs with their sites and devices
GET     /faults               faults that are on
POST    /faults               `{"kind": ..., ...}` as in `faults.ALLOWED`
DELETE  /faults               all healed; `?kind=` only those
POST    /fleet/actions        `{"action": ..., ...}` as in `atlas.ACTIONS`
POST    /pause                the world stands still; waiting webhooks are sent first
POST    /resume               it goes on
POST    /advance              `{"seconds": n}`: live n seconds at once
POST    /rubbish              `{"count": n, "kinds": [...], "channel": ...}`
GET     /scenarios            the scenarios that there are, and those that play
POST    /scenario             `{"name": ..., "site": 0}` plays one (see `scenarios`); `"steps": [...]` a new one
DELETE  /scenario             ends all; `?name=` only that one
POST    /tokens               `{"tokens": [...]}`: the tokens that are good from now on
======  ====================  =====================================================================================
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from collector.simulator.rest.paging import whole
from collector.simulator.rest.reply import RefusedError, json_of, reply
from collector.simulator.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from collector.simulator.cloud import FakeCloud

_FLUSH_TIMEOUT_S = 10.0
"""Longest wait of /pause for webhooks that are on their way; after that it answers how many still are."""


def application(cloud: FakeCloud) -> web.Application:
    """Return the application that controls `cloud`."""
    app = web.Application(middlewares=[_refusals])
    for part in (Reading(cloud), Acting(cloud)):
        app.add_routes(part.routes())
    return app


@web.middleware
async def _refusals(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except RefusedError as refusal:
        return refusal.response()
    except web.HTTPException as refusal:
        return reply({"detail": refusal.reason}, status=refusal.status)
    except (ValueError, TypeError) as error:
        return reply({"detail": str(error)}, status=400)


class Reading:
    """What can be looked at."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[web.RouteDef]:
        """List what is answered here."""
        return [
            web.get("/", self.overview),
            web.get("/ledger", self.ledger),
            web.get("/ledger/frames", self.frames),
            web.get("/ledger/events", self.events),
            web.get("/ledger/deliveries", self.deliveries),
            web.get("/truth", self.truths),
            web.get("/truth/{mac}", self.truth),
            web.get("/floors", self.floors),
            web.get("/fleet", self.fleet),
            web.get("/faults", self.faults),
            web.get("/scenarios", self.scenarios),
        ]

    async def overview(self, _: web.Request) -> web.Response:
        """Answer where everything is and how it stands."""
        cloud = self._cloud
        return reply(
            {
                "api_url": cloud.api_url,
                "stream_url": cloud.stream_url,
                "control_url": cloud.control_url,
                "world_time": cloud.pace.now(),
                "paused": cloud.pace.paused,
                "clients": cloud.stream.clients,
                "channels": cloud.stream.subscribed,
                "undelivered": cloud.sender.undelivered,
                "faults": cloud.faults.now_on(cloud.clock.now()),
            }
        )

    async def ledger(self, _: web.Request) -> web.Response:
        """Answer with the sums."""
        return reply(self._cloud.ledger.summary())

    async def frames(self, request: web.Request) -> web.Response:
        """Answer with the last frame of each device."""
        query = request.query
        rows = self._cloud.ledger.frame_list(
            query.get("channel", ""), query.get("mac", ""), payloads=query.get("payloads") != "0"
        )
        return reply(rows)

    async def events(self, request: web.Request) -> web.Response:
        """Answer with webhook events."""
        since = int(request.query.get("since", "0"))
        topic = request.query.get("topic", "")
        return reply(self._cloud.ledger.event_list(topic, since, whole(request, "limit", 10_000)))

    async def deliveries(self, request: web.Request) -> web.Response:
        """Answer with requests of the webhook sender."""
        return reply(self._cloud.ledger.delivery_list(whole(request, "limit", 10_000)))

    async def truths(self, _: web.Request) -> web.Response:
        """Answer with the true state of every device."""
        return reply(self._cloud.atlas.truths())

    async def truth(self, request: web.Request) -> web.Response:
        """Answer with the true state of one device."""
        truth = self._cloud.atlas.truth(request.match_info["mac"])
        if truth is None:
            raise RefusedError(404, "no such device")
        return reply(truth)

    async def floors(self, request: web.Request) -> web.Response:
        """Answer with the true occupancy of maps and zones."""
        return reply(self._cloud.atlas.floor_truth(float(request.query.get("seen_since", "0"))))

    async def fleet(self, _: web.Request) -> web.Response:
        """Answer with who lives where."""
        return reply(self._cloud.atlas.tree())

    async def faults(self, _: web.Request) -> web.Response:
        """Answer with the faults that are on."""
        return reply(self._cloud.faults.now_on(self._cloud.clock.now()))

    async def scenarios(self, _: web.Request) -> web.Response:
        """Answer with the scenarios that there are, and those that play."""
        known = [
            {"name": one.name, "says": one.says, "alerts": list(one.alerts), "of_site": one.of_site}
            for one in SCENARIOS.values()
        ]
        return reply({"scenarios": known, "playing": self._cloud.stage.playing()})


class Acting:
    """What can be done."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[web.RouteDef]:
        """List what is answered here."""
        return [
            web.post("/faults", self.fault),
            web.delete("/faults", self.heal),
            web.post("/fleet/actions", self.act),
            web.post("/pause", self.pause),
            web.post("/resume", self.resume),
            web.post("/advance", self.advance),
            web.post("/rubbish", self.rubbish),
            web.post("/scenario", self.play),
            web.delete("/scenario", self.end_play),
            web.post("/tokens", self.tokens),
        ]

    async def fault(self, request: web.Request) -> web.Response:
        """Switch a fault on."""
        wish = await _object(request)
        await self._cloud.fault(wish.pop("kind", ""), **wish)
        return reply(self._cloud.faults.now_on(self._cloud.clock.now()))

    async def heal(self, request: web.Request) -> web.Response:
        """Switch faults off."""
        await self._cloud.heal(request.query.get("kind"))
        return reply(self._cloud.faults.now_on(self._cloud.clock.now()))

    async def act(self, request: web.Request) -> web.Response:
        """Do something to the fleet."""
        wish = await _object(request)
        return reply({"result": await self._cloud.act(wish.pop("action", ""), **wish)})

    async def pause(self, _: web.Request) -> web.Response:
        """Let the world stand still, and deliver what waits."""
        cloud = self._cloud
        cloud.pace.pause()
        await cloud.advance(0)
        try:
            async with asyncio.timeout(_FLUSH_TIMEOUT_S):
                await cloud.sender.flush()
        except TimeoutError:
            pass  # the answer says how many are still on their way
        return reply({"paused": True, "world_time": cloud.pace.now(), "undelivered": cloud.sender.undelivered})

    async def resume(self, _: web.Request) -> web.Response:
        """Let the world go on."""
        self._cloud.pace.resume()
        return reply({"paused": False, "world_time": self._cloud.pace.now()})

    async def advance(self, request: web.Request) -> web.Response:
        """Live some seconds at once."""
        seconds = (await _object(request)).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise RefusedError(400, "seconds must be a number from 0")
        await self._cloud.advance(seconds)
        return reply({"paused": self._cloud.pace.paused, "world_time": self._cloud.pace.now()})

    async def rubbish(self, request: web.Request) -> web.Response:
        """Send rubbish."""
        wish = await _object(request)
        sent = await self._cloud.rubbish(
            int(wish.get("count", 1)), tuple(wish.get("kinds", ())), str(wish.get("channel", ""))
        )
        return reply(sent)

    async def play(self, request: web.Request) -> web.Response:
        """Begin a scenario."""
        wish = await _object(request)
        return reply(self._cloud.stage.begin(wish.get("name", ""), wish.get("site", 0), wish.get("steps")))

    async def end_play(self, request: web.Request) -> web.Response:
        """End scenarios."""
        return reply(await self._cloud.stage.end(request.query.get("name")))

    async def tokens(self, request: web.Request) -> web.Response:
        """Exchange the good tokens."""
        tokens = (await _object(request)).get("tokens")
        if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
            raise RefusedError(400, "tokens must be a list of texts")
        self._cloud.rights.tokens = set(tokens)
        return reply({"tokens": len(tokens)})


async def _object(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of the body; an empty body is an empty object."""
    if not await request.read():
        return {}
    body: Any = await json_of(request)
    if not isinstance(body, dict):
        raise RefusedError(400, "a JSON object is expected")
    return body
