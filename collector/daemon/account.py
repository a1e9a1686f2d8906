"""One account at work: its REST side, inventory, connections and polls; and how it takes another configuration."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import structlog

from collector.daemon.task_set import RestartableTask
from collector.errors import ConfigError
from collector.ingest.rest.client import Rest
from collector.ingest.rest.inventory import Inventory
from collector.ingest.rest.polling import PollHooks, Polling
from collector.ingest.rest.recovery import Recovery
from collector.ingest.rest.type_lists import TypeLists
from collector.ingest.stream.pool import Pool
from collector.location.follow import MapFollower
from collector.mist import clouds
from collector.mist.directory import Directory
from collector.mist.polls import POLLS
from collector.mist.session import Session
from collector.mist.wanted import wanted
from collector.serve.status_page import AccountLine
from collector.status import RestStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.clock import Clock
    from collector.config import AccountConfig, Config
    from collector.feeds.router import FeedRouter
    from collector.ingest.dispatcher import Dispatcher
    from collector.ingest.stream.transport import Connect
    from collector.location.feed import LocationFeed
    from collector.mist.directory import Changes
    from collector.mist.shard import Shard
    from collector.status import ConnectionStatus, PollStatus

log = structlog.get_logger()

LOOK_EVERY_S: Final = 10.0  # at the token, whether it was replaced
STEP: Final = 1000  # channels found before other work gets its turn
RETRY_S: Final = 300.0  # a new token that did not open a connection is tried again so often


class Daemon(Protocol):
    """What an account shares with all others."""

    config: Config
    clock: Clock
    shard: Shard
    catalog: FeedRouter
    location: LocationFeed
    intake: Dispatcher
    connections: list[ConnectionStatus]
    polls: list[PollStatus]


class AccountRun:
    """One account. `run` keeps it at work until cancelled; `adopt` takes another configuration meanwhile.

    What it adds to the records of the daemon it takes away again when it ends: its series go with them.
    """

    def __init__(self, daemon: Daemon, account: AccountConfig, connect: Connect) -> None:
        config, clock = daemon.config, daemon.clock
        self.name = account.name
        self.cloud = cloud_of(account)
        self.config = account
        self._daemon = daemon
        self.directory = Directory()
        self.rest = Rest(self.cloud, self._read_token, RestStatus(account.name), clock)
        self.inventory = Inventory(
            self.rest,
            account,
            self.directory,
            on_change=self._changed,
            on_changed=self._subscribe_in_steps,
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
            token=self._read_token,
            connect=connect,
            intake=daemon.intake,
            clock=clock,
            statuses=daemon.connections,
            max_channels=config.stream.max_channels,
            open_every_s=config.stream.open_every_s,
            new_session=self._new_session,
            on_recovered=self.recovery.recovered,
        )
        self.maps = MapFollower(daemon.location.maps, self._subscribe, clock)
        self.polling = RestartableTask(self._polling)
        self.types = TypeLists(self.rest, daemon.catalog.admit_types, clock)

    async def run(self) -> None:
        """Collect until cancelled; then sockets are closed and nothing of this account is left in the records."""
        sources = (self.inventory, self.pool, self.recovery, self.polling, self.types, self.maps)
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self.rest)
                group = await stack.enter_async_context(asyncio.TaskGroup())
                for job in (*(source.run for source in sources), self.watch_token):
                    group.create_task(job())
        finally:
            self._forget_polls()

    def fits(self, account: AccountConfig | None) -> bool:
        """Whether `account` is this one still: the same name and the same cloud."""
        return account is not None and account.name == self.name and self.cloud == cloud_of(account)

    def leave(self) -> None:
        """The account is no more in the configuration: its channels, series and records go."""
        self.pool.set_channels(())
        self._forget_polls()
        changes = self.directory.replace((), (), ())
        if changes:
            self._daemon.catalog.changed(changes)

    def adopt(self, account: AccountConfig, before: Config) -> None:
        """Go by `account` and by the daemon's present configuration, which was `before`; the same cloud still."""
        config, scope_before = self._daemon.config, (self.config.orgs, self.config.sites)
        self.config = account
        self.inventory.every_s = config.inventory.refresh_s
        self.inventory.prime_mxedges(on=config.streams.mxedges)
        if (account.orgs, account.sites) != scope_before:
            self.inventory.rescope(account)
        self.pool.max_channels = config.stream.max_channels
        if (config.polls, config.streams) != (before.polls, before.streams):
            self._forget_polls()
            self.polling.swap()
        self._subscribe()

    # The token

    def _read_token(self) -> str:
        return self.config.read_token()

    async def watch_token(self) -> NoReturn:
        """Look whether the token was replaced; then replace every connection, one by one, the new before the old."""
        in_use, refused = self._fingerprint(), b""
        refused_at = 0.0
        while True:
            await self._daemon.clock.sleep(LOOK_EVERY_S)
            now, found = self._daemon.clock.now(), self._fingerprint()
            if found in (in_use, b"") or (found == refused and now - refused_at < RETRY_S):
                continue
            if await self.pool.rotate():
                in_use, refused = found, b""
                self.inventory.soon()
            else:
                refused, refused_at = found, now

    def _fingerprint(self) -> bytes:
        """Something to know a token again by; empty while it cannot be read."""
        try:
            return hashlib.sha256(self._read_token().encode()).digest()
        except ConfigError:
            return b""

    # What the parts hand on

    def _new_session(self, channels: tuple[str, ...], **more: object) -> Session:
        stream = self._daemon.config.stream
        make = partial(
            Session,
            ack_timeout_s=stream.ack_timeout_s,
            ping_every_s=stream.ping_every_s,
            pong_within_s=stream.pong_within_s,
        )
        return make(channels, **more)  # type: ignore[arg-type]  # passed through as the stream gives it

    def _polling(self) -> Polling:
        """Everything that is switched on among the polls, with the configured periods."""
        daemon, polls = self._daemon, self._daemon.config.polls
        return Polling(
            self.rest,
            self.directory,
            [poll for poll in POLLS if daemon.config.asks(poll.switch, located=poll.located)],
            PollHooks(
                hand_on=daemon.catalog.rest_object,
                on_period=lambda kind, period_s: daemon.catalog.set_poll_period(kind, period_s, self.name),
                on_complete=daemon.catalog.rest_complete,
                on_site_complete=self._site_complete,
            ),
            every_s={poll.name: getattr(polls.every_s, poll.switch) for poll in POLLS},
            budget_share=polls.budget_share,
            clock=daemon.clock,
            statuses=daemon.polls,
            closed_orgs=lambda: self.inventory.closed_orgs,
        )

    def _forget_polls(self) -> None:
        own = set(map(id, self.polling.current.statuses))  # another account may have the same name by now
        self._daemon.polls[:] = [status for status in self._daemon.polls if id(status) not in own]

    def _changed(self, part: Changes) -> None:
        """What is gone is unsubscribed before it ends: a frame of it, come in between, would bring it back for ever."""
        self.pool.leave({site.id for site in part.sites_removed} | {org.id for org in part.orgs_removed})
        self._daemon.catalog.changed(part)

    def _site_complete(self, kind: str, site_id: str, began: float) -> None:
        self._daemon.catalog.site_complete(kind, site_id, began)
        self.maps.look()

    def _subscribe(self) -> None:
        """Subscribe to every channel that is switched on and that the catalogue can read."""
        self.pool.set_channels(self._wanted())

    async def _subscribe_in_steps(self) -> None:
        """The same, with turns for other work in between: ten thousand channels take some tenths of a second."""
        paths = []
        for number, path in enumerate(self._wanted(), start=1):
            paths.append(path)
            if number % STEP == 0:
                await self._daemon.clock.sleep(0)
        for _ in self.pool.follow(paths):
            await self._daemon.clock.sleep(0)

    def _wanted(self) -> Iterator[str]:
        daemon = self._daemon
        streams, maps = daemon.config.streams.model_dump(), daemon.location.maps()
        paths = wanted(streams, self.directory, daemon.shard, maps)
        return (path for path in paths if daemon.catalog.open_channel(path) is not None)

    def _payload(self, kind: str, payload: dict[str, object], ids: dict[str, str]) -> None:
        self._daemon.catalog.rest_object(kind, payload, ids)

    def summary(self) -> AccountLine:
        """This account on the status page."""
        known = self.directory
        return AccountLine(
            self.name,
            self.config.cloud or self.cloud.name,
            len(known.orgs),
            len(known.sites),
            len(known.devices),
        )


def cloud_of(account: AccountConfig) -> clouds.Cloud:
    """Where the account lives."""
    return clouds.of(account.cloud, account.api_url, account.stream_url)
