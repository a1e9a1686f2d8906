"""`mist-collector tail`: what Mist says, as it says it."""

from __future__ import annotations

from typing import Annotated

import typer

from collector.cli import exits
from collector.cli.options import Account, ConfigFile  # noqa: TC001 - typer reads the annotations


def tail(
    *,
    config: ConfigFile,
    account: Account = None,
    site: Annotated[str | None, typer.Option(help="Only this site (id or name).")] = None,
    mac: Annotated[str | None, typer.Option(help="Only this device, in any notation.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only channels or topics whose name holds this word: devices, alarms, ...")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="PATH", help="Show only this field (radio_stat.band_5.channel), repeatable."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, whole, for jq.")] = False,
    people: Annotated[bool, typer.Option("--people", help="Show names and addresses of people; else masked.")] = False,
    seconds: Annotated[float, typer.Option(min=0, help="End after so many seconds; 0: at Ctrl-C.")] = 0.0,
) -> None:
    """Show frames as they come, and webhook events where no collector is running, one a line.

    Subscribes beside a running collector, which misses nothing. People and their devices are masked, equal ones alike.

    Exit code 0 at the end, 1 when the cloud cannot be reached, 2 when it refuses or a filter matches nothing.

    Example: mist-collector tail -c collector.yaml --kind devices --field uptime --field radio_stat.band_5.channel
    """
    loaded = exits.load_or_exit(config)
    from collector.cli import live  # noqa: PLC0415 - --help needs none of it

    look = live.Look(site=site, mac=mac, kind=kind, fields=tuple(field or ()), whole=json, people=people)
    exits.run_or_exit(live.tail(loaded, account, look, seconds=seconds))
