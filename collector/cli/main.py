"""The command line: the table of commands, which are imported when they are used, and the exit codes."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command

import collector
from collector.cli import exits


class Command(NamedTuple):
    """A command.

    Attributes:
        name: Its name on the command line.
        module: Module in `collector.cli`.
        attribute: Function of the module, whose docstring is the help text, or `typer.Typer` for a group.
        summary: Its line in the list of commands.
    """

    name: str
    module: str
    attribute: str
    summary: str


COMMANDS = (
    Command("init", "init", "init", "Create a configuration from an API token."),
    Command("check-config", "check_config", "check_config", "Validate a configuration file, offline."),
    Command("doctor", "doctor", "doctor", "Check configuration, connectivity and permissions."),
    Command("run", "run", "run", "Run the daemon."),
    Command("top", "top", "top", "Display a running collector, live."),
    Command("events", "events", "events", "Search the events of a running collector."),
    Command("tail", "tail", "tail", "Print messages of Mist as they arrive."),
    Command("record", "record", "record", "Record messages of Mist, with names replaced."),
    Command("replay", "replay", "replay", "Process a recording and print the metrics."),
    Command("catalog", "catalog", "catalog", "Print the metric reference."),
    Command("schema", "schema", "schema", "Print the JSON schema of the configuration."),
    Command("demo", "demo", "demo", "Run a demo with a simulated Mist cloud."),
    Command("simulate", "simulate", "simulate", "Run a simulated Mist cloud."),
    Command("webhook", "webhook", "app", "Register, list, test and remove the webhook at Mist."),
)
_EXIT_CODES = (
    "Exit codes: 0 success; 1 transient error (network, cloud, full disk); 2 operator action required (command line, "
    "configuration, token, port); 141 the reader of the output closed the pipe. SIGTERM and Ctrl-C exit with 0."
)
_SETTINGS: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class LazyGroup(TyperGroup):
    """A group that imports the module of a command when the command is invoked or completed, so that help is fast."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return name, command and arguments, with the real command in place of the one in the table."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name and placeholder else None, rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command. Expected errors are printed without a traceback and become an exit code."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            expected = exits.exit_for(error)
            if expected is None:
                raise
            raise expected from None


def load_command(name: str) -> Any:
    """Import a command.

    Args:
        name: As in `COMMANDS`.
    """
    command = next(one for one in COMMANDS if one.name == name)
    found = getattr(importlib.import_module(f"collector.cli.{command.module}"), command.attribute)
    if isinstance(found, typer.Typer):
        return get_command(found)
    single = typer.Typer(add_completion=False, **_SETTINGS)
    single.command(command.name)(found)
    return get_command(single)


app = typer.Typer(
    name="mist-collector",
    cls=LazyGroup,
    help="Collect telemetry of Juniper Mist and expose Prometheus metrics.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    **_SETTINGS,
)


def _placeholder() -> None:
    """Stand for a command in the list of commands."""


for _command in COMMANDS:
    app.command(_command.name, short_help=_command.summary)(_placeholder)


def _print_version(requested: bool) -> None:  # noqa: FBT001 - the signature of a typer callback
    if requested:
        typer.echo(f"mist-collector {collector.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options before the command."""


def main() -> None:
    """Run the command line and exit."""
    try:
        app()
    except OSError as error:  # the output of --help or --version cannot be written
        expected = exits.exit_for(error)
        if expected is None:
            raise
        sys.exit(expected.exit_code)
