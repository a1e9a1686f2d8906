"""Walkers live a day in an office, and the fleet knows who is where."""

from collections import Counter

import pytest
from collector.simulator.fleet.offices import ROOMS
from collector.simulator.fleet.places import PPM, Zone

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import events, frames

HOUR_S = 3600.0
OFFICE = FleetPlan(
    sites=1,
    aps=0,
    clients_per_ap=0,
    walkers=60,
    office_floors=2,
    start=1_767_225_600.0 + 9.5 * HOUR_S,
    location_cadence_s=20,
    site_events_per_hour=0,
)


@pytest.fixture
def fleet():
    fleet = Fleet(OFFICE)
    fleet.step(fleet.now + 600)
    return fleet


def site_of(fleet):
    return fleet.sites(fleet.orgs()[0]["id"])[0]["id"]


def inside(fleet):
    """People by zone name, over all floors."""
    names = {zone["id"]: zone["name"] for zone in fleet.zones(site_of(fleet))}
    counts = Counter()
    for zone_id, kinds in fleet.floor_truth()["zones"].items():
        counts[names[zone_id]] += sum(kind["inside"] for kind in kinds.values())
    return counts


def on_maps(fleet):
    return sum(sum(kinds.values()) for kinds in fleet.floor_truth()["maps"].values())


def test_floors_are_shared_out_among_the_sites_of_an_org():
    plan = FleetPlan(sites=3, aps=0, office_floors=10)
    fleet = Fleet(plan)
    floors = [len(fleet.maps(site["id"])) for site in fleet.sites(fleet.orgs()[0]["id"])]
    assert floors == [3, 3, 4]
    assert sum(len(fleet.zones(site["id"])) for site in fleet.sites(fleet.orgs()[0]["id"])) == 60


def test_walkers_of_all_kinds_come_to_work(fleet):
    said = frames(fleet.step(fleet.now + 60), "map")
    kinds = {one.channel.rpartition("/")[2] for one in said}
    assert kinds == {"clients", "unconnected_clients", "sdkclients", "assets", "discovered_assets"}
    assert on_maps(fleet) == 60
    assert {one.channel.split("/")[5] for one in said} == {floor["id"] for floor in fleet.maps(site_of(fleet))}


def test_nobody_jumps(fleet):
    """Between two positions a walker goes no further than it can walk; floors change at the stairs only."""
    last = {}
    for one in frames(fleet.step(fleet.now + HOUR_S), "map"):
        here = one.channel.split("/")[5], one.payload["x"] / PPM, one.payload["y"] / PPM, one.at
        floor, x, y, at = last.get(one.mac, here)
        if floor == here[0]:
            assert ((x - here[1]) ** 2 + (y - here[2]) ** 2) ** 0.5 <= 1.2 * (here[3] - at) + 0.1
        last[one.mac] = here


def test_the_truth_of_zones_is_that_of_the_positions_that_were_said(fleet):
    said = frames(fleet.step(fleet.now + HOUR_S), "map")
    last = {one.mac: one for one in said}
    zones = [Zone(id=name, name=name, outline_m=room.outline) for room in ROOMS for name in [room.name]]
    counts = Counter()
    for one in last.values():
        x_m, y_m = one.payload["x"] / PPM, one.payload["y"] / PPM
        counts.update(zone.name for zone in zones if zone.holds(x_m, y_m))
    assert counts == +inside(fleet)


def test_who_came_and_did_not_go_is_in_a_zone(fleet):
    fleet.step(fleet.now + 8 * HOUR_S)
    for kinds in fleet.floor_truth()["zones"].values():
        for visits in kinds.values():
            assert visits["enters"] - visits["exits"] == visits["inside"] >= 0
            assert visits["stayed_s"] >= 0


def test_zone_events_tell_of_every_zone_of_a_place(fleet):
    said = events(fleet.step(fleet.now + 2 * HOUR_S), "zone")
    meeting = {z["id"] for z in fleet.zones(site_of(fleet)) if z["name"] == "Meeting room"}
    entered = [(event["timestamp"], event.get("mac")) for event in said if event["trigger"] == "enter"]
    assert [event for event in said if event["zone_id"] in meeting]
    assert Counter(entered).most_common(1)[0][1] >= 2  # a meeting room lies within the open space


def test_a_lunch_rush_fills_the_canteens(fleet):
    before = inside(fleet)["Canteen"]
    assert fleet.lunch_rush(site_of(fleet)) == 60
    fleet.step(fleet.now + 300)
    assert inside(fleet)["Canteen"] == 60 > before
    fleet.step(fleet.now + 3600)
    assert inside(fleet)["Canteen"] < 40


def test_an_evacuation_empties_the_building_until_it_is_over(fleet):
    assert fleet.evacuate(site_of(fleet)) == 60
    fleet.step(fleet.now + 180)
    assert +inside(fleet) == Counter()
    assert on_maps(fleet) == 0
    assert frames(fleet.step(fleet.now + 300), "map") == []
    fleet.step(fleet.now + 3600)
    assert on_maps(fleet) == 60


def test_the_night_is_quiet_and_the_day_is_not():
    fleet = Fleet(FleetPlan(**{**vars_of(OFFICE), "start": OFFICE.start - 9.5 * HOUR_S}))
    assert frames(fleet.step(fleet.now + 4 * HOUR_S), "map") == []
    fleet.step(fleet.now + 7 * HOUR_S)
    assert on_maps(fleet) == 60
    fleet.step(fleet.now + 12.5 * HOUR_S)
    assert on_maps(fleet) == 0


def vars_of(plan):
    return {name: getattr(plan, name) for name in plan.__dataclass_fields__}


def test_walls_are_drawn_on_the_map(fleet):
    path = fleet.maps(site_of(fleet))[0]["wall_path"]
    names = {node["name"] for node in path["nodes"]}
    assert len(names) > 15
    assert all(other in names for node in path["nodes"] for other in node["edges"])
