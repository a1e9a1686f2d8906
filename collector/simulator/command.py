"""`mist-collector simulate`: a fake cloud as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions, SenderOptions

if TYPE_CHECKING:
    from typing import TextIO

EXIT_OK, EXIT_USAGE, EXIT_FAILED = 0, 2, 1


@dataclass(frozen=True, kw_only=True)
class SimulateOptions:
    """The flags of `simulate`; a field `api_port` is the flag `--api-port`.

    - `orgs`, `sites` (per org), `aps`, `switches`, `virtual_chassis`, `gateways`, `srx_clusters`, `ssrs` (per site),
      `mxedges` (per org), `clients_per_ap`: the size of the fleet; `seed`: equal seeds make equal fleets
    - `unconnected_clients`, `sdkclients`, `assets`, `discovered_assets` (per site): who is located besides clients
    - `walkers` (per site): who lives a day in an office; `office_floors`: floors of the offices of an org together
    - `cadence_s`: how often a device speaks; `speed`: seconds of fleet life a second (60: an hour a minute)
    - `location_cadence_s`: how often somebody is located (0: never); `location_events`: also in webhooks, a flood
    - `reboots_per_device_day`, `port_flaps_per_device_day`, `events_per_device_hour`, `site_events_per_hour`,
      `roams_per_client_hour`, `sessions_per_client_hour`: how lively it is, 0 for never
    - `start`: unix time at which the fleet's life begins; 0 for now
    - `host`, `api_port`, `stream_port`, `control_port`: where to listen; 0 lets the system choose a port
    - `token`: the API token that is good; `calls_per_hour`: its REST budget
    - `webhook_url`, `webhook_secret`: the receiver of webhooks and the secret they are signed with; no URL, no webhooks
    - `webhook_topics`: topics to send, all when empty; `webhook_on_sites`: a second webhook for each site
    - `webhook_window_s`: how long events are collected; `duplicate_share`: share of deliveries sent twice
    - `scenarios`: what is played from the start (see `scenarios`): a name, or a name and the place of a site, `NAME@2`
    - `objects`: send `data` as an object instead of a JSON string
    - `seconds`: end after so long; 0 runs until interrupted
    """

    seed: int = 1
    orgs: int = 1
    sites: int = 3
    aps: int = 10
    switches: int = 0
    virtual_chassis: int = 0
    gateways: int = 0
    srx_clusters: int = 0
    ssrs: int = 0
    mxedges: int = 0
    clients_per_ap: int = 5
    unconnected_clients: int = 0
    sdkclients: int = 0
    assets: int = 0
    discovered_assets: int = 0
    walkers: int = 0
    office_floors: int = 0
    cadence_s: float = 30.0
    location_cadence_s: float = 15.0
    location_events: bool = False
    reboots_per_device_day: float = 1.0
    port_flaps_per_device_day: float = 4.0
    events_per_device_hour: float = 2.0
    site_events_per_hour: float = 12.0
    roams_per_client_hour: float = 6.0
    sessions_per_client_hour: float = 1.0
    speed: float = 1.0
    start: float = 0.0
    host: str = "127.0.0.1"
    api_port: int = 9740
    stream_port: int = 9741
    control_port: int = 9742
    token: str = field(default="sim-token", repr=False)
    calls_per_hour: int = 5000
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    webhook_topics: tuple[str, ...] = ()
    webhook_on_sites: bool = False
    webhook_window_s: float = 1.0
    duplicate_share: float = 0.05
    scenarios: tuple[str, ...] = ()
    objects: bool = False
    seconds: float = 0.0

    def cloud(self) -> CloudOptions:
        """Return the options of the cloud that is meant; raises ValueError for values that make no sense."""
        meant = {one.name: getattr(self, one.name) for one in fields(FleetPlan) if hasattr(self, one.name)}
        plan = FleetPlan(**meant | {"start": self.start or time.time()})
        return CloudOptions(
            plan=plan,
            host=self.host,
            api_port=self.api_port,
            stream_port=self.stream_port,
            control_port=self.control_port,
            token=self.token,
            speed=self.speed,
            calls_per_hour=self.calls_per_hour,
            nested=not self.objects,
            webhook_url=self.webhook_url,
            webhook_secret=self.webhook_secret,
            webhook_topics=self.webhook_topics,
            webhook_on_sites=self.webhook_on_sites,
            sender=SenderOptions(window_s=self.webhook_window_s, duplicate_share=self.duplicate_share),
        )


def run(options: SimulateOptions, out: TextIO | None = None) -> int:
    """Run a cloud until interrupted (or for `options.seconds`), print where it is, return the exit code.

    0 after an ordinary end, 2 for options that make no sense, 1 when it cannot listen or fails.
    """
    try:
        cloud = FakeCloud(options.cloud())
    except ValueError as error:
        print(f"simulate: {error}", file=sys.stderr)  # noqa: T201 - words for the person at the terminal
        return EXIT_USAGE
    try:
        asyncio.run(_serve(cloud, options, out or sys.stdout))
    except ValueError as error:
        print(f"simulate: {error}", file=sys.stderr)  # noqa: T201 - words for the person at the terminal
        return EXIT_USAGE
    except OSError as error:
        print(f"simulate: {error}", file=sys.stderr)  # noqa: T201 - as above
        return EXIT_FAILED
    return EXIT_OK


def name_and_site(wish: str) -> tuple[str, int]:
    """Read `NAME` or `NAME@SITE`; raises ValueError."""
    name, _, site = wish.partition("@")
    if site and not site.isdecimal():
        raise ValueError(f"{wish}: behind @ stands the place of a site, 0 for the first")
    return name, int(site or 0)


async def _serve(cloud: FakeCloud, options: SimulateOptions, out: TextIO) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with cloud, asyncio.TaskGroup() as group:
        for wish in options.scenarios:
            cloud.stage.begin(*name_and_site(wish))
        print(f"api {cloud.api_url}\nstream {cloud.stream_url}\ncontrol {cloud.control_url}", file=out, flush=True)
        life = group.create_task(cloud.run(), name="until the cloud fails")
        try:
            async with asyncio.timeout(options.seconds or None):
                await ended.wait()
        except TimeoutError:
            pass
        life.cancel()
