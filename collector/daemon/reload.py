"""Configuration reload: read and check the whole file, then apply all of it, or nothing.

A change that needs a restart is rejected together with everything else in the file: half a configuration would be one
that the operator did not write. Deduplication, the store and every connection that is still wanted are left alone.

Every key of the configuration is listed in `NEEDS_RESTART` or in `APPLIED`; a contract test walks the models.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import structlog

from collector.config import web_file
from collector.daemon.preload import preload
from collector.errors import ConfigError, Fault
from collector.ingest.webhook.endpoint import WebhookLimits, WebhookPolicy
from collector.listener.client_address import ClientAddressPolicy
from collector.listener.connection_limits import ConnectionLimits
from collector.listener.web_config import WebConfig
from collector.serve.listener import OperatorAccess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.clock import Clock
    from collector.config import Config, ServerConfig, WebhookConfig
    from collector.ingest.webhook.endpoint import Webhook
    from collector.serve.listener import OperatorListener
    from collector.status import ReloadStatus

log = structlog.get_logger()

CHECK_FILES_EVERY_S: Final = 10.0  # certificates and passwords of the operator's listener are renewed by other programs
NEEDS_RESTART: Final = (
    "assets",
    "clients",
    "events",
    "labels",
    "location",
    "server.listen",
    "shard",
    "webhook.enabled",
    "webhook.listen",
)
"""Sections and keys that are built into the running objects; changing one needs a restart."""
APPLIED: Final = {
    "accounts": "Accounts.apply",
    "inventory": "AccountRun.adopt",
    "log": "log.configure",
    "polls": "AccountRun.adopt",
    "server.allow_reload": "OperatorListener.use",
    "server.health_open": "OperatorListener.use",
    "server.web_config_file": "OperatorListener.use",
    "stream.ack_timeout_s": "StreamPool.use",
    "stream.max_channels": "StreamPool.use",
    "stream.open_every_s": "StreamPool.use",
    "stream.ping_every_s": "StreamPool.use, Liveness",
    "stream.pong_within_s": "StreamPool.use, Liveness",
    "stream.transport": "ignored since 0.2.0",
    "streams": "AccountRun.adopt",
    "webhook.allow_sources": "Webhook.use",
    "webhook.allow_unsigned": "Webhook.use",
    "webhook.max_body_bytes": "Webhook.use",
    "webhook.max_connections": "Webhook.use",
    "webhook.path": "Webhook.use",
    "webhook.rate_burst": "Webhook.use",
    "webhook.rate_per_s": "Webhook.use",
    "webhook.read_timeout_s": "Webhook.use",
    "webhook.secret_files": "Webhook.use",
    "webhook.trusted_proxies": "Webhook.use",
}
"""Sections and keys that a reload applies to the running daemon, and what applies them."""


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """Where a new configuration comes from.

    Attributes:
        load: reads and checks it; raises ConfigError. It runs in a thread.
        applied: is called with a configuration once it is in use: the log follows it, for example.
        requested: is set to request a reload, by SIGHUP for example.
    """

    load: Callable[[], Config]
    applied: Callable[[Config], None] = lambda _: None
    requested: asyncio.Event | None = None


class Reconfigurable(Protocol):
    """What a new configuration is applied to."""

    @property
    def config(self) -> Config:
        """The present configuration."""

    def apply(self, config: Config) -> None:
        """Run exactly the accounts of `config`, which is the present configuration from now on."""


class Reloader:
    """Applies configurations, one at a time.

    `run` waits for requests; `watch_web_files` reloads certificates and passwords of the operator's listener when their
    files change.
    """

    def __init__(
        self,
        accounts: Reconfigurable,
        *,
        operator: OperatorListener,
        webhook: Webhook | None,
        source: ConfigSource | None,
        status: ReloadStatus,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._operator = operator
        self._webhook = webhook
        self._source = source
        self._status = status
        self._clock = clock
        self._requested = (source.requested if source is not None else None) or asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> NoReturn:
        """Reload whenever it is requested."""
        while True:
            await self._requested.wait()
            self._requested.clear()
            await self.reload()

    async def reload(self) -> list[str]:
        """Read, check and apply the configuration.

        Returns:
            Every fault as a sentence; if there is one, nothing has changed.
        """
        async with self._one_at_a_time:
            try:
                await self._replace()
            except ConfigError as error:
                self._status.refused += 1
                self._status.faults = tuple(str(fault) for fault in error.faults)
                log.error("reload_failed", file=error.file, faults=list(self._status.faults))  # noqa: TRY400 - the operator's error
            else:
                self._status.good += 1
                self._status.last_good_at = self._clock.now()
                self._status.faults = ()
            return list(self._status.faults)

    async def _replace(self) -> None:
        source, present = self._source, self._accounts.config
        if source is None:
            raise ConfigError(
                "configuration", [Fault("", "was not read from a file", "start the daemon with --config")]
            )
        new = await asyncio.to_thread(source.load)
        faults = list(restart_faults(present, new))
        if faults:
            raise ConfigError("configuration", faults)
        access = operator_access(new.server)
        await asyncio.to_thread(preload, new)
        # Nothing fails from here on.
        if self._webhook is not None:
            self._webhook.use(webhook_policy(new.webhook))
        await self._operator.use(access)
        self._accounts.apply(new)
        source.applied(new)
        log.info("reloaded", changed=list(changed_sections(present, new)))

    async def watch_web_files(self) -> NoReturn:
        """Reload certificates and passwords when their files change; log a file that cannot be used once."""
        seen = b""
        while True:
            now = web_files_stamp(self._operator.access)
            if seen not in (b"", now):
                async with self._one_at_a_time:
                    await self._renew(self._accounts.config.server)
                now = web_files_stamp(self._operator.access)
            seen = now
            await self._clock.sleep(CHECK_FILES_EVERY_S)

    async def _renew(self, server: ServerConfig) -> None:
        try:
            access = operator_access(server)
        except ConfigError as error:
            faults = [str(fault) for fault in error.faults]
            log.error("web_config_failed", file=error.file, faults=faults)  # noqa: TRY400 - the operator's error
        else:
            await self._operator.use(access)
            log.info("web_config_reloaded")


def web_files_stamp(access: OperatorAccess) -> bytes:
    """Return bytes that change when a file changes from which `access` was read."""
    stamps = []
    for file in access.web.files:
        try:
            stat = file.stat()
        except OSError:
            stamps.append("missing")
        else:
            stamps.append(f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}")
    return "\n".join(["", *stamps]).encode()


def restart_faults(old: Config, new: Config) -> Iterator[Fault]:
    """Yield a fault for each changed key that needs a restart."""
    for key in NEEDS_RESTART:
        if _value_at(old, key) != _value_at(new, key):
            yield Fault(key, "cannot be changed by a reload", "restart the collector, or restore the previous value")


def changed_sections(old: Config, new: Config) -> Iterator[str]:
    """Yield the top-level keys in which two configurations differ."""
    before, after = old.model_dump(), new.model_dump()  # without the secrets that `load` attached
    yield from (section for section in after if before[section] != after[section])


def _value_at(config: Config, key: str) -> object:
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def webhook_policy(config: WebhookConfig) -> WebhookPolicy:
    """Return which deliveries are accepted, as configured."""
    limits = WebhookLimits(
        max_body_bytes=config.max_body_bytes,
        read_timeout_s=config.read_timeout_s,
        rate_per_s=config.rate_per_s,
        rate_burst=config.rate_burst,
        connections=ConnectionLimits(config.max_connections, max(1, config.max_connections // 4)),
    )
    sources = ClientAddressPolicy(config.allow_sources, config.trusted_proxies)
    return WebhookPolicy(config.path, config.read_secrets, config.allow_unsigned, limits, sources)


def operator_access(config: ServerConfig) -> OperatorAccess:
    """Return who may request what of the operator's listener, as configured. Raises ConfigError."""
    file = config.web_config_file
    web = web_file.load(file) if file is not None else WebConfig()
    return OperatorAccess(web, health_open=config.health_open, allow_reload=config.allow_reload)
