from dataclasses import replace

import pytest
from collector.simulator.fleet.places import PPM, Zone

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import events, frames, never_said

VISITED = FleetPlan(
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


def site_of(fleet):
    return fleet.sites(fleet.orgs()[0]["id"])[0]["id"]


def test_everybody_is_located_on_the_channel_of_its_kind():
    fleet = Fleet(VISITED)
    said = frames(fleet.step(fleet.now + 11), "map")
    map_id = fleet.maps(site_of(fleet))[0]["id"]
    prefix = f"/sites/{site_of(fleet)}/stats/maps/{map_id}/"
    heard = {one.channel.removeprefix(prefix): set(one.payload) for one in said}
    assert heard == {
        "clients": {"mac", "map_id", "x", "y", "num_locating_aps"},
        "unconnected_clients": {
            "mac",
            "ap_mac",
            "map_id",
            "x",
            "y",
            "rssi",
            "manufacture",
            "last_seen",
            "num_locating_aps",
        },
        "sdkclients": {"id", "uuid", "name", "map_id", "last_seen", "x", "y"},
        "assets": {"mac", "x", "y", "last_seen"},
        "discovered_assets": {"mac", "map_id", "x", "y", "manufacture", "last_seen"},
    }
    assert len(fleet.map_stats(site_of(fleet), map_id, "unconnected_clients")) == 4


def test_nobody_is_located_when_the_cadence_is_zero():
    fleet = Fleet(replace(VISITED, location_cadence_s=0))
    said = fleet.step(fleet.now + 120)
    assert frames(said, "map") == []
    assert events(said, "zone") == []


def test_zone_events_tell_who_is_in_a_zone_by_the_positions_that_were_said():
    fleet = Fleet(VISITED)
    said = fleet.step(fleet.now + 3600)
    inside: dict = {}
    for event in events(said, "zone"):
        who = event.get("mac") or event["id"]
        if event["trigger"] == "enter":
            assert who not in inside
            inside[who] = event["zone_id"]
        else:
            assert inside.pop(who) == event["zone_id"]
    assert {event["type"] for event in events(said, "zone")} == {"wifi", "sdk", "asset"}
    counted = {zone["id"]: (zone["num_clients"], zone["num_sdkclients"], zone["num_assets"])
               for zone in fleet.zone_stats(site_of(fleet))}  # fmt: skip
    assert sum(map(sum, counted.values())) == len([zone for zone in inside.values() if zone])


@pytest.mark.parametrize(
    ("x_m", "y_m", "within"),
    [(1.0, 1.0, True), (3.9, 1.0, True), (3.0, 3.0, False), (1.0, 3.0, True), (-1.0, 1.0, False), (5.0, 1.0, False)],
)
def test_an_l_shaped_zone_holds_what_lies_in_it(x_m, y_m, within):
    corner = Zone(id="z", name="L", outline_m=((0, 0), (4, 0), (4, 2), (2, 2), (2, 4), (0, 4)))
    assert corner.holds(x_m, y_m) is within


def test_location_topics_give_metres_where_channels_give_pixels():
    fleet = Fleet(replace(VISITED, location_events=True))
    said = fleet.step(fleet.now + 30)
    assert events(said, "location-client")
    first = events(said, "location-client")[0]
    frame = next(one.payload for one in frames(said, "map") if one.mac == first["mac"])
    assert frame["x"] == pytest.approx(first["x"] * PPM, abs=0.1)
    assert {"location", "location-unclient", "location-sdk", "location-asset"} <= {
        one.topic for one in said if not hasattr(one, "channel")
    }
    quiet = Fleet(VISITED)
    assert events(quiet.step(quiet.now + 30), "location") == []


def test_a_crowded_zone_raises_an_occupancy_alert():
    fleet = Fleet(replace(VISITED, assets=80))
    alerts = events(fleet.step(fleet.now + 600), "occupancy-alerts")
    assert alerts
    alert = alerts[0]["alert_events"][0]
    assert alert["current_occupancy"] == alert["occupancy_limit"] + 1


def test_a_site_has_a_life_beside_its_devices():
    fleet = Fleet(replace(VISITED, site_events_per_hour=120))
    said = fleet.step(fleet.now + 7200)
    topics = {one.topic for one in said if not hasattr(one, "channel")}
    quiet_ones = {"audits", "client-info", "client-latency", "site-sle", "alarms", "guest-authorizations"}
    assert topics >= quiet_ones | {"nac-events", "nac-accounting", "minis-application", "minis-reachability"}
    assert {alarm["group"] for alarm in events(said, "alarms")} >= {"security", "marvis"}
    assert any(event.get("update") for event in events(said, "alarms"))
    ids = [event["id"] for event in events(said, "audits")]
    assert len(set(ids)) == len(ids)
    assert any("site_id" not in event for event in events(said, "audits"))


def test_the_insights_of_an_org_come_in_pieces_that_count_its_devices():
    fleet = Fleet(FleetPlan(orgs=2, sites=2, aps=3, switches=1, gateways=1, mxedges=1, reboots_per_device_day=0))
    org = fleet.orgs()[1]["id"]
    fleet.disconnect(fleet.device_stats(org, "ap")[0]["mac"])
    said = [one for one in frames(fleet.step(fleet.now + 181), "org") if one.channel == f"/orgs/{org}/insights/summary"]
    assert len(said) == 3
    assert len({frozenset(one.payload) for one in said}) == 3
    whole = {key: value for one in said for key, value in one.payload.items()}
    assert (whole["num_sites"], whole["num_aps"], whole["num_disconnected_aps"]) == (2, 6, 1)
    assert (whole["num_switches"], whole["num_gateways"], whole["num_mxedges"]) == (2, 2, 1)
    assert len(whole) == 32


def test_a_running_firmware_update_is_told_on_the_channel_of_changes(quiet):
    said = frames(quiet.step(quiet.now + 1200), "change")
    assert {one.channel for one in said} == {f"/sites/{site_of(quiet)}/devices"}
    assert all(one.payload["event_type"] == "fwupdate" and one.payload["detail"]["progress"] < 100 for one in said)


def test_assets_are_known_to_rest_in_full():
    fleet = Fleet(VISITED)
    assets = []
    for _ in range(20):
        fleet.step(fleet.now + 60)
        assets += fleet.asset_stats(site_of(fleet))
    missing = never_said("asset", assets)
    assert missing == ["rssizones[*].id", "rssizones[*].since"]
