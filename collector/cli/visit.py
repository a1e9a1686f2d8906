"""A visit to the clouds of a configuration: what doctor, webhook, tail and record need before they begin."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.cli import progress
from collector.clock import SystemClock
from collector.errors import Fatal, RemoteError
from collector.ingest.rest.client import WritingRestClient
from collector.ingest.rest.inventory_reader import InventoryReader
from collector.mist import clouds
from collector.mist.channels import CHANNELS, Scope
from collector.mist.directory import Directory
from collector.mist.shard import Shard
from collector.mist.sitefilter import SiteFilter
from collector.mist.wanted import is_on, wanted
from collector.status import RestStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from collector.config import AccountConfig, Config
    from collector.ingest.rest.objects import RestObject
    from collector.mist.clouds import Cloud

ATTEMPTS = 2  # a person waits: a cloud that is away is told soon


@dataclass(slots=True)
class Visit:
    """One account, with its REST side open. `directory`, `listed` and `faults` are filled by `look_around`."""

    name: str
    cloud: Cloud
    rest: WritingRestClient
    account: AccountConfig
    config: Config
    directory: Directory = field(default_factory=Directory)
    listed: list[RestObject] = field(default_factory=list)  # the inventory as it came
    maps: list[tuple[str, str]] = field(default_factory=list)
    faults: list[RemoteError] = field(default_factory=list)

    async def look_around(self) -> None:
        """Read orgs, sites and devices, and the maps where positions are wanted; raises RemoteError when refused."""
        async with progress.waiting(lambda: f"Reading the inventory: {sum(self.rest.status.calls.values())} calls"):
            await self._read()

    async def _read(self) -> None:
        sites = self.account.sites
        watched = SiteFilter(tuple(sites.include), tuple(sites.exclude), self._shard())
        reader = InventoryReader(self.rest, orgs=tuple(self.account.orgs), sites=watched)
        reading = await reader.read(self.directory)
        self.faults, self.listed = reading.errors, reading.objects
        self.directory.replace(reading.orgs.values(), reading.sites.values(), reading.devices.values())
        if self._locates():
            await self._read_maps()

    def channels(self) -> list[str]:
        """The channels that the daemon would subscribe to for this account."""
        return list(wanted(self.config.streams.model_dump(), self.directory, self._shard(), self.maps))

    def _shard(self) -> Shard:
        return Shard(self.config.shard.index, self.config.shard.count)

    def _locates(self) -> bool:
        switches = self.config.streams.model_dump()
        return any(channel.scope is Scope.MAP and is_on(channel, switches) for channel in CHANNELS)

    async def _read_maps(self) -> None:
        for site_id in self.directory.sites:
            try:
                async for entry in self.rest.pages(f"/sites/{site_id}/maps", consistent=True):
                    if isinstance(map_id := entry.get("id"), str):
                        self.maps.append((site_id, map_id))
            except RemoteError as error:
                self.faults.append(error)


@asynccontextmanager
async def visiting(
    config: Config, *, account: str | None = None, token: Callable[[], str] | None = None
) -> AsyncIterator[list[Visit]]:
    """Open the REST side of every account, or of the one named; `token` stands in for the configured one.

    Raises Fatal when no account has that name.
    """
    chosen = [one for one in config.accounts if account in (None, one.name)]
    if not chosen:
        names = ", ".join(one.name for one in config.accounts)
        raise Fatal(f"no account is called {account}; there are: {names}")
    async with AsyncExitStack() as stack:
        visits = []
        for one in chosen:
            cloud = clouds.of(one.cloud, one.api_url, one.stream_url)
            rest = WritingRestClient(
                cloud, token or one.read_token, RestStatus(one.name), SystemClock(), attempts=ATTEMPTS
            )
            visits.append(Visit(one.name, cloud, await stack.enter_async_context(rest), one, config))
        yield visits
