"""Access to the configured accounts for commands: REST client, inventory and channels."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.cli import terminal
from collector.clock import SystemClock
from collector.errors import RemoteError, UsageError
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

ATTEMPTS = 2  # of a REST call: a user is waiting


@dataclass(slots=True)
class OpenAccount:
    """A configured account with an open REST client.

    Attributes:
        name: Of the account.
        cloud: Its addresses.
        rest: Its client.
        settings: Its configuration.
        config: The whole configuration.
        directory: Organisations, sites and devices; filled by `read_inventory`, like the following ones.
        inventory: The objects of the inventory as received.
        maps: Site id and map id of each map.
        errors: What could not be read.
    """

    name: str
    cloud: Cloud
    rest: WritingRestClient
    settings: AccountConfig
    config: Config
    directory: Directory = field(default_factory=Directory)
    inventory: list[RestObject] = field(default_factory=list)
    maps: list[tuple[str, str]] = field(default_factory=list)
    errors: list[RemoteError] = field(default_factory=list)

    async def read_inventory(self) -> None:
        """Read organisations, sites and devices, and the maps if positions are enabled.

        Raises:
            RemoteError: Not even the list of organisations could be read.
        """
        calls = self.rest.status.calls
        async with terminal.waiting(lambda: f"Reading the inventory: {sum(calls.values())} calls"):
            sites = self.settings.sites
            selected = SiteFilter(tuple(sites.include), tuple(sites.exclude), self._shard())
            reader = InventoryReader(self.rest, orgs=tuple(self.settings.orgs), sites=selected)
            snapshot = await reader.read(self.directory)
            self.errors, self.inventory = snapshot.errors, snapshot.objects
            self.directory.replace(snapshot.orgs.values(), snapshot.sites.values(), snapshot.devices.values())
            if self._needs_maps():
                await self._read_maps()

    def channels(self) -> list[str]:
        """Return the channels that the daemon subscribes to for this account."""
        return list(wanted(self.config.streams.model_dump(), self.directory, self._shard(), self.maps))

    def _shard(self) -> Shard:
        return Shard(self.config.shard.index, self.config.shard.count)

    def _needs_maps(self) -> bool:
        switches = self.config.streams.model_dump()
        return any(channel.scope is Scope.MAP and is_on(channel, switches) for channel in CHANNELS)

    async def _read_maps(self) -> None:
        for site_id in self.directory.sites:
            try:
                async for entry in self.rest.pages(f"/sites/{site_id}/maps", consistent=True):
                    if isinstance(map_id := entry.get("id"), str):
                        self.maps.append((site_id, map_id))
            except RemoteError as error:
                self.errors.append(error)


@asynccontextmanager
async def open_accounts(
    config: Config, *, name: str | None = None, token: Callable[[], str] | None = None
) -> AsyncIterator[list[OpenAccount]]:
    """Open the REST clients of the configured accounts while the block runs.

    Args:
        config: The configuration.
        name: Open this account only.
        token: Returns a token to use in place of the configured one.

    Raises:
        UsageError: There is no account of that name.
    """
    chosen = [one for one in config.accounts if name in (None, one.name)]
    if not chosen:
        names = ", ".join(one.name for one in config.accounts)
        raise UsageError(f"--account {name}: no such account; configured: {names}")
    async with AsyncExitStack() as stack:
        accounts = []
        for one in chosen:
            cloud = clouds.of(one.cloud, one.api_url, one.stream_url)
            rest = WritingRestClient(
                cloud, token or one.read_token, RestStatus(one.name), SystemClock(), attempts=ATTEMPTS
            )
            accounts.append(OpenAccount(one.name, cloud, await stack.enter_async_context(rest), one, config))
        yield accounts
