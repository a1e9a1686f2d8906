"""The composition root: configuration -> objects -> one task group. It has no logic of its own.

Start-up order is reading order: the operator's listener first, so that a start can be observed; then the webhook
listener; then inventory and streams. Shutdown is the reverse: streams first, the operator's listener last, so that a
last scrape is answered.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

import collector
from collector.clock import SystemClock
from collector.daemon.account import AccountRun, Shared
from collector.daemon.accounts import Accounts
from collector.daemon.channel_health import ChannelHealth
from collector.daemon.housekeeping import Housekeeping
from collector.daemon.liveness import Liveness
from collector.daemon.preload import preload
from collector.daemon.readiness import Readiness
from collector.daemon.reload import Reloader, operator_access, webhook_policy
from collector.daemon.scrape import Scrape
from collector.daemon.status_report import StatusReport
from collector.daemon.supervisor import Supervisor
from collector.daemon.systemd import Notifier, Watchdog
from collector.events.configured import history_of
from collector.events.event_buffer import EventBuffer
from collector.events.subscribers import EventSubscribers
from collector.feeds.router import FeedRouter
from collector.floors import Floors
from collector.ingest.dispatcher import Dispatcher, Recorder
from collector.ingest.stream.websocket import WebSocketConnect
from collector.ingest.webhook.endpoint import Webhook
from collector.location.feed import LocationFeed
from collector.metrics.own_families import StatusRecords
from collector.metrics.self_metrics import SelfMetrics
from collector.metrics.subscriptions import Subscriptions
from collector.mist.deduplicator import Deduplicator
from collector.mist.directories import Directories
from collector.mist.shard import Shard
from collector.serve.events_api import EventsApi
from collector.serve.listener import OperatorListener
from collector.status import ConnectionStatus, Counts, PollStatus, ReloadStatus, ServerStatus, WebhookStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from collector.clock import Clock
    from collector.config import Config
    from collector.daemon.reload import ConfigSource
    from collector.event import Event
    from collector.ingest.stream.transport import Connect

log = structlog.get_logger()


async def run(
    config: Config,
    *,
    stop: asyncio.Event | None = None,
    clock: Clock | None = None,
    started: Callable[[Daemon], None] | None = None,
    notifier: Notifier | None = None,
    source: ConfigSource | None = None,
    connect: Connect | None = None,
    log_dropped: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Collect until `stop` is set.

    Args:
        config: the configuration at start.
        stop: ends the daemon in order.
        clock: the system's, unless a test passes its own.
        started: is called once both listeners are bound; tests learn the ports from it.
        notifier: reports to the service manager.
        source: where a reload reads the configuration.
        connect: opens WebSocket connections; tests pass their own.
        log_dropped: number of log lines dropped, by reason.

    Raises:
        ListenError: an address cannot be bound. After start-up nothing is raised but cancellation.
    """
    preload(config)
    daemon = Daemon(
        config, clock or SystemClock(), source=source, notifier=notifier, connect=connect, log_dropped=log_dropped
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(daemon.history)
        await stack.enter_async_context(daemon.operator)
        if daemon.webhook is not None:
            await stack.enter_async_context(daemon.webhook)
        daemon.accounts.apply(config)
        ports = {"metrics": daemon.operator.port, "webhook": daemon.webhook.port if daemon.webhook else None}
        log.info("started", version=collector.__version__, **ports)
        daemon.notifier.ready()
        if started is not None:
            started(daemon)
        await daemon.run_until(stop or asyncio.Event())
    log.info("stopped")


class Daemon:
    """Every object of the running process, and how they are connected. Tests reach them by their names here."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        *,
        source: ConfigSource | None = None,
        notifier: Notifier | None = None,
        connect: Connect | None = None,
        log_dropped: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.log_dropped = log_dropped
        self.clock = clock
        self.notifier = notifier or Notifier({})
        self.supervisor = Supervisor(clock)
        self.frames, self.events = Counts(), dict[str, Counts]()
        self.webhook_status = WebhookStatus() if config.webhook.enabled else None
        self.server_status, self.reload_status = ServerStatus(), ReloadStatus(last_good_at=clock.now())
        self.directories = Directories()
        running, self.connections, self.polls = list[AccountRun](), list[ConnectionStatus](), list[PollStatus]()
        self.channel_health = ChannelHealth(running, self.connections, clock)
        self.history = history_of(config.events, clock.time)
        self.event_buffer = EventBuffer(self.history)
        shard = Shard(config.shard.index, config.shard.count)
        self.event_subscribers = EventSubscribers()
        self.feeds = FeedRouter(
            self.directories,
            now=clock.now,
            unix_time=clock.time,
            is_live=self.channel_health.is_live,
            on_event=self._on_event,
            wants_topic=lambda _: False,  # the dispatcher passes them to the history first
            inline_names=config.labels == "inline",
            max_clients=config.clients.max_clients if config.clients.per_client else 0,
            max_assets=config.assets.max_assets if config.assets.per_asset else 0,
            named_assets=config.location.named_assets,
            shard=shard,
        )
        self.location = LocationFeed(self.feeds.store, self.directories, config.location, to_unix=self.to_unix)
        self.feeds.join(self.location)
        self.dispatcher = Dispatcher(
            open_channel=self.feeds.open_channel,
            open_topic=self.feeds.open_topic,
            duplicates=Deduplicator(),
            frames=self.frames,
            events=self.events,
            recorder=Recorder(self.feeds.events_of, self.history, self._on_recorded),
        )
        self.shared = Shared(
            config=config,
            clock=clock,
            supervise=self.supervisor,
            shard=shard,
            directories=self.directories,
            feeds=self.feeds,
            location=self.location,
            dispatcher=self.dispatcher,
            connections=self.connections,
            polls=self.polls,
        )
        self.accounts = Accounts(self.shared, connect or WebSocketConnect(clock), running)
        self.rest = self.accounts.rest
        self.readiness = Readiness(running, self.connections)
        self.housekeeping = Housekeeping(self.feeds, clock)
        self.liveness = Liveness(self.connections, self.housekeeping, lambda: self.config.stream, clock)
        self.report = self._report()
        self.subscriptions = Subscriptions(self.feeds.store, self.connections, self.to_unix)
        self.scrape = Scrape(self.feeds.store, SelfMetrics(self._status_records()))
        self.webhook = self._webhook(config, self.webhook_status) if self.webhook_status is not None else None
        self.operator = self._operator(config)
        self.reloader = Reloader(
            self.accounts,
            operator=self.operator,
            webhook=self.webhook,
            source=source,
            status=self.reload_status,
            clock=clock,
        )
        self.watchdog = Watchdog(self.notifier, stuck=self.liveness.stuck, summary=self.report.summary, clock=clock)

    @property
    def config(self) -> Config:
        """The present configuration."""
        return self.shared.config

    async def run_until(self, stop: asyncio.Event) -> None:
        """Run every long-lived task, each supervised, until `stop` is set."""
        tasks: dict[str, Callable[[], Awaitable[object]]] = {
            "sweep": self.housekeeping.sweep,
            "settle": self.housekeeping.settle,
            "systemd": self.watchdog.run,
            "reload": self.reloader.run,
            "web_files": self.reloader.watch_web_files,
            "account": self.accounts.run,
            "events": self.event_buffer.run,
        }
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(self.supervisor(name, task)) for name, task in tasks.items()]
            await stop.wait()
            log.info("stopping")
            self.notifier.stopping()
            for task in running:
                task.cancel()

    def _on_event(self, event: Event) -> None:
        """Take an event of a stream, or a finding."""
        self.event_subscribers(event)
        self.event_buffer.add(event)

    def _on_recorded(self, event: Event) -> None:
        """Take a webhook event that is in the history."""
        self.event_subscribers(event)

    def to_unix(self, monotonic: float) -> float:
        """Return a monotonic time as seconds since the epoch."""
        return self.clock.time() - self.clock.now() + monotonic

    def unhealthy(self) -> list[str]:
        """Return why `/-/healthy` answers 503: parts without progress, and tasks that keep failing."""
        return [*self.liveness.stuck(), *self.supervisor.failing()]

    def _report(self) -> StatusReport:
        return StatusReport(
            accounts=self.accounts.running,
            config=lambda: self.config,
            readiness=self.readiness,
            feeds=self.feeds,
            rest=self.rest,
            polls=self.polls,
            connections=self.connections,
            frames=self.frames,
            events=self.events,
            tasks=self.supervisor.tasks,
            recent=self.event_subscribers.recent,
            webhook=self.webhook_status,
            clock=self.clock,
        )

    def _operator(self, config: Config) -> OperatorListener:
        floors = Floors(self.location.lines, self.location.view, self.clock, self._site_name)
        return OperatorListener(
            config.server.listen,
            render=self.scrape.render,
            ready=self.readiness.reasons,
            status=self.report.page,
            stuck=self.unhealthy,
            reload=lambda: self.reloader.reload(),  # noqa: PLW0108 - the reloader is made after the operator
            counts=self.server_status,
            access=operator_access(config.server),
            floors=floors if config.location.floor_page else None,
            events=EventsApi(self.history, self.clock),
            portals=self.report.portals,
        )

    def _site_name(self, site_id: str) -> str:
        site = self.directories.site(site_id)
        return site.name if site is not None else ""

    def _webhook(self, config: Config, status: WebhookStatus) -> Webhook:
        return Webhook(
            config.webhook.listen,
            deliver=self.dispatcher.deliver,
            status=status,
            clock=self.clock,
            policy=webhook_policy(config.webhook),
        )

    def _status_records(self) -> StatusRecords:
        return StatusRecords(
            version=collector.__version__,
            to_unix=self.to_unix,
            started_at=self.clock.time(),
            frames=self.frames,
            events=self.events,
            connections=self.connections,
            rest=self.rest,
            polls=self.polls,
            webhook=self.webhook_status,
            server=self.server_status,
            reload=self.reload_status,
            rejected_parts=self.feeds.rejected_parts,
            refused_labels=self.feeds.refused_labels,
            feed_errors=self.feeds.errors,
            history=self.history.status,
            events_not_queued=lambda: self.event_buffer.dropped,
            tasks=lambda: len(asyncio.all_tasks()),
            supervised=self.supervisor.tasks,
            log_dropped=self.log_dropped,
            rows=lambda: {name: len(table) for name, table in self.feeds.store.tables.items()},
        )
