"""The composition root: configuration -> objects -> one task group. It alone knows everyone.

Starting order is reading order: first the operator's listener, so that a start can be watched; then the webhook
listener; then inventory and streams. Stopping is the reverse: streams and their sockets first, the operator's listener
last, so that a last scrape is answered.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import structlog

import collector
from collector.catalog.catalog import Catalog
from collector.clock import SystemClock
from collector.doors import DoorLimits
from collector.ingest import transports
from collector.ingest.intake import Intake
from collector.ingest.inventory import Inventory
from collector.ingest.polling import PollHooks, Polling
from collector.ingest.pool import Pool
from collector.ingest.recovery import Recovery
from collector.ingest.rest import Rest
from collector.ingest.sources import Sources
from collector.ingest.type_lists import TypeLists
from collector.ingest.webhook import Webhook, WebhookLimits
from collector.location.configured import located
from collector.location.follow import MapFollower
from collector.metrics import exposition
from collector.metrics.labels import escape
from collector.metrics.selfmetrics import SelfMetrics, Subscriptions
from collector.mist import clouds
from collector.mist.directories import Directories
from collector.mist.directory import Directory
from collector.mist.duplicates import Duplicates
from collector.mist.polls import POLLS
from collector.mist.session import Session
from collector.mist.shard import Shard
from collector.mist.wanted import wanted
from collector.serve.listener import OperatorListener
from collector.serve.progress import Limits, Progress
from collector.serve.status_page import AccountLine, EventLine, StatusPage
from collector.serve.supervision import Notifier, Watchdog
from collector.status import Account, ConnectionStatus, PollStatus, RestStatus, WebhookStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from collector.clock import Clock
    from collector.config import AccountConfig, Config, WebhookConfig
    from collector.ingest.transport import Connect
    from collector.mist.directory import Changes
    from collector.serve.metrics import Selection

log = structlog.get_logger()

SWEEP_EVERY_S = 15.0


async def run(
    config: Config,
    *,
    stop: asyncio.Event | None = None,
    clock: Clock | None = None,
    started: Callable[[Collector], None] | None = None,
    notifier: Notifier | None = None,
) -> None:
    """Collect until `stop` is set.

    `started` is told once both listeners are bound (tests learn the ports there); `notifier` tells systemd.
    """
    daemon = Collector(config, clock or SystemClock())
    stop = stop or asyncio.Event()
    notifier = notifier or Notifier({})
    watchdog = Watchdog(notifier, stuck=daemon.stuck, summary=daemon.summary, clock=daemon.clock)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(daemon.operator)
        if daemon.webhook is not None:
            await stack.enter_async_context(daemon.webhook)
        connect = await stack.enter_async_context(transports.by_name(config.stream.transport)())
        lines = [AccountRun(daemon, account, connect) for account in config.accounts]
        for line in lines:
            await stack.enter_async_context(line.rest)
        daemon.attach(lines)
        ports = {"metrics": daemon.operator.port, "webhook": daemon.webhook.port if daemon.webhook else None}
        log.info("started", version=collector.__version__, **ports)
        notifier.ready()
        if started is not None:
            started(daemon)
        jobs = (job for line in lines for job in line.jobs)
        await until(stop, [daemon.sweep, watchdog.run, *jobs], on_stop=notifier.stopping)
    log.info("stopped")


async def until(
    stop: asyncio.Event, jobs: list[Callable[[], Coroutine[object, object, None]]], *, on_stop: Callable[[], None]
) -> None:
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

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.started_at = clock.now()
        self.lines: list[AccountRun] = []
        self.connections: list[ConnectionStatus] = []
        self.rest: list[RestStatus] = []
        self.polls: list[PollStatus] = []
        self.directories = {account.name: Directory() for account in config.accounts}
        self.shard = Shard(config.shard.index, config.shard.count)
        self.catalog = Catalog(
            Directories(*self.directories.values()),
            now=clock.now,
            hears=self.hears,
            inline_names=config.labels == "inline",
            max_clients=config.clients.max_clients if config.clients.per_client else 0,
            max_assets=config.assets.max_assets if config.assets.per_asset else 0,
            shard=self.shard,
        )
        self.location = located(self.catalog, config.location, self.to_unix)
        self.frames, self.events = Account(), dict[str, Account]()
        self.intake = Intake(
            open_channel=self.catalog.open_channel,
            open_topic=self.catalog.open_topic,
            duplicates=Duplicates(),
            frames=self.frames,
            events=self.events,
        )
        self.webhook_status = WebhookStatus() if config.webhook.enabled else None
        self.webhook = self._webhook(self.webhook_status) if self.webhook_status is not None else None
        self.subscriptions = Subscriptions(self.catalog.store, self.to_unix)
        self.selfmetrics = self._selfmetrics()
        self.progress = Progress(
            Limits(config.stream.ping_every_s, config.stream.pong_within_s, config.stream.open_every_s, SWEEP_EVERY_S),
            clock.now(),
        )
        self.operator = OperatorListener(
            config.server.listen, render=self.render, ready=self.not_ready, status=self.status_page, stuck=self.stuck
        )

    def attach(self, lines: list[AccountRun]) -> None:
        """The accounts, once their transports are there."""
        self.lines = lines
        self.rest.extend(line.rest.status for line in lines)

    def to_unix(self, monotonic: float) -> float:
        """Monotonic seconds as seconds since 1970."""
        return self.clock.time() - self.clock.now() + monotonic

    def hears(self, channel: str) -> bool:
        """Whether a channel is up."""
        found = (c.subscriptions[channel].state for c in self.connections if channel in c.subscriptions)
        return "up" in found

    async def sweep(self) -> NoReturn:
        """End series of what nobody speaks of any more, again and again, in steps of less than a millisecond."""
        while True:
            await self.clock.sleep(SWEEP_EVERY_S)
            for _ in self.catalog.sweep():
                await asyncio.sleep(0)
            self.progress.swept(self.clock.now())

    async def render(self, selection: Selection) -> AsyncGenerator[bytes]:
        """The exposition, or what is asked for of it; other work gets its turn between chunks."""
        openmetrics = selection.openmetrics
        for _ in self.subscriptions.update(self.connections):
            await asyncio.sleep(0)
        store = self.catalog.store
        store.begin_scrape()
        try:
            for chunk in exposition.render(store, openmetrics=openmetrics, wanted=wanted_of(selection)):
                yield chunk
                await asyncio.sleep(0)
        finally:
            store.end_scrape()
        if not selection.collect or "collector" in selection.collect:
            yield self.selfmetrics.render(openmetrics=openmetrics)
        if openmetrics:
            yield exposition.EOF

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
        events = Account(
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
            last_events=[EventLine(e.unix, e.topic, e.type, e.site_id) for e in self.catalog.events.recent],
        )

    def _dropped(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for account in self.events.values():
            for reason, count in account.dropped.items():
                total[reason] = total.get(reason, 0) + count
        return total

    def _webhook(self, status: WebhookStatus) -> Webhook:
        wanted = self.config.webhook
        return Webhook(
            wanted.listen,
            wanted.path,
            secrets=wanted.read_secrets,
            allow_unsigned=wanted.allow_unsigned,
            deliver=self.intake.delivery,
            status=status,
            clock=self.clock,
            limits=webhook_limits(wanted),
            sources=Sources(wanted.allow_sources, wanted.trusted_proxies),
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
            rejected_parts=self.catalog.rejected_parts,
            refused_labels=self.catalog.refused_labels,
            rows=lambda: {name: len(table) for name, table in self.catalog.store.tables.items()},
        )


class AccountRun:
    """One account at work: its REST side, its inventory, its connections."""

    def __init__(self, daemon: Collector, account: AccountConfig, connect: Connect) -> None:
        config, clock = daemon.config, daemon.clock
        self.name = account.name
        self.cloud = clouds.of(account.cloud, account.api_url, account.stream_url)
        self._account = account
        self._daemon = daemon
        self.directory = daemon.directories[account.name]
        self.rest = Rest(self.cloud, account.read_token, RestStatus(account.name), clock)
        self.inventory = Inventory(
            self.rest,
            account,
            self.directory,
            on_change=self._changed,
            on_payload=self._payload,
            clock=clock,
            every_s=config.inventory.refresh_s,
            mxedges=config.streams.mxedges,
            shard=daemon.shard,
        )
        self.recovery = Recovery(self.inventory.prime, clock)
        self.pool = Pool(
            account.name,
            url=self.cloud.stream_url,
            token=account.read_token,
            connect=connect,
            intake=daemon.intake,
            clock=clock,
            statuses=daemon.connections,
            max_channels=config.stream.max_channels,
            open_every_s=config.stream.open_every_s,
            new_session=partial(
                Session,
                ack_timeout_s=config.stream.ack_timeout_s,
                ping_every_s=config.stream.ping_every_s,
                pong_within_s=config.stream.pong_within_s,
            ),
            on_recovered=self.recovery.recovered,
        )
        self.maps = MapFollower(daemon.location.maps, self._subscribe, clock)
        self.polling = self._polling()
        self.types = TypeLists(self.rest, daemon.catalog.admit_types, clock)
        sources = (self.inventory, self.pool, self.recovery, self.polling, self.types, self.maps)
        self.jobs = tuple(source.run for source in sources)

    def _polling(self) -> Polling:
        """Everything that is switched on among the polls, with the configured periods."""
        daemon, polls = self._daemon, self._daemon.config.polls
        return Polling(
            self.rest,
            self.directory,
            [poll for poll in POLLS if daemon.config.asks(poll.switch, located=poll.located)],
            PollHooks(
                hand_on=daemon.catalog.rest_object,
                on_period=lambda kind, period_s: daemon.catalog.told_every(kind, period_s, self.name),
                on_complete=daemon.catalog.rest_complete,
                on_site_complete=self._site_complete,
            ),
            every_s={poll.name: getattr(polls.every_s, poll.switch) for poll in POLLS},
            budget_share=polls.budget_share,
            clock=daemon.clock,
            statuses=daemon.polls,
            closed_orgs=lambda: self.inventory.closed_orgs,
        )

    def _changed(self, changes: Changes) -> None:
        self._daemon.catalog.changed(changes)
        self._subscribe()

    def _site_complete(self, kind: str, site_id: str, began: float) -> None:
        self._daemon.catalog.site_complete(kind, site_id, began)
        self.maps.look()

    def _subscribe(self) -> None:
        """Subscribe to every channel that is switched on and that the catalogue can read."""
        daemon = self._daemon
        streams, maps = daemon.config.streams.model_dump(), daemon.location.maps()
        paths = wanted(streams, self.directory, daemon.shard, maps)
        self.pool.set_channels(path for path in paths if daemon.catalog.open_channel(path) is not None)

    def _payload(self, kind: str, payload: dict[str, object], ids: dict[str, str]) -> None:
        self._daemon.catalog.rest_object(kind, payload, ids)

    def summary(self) -> AccountLine:
        """This account on the status page."""
        known = self.directory
        return AccountLine(
            self.name,
            self._account.cloud or self.cloud.name,
            len(known.orgs),
            len(known.sites),
            len(known.devices),
        )


def wanted_of(selection: Selection) -> exposition.Wanted:
    """The families and rows that a scraper asks for; an object's families begin with `mist_<object>_`."""
    prefixes = tuple(f"mist_{name}_" for name in selection.collect)
    needle = b'site_id="%b"' % escape(selection.site).encode() if selection.site else b""
    return exposition.Wanted((lambda name: name.startswith(prefixes)) if prefixes else None, needle)


def webhook_limits(wanted: WebhookConfig) -> WebhookLimits:
    """What deliveries may take, as configured."""
    return WebhookLimits(
        wanted.max_body_bytes,
        wanted.read_timeout_s,
        wanted.rate_per_s,
        wanted.rate_burst,
        DoorLimits(wanted.max_connections, max(1, wanted.max_connections // 4)),
    )


def why(words: str) -> str:
    """A reason in brackets, when there is one."""
    return f" ({words})" if words else ""
