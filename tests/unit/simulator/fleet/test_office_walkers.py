from collections import Counter
from dataclasses import replace

import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.fleet.office_layout import ROOMS
from collector.simulator.fleet.office_walkers import SPEED_M_S, kind_of
from collector.simulator.fleet.sites import PPM, SimulatedZone
from tests.support.fleet import events, stream_messages

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


@pytest.fixture
def inside(site_of):
    """Return the number of walkers by zone name, over all floors."""

    def count(fleet):
        names = {zone["id"]: zone["name"] for zone in fleet.zones(site_of(fleet))}
        counts = Counter()
        for zone_id, kinds in fleet.floor_truth()["zones"].items():
            counts[names[zone_id]] += sum(kind["inside"] for kind in kinds.values())
        return counts

    return count


def on_maps(fleet):
    return sum(sum(kinds.values()) for kinds in fleet.floor_truth()["maps"].values())


def test_twelve_of_twenty_walkers_are_clients():
    kinds = Counter(kind_of(ordinal).channel for ordinal in range(20))
    assert kinds == {"clients": 12, "unconnected_clients": 3, "sdkclients": 2, "assets": 2, "discovered_assets": 1}


def test_walkers_of_every_kind_are_in_the_building_during_working_hours(fleet, site_of):
    sent = stream_messages(fleet.step(fleet.now + 60), "map")
    kinds = {one.channel.rpartition("/")[2] for one in sent}
    assert kinds == {"clients", "unconnected_clients", "sdkclients", "assets", "discovered_assets"}
    assert on_maps(fleet) == 60
    assert {one.channel.split("/")[5] for one in sent} == {floor["id"] for floor in fleet.maps(site_of(fleet))}


def test_walkers_move_at_most_at_walking_speed(fleet):
    last = {}
    for one in stream_messages(fleet.step(fleet.now + HOUR_S), "map"):
        here = one.channel.split("/")[5], one.payload["x"] / PPM, one.payload["y"] / PPM, one.at
        floor, x, y, at = last.get(one.mac, here)
        if floor == here[0]:
            distance_m = ((x - here[1]) ** 2 + (y - here[2]) ** 2) ** 0.5
            assert distance_m <= SPEED_M_S * (here[3] - at) + 0.1
        last[one.mac] = here
    assert len(last) == 60


def test_the_true_occupancy_agrees_with_the_sent_positions(fleet, inside):
    last = {one.mac: one for one in stream_messages(fleet.step(fleet.now + HOUR_S), "map")}
    zones = [SimulatedZone(id=room.name, name=room.name, outline_m=room.outline) for room in ROOMS]
    counts = Counter()
    for one in last.values():
        x_m, y_m = one.payload["x"] / PPM, one.payload["y"] / PPM
        counts.update(zone.name for zone in zones if zone.contains(x_m, y_m))
    assert counts == +inside(fleet)


@pytest.mark.slow
def test_enters_minus_exits_is_the_number_inside(fleet):
    fleet.step(fleet.now + 8 * HOUR_S)
    visits = [kind for kinds in fleet.floor_truth()["zones"].values() for kind in kinds.values()]
    assert visits
    for one in visits:
        assert one["enters"] - one["exits"] == one["inside"] >= 0
        assert one["stayed_s"] >= 0


def test_a_walker_enters_all_zones_of_its_position(fleet, site_of):
    sent = events(fleet.step(fleet.now + 2 * HOUR_S), "zone")
    meeting_rooms = {zone["id"] for zone in fleet.zones(site_of(fleet)) if zone["name"] == "Meeting room"}
    entered = [(event["timestamp"], event.get("mac")) for event in sent if event["trigger"] == "enter"]
    assert [event for event in sent if event["zone_id"] in meeting_rooms]
    assert Counter(entered).most_common(1)[0][1] >= 2, "a meeting room is inside the open space"


def test_a_lunch_rush_moves_all_walkers_to_the_canteens(fleet, inside, site_of):
    before = inside(fleet)["Canteen"]
    assert fleet.lunch_rush(site_of(fleet)) == 60
    fleet.step(fleet.now + 300)
    assert inside(fleet)["Canteen"] == 60 > before
    fleet.step(fleet.now + 3600)
    assert inside(fleet)["Canteen"] < 40


def test_an_evacuation_empties_the_building_temporarily(fleet, inside, site_of):
    assert fleet.evacuate(site_of(fleet)) == 60
    fleet.step(fleet.now + 180)
    assert +inside(fleet) == Counter()
    assert on_maps(fleet) == 0
    assert stream_messages(fleet.step(fleet.now + 300), "map") == []
    fleet.step(fleet.now + 3600)
    assert on_maps(fleet) == 60


@pytest.mark.slow
def test_the_building_is_empty_at_night():
    fleet = Fleet(replace(OFFICE, start=OFFICE.start - 9.5 * HOUR_S))
    assert stream_messages(fleet.step(fleet.now + 4 * HOUR_S), "map") == []
    fleet.step(fleet.now + 7 * HOUR_S)
    assert on_maps(fleet) == 60
    fleet.step(fleet.now + 12.5 * HOUR_S)
    assert on_maps(fleet) == 0
