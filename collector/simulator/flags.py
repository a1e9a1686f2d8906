"""The flags of `mist-collector simulate`, declared once: name, default, words and bounds.

Nothing else is imported here: `--help` shows these flags, and is quick.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
SCENARIO_WORDS = "Something that goes wrong, repeatable: site-outage, lunch-rush@1 (at the second site), ..."


def flag(default: T, words: str, *, secret: bool = False, **more: object) -> T:
    """A field of a dataclass that is a flag of a command: `words` are its help.

    `more`: `name` where the flag is called otherwise than the field (``--scenario``), `min`, `max`, and what else
    `typer.Option` takes.
    """
    return field(default=default, repr=not secret, metadata={"help": words, **more})


@dataclass(frozen=True, kw_only=True)
class SimulateOptions:
    """A simulated cloud as the command line describes it; a field `api_port` is the flag `--api-port`."""

    seed: int = flag(1, "Equal seeds make equal fleets.")
    orgs: int = flag(1, "Organisations.", min=1)
    sites: int = flag(3, "Sites an organisation.", min=0)
    aps: int = flag(10, "Access points a site.", min=0)
    switches: int = flag(0, "Switches a site.", min=0)
    virtual_chassis: int = flag(0, "Virtual chassis a site.", min=0)
    gateways: int = flag(0, "Gateways a site.", min=0)
    srx_clusters: int = flag(0, "SRX clusters a site.", min=0)
    ssrs: int = flag(0, "Session Smart Routers a site.", min=0)
    mxedges: int = flag(0, "Mist Edges an organisation.", min=0)
    clients_per_ap: int = flag(5, "Wireless clients an access point.", min=0)
    unconnected_clients: int = flag(0, "Wi-Fi devices a site that only pass by.", min=0)
    sdkclients: int = flag(0, "Users of an app with the Mist SDK, a site.", min=0)
    assets: int = flag(0, "Named BLE assets a site.", min=0)
    discovered_assets: int = flag(0, "Other BLE devices a site.", min=0)
    walkers: int = flag(0, "People and things a site that live a day in an office.", min=0)
    office_floors: int = flag(0, "Floors of the offices of an organisation together; 0: plain floors.", min=0)
    cadence_s: float = flag(30.0, "Seconds between two messages of a device.")
    location_cadence_s: float = flag(15.0, "Seconds between two positions of somebody; 0: nobody is located.", min=0)
    location_events: bool = flag(default=False, words="Send positions by webhook too: a flood.")
    reboots_per_device_day: float = flag(1.0, "Restarts of a device, a day.", min=0)
    port_flaps_per_device_day: float = flag(4.0, "Ports that go up or down, a day.", min=0)
    events_per_device_hour: float = flag(2.0, "Other events of a device, an hour.", min=0)
    site_events_per_hour: float = flag(12.0, "Events of a site, an hour.", min=0)
    roams_per_client_hour: float = flag(6.0, "Roams of a client, an hour.", min=0)
    sessions_per_client_hour: float = flag(1.0, "Sessions a client begins, an hour.", min=0)
    speed: float = flag(1.0, "Seconds of fleet life a second; 60 lives an hour a minute.", min=0)
    start: float = flag(0.0, "Unix time at which the fleet's life begins; 0: now.")
    host: str = flag("127.0.0.1", "Address to listen on.")
    api_port: int = flag(9740, "Port of the REST API; 0: any free one.", min=0, max=65535)
    stream_port: int = flag(9741, "Port of the stream; 0: any free one.", min=0, max=65535)
    control_port: int = flag(9742, "Port of the control endpoint; 0: any free one.", min=0, max=65535)
    token: str = flag("sim-token", "The API token that is good here.", secret=True)
    calls_per_hour: int = flag(5000, "REST calls a token may make an hour.", min=0)
    webhook_url: str = flag("", "Receiver of webhooks; empty: send none.")
    webhook_secret: str = flag("", "Secret that webhooks are signed with.", secret=True)
    webhook_topics: tuple[str, ...] = flag((), "A topic to send, repeatable; none given: all.")
    webhook_on_sites: bool = flag(default=False, words="A second webhook for each site: every event twice.")
    webhook_window_s: float = flag(1.0, "Seconds that events are collected.", min=0)
    duplicate_share: float = flag(0.05, "Share of deliveries sent twice.", min=0, max=1)
    scenarios: tuple[str, ...] = flag(
        (),
        SCENARIO_WORDS,
        name="--scenario",
    )
    objects: bool = flag(default=False, words="Send data as an object, not as a JSON string.")
    seconds: float = flag(0.0, "End after so many seconds; 0: until Ctrl-C.", min=0)
