"""`mist-collector record`: what comes from Mist, into a file that can be passed on."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from collector.cli import exits
from collector.cli.options import Account, ConfigFile  # noqa: TC001 - typer reads the annotations


def record(
    output: Annotated[Path, typer.Argument(metavar="FILE.jsonl.gz", help="The file to write; it must not exist yet.")],
    *,
    config: ConfigFile,
    account: Account = None,
    seconds: Annotated[float, typer.Option(min=0, help="End after so many seconds; 0: at Ctrl-C.")] = 60.0,
    raw: Annotated[
        bool, typer.Option("--raw", help="Keep names, addresses and ids. Do not pass such a file on.")
    ] = False,
) -> None:
    """Record frames, and webhooks where no collector is running, into a compressed file; `replay` reads it.

    Names, addresses, MACs and ids are replaced, equal ones by equal ones, so that the recording behaves like the
    network and names nobody. Nothing is changed at Mist, and a running collector misses no frame.

    Exit code 0 when it is written, 1 when the cloud cannot be reached, 2 when it refuses or the file is in the way.

    Example: mist-collector record fleet.jsonl.gz -c collector.yaml --seconds 300
    """
    loaded = exits.load_or_exit(config)
    from collector.cli import live, recording  # noqa: PLC0415 - --help needs none of it

    if not output.name.endswith(recording.SUFFIX):
        typer.echo(f"mist-collector: the file must end in {recording.SUFFIX}, so that replay knows it", err=True)
        raise typer.Exit(exits.USAGE)
    exits.run_or_exit(live.record(loaded, account, output, seconds=seconds, raw=raw))
