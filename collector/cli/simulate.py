"""`mist-collector simulate`: a Mist cloud on this machine, as a process of its own."""

from __future__ import annotations

import typer

from collector.cli.from_fields import taking
from collector.simulator.flags import SimulateOptions


@taking(SimulateOptions)
def simulate(options: SimulateOptions) -> None:
    """Run a Mist cloud on this machine: REST, stream and webhooks over a fleet with a life of its own.

    Prints where its REST API, its stream and its control endpoint are. Exit code 0 at an ordinary end, 1 when it
    fails, 2 when options make no sense or a port is taken.
    """
    from collector.simulator import command  # noqa: PLC0415 - --help needs none of it

    raise typer.Exit(command.run(options))
