"""Fleets without random events."""

from __future__ import annotations

import pytest

from collector.simulator.fleet import Fleet, FleetPlan

NO_RANDOM_EVENTS = {
    "reboots_per_device_day": 0,
    "port_flaps_per_device_day": 0,
    "events_per_device_hour": 0,
    "site_events_per_hour": 0,
    "roams_per_client_hour": 0,
    "sessions_per_client_hour": 0,
}


@pytest.fixture
def quiet() -> Fleet:
    """One site of ten APs and twenty clients that do not roam."""
    return Fleet(FleetPlan(sites=1, clients_per_ap=2, **NO_RANDOM_EVENTS))


@pytest.fixture
def wired() -> Fleet:
    """One site with switches, gateways and Mist Edges of every form, without APs."""
    return Fleet(
        FleetPlan(
            sites=1,
            aps=0,
            switches=4,
            virtual_chassis=2,
            gateways=4,
            srx_clusters=2,
            ssrs=2,
            mxedges=3,
            clients_per_ap=0,
            **NO_RANDOM_EVENTS,
        )
    )


@pytest.fixture
def org_of():
    """Return the id of the first org of a fleet."""
    return lambda fleet: fleet.orgs()[0]["id"]


@pytest.fixture
def site_of():
    """Return the id of the first site of a fleet."""
    return lambda fleet: fleet.sites(fleet.orgs()[0]["id"])[0]["id"]
