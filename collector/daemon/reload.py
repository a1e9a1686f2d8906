"""Another configuration while the daemon works: read and checked whole, then applied, or nothing of it.

What cannot change without a restart is refused together with everything else in that file: half a configuration would
be one that nobody wrote. The memory of duplicates, the store and every connection that is still wanted are left alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import structlog

from collector.config import web_file
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

LOOK_EVERY_S: Final = 10.0  # at the files that guard the operator's listener: certificates are renewed by others
# Sections and keys that are built into the running daemon.
FIXED: Final = (
    "shard",
    "labels",
    "clients",
    "assets",
    "location",
    "stream.transport",
    "server.listen",
    "webhook.enabled",
    "webhook.listen",
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where another configuration comes from, and who else goes by it: the log, for one.

    `load` may take its time (it runs in a thread) and raises ConfigError; `asked` is set by SIGHUP.
    """

    load: Callable[[], Config]
    applied: Callable[[Config], None] = lambda _: None
    asked: asyncio.Event | None = None


class Daemon(Protocol):
    """What a new configuration is applied to."""

    config: Config
    clock: Clock
    webhook: Webhook | None
    operator: OperatorListener

    def keep(self, config: Config) -> None:
        """Keep exactly these accounts; the configuration is the daemon's from now on."""


class Reloader:
    """Applies configurations, one at a time. `run` waits to be asked, and looks at the files of the web listener."""

    def __init__(self, daemon: Daemon, source: Source | None, status: ReloadStatus) -> None:
        self._daemon = daemon
        self._source = source
        self._status = status
        self._asked = (source.asked if source is not None else None) or asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> NoReturn:
        """Reload when asked; renew what guards the operator's listener when its files change."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_at_files())
            while True:
                await self._asked.wait()
                self._asked.clear()
                await self.reload()

    async def reload(self) -> list[str]:
        """Read, check, apply; returns every fault in words, and then nothing has changed."""
        async with self._one_at_a_time:
            try:
                await self._replace()
            except ConfigError as error:
                self._status.refused += 1
                self._status.faults = tuple(str(fault) for fault in error.faults)
                log.error("reload_refused", file=error.file, faults=list(self._status.faults))  # noqa: TRY400 - told, no bug
            else:
                self._status.good += 1
                self._status.last_good_at = self._daemon.clock.now()
                self._status.faults = ()
            return list(self._status.faults)

    async def _replace(self) -> None:
        source, daemon = self._source, self._daemon
        if source is None:
            raise ConfigError("configuration", [Fault("", "came from no file", "start the daemon with --config")])
        new = await asyncio.to_thread(source.load)
        wrong = list(fixed_faults(daemon.config, new))
        if wrong:
            raise ConfigError("configuration", wrong)
        access = access_of(new.server)
        # From here on nothing fails.
        changed = list(changed_keys(daemon.config, new))
        if daemon.webhook is not None:
            daemon.webhook.use(webhook_policy(new.webhook))
        await daemon.operator.use(access)
        daemon.keep(new)
        source.applied(new)
        log.info("reloaded", changed=changed)

    async def _look_at_files(self) -> NoReturn:
        """A renewed certificate or password file is used without being asked for; a bad one is told once."""
        daemon, seen = self._daemon, b""
        while True:
            now = stamps(daemon.operator.access)
            if seen not in (b"", now):
                async with self._one_at_a_time:
                    await self._renew(daemon.config.server)
                now = stamps(daemon.operator.access)
            seen = now
            await daemon.clock.sleep(LOOK_EVERY_S)

    async def _renew(self, server: ServerConfig) -> None:
        try:
            access = access_of(server)
        except ConfigError as error:
            faults = [str(fault) for fault in error.faults]
            log.error("web_config_refused", file=error.file, faults=faults)  # noqa: TRY400 - told, no bug
        else:
            await self._daemon.operator.use(access)
            log.info("web_config_renewed")


def stamps(access: OperatorAccess) -> bytes:
    """Something that changes with the files that were read."""
    found = []
    for file in access.web.files:
        try:
            stat = file.stat()
        except OSError:
            found.append("missing")
        else:
            found.append(f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}")
    return "\n".join(["", *found]).encode()


def fixed_faults(old: Config, new: Config) -> Iterator[Fault]:
    """What another configuration wants that only a restart can give."""
    for key in FIXED:
        before, after = _at(old, key), _at(new, key)
        if before != after:
            yield Fault(key, "cannot change while the collector runs", "restart it, or leave this as it was")


def changed_keys(old: Config, new: Config) -> Iterator[str]:
    """The sections in which two configurations differ."""
    before, after = old.model_dump(), new.model_dump()  # without what `load` attached: the last good secrets
    yield from (section for section in after if before[section] != after[section])


def _at(config: Config, key: str) -> object:
    place: object = config
    for part in key.split("."):
        place = getattr(place, part)
    return place


def webhook_policy(wanted: WebhookConfig) -> WebhookPolicy:
    """Return which deliveries are accepted, as configured."""
    limits = WebhookLimits(
        max_body_bytes=wanted.max_body_bytes,
        read_timeout_s=wanted.read_timeout_s,
        rate_per_s=wanted.rate_per_s,
        rate_burst=wanted.rate_burst,
        connections=ConnectionLimits(wanted.max_connections, max(1, wanted.max_connections // 4)),
    )
    sources = ClientAddressPolicy(wanted.allow_sources, wanted.trusted_proxies)
    return WebhookPolicy(wanted.path, wanted.read_secrets, wanted.allow_unsigned, limits, sources)


def access_of(wanted: ServerConfig) -> OperatorAccess:
    """Return who may request what of the operator's listener, as configured. Raises ConfigError."""
    file = wanted.web_config_file
    web = web_file.load(file) if file is not None else WebConfig()
    return OperatorAccess(web, health_open=wanted.health_open, allow_reload=wanted.allow_reload)
