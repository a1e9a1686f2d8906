"""The command line: the table of commands, and what becomes of an error.

Every command is a module that imports what it needs only when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

import collector
from collector.cli import catalog, check_config, demo, replay, run, schema, simulate
from collector.cli.exits import FAILED
from collector.errors import CollectorError

if TYPE_CHECKING:
    from collections.abc import Callable


class Command(NamedTuple):
    """One command; its function's docstring is its help."""

    name: str
    function: Callable[..., None]


# A command is one module and one line here.
COMMANDS = (
    Command("run", run.run),
    Command("check-config", check_config.check_config),
    Command("schema", schema.schema),
    Command("demo", demo.demo),
    Command("simulate", simulate.simulate),
    Command("replay", replay.replay),
    Command("catalog", catalog.catalog),
)

_EXITS = (
    "Exit codes: 0 it went well; 1 it failed while running (a port is taken, a file cannot be written); "
    "2 the command line or the configuration is wrong. SIGTERM and Ctrl-C end run, demo and simulate with 0."
)

app = typer.Typer(
    name="mist-collector",
    help="Juniper Mist streams and webhooks, turned into Prometheus metrics.",
    epilog=_EXITS,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command(command.name)(command.function)


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
        sys.exit(FAILED)
