"""`mist-collector top`: a running collector at a glance, live."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from collector.cli import exits
from collector.cli.options import CONFIG_VARIABLE


def top(
    *,
    url: Annotated[
        str | None, typer.Option("--url", help="Where the collector serves, e.g. http://127.0.0.1:9733")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", envvar=CONFIG_VARIABLE, help="Or take it from this file."),
    ] = None,
    every: Annotated[float, typer.Option("--every", min=0.2, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look for one interval, print it and end.")] = False,
) -> None:
    """Show streams, rates, lag, the books, the REST budget and the worst devices of a running collector.

    It reads /metrics, so it works on any collector that Prometheus reaches. Without a terminal it prints once.

    Exit code 0 at Ctrl-C, 1 when no collector answers, 2 when the configuration is wrong.

    Example: mist-collector top --url http://127.0.0.1:9733
    """
    from collector.cli import watching  # noqa: PLC0415 - --help needs none of it

    if url is None:
        server = exits.load_or_exit(config).server if config else None
        url = watching.address(server.listen, tls=server.web_config_file is not None) if server else watching.DEFAULT
    exits.run_or_exit(watching.watch(url, every_s=every, once=once))
