"""Exit codes and error reports of the commands."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO, TypeVar

import typer

from collector.cli.terminal import echo
from collector.errors import CollectorError, ConfigError, Fatal, HistoryError, ListenError, RemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from collector.config import Config

T = TypeVar("T")

OK = 0
FAILED = 1  # transient error: the network, the cloud, a full disk
USAGE = 2  # operator action required: the command line, the configuration, a token, a port
BROKEN_PIPE = 141  # the reader of the output is gone: 128 + SIGPIPE, as shells report it
_OPERATOR_ERRORS = (ConfigError, Fatal, HistoryError, ListenError, UsageError)
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
_UNAUTHORIZED = 401


def load_or_exit(path: Path) -> Config:
    """Read the configuration. On errors, print each one on stderr and exit with `USAGE`."""
    from collector import config  # noqa: PLC0415 - pydantic takes 0.1 s, and not every command reads a configuration

    try:
        return config.load(path, os.environ)
    except ConfigError as error:
        echo(str(error), err=True)
        count = len(error.faults)
        echo(f"{path}: {count} {'fault' if count == 1 else 'faults'}", err=True)
        raise typer.Exit(USAGE) from None


def run_or_exit(work: Coroutine[object, object, T]) -> T:
    """Run an asynchronous command. Errors are printed on stderr and become an exit code; Ctrl-C exits with `OK`."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(OK) from None
    except Exception as error:
        exit_ = exit_for(error)
        if exit_ is None:
            raise
        raise exit_ from None


def exit_for(error: BaseException) -> typer.Exit | None:
    """Print an error and return the exit for it; None for an error that is a bug of the collector.

    Args:
        error: An exception, or a group of them.
    """
    leaves = list(_leaves(error))
    codes = [_code(leaf) for leaf in leaves]
    known = [code for code in codes if code is not None]
    if len(known) < len(leaves):
        return None
    for leaf in leaves:
        _report(leaf)
    return typer.Exit(max(known))


def _code(error: BaseException) -> int | None:
    """Return the exit code for an expected error, else None."""
    if isinstance(error, CollectorError):
        return USAGE if isinstance(error, _OPERATOR_ERRORS) else FAILED
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    return FAILED if isinstance(error, OSError) and error.errno in _DISK_ERRORS else None


def _report(error: BaseException) -> None:
    """Print an expected error on stderr; nothing if the reader of the output is gone."""
    if isinstance(error, OSError):  # of the output
        _discard(sys.stdout)
    if not isinstance(error, BrokenPipeError):
        detail = f"the output cannot be written: {error.strerror}" if isinstance(error, OSError) else str(error)
        try:
            echo(f"mist-collector: {detail}{_advice(error)}", err=True)
        except OSError:  # stderr cannot be written either
            _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Send the rest of a stream to /dev/null, so that the flush at the end of the process does not fail again."""
    with suppress(OSError, ValueError):  # a stream without a descriptor
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def write_error(path: Path | str, error: OSError) -> CollectorError:
    """Return the error for a file that cannot be written: transient for a full disk, else a usage error."""
    message = f"{path} cannot be written: {error.strerror or error}"
    return CollectorError(message) if error.errno in _DISK_ERRORS else UsageError(message)


def _advice(error: BaseException) -> str:
    """Return what to do about an error that does not state it itself."""
    if isinstance(error, ListenError) and "choose" not in error.cause:
        running = "is a collector running already? Otherwise " if "in use" in error.cause else ""
        return f" ({running}choose another address in the configuration)"
    if isinstance(error, RemoteError) and error.status == _UNAUTHORIZED:
        return " (create a new token, or correct `cloud`: it must be the cloud whose portal you log in to)"
    return ""


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
