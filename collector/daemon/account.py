"""One Mist account: its REST client, inventory, connections and polls, and how a reload reconfigures them."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from collector.daemon.task_set import RestartableTask
from collector.errors import ConfigError
from collector.ingest.rest.backfill import Backfill
from collector.ingest.rest.client import RestClient
from collector.ingest.rest.inventory import Inventory
from collector.ingest.rest.polls import PollHooks, Polling, TypeLists
from collector.ingest.stream.pool import StreamPool, StreamSettings
from collector.ingest.token_gate import TokenGate
from collector.location.map_watcher import MapWatcher
from collector.mist import clouds
from collector.mist.directory import Directory
from collector.mist.polls import POLLS
from collector.mist.session import SessionSettings
from collector.mist.wanted import wanted
from collector.serve.status_page import AccountLine
from collector.status import RestStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from collector.clock import Clock
    from collector.concurrency import Supervise
    from collector.config import AccountConfig, Config
    from collector.feeds.router import FeedRouter
    from collector.ingest.dispatcher import Dispatcher
    from collector.ingest.stream.transport import Connect
    from collector.location.feed import LocationFeed
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes
    from collector.mist.shard import Shard
    from collector.status import ConnectionStatus, PollStatus

log = structlog.get_logger()

TOKEN_CHECK_EVERY_S: Final = 10.0  # interval of the check for a replaced token
CHANNELS_PER_STEP: Final = 1000  # before other tasks run
TOKEN_RETRY_S: Final = 300.0  # pause before a new token that opened no connection is tried again


@dataclass(slots=True, kw_only=True)
class Shared:
    """What all accounts share.

    Attributes:
        config: the present configuration; a reload replaces it.
        clock: time.
        supervise: runs long-lived tasks.
        shard: the part of the sites that this process collects.
        directories: the inventories of all accounts.
        feeds: applies payloads to the store.
        location: the feed of positions.
        dispatcher: takes frames and deliveries.
        connections, polls: status records, shown on the status page.
    """

    config: Config
    clock: Clock
    supervise: Supervise
    shard: Shard
    directories: Directories
    feeds: FeedRouter
    location: LocationFeed
    dispatcher: Dispatcher
    connections: list[ConnectionStatus] = field(default_factory=list)
    polls: list[PollStatus] = field(default_factory=list)


class AccountRun:
    """Collects one account. `run` runs until cancelled; `adopt` applies another configuration meanwhile.

    `leave` removes its channels, series and status records.
    """

    def __init__(self, shared: Shared, account: AccountConfig, connect: Connect) -> None:
        config, clock = shared.config, shared.clock
        self.name = account.name
        self.cloud = cloud_of(account)
        self.config = account
        self._shared = shared
        self.directory = Directory()
        self.gate = TokenGate(clock, account=account.name)
        self.rest = RestClient(self.cloud, self._read_token, RestStatus(account.name), clock, gate=self.gate)
        self.backfill = Backfill(
            self.rest, self.directory, shared.feeds.rest_object, clock, mxedges=config.streams.mxedges
        )
        self.inventory = Inventory(
            self.rest,
            account,
            self.directory,
            self.backfill,
            on_change=self._changed,
            on_changed=self._subscribe_in_steps,
            handle=shared.feeds.rest_object,
            clock=clock,
            every_s=config.inventory.refresh_s,
            shard=shared.shard,
        )
        self.pool = StreamPool(
            account.name,
            url=self.cloud.stream_url,
            token=self._read_token,
            connect=connect,
            sink=shared.dispatcher,
            clock=clock,
            statuses=shared.connections,
            settings=stream_settings(config),
            supervise=shared.supervise,
            gate=self.gate,
            on_recovered=self.backfill.channels_recovered,
        )
        self.maps = MapWatcher(shared.location.maps, self._subscribe, clock)
        self.polling = RestartableTask(self._polling)
        self.types = TypeLists(self.rest, shared.feeds.admit_types, clock)

    async def run(self) -> None:
        """Collect until cancelled; then every socket is closed. Each part is supervised on its own."""
        parts: dict[str, Callable[[], Awaitable[object]]] = {
            "inventory": self.inventory.run,
            "pool": self.pool.run,
            "backfill": self.backfill.run,
            "polls": self.polling.run,
            "type_lists": self.types.run,
            "maps": self.maps.run,
            "token": self.watch_token,
        }
        async with self.rest, asyncio.TaskGroup() as group:
            for name, run in parts.items():
                group.create_task(self._shared.supervise(name, run))

    def fits(self, account: AccountConfig | None) -> bool:
        """Return whether `account` can be applied to this one: the same name and the same cloud."""
        return account is not None and account.name == self.name and self.cloud == cloud_of(account)

    def leave(self) -> None:
        """Remove the account's channels, series and status records: it left the configuration."""
        self.pool.set_channels(())
        self._forget_polls()
        changes = self.directory.replace((), (), ())
        if changes:
            self._shared.feeds.changed(changes)

    def adopt(self, account: AccountConfig, before: Config) -> None:
        """Apply `account`, of the same cloud, and the present configuration; `before` was the one until now."""
        config, scope_before = self._shared.config, (self.config.orgs, self.config.sites)
        self.config = account
        self.inventory.every_s = config.inventory.refresh_s
        self.backfill.mxedges = config.streams.mxedges
        if (account.orgs, account.sites) != scope_before:
            self.inventory.rescope(account)
        self.pool.use(stream_settings(config))
        if (config.polls, config.streams) != (before.polls, before.streams):
            self._forget_polls()
            self.polling.restart()
        self._subscribe()

    # The token

    def _read_token(self) -> str:
        return self.config.read_token()

    async def watch_token(self) -> NoReturn:
        """Check whether the token was replaced; if so, replace every connection, one by one, the new one first."""
        in_use, refused = self._fingerprint(), b""
        refused_at, last = 0.0, in_use
        while True:
            await self._shared.clock.sleep(TOKEN_CHECK_EVERY_S)
            now, found = self._shared.clock.now(), self._fingerprint()
            if found not in (last, b""):
                last = found
                self.gate.token_changed()
            if found in (in_use, b"") or (found == refused and now - refused_at < TOKEN_RETRY_S):
                continue
            if await self.pool.rotate():
                in_use, refused = found, b""
                self.inventory.soon()
            else:
                refused, refused_at = found, now

    def _fingerprint(self) -> bytes:
        """Return a digest of the token; empty while it cannot be read."""
        try:
            return hashlib.sha256(self._read_token().encode()).digest()
        except ConfigError:
            return b""

    # Wiring of the parts

    def _polling(self) -> Polling:
        """Make the polls that the configuration enables, with their periods."""
        shared, polls = self._shared, self._shared.config.polls
        return Polling(
            self.rest,
            self.directory,
            [poll for poll in POLLS if shared.config.asks(poll.switch, located=poll.for_location)],
            PollHooks(
                handle=shared.feeds.rest_object,
                on_period=lambda kind, period_s: shared.feeds.set_poll_period(kind, period_s, self.name),
                on_complete=shared.feeds.rest_complete,
                on_site_complete=self._site_complete,
            ),
            every_s={poll.name: getattr(polls.every_s, poll.switch) for poll in POLLS},
            budget_share=polls.budget_share,
            clock=shared.clock,
            statuses=shared.polls,
            site_only_orgs=lambda: self.inventory.site_only_orgs,
            supervise=shared.supervise,
        )

    def _forget_polls(self) -> None:
        own = set(map(id, self.polling.current.statuses))  # another account may have the same name by now
        self._shared.polls[:] = [status for status in self._shared.polls if id(status) not in own]

    def _changed(self, part: Changes) -> None:
        """Unsubscribe removed channels before their series end: a late frame would create the series again."""
        self.pool.unsubscribe_objects({site.id for site in part.sites_removed} | {org.id for org in part.orgs_removed})
        self._shared.feeds.changed(part)

    def _site_complete(self, kind: str, site_id: str, began: float) -> None:
        self._shared.feeds.site_complete(kind, site_id, began)
        self.maps.notify()

    def _subscribe(self) -> None:
        """Subscribe to every channel that is enabled and has a feed."""
        self.pool.set_channels(self._wanted())

    async def _subscribe_in_steps(self) -> None:
        """Subscribe in steps, so that other tasks run in between: 10,000 channels take tenths of a second."""
        paths = []
        for number, path in enumerate(self._wanted(), start=1):
            paths.append(path)
            if number % CHANNELS_PER_STEP == 0:
                await self._shared.clock.sleep(0)
        for _ in self.pool.set_channels_in_steps(paths):
            await self._shared.clock.sleep(0)

    def _wanted(self) -> Iterator[str]:
        shared = self._shared
        streams, maps = shared.config.streams.model_dump(), shared.location.maps()
        paths = wanted(streams, self.directory, shared.shard, maps)
        return (path for path in paths if shared.feeds.open_channel(path) is not None)

    def summary(self) -> AccountLine:
        """Return the account's row of the status page."""
        known = self.directory
        return AccountLine(
            self.name,
            self.config.cloud or self.cloud.name,
            len(known.orgs),
            len(known.sites),
            len(known.devices),
        )


def stream_settings(config: Config) -> StreamSettings:
    """Return the settings of the stream connections."""
    stream = config.stream
    session = SessionSettings(
        ack_timeout_s=stream.ack_timeout_s, ping_every_s=stream.ping_every_s, pong_within_s=stream.pong_within_s
    )
    return StreamSettings(stream.max_channels, stream.open_every_s, session)


def cloud_of(account: AccountConfig) -> clouds.Cloud:
    """Return the cloud of an account."""
    return clouds.of(account.cloud, account.api_url, account.stream_url)
