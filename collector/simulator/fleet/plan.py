"""Size and event rates of a fleet."""

from __future__ import annotations

from dataclasses import dataclass, fields

START = 1_767_225_600.0
"""2026-01-01 00:00:00 UTC: default start of the simulated time."""


@dataclass(frozen=True, kw_only=True)
class FleetPlan:
    """Object counts and event rates of a fleet. Equal plans produce identical messages.

    `sites` and `mxedges` are per org, the other object counts per site. Rates are means of random intervals; 0 disables
    the event. Positions of clients and assets are sent on map channels and as zone events every `location_cadence_s`
    seconds (0: no positions), and with `location_events` also in the location topics. `walkers` move through an office
    for a working day. `office_floors` is the number of office floors of an org; 0 gives every site one or two plain
    floors.

    Raises:
        ValueError: For a negative field or a `cadence_s` of 0, with the name of the field.
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

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "seed" and getattr(self, field.name) < 0:
                raise ValueError(f"{field.name} must not be negative, got {getattr(self, field.name)}")
        if self.cadence_s <= 0:
            raise ValueError(f"cadence_s must be greater than 0, got {self.cadence_s}")

    def office_floors_of_site(self, number: int) -> int:
        """Return the number of office floors of the site with this index in its org; 0 without offices."""
        if not self.office_floors:
            return 0
        share = self.office_floors * (number + 1) // self.sites - self.office_floors * number // self.sites
        return max(1, share)
