"""`mist-collector demo`: the whole thing on one machine, without a Mist account."""

from __future__ import annotations

from typing import Annotated

import typer

from collector.cli import exits


def demo(
    *,
    seconds: Annotated[float, typer.Option(min=0, help="End after so many seconds; 0: until Ctrl-C.")] = 0.0,
    sites: Annotated[int, typer.Option(min=1, help="Sites of the simulated organisation.")] = 3,
    aps: Annotated[int, typer.Option(min=1, help="Access points a site.")] = 10,
    switches: Annotated[int, typer.Option(min=0, help="Switches a site.")] = 1,
    gateways: Annotated[int, typer.Option(min=0, help="Gateways a site.")] = 1,
    mxedges: Annotated[int, typer.Option(min=0, help="Mist Edges of the organisation.")] = 1,
    clients_per_ap: Annotated[int, typer.Option(min=0, help="Wireless clients an access point.")] = 5,
    cadence_s: Annotated[float, typer.Option(min=1, help="Seconds between two messages of a device.")] = 10.0,
    speed: Annotated[float, typer.Option(min=0.1, help="Seconds of fleet life a second.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal fleets.")] = 1,
    server_listen: Annotated[
        str, typer.Option(help="Where the daemon serves /metrics and its status page.")
    ] = "127.0.0.1:9733",
    webhook_listen: Annotated[str, typer.Option(help="Where the daemon receives webhooks.")] = "127.0.0.1:9734",
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="Something that goes wrong, repeatable: site-outage, lunch-rush@1 (at the second site), ..."),
    ] = None,
    prometheus: Annotated[bool, typer.Option(help="Start a Prometheus too, when there is one on PATH.")] = True,
) -> None:
    """Show it at work: a simulated Mist cloud, the daemon, and a Prometheus when there is one on PATH.

    Prints where to look. Everything is temporary and on this machine only; Ctrl-C ends it all. Exit code 0 at an
    ordinary end, 1 when a part fails, 2 when a port is taken.
    """
    import asyncio  # noqa: PLC0415 - --help needs none of this
    import logging  # noqa: PLC0415 - as above

    from collector import listen  # noqa: PLC0415 - as above
    from collector.cli import show  # noqa: PLC0415 - as above

    try:
        plan = show.Plan(
            seconds=seconds,
            sites=sites,
            aps=aps,
            switches=switches,
            gateways=gateways,
            mxedges=mxedges,
            clients_per_ap=clients_per_ap,
            cadence_s=cadence_s,
            speed=speed,
            seed=seed,
            server=listen.parse(server_listen),
            webhook=listen.parse(webhook_listen),
            prometheus=prometheus,
            scenarios=tuple(scenario or ()),
        )
    except ValueError as error:
        typer.echo(f"demo: --server-listen and --webhook-listen {error}, e.g. 127.0.0.1:9733", err=True)
        raise typer.Exit(exits.USAGE) from None
    logging.basicConfig(level=logging.ERROR)  # the simulator's libraries; the daemon logs for itself
    try:
        asyncio.run(show.run(plan))
    except Exception as error:
        known = exits.exit_for(error)
        if known is None:
            raise
        raise known from None
