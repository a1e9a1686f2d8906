"""The command line: the table of commands, and what becomes of an error.

Every command is a module that imports what it needs only when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

import collector
from collector.cli import (
    catalog,
    check_config,
    demo,
    doctor,
    events,
    init,
    record,
    replay,
    run,
    schema,
    simulate,
    tail,
    top,
    webhook,
)
from collector.cli.exits import FAILED, TO_ACT, USAGE
from collector.errors import CollectorError

if TYPE_CHECKING:
    from collections.abc import Callable


class Command(NamedTuple):
    """One command; its function's docstring is its help, `short` the line in the list of all."""

    name: str
    function: Callable[..., None]
    short: str


# A command is one module and one line here.
COMMANDS = (
    Command("init", init.init, "Set the collector up: from a token to a configuration."),
    Command("check-config", check_config.check_config, "Check a configuration file; contact nobody."),
    Command("doctor", doctor.doctor, "Examine everything it needs, and say how to mend it."),
    Command("run", run.run, "Collect: the daemon."),
    Command("top", top.top, "Watch a running collector."),
    Command("events", events.events, "Search the events of a running collector."),
    Command("tail", tail.tail, "Show what Mist says, as it says it."),
    Command("record", record.record, "Record what comes, with names replaced."),
    Command("replay", replay.replay, "Run recorded input; print the metrics."),
    Command("catalog", catalog.catalog, "Print the reference of all metrics."),
    Command("schema", schema.schema, "Print the JSON schema of the configuration."),
    Command("demo", demo.demo, "See it work, without a Mist account."),
    Command("simulate", simulate.simulate, "Run a Mist cloud on this machine."),
)

_OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_EXITS = (
    "Exit codes: 0 it went well; 1 it failed and may heal by itself (the network, the cloud, a disk); 2 somebody has "
    "to act (the command line, the configuration, a token, a port). SIGTERM and Ctrl-C end with 0."
)

app = typer.Typer(
    name="mist-collector",
    help="Juniper Mist streams and webhooks, turned into Prometheus metrics.",
    epilog=_EXITS,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command(command.name, short_help=command.short)(command.function)
app.add_typer(webhook.app, name="webhook", short_help="The webhook at Mist: register, list, ping, remove.")


def _version(wanted: bool) -> None:  # noqa: FBT001 - the signature of a typer callback
    if wanted:
        typer.echo(f"mist-collector {collector.__version__}")
        raise typer.Exit


@app.callback()
def _top(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hold the options that stand before a command."""


def main() -> None:
    """Run the command line and exit; an error of ours is one sentence, never a traceback."""
    try:
        app()
    except CollectorError as error:
        typer.echo(f"mist-collector: {error}", err=True)
        sys.exit(USAGE if isinstance(error, TO_ACT) else FAILED)
    except OSError as error:
        if error.errno not in _OF_A_DISK:
            raise
        typer.echo(f"mist-collector: the output cannot be written: {error.strerror}", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the rest fails again at the very end
        sys.exit(FAILED)
