from dataclasses import replace

import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.fleet.context import FleetContext
from collector.simulator.fleet.floor_presence import FloorPresence
from collector.simulator.fleet.sites import OCCUPANCY_LIMIT, PPM, make_org, make_site
from tests.support.fleet import events, stream_messages

LOCATED = FleetPlan(
    sites=1,
    aps=4,
    clients_per_ap=4,
    unconnected_clients=4,
    sdkclients=3,
    assets=3,
    discovered_assets=4,
    reboots_per_device_day=0,
    events_per_device_hour=0,
    site_events_per_hour=0,
    location_cadence_s=5,
)


@pytest.fixture
def floor():
    """A context and a site whose first zone is the lobby: (2, 2) to (20, 15)."""
    context = FleetContext(FleetPlan(start=0.0))
    return context, make_site(1, make_org(1, 0, 0.0), 0, 0.0)


def at_lobby(floor, identity):
    context, site = floor
    presence = FloorPresence(context, site, site.maps[0], identity, "asset")
    presence.x_m, presence.y_m = 10.0, 10.0
    return presence


def test_a_stay_ends_at_the_last_position_in_the_zone(floor):
    context, site = floor
    presence = at_lobby(floor, {"type": "asset", "mac": "m"})
    presence.locate(100.0)
    presence.locate(160.0)
    presence.leave_floor(500.0)
    visits = site.maps[0].zones[0].visits["asset"]
    assert (visits.enters, visits.exits, visits.stayed_s) == (1, 1, 60.0)
    triggers = [(event["trigger"], event["timestamp"]) for event in events(context.messages, "zone")]
    assert triggers == [("enter", 100), ("exit", 500)]
    assert presence.on_map is False


def test_an_object_without_identity_has_no_zone_events_but_is_counted(floor):
    context, site = floor
    at_lobby(floor, {}).locate(100.0)
    assert events(context.messages, "zone") == []
    assert site.maps[0].zones[0].visits["asset"].enters == 1


def test_the_occupancy_alert_is_sent_once_when_the_limit_is_exceeded(floor):
    context, _ = floor
    for number in range(OCCUPANCY_LIMIT + 3):
        at_lobby(floor, {"type": "asset", "mac": str(number)}).locate(100.0)
    (event,) = events(context.messages, "occupancy-alerts")
    (alert,) = event["alert_events"]
    assert (alert["current_occupancy"], alert["occupancy_limit"]) == (OCCUPANCY_LIMIT + 1, OCCUPANCY_LIMIT)


def test_a_removed_object_leaves_its_zones_without_an_event(floor):
    context, site = floor
    presence = at_lobby(floor, {"type": "asset", "mac": "m"})
    presence.locate(100.0)
    presence.remove()
    assert site.maps[0].zones[0].inside == {}
    assert len(events(context.messages, "zone")) == 1


def test_zone_events_agree_with_the_zone_statistics(site_of):
    fleet = Fleet(LOCATED)
    sent = fleet.step(fleet.now + 3600)
    inside: dict = {}
    for event in events(sent, "zone"):
        key = event.get("mac") or event["id"]
        if event["trigger"] == "enter":
            assert key not in inside
            inside[key] = event["zone_id"]
        else:
            assert inside.pop(key) == event["zone_id"]
    assert {event["type"] for event in events(sent, "zone")} == {"wifi", "sdk", "asset"}
    zones = fleet.zone_stats(site_of(fleet))
    assert sum(zone["num_clients"] + zone["num_sdkclients"] + zone["num_assets"] for zone in zones) == len(inside)


def test_location_topics_are_in_metres_and_map_channels_in_pixels():
    fleet = Fleet(replace(LOCATED, location_events=True))
    sent = fleet.step(fleet.now + 30)
    first = events(sent, "location-client")[0]
    frame = next(one.payload for one in stream_messages(sent, "map") if one.mac == first["mac"])
    assert frame["x"] == pytest.approx(first["x"] * PPM, abs=0.1)
    topics = {one.topic for one in sent if not hasattr(one, "channel")}
    assert {"location", "location-unclient", "location-sdk", "location-asset"} <= topics
    without = Fleet(LOCATED)
    assert events(without.step(without.now + 30), "location") == []
