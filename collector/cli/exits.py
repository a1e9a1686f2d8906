"""The exit codes, and the one way in which a command reads a configuration or gives up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import typer

from collector.errors import CollectorError, ConfigError, Fatal, HistoryError, ListenError, RemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from collector.config import Config

T = TypeVar("T")

OK = 0
FAILED = 1  # something broke that may heal by itself: the network, the cloud, a disk
TO_ACT = (ConfigError, Fatal, HistoryError, ListenError, UsageError)
USAGE = 2  # somebody has to act: the command line, the configuration, a token, a port
_NOT_ACCEPTED = 401


def load_or_exit(path: Path) -> Config:
    """Read the configuration; on faults print each on stderr and exit 2. Warnings go to stderr too."""
    from collector import config  # noqa: PLC0415 - pydantic costs a tenth of a second, and --help needs none of it

    try:
        loaded = config.load(path, os.environ)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        faults = len(error.faults)
        typer.echo(f"{path}: {faults} {'fault' if faults == 1 else 'faults'}", err=True)
        raise typer.Exit(USAGE) from None
    return loaded


def exit_for(error: BaseException) -> typer.Exit | None:
    """Tell what an error of a running command means: printed, with the exit code; None for a fault of our own."""
    leaves = list(_leaves(error))
    known = [leaf for leaf in leaves if isinstance(leaf, CollectorError)]
    if not known or len(known) < len(leaves):
        return None
    for leaf in known:
        typer.echo(f"mist-collector: {leaf}{_advice(leaf)}", err=True)
    return typer.Exit(USAGE if any(isinstance(leaf, TO_ACT) for leaf in known) else FAILED)


def _advice(error: CollectorError) -> str:
    """What to do, where the error does not say it."""
    if isinstance(error, ListenError) and "choose" not in error.cause:
        running = "is a collector running already? Else " if "taken" in error.cause else ""
        return f" ({running}choose another address in the configuration)"
    if isinstance(error, RemoteError) and error.status == _NOT_ACCEPTED:
        return " (make a new token, or correct `cloud`: it must be the one whose portal you log in to)"
    return ""


def run_or_exit(work: Coroutine[object, object, T]) -> T:
    """Run an asynchronous command; an error of ours becomes a sentence and an exit code, Ctrl-C the end."""
    import asyncio  # noqa: PLC0415 - --help needs none of it

    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(OK) from None
    except Exception as error:
        known = exit_for(error)
        if known is None:
            raise
        raise known from None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
