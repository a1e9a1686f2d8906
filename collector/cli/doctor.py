"""`mist-collector doctor`: whether everything that the collector needs is there, and how to mend what is not."""

from __future__ import annotations

from typing import Annotated

import typer

from collector.cli import exits
from collector.cli.options import Account, ConfigFile  # noqa: TC001 - typer reads the annotations


def doctor(
    *,
    config: ConfigFile,
    account: Account = None,
    webhook_url: Annotated[
        str | None,
        typer.Option("--webhook-url", help="Address that Mist posts to; by default that of the registered webhook."),
    ] = None,
) -> None:
    """Examine configuration, token and rights, clock, REST budget, every channel of the stream, and the webhook.

    Registers nothing and changes nothing: channels are subscribed once and left again. Each line is ok, warn or FAIL,
    with what to do below it.

    Exit code 0 when all is well or only warned of, 1 when the cloud could not be reached, 2 when something has to be
    mended.

    Example: mist-collector doctor --config collector.yaml
    """
    if webhook_url is not None and not webhook_url.startswith(("https://", "http://")):
        raise typer.BadParameter("it must begin with https:// and a host", param_hint="--webhook-url")
    loaded = exits.load_or_exit(config)
    from collector.cli import examinations  # noqa: PLC0415 - --help needs none of it

    work = examinations.examine(loaded, account=account, webhook_url=webhook_url, file=str(config))
    raise typer.Exit(exits.run_or_exit(work))
