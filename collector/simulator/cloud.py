"""The fake cloud: a fleet, its time, and the servers that speak for it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

import orjson

from collector.clock import SystemClock
from collector.simulator import control, rest, rubbish
from collector.simulator.atlas import Atlas
from collector.simulator.constants import webhook_topics
from collector.simulator.faults import DEEDS, Faults
from collector.simulator.fleet import Emission, Fleet
from collector.simulator.frames import DataFrames
from collector.simulator.ledger import Ledger
from collector.simulator.options import CloudOptions
from collector.simulator.pace import Pace
from collector.simulator.rights import Rights
from collector.simulator.sender import Sender
from collector.simulator.serving import serving
from collector.simulator.stage import Stage
from collector.simulator.stream import StreamServer
from collector.simulator.webhooks import Webhooks

if TYPE_CHECKING:
    from types import TracebackType

    from collector.clock import Clock
    from collector.simulator.faults import Fault
    from collector.simulator.fleet import Event

_STRIDE_S = 1.0
"""Longest time the fleet lives in one go, in seconds of the world."""
_BREATH = 64
"""After so many messages the servers get a turn."""


class FakeCloud:
    """A Mist cloud on loopback. Use as an async context manager; afterwards everything it opened is closed.

    Open, it has `api_url`, `stream_url`, `control_url`, and its parts for tests that live in the same process:
    `fleet`, `ledger`, `rights`, `faults`, `stream`, `webhooks`, `sender`, `pace`. Its fleet lives by `clock` and
    `options.speed`; `advance` lives some seconds at once. A fault of its own life ends the context with that error.
    """

    def __init__(self, options: CloudOptions | None = None, *, clock: Clock | None = None) -> None:
        self.options = options or CloudOptions()
        self.clock: Clock = clock or SystemClock()
        self.fleet = Fleet(self.options.plan)
        self.atlas = Atlas(self.fleet)
        self.ledger = Ledger()
        self.faults = Faults()
        self.rights = Rights(self.atlas, self.options.token)
        self.webhooks = Webhooks()
        self.pace = Pace(self.clock, self.options.plan.start, self.options.speed)
        self.stream = StreamServer(self.options, self.rights, self.faults, self.ledger, self.clock)
        self.sender = Sender(
            self.options.sender,
            webhooks=self.webhooks,
            faults=self.faults,
            ledger=self.ledger,
            clock=self.clock,
            seed=self.options.plan.seed,
        )
        self.stage = Stage(self)
        self.api_url = self.control_url = ""
        self._frames = DataFrames(nested=self.options.nested, plain_channels=self.options.plain_channels)
        self._living = asyncio.Lock()
        self._life: asyncio.Task[None] | None = None

    @property
    def stream_url(self) -> str:
        """Where streams are served."""
        return self.stream.url

    async def __aenter__(self) -> Self:
        # A test may leave a context in another task than it entered it in (pytest fixtures do), which a TaskGroup
        # cannot; so the whole life is one task, owned and awaited here.
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._live(ready), name="fake cloud")
        try:
            await asyncio.wait({self._life, ready}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._life.cancel()
            raise
        if not ready.done():
            await self._life
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._life is None:
            return
        self._life.cancel()
        await asyncio.wait({self._life})
        if not self._life.cancelled():
            self._life.result()

    async def run(self) -> None:
        """Wait until the cloud's life fails; raises what it failed of."""
        if self._life is not None:
            await asyncio.shield(self._life)

    # Life.

    async def _live(self, ready: asyncio.Future[None]) -> None:
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self._configure_webhooks()
            async with asyncio.TaskGroup() as group:
                group.create_task(self.sender.run(), name="webhook sender")
                group.create_task(self._tick(), name="fleet")
                await asyncio.sleep(0)
                ready.set_result(None)

    async def _open(self, stack: AsyncExitStack) -> None:
        options = self.options
        api = rest.application(
            fleet=self.fleet,
            atlas=self.atlas,
            rights=self.rights,
            faults=self.faults,
            ledger=self.ledger,
            webhooks=self.webhooks,
            sender=self.sender,
            clock=self.clock,
            world_time=self.pace.now,
            calls_per_hour=options.calls_per_hour,
        )
        port = await stack.enter_async_context(serving(api, options.host, options.api_port, options.tls))
        self.api_url = f"{'https' if options.tls else 'http'}://{options.host}:{port}"
        await stack.enter_async_context(self.stream)
        port = await stack.enter_async_context(serving(control.application(self), options.host, options.control_port))
        self.control_url = f"http://{options.host}:{port}"

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(self.options.tick_s)
            await self._undo(self.faults.expire(self.clock.now()))
            await self._catch_up()

    async def _catch_up(self, *, patiently: bool = False) -> None:
        """Live up to the time of the world, and say what the fleet said; `patiently` waits for clients to read it."""
        async with self._living:
            goal = self.pace.now()
            while True:
                until = min(goal, self.fleet.now + _STRIDE_S)
                await self.stage.advance(until)
                await self._say(self.fleet.step(until), patiently=patiently)
                if until >= goal:
                    return

    async def _say(self, messages: list[Emission | Event], *, patiently: bool) -> None:
        for count, said in enumerate(messages, 1):
            if isinstance(said, Emission):
                self._publish(said)
            else:
                self.sender.offer(said)
            if count % _BREATH == 0 or count == len(messages):
                await (self.stream.drain() if patiently else asyncio.sleep(0))

    def _publish(self, emission: Emission) -> None:
        is_mute = self.faults.strikes("mute", self.clock.now(), emission.channel) is not None
        if is_mute or not self.stream.has_listeners(emission.channel):
            self.ledger.frame(emission, b"", 0)
            return
        payload = orjson.dumps(emission.payload)
        sockets = self.stream.publish(emission.channel, self._frames.make(emission.channel, payload))
        self.ledger.frame(emission, payload, sockets)

    async def advance(self, seconds: float) -> None:
        """Live `seconds` of the world at once; afterwards all frames of that time are written to their sockets."""
        self.pace.skip(seconds)
        await self._catch_up(patiently=True)

    async def act(self, action: str, **arguments: Any) -> Any:
        """Do something to the fleet (see `Atlas.act`) at the time of the world; return what the action returns."""
        await self._catch_up()
        answer = self.atlas.act(action, arguments)
        self.stream.recheck()
        await self._catch_up()
        return answer

    async def rubbish(self, count: int, kinds: tuple[str, ...] = (), channel: str = "") -> dict[str, int]:
        """Send `count` rubbish frames to every client, going round the kinds; return how many of each were written.

        They pretend to come on `channel`, else on one that a client subscribed to.
        """
        path = channel or next((path for path in self.stream.subscribed if path.endswith("/stats/devices")), "/test")
        mac = next(iter(self.ledger.frames.get(path, {"000000000000": None})))
        written: dict[str, int] = {}
        for kind, frame, text in rubbish.rubbish(count, kinds, path, mac, self.options.plan.seed):
            written[kind] = written.get(kind, 0) + self.stream.shout(kind, frame, text=text)
            await asyncio.sleep(0)
        return written

    # Trouble.

    async def fault(self, kind: str, **arguments: Any) -> Fault:
        """Switch a fault on (see `faults.ALLOWED`); raises ValueError when it makes no sense."""
        fault = self.faults.begin(kind, arguments, self.clock.now())
        if kind in DEEDS:
            await self._do(fault)
        return fault

    async def heal(self, kind: str | None = None) -> None:
        """Switch off the faults of this kind, or all."""
        await self._undo(self.faults.end(kind))

    async def _do(self, fault: Fault) -> None:
        if fault.kind == "stream_down":
            await self.stream.stop(fault.code)
        elif fault.kind == "half_open":
            self.stream.freeze()
        else:
            self.rights.denied.add(fault.subject)
            self.stream.recheck()

    async def _undo(self, faults: list[Fault]) -> None:
        for fault in faults:
            if fault.kind == "stream_down":
                await self.stream.start()
            elif fault.kind == "half_open":
                self.stream.thaw()
            elif fault.kind == "revoke_site":
                self.rights.denied.discard(fault.subject)

    def _configure_webhooks(self) -> None:
        """Make the webhooks of the options, for every org and, when asked, for every site."""
        options = self.options
        if not options.webhook_url:
            return
        base = {"name": "simulator", "url": options.webhook_url, "secret": options.webhook_secret}
        topics = sorted(options.webhook_topics or webhook_topics(for_site=False))
        for org in self.atlas.orgs():
            self.webhooks.create(org["id"], None, base | {"topics": topics}, self.pace.now())
            for site in self.atlas.sites(org["id"]) if options.webhook_on_sites else ():
                self.webhooks.create(org["id"], site["id"], base | {"topics": topics}, self.pace.now())
