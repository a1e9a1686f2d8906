"""The command `simulate`: a simulated Mist cloud."""

from __future__ import annotations

import typer

from collector.cli.options import options_from
from collector.simulator import command
from collector.simulator.flags import SimulateOptions


@options_from(SimulateOptions)
def simulate(options: SimulateOptions) -> None:
    """Run a simulated Mist cloud on this machine: REST API, WebSocket stream and webhooks of a simulated fleet.

    Prints the addresses of its REST API, its stream and its control endpoint.

    Exit codes: 0 normal end; 1 failure; 2 invalid options or a port is in use.
    """
    raise typer.Exit(command.run(options))
