"""The composition root: configuration -> objects -> one task group. It alone knows everyone.

Starting order is reading order: first the operator's listener, so that a start can be watched; then the webhook
listener; then inventory and streams. Stopping is the reverse: streams and their sockets first, the operator's listener
last, so that a last scrape is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import structlog

import collector
from collector.clock import SystemClock
from collector.daemon.account import AccountRun
from collector.daemon.liveness import Limits, Progress
from collector.daemon.reload import Reloader, access_of, webhook_policy
from collector.daemon.systemd import Notifier, Watchdog
from collector.daemon.task_set import TaskSet
from collector.feeds.router import FeedRouter
from collector.floors import Floors
from collector.ingest.dispatcher import Dispatcher
from collector.ingest.stream import transports
from collector.ingest.webhook.endpoint import Webhook
from collector.location.configured import located
from collector.metrics import gc_tuning, text_format
from collector.metrics.labels import escape
from collector.metrics.self_metrics import SelfMetrics, Subscriptions
from collector.mist.deduplicator import Deduplicator
from collector.mist.directories import Directories
from collector.mist.shard import Shard
from collector.serve.listener import OperatorListener
from collector.serve.status_page import EventLine, StatusPage
from collector.status import (
    ConnectionStatus,
    Counts,
    PollStatus,
    ReloadStatus,
    RestStatus,
    ServerStatus,
    WebhookStatus,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from collector.clock import Clock
    from collector.config import AccountConfig, Config
    from collector.daemon.reload import Source
    from collector.ingest.stream.transport import Connect
    from collector.serve.metrics import Selection

log = structlog.get_logger()
Job = Callable[[], Coroutine[Any, Any, None]]

MUTE_S = 75.0  # five times the pause between an access point's messages, less than half of their time to live
SWEEP_EVERY_S = 15.0
SETTLE_EVERY_S = 1.0


async def run(
    config: Config,
    *,
    stop: asyncio.Event | None = None,
    clock: Clock | None = None,
    started: Callable[[Collector], None] | None = None,
    notifier: Notifier | None = None,
    source: Source | None = None,
) -> None:
    """Collect until `stop` is set.

    `started` is told once both listeners are bound (tests learn the ports there); `notifier` tells systemd; `source`
    gives another configuration when one is asked for.
    """
    daemon = Collector(config, clock or SystemClock(), source)
    stop = stop or asyncio.Event()
    notifier = notifier or Notifier({})
    watchdog = Watchdog(notifier, stuck=daemon.stuck, summary=daemon.summary, clock=daemon.clock)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(daemon.operator)
        if daemon.webhook is not None:
            await stack.enter_async_context(daemon.webhook)
        daemon.connect = await stack.enter_async_context(transports.by_name(config.stream.transport)())
        daemon.keep(config)
        ports = {"metrics": daemon.operator.port, "webhook": daemon.webhook.port if daemon.webhook else None}
        log.info("started", version=collector.__version__, **ports)
        notifier.ready()
        if started is not None:
            started(daemon)
        jobs: list[Job] = [daemon.sweep, daemon.settle, watchdog.run, daemon.crew.run, daemon.reloader.run]
        await until(stop, jobs, on_stop=notifier.stopping)
    log.info("stopped")


async def until(stop: asyncio.Event, jobs: list[Job], *, on_stop: Callable[[], None]) -> None:
    """Run all jobs until `stop` is set; an error of one ends all. `on_stop` is called as the end begins."""
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = [group.create_task(job()) for job in jobs]
        await stop.wait()
        log.info("stopping")
        on_stop()
        for task in tasks:
            task.cancel()


class Collector:
    """What all accounts share: the catalogue with its store, the books, the two listeners."""

    connect: Connect  # there before the first account is

    def __init__(self, config: Config, clock: Clock, source: Source | None = None) -> None:
        self.config = config
        self.clock = clock
        self.started_at = clock.now()
        self.lines: list[AccountRun] = []
        self.connections: list[ConnectionStatus] = []
        self.rest: list[RestStatus] = []
        self.polls: list[PollStatus] = []
        self.crew = TaskSet(())
        self.directories = Directories()
        self.shard = Shard(config.shard.index, config.shard.count)
        self.catalog = FeedRouter(
            self.directories,
            now=clock.now,
            is_live=self.is_live,
            inline_names=config.labels == "inline",
            max_clients=config.clients.max_clients if config.clients.per_client else 0,
            max_assets=config.assets.max_assets if config.assets.per_asset else 0,
            named_assets=config.location.named_assets,
            shard=self.shard,
        )
        self.location = located(self.catalog, config.location, self.to_unix)
        self.frames, self.events = Counts(), dict[str, Counts]()
        self.intake = Dispatcher(
            open_channel=self.catalog.open_channel,
            open_topic=self.catalog.open_topic,
            duplicates=Deduplicator(),
            frames=self.frames,
            events=self.events,
        )
        self.webhook_status = WebhookStatus() if config.webhook.enabled else None
        self.webhook = self._webhook(self.webhook_status) if self.webhook_status is not None else None
        self.server_status, self.reload_status = ServerStatus(), ReloadStatus(last_good_at=clock.now())
        self.reloader = Reloader(self, source, self.reload_status)
        self.subscriptions = Subscriptions(self.catalog.store, self.to_unix)
        self.selfmetrics = self._selfmetrics()
        self.progress = Progress(
            Limits(config.stream.ping_every_s, config.stream.pong_within_s, config.stream.open_every_s, SWEEP_EVERY_S),
            clock.now(),
        )
        self.operator = self._operator(config)

    def keep(self, config: Config) -> None:
        """Keep exactly the accounts of `config`, which is the configuration from now on; who stays goes on working."""
        before, self.config = self.config, config
        wanted = {account.name: account for account in config.accounts}
        staying = {line.name: line for line in self.lines if line.fits(wanted.get(line.name))}
        for line in [line for line in self.lines if line.name not in staying]:
            line.leave()
            self.directories.part(line.directory)
            self.rest.remove(line.rest.status)
        self.lines = [staying.get(account.name) or self._line(account) for account in config.accounts]
        self.crew.set(self.lines)
        for name, line in staying.items():
            line.adopt(wanted[name], before)

    def _line(self, account: AccountConfig) -> AccountRun:
        line = AccountRun(self, account, self.connect)
        self.directories.join(line.directory)
        self.rest.append(line.rest.status)
        return line

    def to_unix(self, monotonic: float) -> float:
        """Monotonic seconds as seconds since 1970."""
        return self.clock.time() - self.clock.now() + monotonic

    def is_live(self, channel: str) -> bool:
        """Whether a channel is up, and not mute: of a mute one REST is asked instead, where it knows."""
        return any(
            connection.subscriptions[channel].state == "up" and not self._left_to_rest(connection, channel)
            for connection in self.connections
            if channel in connection.subscriptions
        )

    def _left_to_rest(self, connection: ConnectionStatus, channel: str) -> bool:
        """Whether nobody speaks on a channel, so that REST is asked: all are down, or Mist says nothing of them."""
        last = connection.subscriptions[channel].last_message_at
        if last is not None and self.clock.now() - last < MUTE_S:
            return False
        return any(line.recovery.ask(channel) for line in self.lines if line.name == connection.account)

    async def sweep(self) -> NoReturn:
        """End series of what nobody speaks of any more, again and again, in steps of less than a millisecond."""
        while True:
            await self.clock.sleep(SWEEP_EVERY_S)
            for _ in self.catalog.sweep():
                await asyncio.sleep(0)
            self.progress.swept(self.clock.now())

    async def settle(self) -> NoReturn:
        """Keep the garbage collector away from what has come to stay."""
        while True:
            await self.clock.sleep(SETTLE_EVERY_S)
            gc_tuning.settle()

    async def render(self, selection: Selection) -> AsyncGenerator[bytes]:
        """The exposition, or what is asked for of it; other work gets its turn between chunks."""
        openmetrics = selection.openmetrics
        for _ in self.subscriptions.update(self.connections):
            await asyncio.sleep(0)
        store = self.catalog.store
        scrape = store.begin_scrape()
        try:
            for chunk in text_format.render(store, openmetrics=openmetrics, wanted=wanted_of(selection)):
                if chunk:
                    yield chunk
                await asyncio.sleep(0)
        finally:
            store.end_scrape(scrape)
        if not selection.collect or "collector" in selection.collect:
            yield self.selfmetrics.render(openmetrics=openmetrics)
        if openmetrics:
            yield text_format.EOF

    def stuck(self) -> list[str]:
        """What hangs, so that only a restart helps."""
        return self.progress.stuck(self.connections, self.clock.now())

    def summary(self) -> str:
        """How it stands, in one line."""
        channels = [s.state for c in self.connections for s in c.subscriptions.values()]
        up = f"{channels.count('up')} of {len(channels)} channels up, {self.frames.received} frames"
        return "; ".join([up, *(f"not ready: {reason}" for reason in self.not_ready()[:1])])

    def not_ready(self) -> list[str]:
        """Reasons why the collector is not ready: an inventory not read, a channel without an answer."""
        reasons = [
            f"account {line.name}: the inventory has not been read{why(line.rest.status.last_error)}"
            for line in self.lines
            if not line.inventory.ready.is_set()
        ]
        for connection in self.connections:
            open_ = sum(s.state in {"waiting", "sent"} for s in connection.subscriptions.values())
            if open_:
                reasons.append(
                    f"connection {connection.name}: {open_} channels without an answer{why(connection.last_break)}"
                )
        return reasons

    def status_page(self) -> StatusPage:
        """Everything the page shows."""
        events = Counts(
            sum(a.received for a in self.events.values()), sum(a.applied for a in self.events.values()), self._dropped()
        )
        return StatusPage(
            now=self.clock.now(),
            unix=self.clock.time(),
            started_at=self.started_at,
            version=collector.__version__,
            not_ready=self.not_ready(),
            accounts=[line.summary() for line in self.lines],
            rest=self.rest,
            polls=self.polls,
            connections=self.connections,
            frames=self.frames,
            events=events,
            webhook=self.webhook_status,
            series=self.catalog.store.series_by_family(),
            floors=self.config.location.floor_page and self.config.locates,
            last_events=[EventLine(e.unix, e.topic, e.type, e.site_id) for e in self.catalog.events.recent],
        )

    def _dropped(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for account in self.events.values():
            for reason, count in account.dropped.items():
                total[reason] = total.get(reason, 0) + count
        return total

    def _operator(self, config: Config) -> OperatorListener:
        floors = Floors(self.location.lines, self.location.view, self.clock, self._site_name)
        return OperatorListener(
            config.server.listen,
            render=self.render,
            ready=self.not_ready,
            status=self.status_page,
            stuck=self.stuck,
            reload=self.reloader.reload,
            counts=self.server_status,
            access=access_of(config.server),
            floors=floors if config.location.floor_page else None,
        )

    def _site_name(self, site_id: str) -> str:
        site = self.directories.site(site_id)
        return site.name if site is not None else ""

    def _webhook(self, status: WebhookStatus) -> Webhook:
        wanted = self.config.webhook
        return Webhook(
            wanted.listen, deliver=self.intake.deliver, status=status, clock=self.clock, policy=webhook_policy(wanted)
        )

    def _selfmetrics(self) -> SelfMetrics:
        return SelfMetrics(
            version=collector.__version__,
            to_unix=self.to_unix,
            frames=self.frames,
            events=self.events,
            connections=self.connections,
            rest=self.rest,
            polls=self.polls,
            webhook=self.webhook_status,
            server=self.server_status,
            reload=self.reload_status,
            rejected_parts=self.catalog.rejected_parts,
            refused_labels=self.catalog.refused_labels,
            tasks=lambda: len(asyncio.all_tasks()),
            rows=lambda: {name: len(table) for name, table in self.catalog.store.tables.items()},
        )


def wanted_of(selection: Selection) -> text_format.Wanted:
    """The families and rows that a scraper asks for; an object's families begin with `mist_<object>_`."""
    prefixes = tuple(f"mist_{name}_" for name in selection.collect)
    needle = b'site_id="%b"' % escape(selection.site).encode() if selection.site else b""
    return text_format.Wanted((lambda name: name.startswith(prefixes)) if prefixes else None, needle)


def why(words: str) -> str:
    """A reason in brackets, when there is one."""
    return f" ({words})" if words else ""
