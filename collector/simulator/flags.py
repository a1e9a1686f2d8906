"""The options of `mist-collector simulate`: names, defaults, help texts and bounds.

The module imports nothing else of the simulator, so that `--help` is fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
SCENARIO_HELP = "Scenario to run, repeatable: site-outage, lunch-rush@1 (at the second site), ..."


def flag(default: T, help_text: str, *, secret: bool = False, **more: object) -> T:
    """Return a dataclass field that is an option of a command.

    Args:
        default: Default value.
        help_text: Help text of the option.
        secret: Whether the value is omitted from `repr`.
        more: `name` if it differs from that of the field (``--scenario``), `min`, `max`, and other arguments of
            `typer.Option`.
    """
    return field(default=default, repr=not secret, metadata={"help": help_text, **more})


@dataclass(frozen=True, kw_only=True)
class SimulateOptions:
    """Options of the command; the field `api_port` is the option `--api-port`."""

    seed: int = flag(1, "Seed; equal seeds produce identical fleets.")
    orgs: int = flag(1, "Number of organisations.", min=1)
    sites: int = flag(3, "Sites per organisation.", min=0)
    aps: int = flag(10, "Access points per site.", min=0)
    switches: int = flag(0, "Switches per site.", min=0)
    virtual_chassis: int = flag(0, "Virtual chassis per site.", min=0)
    gateways: int = flag(0, "Gateways per site.", min=0)
    srx_clusters: int = flag(0, "SRX clusters per site.", min=0)
    ssrs: int = flag(0, "Session Smart Routers per site.", min=0)
    mxedges: int = flag(0, "Mist Edges per organisation.", min=0)
    clients_per_ap: int = flag(5, "Wi-Fi clients per access point.", min=0)
    unconnected_clients: int = flag(0, "Unconnected Wi-Fi clients per site.", min=0)
    sdkclients: int = flag(0, "Clients with the Mist SDK per site.", min=0)
    assets: int = flag(0, "Named BLE assets per site.", min=0)
    discovered_assets: int = flag(0, "Discovered BLE assets per site.", min=0)
    walkers: int = flag(0, "Clients and assets per site that move through an office for a working day.", min=0)
    office_floors: int = flag(0, "Office floors per organisation; 0: one or two plain floors per site.", min=0)
    cadence_s: float = flag(30.0, "Seconds between two messages of a device.")
    location_cadence_s: float = flag(15.0, "Seconds between two positions of a client or asset; 0: none.", min=0)
    location_events: bool = flag(default=False, help_text="Also send positions by webhook (high volume).")
    reboots_per_device_day: float = flag(1.0, "Restarts per device and day.", min=0)
    port_flaps_per_device_day: float = flag(4.0, "Port link changes per device and day.", min=0)
    events_per_device_hour: float = flag(2.0, "Other events per device and hour.", min=0)
    site_events_per_hour: float = flag(12.0, "Events per site and hour.", min=0)
    roams_per_client_hour: float = flag(6.0, "Roams per client and hour.", min=0)
    sessions_per_client_hour: float = flag(1.0, "Sessions per client and hour.", min=0)
    speed: float = flag(1.0, "Simulated seconds per second; 60: one hour per minute.", min=0)
    start: float = flag(0.0, "Unix time at which the simulation starts; 0: now.")
    host: str = flag("127.0.0.1", "Address to listen on.")
    api_port: int = flag(9740, "Port of the REST API; 0: any free port.", min=0, max=65535)
    stream_port: int = flag(9741, "Port of the stream; 0: any free port.", min=0, max=65535)
    control_port: int = flag(9742, "Port of the control endpoint; 0: any free port.", min=0, max=65535)
    token: str = flag("sim-token", "Valid API token.", secret=True)
    calls_per_hour: int = flag(5000, "REST calls per token and hour.", min=0)
    webhook_url: str = flag("", "URL of the webhook receiver; empty: no webhooks.")
    webhook_secret: str = flag("", "Secret for webhook signatures.", secret=True)
    webhook_topics: tuple[str, ...] = flag((), "Webhook topic, repeatable; default: all topics.")
    webhook_on_sites: bool = flag(default=False, help_text="Add a webhook per site: each event is sent twice.")
    webhook_window_s: float = flag(1.0, "Seconds for which events are collected into one delivery.", min=0)
    duplicate_share: float = flag(0.05, "Share of the deliveries that are sent twice.", min=0, max=1)
    scenarios: tuple[str, ...] = flag((), SCENARIO_HELP, name="--scenario")
    objects: bool = flag(default=False, help_text="Send stream data as JSON objects instead of JSON strings.")
    seconds: float = flag(0.0, "Stop after this many seconds; 0: run until Ctrl-C.", min=0)
