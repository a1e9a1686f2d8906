"""A small fleet that leaves nothing to chance, and ways to read what it says."""

from __future__ import annotations

import pytest

from collector.simulator.fleet import Fleet, FleetPlan


@pytest.fixture
def quiet() -> Fleet:
    """One site of ten APs where nothing happens but frames; twenty clients stay where they are."""
    plan = FleetPlan(
        sites=1,
        clients_per_ap=2,
        reboots_per_device_day=0,
        port_flaps_per_device_day=0,
        events_per_device_hour=0,
        site_events_per_hour=0,
        roams_per_client_hour=0,
        sessions_per_client_hour=0,
    )
    return Fleet(plan)
