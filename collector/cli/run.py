"""`mist-collector run`: the daemon."""

from __future__ import annotations

import asyncio
import os
import signal
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import exits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.config import Config


STDERR_FD = 2


class LogFormat(StrEnum):
    """The values of --log-format."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The values of --log-level."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def run(
    config: Annotated[
        Path,
        typer.Option(
            "--config", "-c", metavar="FILE", envvar="MIST_COLLECTOR_CONFIG", help="The configuration file (YAML)."
        ),
    ],
    log_format: Annotated[LogFormat | None, typer.Option(help="Log format; overrides the configuration file.")] = None,
    log_level: Annotated[
        LogLevel | None, typer.Option(help="Minimum log level; overrides the configuration file.")
    ] = None,
) -> None:
    """Collect and serve metrics until SIGTERM or Ctrl-C.

    Exit codes: 0 stopped by a signal; 1 failure; 2 invalid configuration or a port is in use.
    """
    loaded = exits.load_or_exit(config)
    from collector import log  # noqa: PLC0415 - --help needs none of this
    from collector.config import load  # noqa: PLC0415 - as above
    from collector.log_writer import LogWriter  # noqa: PLC0415 - as above

    writer = LogWriter(STDERR_FD)

    def configure_log(chosen: Config) -> None:
        log.configure(
            log_level.value if log_level else chosen.log.level,
            log_format.value if log_format else chosen.log.format,
            writer,
        )

    configure_log(loaded)
    try:
        _collect(loaded, lambda: load(config, os.environ), configure_log, writer.dropped)
    finally:
        writer.close()


def _collect(
    config: Config, load: Callable[[], Config], applied: Callable[[Config], None], log_dropped: Mapping[str, int]
) -> None:
    """Run until stopped; an unexpected error at start-up is logged with its traceback and exits 1."""
    import structlog  # noqa: PLC0415 - --help needs none of this

    log = structlog.get_logger()
    for warning in config.warnings:
        log.warning("configuration_warning", warning=warning)
    try:
        asyncio.run(run_until_signal(config, load, applied, log_dropped))
    except Exception as error:
        known = exits.exit_for(error)
        if known is not None:
            raise known from None
        log.exception("collector_failed")
        raise typer.Exit(exits.FAILED) from None


async def run_until_signal(
    config: Config,
    load: Callable[[], Config],
    applied: Callable[[Config], None],
    log_dropped: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Run the daemon until SIGTERM or SIGINT; a second signal ends the process at once. SIGHUP reloads the file."""
    stop, reload_requested = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    loop.add_signal_handler(signal.SIGHUP, reload_requested.set)
    from collector.daemon.reload import ConfigSource  # noqa: PLC0415 - as above
    from collector.daemon.systemd import Notifier  # noqa: PLC0415 - as above
    from collector.daemon.wiring import run as collect  # noqa: PLC0415 - loads everything; a signal meanwhile ends it in order
    from collector.metrics import gc_tuning  # noqa: PLC0415 - as above

    gc_tuning.configure()
    await collect(
        config,
        stop=stop,
        notifier=Notifier(os.environ),
        source=ConfigSource(load, applied, reload_requested),
        log_dropped=log_dropped,
    )
