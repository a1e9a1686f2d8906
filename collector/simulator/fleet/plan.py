"""How big a fleet is and how lively."""

from __future__ import annotations

from dataclasses import dataclass, fields

START = 1_767_225_600.0
"""2026-01-01 00:00:00 UTC: where a fleet's time begins unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class FleetPlan:
    """Counts and rates of a fleet. Equal plans make equal fleets, message for message.

    `sites` is per org; `mxedges` per org; every other count of devices is per site. Rates are means of random
    intervals; 0 switches that kind of happening off. Wi-Fi clients, unconnected ones, app users and assets are located
    every `location_cadence_s` (0: nobody moves, and no map's channel speaks), on map channels and in zone events; with
    `location_events` also in the location topics, which is a flood. `walkers` (per site) live a day in an office;
    `office_floors` is how many floors the offices of an org have together, 0 for a plain floor or two at each site.

    Raises ValueError that names the field which makes no sense.
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
    start: float = START
    cadence_s: float = 30.0
    location_cadence_s: float = 15.0
    location_events: bool = False
    reboot_s: float = 90.0
    reboots_per_device_day: float = 1.0
    port_flaps_per_device_day: float = 4.0
    events_per_device_hour: float = 2.0
    site_events_per_hour: float = 12.0
    insights_cadence_s: float = 60.0
    roams_per_client_hour: float = 6.0
    sessions_per_client_hour: float = 1.0

    def floors_of(self, place: int) -> int:
        """How many office floors the site at this place of its org has; 0 when there are no offices."""
        if not self.office_floors:
            return 0
        share = self.office_floors * (place + 1) // self.sites - self.office_floors * place // self.sites
        return max(1, share)

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "seed" and getattr(self, field.name) < 0:
                raise ValueError(f"{field.name} must not be negative, it is {getattr(self, field.name)}")
        if self.cadence_s <= 0:
            raise ValueError(f"cadence_s must be more than 0 seconds, it is {self.cadence_s}")
