"""The simulated cloud: the fleet, its simulation and its servers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from collector.clock import SystemClock
from collector.simulator import control, rest
from collector.simulator.constants import webhook_topics
from collector.simulator.directory import FleetDirectory
from collector.simulator.fault_injector import FaultInjector
from collector.simulator.faults import Faults
from collector.simulator.fleet import Fleet
from collector.simulator.frames import FrameEncoder
from collector.simulator.ledger import Ledger
from collector.simulator.malformed import MalformedFrameSender
from collector.simulator.options import CloudOptions
from collector.simulator.permissions import Permissions
from collector.simulator.scenario_player import ScenarioPlayer
from collector.simulator.simulation import SimulatedTime, Simulation
from collector.simulator.stream import StreamServer
from collector.simulator.webhook_sender import WebhookSender
from collector.simulator.webhooks import WebhookRegistry

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from types import TracebackType

    from collector.clock import Clock
    from collector.simulator.faults import ActiveFault


class FakeCloud:
    """A simulated Mist cloud on loopback, as an async context manager that closes everything it opened.

    While it is open, `api_url`, `stream_url` and `control_url` are its addresses. Tests in the same process use its
    parts: `fleet`, `ledger`, `permissions`, `faults`, `stream`, `frames`, `webhooks`, `sender`, `time`, `simulation`,
    `scenarios`. The fleet follows `clock` at `options.speed`; `advance` moves it forward. The context raises an
    exception of the simulation.
    """

    def __init__(self, options: CloudOptions | None = None, *, clock: Clock | None = None) -> None:
        self.options = options or CloudOptions()
        self.clock: Clock = clock or SystemClock()
        seed = self.options.plan.seed
        self.api_url = self.control_url = ""
        self.fleet = Fleet(self.options.plan)
        self.directory = FleetDirectory(self.fleet)
        self.ledger = Ledger()
        self.faults = Faults()
        self.permissions = Permissions(self.directory, self.options.token)
        self.webhooks = WebhookRegistry()
        self.time = SimulatedTime(self.clock, self.options.plan.start, self.options.speed)
        self.frames = FrameEncoder(nested=self.options.nested, plain_channels=self.options.plain_channels)
        self.stream = StreamServer(self.options, self.permissions, self.faults, self.ledger, self.clock)
        self.sender = WebhookSender(
            self.options.sender,
            webhooks=self.webhooks,
            faults=self.faults,
            ledger=self.ledger,
            clock=self.clock,
            seed=seed,
        )
        self.fault_injector = FaultInjector(
            self.faults, stream=self.stream, permissions=self.permissions, clock=self.clock
        )
        self.malformed = MalformedFrameSender(self.stream, self.ledger, seed)
        self.scenarios = ScenarioPlayer(
            fleet=self.fleet,
            directory=self.directory,
            time=self.time,
            faults=self.fault_injector,
            permissions=self.permissions,
            malformed=self.malformed,
        )
        self.simulation = Simulation(
            fleet=self.fleet,
            directory=self.directory,
            time=self.time,
            stream=self.stream,
            encoder=self.frames,
            sender=self.sender,
            ledger=self.ledger,
            faults=self.faults,
            clock=self.clock,
            before_step=self.scenarios.run_due,
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def stream_url(self) -> str:
        """Address of the stream."""
        return self.stream.url

    async def __aenter__(self) -> Self:
        # A pytest fixture may leave the context in another task than it entered it in, which a TaskGroup does not
        # support. So one task, owned and awaited here, runs everything.
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._serve(ready), name="fake cloud")
        try:
            await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        if not ready.done():
            await self._task
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.result()

    async def run(self) -> None:
        """Wait until the simulation fails; raises its exception."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def advance(self, seconds: float) -> None:
        """Move the simulated time forward, see `Simulation.advance`."""
        await self.simulation.advance(seconds)

    async def act(self, action: str, **arguments: Any) -> Any:
        """Run an action of the fleet, see `Simulation.act`."""
        return await self.simulation.act(action, **arguments)

    async def fault(self, kind: str, **arguments: Any) -> ActiveFault:
        """Start a fault, see `FaultInjector.inject`."""
        return await self.fault_injector.inject(kind, **arguments)

    async def heal(self, kind: str | None = None) -> None:
        """End the faults of this kind, or all."""
        await self.fault_injector.heal(kind)

    async def _serve(self, ready: asyncio.Future[None]) -> None:
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self._create_webhooks()
            async with asyncio.TaskGroup() as group:
                group.create_task(self.sender.run(), name="webhook sender")
                group.create_task(self._tick(), name="fleet")
                await asyncio.sleep(0)
                ready.set_result(None)

    async def _open(self, stack: AsyncExitStack) -> None:
        options = self.options
        api = rest.application(
            fleet=self.fleet,
            directory=self.directory,
            permissions=self.permissions,
            faults=self.faults,
            ledger=self.ledger,
            webhooks=self.webhooks,
            sender=self.sender,
            clock=self.clock,
            simulated_time=self.time.now,
            calls_per_hour=options.calls_per_hour,
        )
        port = await stack.enter_async_context(serve_application(api, options.host, options.api_port, options.tls))
        self.api_url = f"{'https' if options.tls else 'http'}://{options.host}:{port}"
        await stack.enter_async_context(self.stream)
        controls = control.application(
            urls=self._urls,
            simulation=self.simulation,
            time=self.time,
            directory=self.directory,
            stream=self.stream,
            sender=self.sender,
            ledger=self.ledger,
            permissions=self.permissions,
            faults=self.fault_injector,
            malformed=self.malformed,
            scenarios=self.scenarios,
        )
        port = await stack.enter_async_context(serve_application(controls, options.host, options.control_port))
        self.control_url = f"http://{options.host}:{port}"

    def _urls(self) -> dict[str, str]:
        return {"api_url": self.api_url, "stream_url": self.stream_url, "control_url": self.control_url}

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(self.options.tick_s)
            await self.fault_injector.heal_expired()
            await self.simulation.catch_up()

    def _create_webhooks(self) -> None:
        """Create the webhooks of the options for every org and, if requested, for every site."""
        options = self.options
        if not options.webhook_url:
            return
        base = {"name": "simulator", "url": options.webhook_url, "secret": options.webhook_secret}
        topics = sorted(options.webhook_topics or webhook_topics(for_site=False))
        for org in self.directory.orgs():
            self.webhooks.create(org["id"], None, base | {"topics": topics}, self.time.now())
            for site in self.directory.sites(org["id"]) if options.webhook_on_sites else ():
                self.webhooks.create(org["id"], site["id"], base | {"topics": topics}, self.time.now())


@asynccontextmanager
async def serve_application(
    app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve an aiohttp application while the context is open; yield its port, a free one if `port` is 0."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
