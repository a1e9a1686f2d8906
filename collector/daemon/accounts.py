"""The accounts of the present configuration: which run, which end, which take a new configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.daemon.account import AccountRun
from collector.daemon.task_set import TaskSet

if TYPE_CHECKING:
    from collector.config import AccountConfig, Config
    from collector.daemon.account import Shared
    from collector.ingest.stream.transport import Connect
    from collector.status import RestStatus


class Accounts:
    """Runs exactly the accounts of the present configuration, each supervised and independent of the others.

    Attributes:
        running: the accounts, in the order of the configuration; the list that was passed in.
        rest: the status of each account's REST client.
    """

    def __init__(self, shared: Shared, connect: Connect, running: list[AccountRun]) -> None:
        self.running = running
        self.rest: list[RestStatus] = []
        self._shared = shared
        self._connect = connect
        self._tasks = TaskSet("account", shared.supervise)
        self.run = self._tasks.run

    @property
    def config(self) -> Config:
        """The present configuration."""
        return self._shared.config

    def apply(self, config: Config) -> None:
        """Start the accounts that are new in `config`, end those that are gone, reconfigure the others."""
        before, self._shared.config = self._shared.config, config
        wanted = {account.name: account for account in config.accounts}
        staying = {account.name: account for account in self.running if account.fits(wanted.get(account.name))}
        for account in [account for account in self.running if account.name not in staying]:
            account.leave()
            self._shared.directories.remove(account.directory)
            self.rest.remove(account.rest.status)
        self.running[:] = [staying.get(account.name) or self._start(account) for account in config.accounts]
        self._tasks.set(self.running)
        for name, account in staying.items():
            account.adopt(wanted[name], before)

    def _start(self, config: AccountConfig) -> AccountRun:
        account = AccountRun(self._shared, config, self._connect)
        self._shared.directories.add(account.directory)
        self.rest.append(account.rest.status)
        return account
