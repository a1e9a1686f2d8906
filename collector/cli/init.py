"""`mist-collector init`: from a token to a configuration that works."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import exits


def init(
    *,
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="Where collector.yaml and its secrets are written.")
    ] = Path(),
    cloud: Annotated[str | None, typer.Option(help="The Mist cloud, e.g. emea01; asked for when not given.")] = None,
    api_url: Annotated[str | None, typer.Option(help="REST address, instead of --cloud: a proxy, a simulator.")] = None,
    stream_url: Annotated[
        str | None, typer.Option(help="Stream address, where it does not follow from --api-url.")
    ] = None,
    org: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this organisation (id or name), repeatable.")
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only these sites (id or name, * and ?), repeatable.")
    ] = None,
    webhook: Annotated[bool | None, typer.Option("--webhook/--no-webhook", help="Receive webhooks.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; what is not given has its default.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a configuration that is there.")] = False,
) -> None:
    """Set the collector up: asks for cloud and token, looks what the token reaches, writes the configuration.

    The token is taken from MIST_API_TOKEN, or asked for without being shown. It goes into secrets/mist-token (mode
    0600), a new secret for webhooks into secrets/webhook-secret; collector.yaml holds neither. Nothing is changed at
    Mist.

    Exit code 0 when all is written, 1 when the cloud cannot be reached, 2 when it refuses the token or a file is in
    the way.

    Example: mist-collector init --directory /etc/mist-collector
    """
    from collector.cli import first_steps  # noqa: PLC0415 - --help needs none of it

    wish = first_steps.Wish(
        directory=directory,
        cloud=cloud,
        api_url=api_url,
        stream_url=stream_url,
        orgs=tuple(org or ()),
        sites=tuple(site or ()),
        webhook=webhook,
        ask=not yes,
        force=force,
    )
    try:
        exits.run_or_exit(first_steps.take(wish))
    except typer.Abort:  # Ctrl-C at a question, or nobody there to ask
        if sys.stdin.isatty():
            typer.echo("\nNothing is written.", err=True)
            raise typer.Exit(exits.OK) from None
        typer.echo("\nmist-collector: nobody answers; give --cloud, MIST_API_TOKEN and --yes instead", err=True)
        raise typer.Exit(exits.USAGE) from None
