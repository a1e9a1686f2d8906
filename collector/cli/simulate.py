"""`mist-collector simulate`: a Mist cloud on this machine, as a process of its own."""

from __future__ import annotations

from typing import Annotated

import typer


def simulate(
    *,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal fleets.")] = 1,
    orgs: Annotated[int, typer.Option(min=1, help="Organisations.")] = 1,
    sites: Annotated[int, typer.Option(min=0, help="Sites an organisation.")] = 3,
    aps: Annotated[int, typer.Option(min=0, help="Access points a site.")] = 10,
    switches: Annotated[int, typer.Option(min=0, help="Switches a site.")] = 0,
    virtual_chassis: Annotated[int, typer.Option(min=0, help="Virtual chassis a site.")] = 0,
    gateways: Annotated[int, typer.Option(min=0, help="Gateways a site.")] = 0,
    srx_clusters: Annotated[int, typer.Option(min=0, help="SRX clusters a site.")] = 0,
    ssrs: Annotated[int, typer.Option(min=0, help="Session Smart Routers a site.")] = 0,
    mxedges: Annotated[int, typer.Option(min=0, help="Mist Edges an organisation.")] = 0,
    clients_per_ap: Annotated[int, typer.Option(min=0, help="Wireless clients an access point.")] = 5,
    unconnected_clients: Annotated[int, typer.Option(min=0, help="Wi-Fi devices a site that only pass by.")] = 0,
    sdkclients: Annotated[int, typer.Option(min=0, help="Users of an app with the Mist SDK, a site.")] = 0,
    assets: Annotated[int, typer.Option(min=0, help="Named BLE assets a site.")] = 0,
    discovered_assets: Annotated[int, typer.Option(min=0, help="Other BLE devices a site.")] = 0,
    walkers: Annotated[int, typer.Option(min=0, help="People and things a site that live a day in an office.")] = 0,
    office_floors: Annotated[
        int, typer.Option(min=0, help="Floors of the offices of an organisation together; 0: plain floors.")
    ] = 0,
    cadence_s: Annotated[float, typer.Option(help="Seconds between two messages of a device.")] = 30.0,
    location_cadence_s: Annotated[
        float, typer.Option(min=0, help="Seconds between two positions of somebody; 0: nobody is located.")
    ] = 15.0,
    location_events: Annotated[bool, typer.Option(help="Send positions by webhook too: a flood.")] = False,
    reboots_per_device_day: Annotated[float, typer.Option(min=0, help="Restarts of a device, a day.")] = 1.0,
    port_flaps_per_device_day: Annotated[float, typer.Option(min=0, help="Ports that go up or down, a day.")] = 4.0,
    events_per_device_hour: Annotated[float, typer.Option(min=0, help="Other events of a device, an hour.")] = 2.0,
    site_events_per_hour: Annotated[float, typer.Option(min=0, help="Events of a site, an hour.")] = 12.0,
    roams_per_client_hour: Annotated[float, typer.Option(min=0, help="Roams of a client, an hour.")] = 6.0,
    sessions_per_client_hour: Annotated[float, typer.Option(min=0, help="Sessions a client begins, an hour.")] = 1.0,
    speed: Annotated[
        float, typer.Option(min=0, help="Seconds of fleet life a second; 60 lives an hour a minute.")
    ] = 1.0,
    start: Annotated[float, typer.Option(help="Unix time at which the fleet's life begins; 0: now.")] = 0.0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    api_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the REST API; 0: any free one.")] = 9740,
    stream_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the stream; 0: any free one.")] = 9741,
    control_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the control endpoint; 0: any free one.")
    ] = 9742,
    token: Annotated[str, typer.Option(help="The API token that is good here.")] = "sim-token",  # noqa: S107 - a toy
    calls_per_hour: Annotated[int, typer.Option(min=0, help="REST calls a token may make an hour.")] = 5000,
    webhook_url: Annotated[str, typer.Option(help="Receiver of webhooks; empty: send none.")] = "",
    webhook_secret: Annotated[str, typer.Option(help="Secret that webhooks are signed with.")] = "",
    webhook_topics: Annotated[
        list[str] | None, typer.Option(help="A topic to send, repeatable; none given: all.")
    ] = None,
    webhook_on_sites: Annotated[bool, typer.Option(help="A second webhook for each site: every event twice.")] = False,
    webhook_window_s: Annotated[float, typer.Option(min=0, help="Seconds that events are collected.")] = 1.0,
    duplicate_share: Annotated[float, typer.Option(min=0, max=1, help="Share of deliveries sent twice.")] = 0.05,
    scenarios: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            help="Something that goes wrong, repeatable: site-outage, lunch-rush@1 (at the second site), ...",
        ),
    ] = None,
    objects: Annotated[bool, typer.Option(help="Send data as an object, not as a JSON string.")] = False,
    seconds: Annotated[float, typer.Option(min=0, help="End after so many seconds; 0: until Ctrl-C.")] = 0.0,
) -> None:
    """Run a Mist cloud on this machine: REST, stream and webhooks over a fleet with a life of its own.

    Prints where its REST API, its stream and its control endpoint are. Exit code 0 at an ordinary end, 1 when it
    cannot listen or fails, 2 when options make no sense.
    """
    options = dict(locals(), webhook_topics=tuple(webhook_topics or ()), scenarios=tuple(scenarios or ()))
    from collector.simulator import command  # noqa: PLC0415 - --help needs none of it

    raise typer.Exit(command.run(command.SimulateOptions(**options)))
