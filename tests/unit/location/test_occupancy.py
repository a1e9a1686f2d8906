"""Who is in a zone, who came and went, for how long; who is on a map, and for how long one is believed."""

import pytest

from tests.support.floors import MAP, OTHER_MAP, Floors

A = [(0, 0), (100, 0), (100, 100), (0, 100)]
B = [(50, 0), (150, 0), (150, 100), (50, 100)]  # overlaps the right half of A


@pytest.fixture
def floors():
    floors = Floors()
    floors.map()
    floors.zone("a", A)
    floors.zone("b", B)
    return floors


def dwell(floors, zone, kind="client"):
    labels = {"zone_id": zone, "kind": kind}
    return floors.value("mist_zone_dwell_seconds_sum", **labels), floors.value(
        "mist_zone_dwell_seconds_count", **labels
    )


def test_occupants_follow_positions(floors):
    floors.at(1, 10, 10)
    floors.at(2, 75, 10)
    floors.at(3, 120, 10)
    floors.at(4, 500, 500)
    assert floors.zones() == {"a": 2, "b": 2}
    assert floors.value("mist_map_entities", kind="client") == 4
    floors.at(1, 120, 10)
    assert floors.zones() == {"a": 1, "b": 3}
    assert floors.zones("mist_zone_enters_total") == {"a": 2, "b": 3}
    assert floors.zones("mist_zone_exits_total") == {"a": 1}


@pytest.mark.parametrize(("x", "inside"), [(99.9, {"a": 1, "b": 1}), (100, {"b": 1}), (0, {"a": 1}), (-0.1, {})])
def test_a_first_position_beside_a_border(floors, x, inside):
    floors.at(1, x, 50)
    assert floors.zones() == inside
    assert floors.value("mist_map_entities", kind="client") == 1


def test_counters_of_a_zone_begin_at_zero_when_its_channel_is_opened(floors):
    floors.at(1, 500, 500)
    assert floors.value("mist_zone_enters_total", zone_id="a", kind="client") == 0
    assert floors.value("mist_zone_enters_total", zone_id="a", kind="asset") is None


def test_a_stay_lasts_from_the_first_position_inside_to_the_first_outside(floors):
    floors.at(1, 10, 10)
    floors.now += 60
    floors.at(1, 20, 20)
    floors.now += 30
    floors.at(1, 500, 500)
    assert dwell(floors, "a") == (90, 1)


def test_a_stay_goes_on_while_zones_overlap(floors):
    floors.at(1, 10, 10)
    floors.now += 100
    floors.at(1, 75, 10)
    floors.now += 10
    floors.at(1, 10, 10)
    floors.now += 5
    floors.at(1, 500, 500)
    assert dwell(floors, "a") == (115, 1)
    assert dwell(floors, "b") == (10, 1)


def test_the_cloud_s_own_times_count_where_both_ends_have_one(floors):
    floors.at(1, 10, 10, seen=5000, kind="asset")
    floors.now += 500  # the frames were delayed
    floors.at(1, 500, 500, seen=5020, kind="asset")
    assert dwell(floors, "a", "asset") == (20, 1)


def test_who_is_not_heard_of_is_absent_and_left_when_last_seen(floors):
    floors.at(1, 10, 10)
    floors.now += 60
    floors.at(1, 10, 11)
    floors.now += 181
    floors.sweep()
    assert floors.zones() == {}
    assert floors.value("mist_map_entities", kind="client") == 0
    assert floors.zones("mist_zone_exits_total") == {"a": 1}
    assert dwell(floors, "a") == (60, 1)


def test_nobody_is_absent_before_time(floors):
    floors.at(1, 10, 10)
    floors.now += 180
    floors.sweep()
    assert floors.zones() == {"a": 1}


def test_a_repeated_position_is_no_sign_of_life(floors):
    for _ in range(5):
        assert floors.at(1, 10, 10, seen=5000, kind="asset") is None
        floors.now += 60
        floors.sweep()
    assert floors.zones(kind="asset") == {}
    floors.at(1, 10, 10, seen=5000, kind="asset")
    assert floors.zones(kind="asset") == {}, "it came back from the dead"
    floors.at(1, 10, 10, seen=5301, kind="asset")
    assert floors.zones(kind="asset") == {"a": 1}


def test_a_late_position_is_refused(floors):
    floors.at(1, 10, 10, seen=5000, kind="asset")
    assert floors.at(1, 500, 500, seen=4999, kind="asset").reason == "out_of_order"
    assert floors.zones(kind="asset") == {"a": 1}
    assert floors.value("mist_map_positions_received_total", kind="asset") == 1


def test_going_to_another_map_leaves_the_zones_of_the_first(floors):
    floors.map(OTHER_MAP)
    floors.at(1, 10, 10)
    floors.at(1, 10, 10, map_id=OTHER_MAP)
    assert floors.zones() == {}
    assert floors.value("mist_map_entities", kind="client", map_id=MAP) == 0
    assert floors.value("mist_map_entities", kind="client", map_id=OTHER_MAP) == 1


def test_one_person_in_any_notation_is_one(floors):
    for name in ("5684da000001", "5684DA000001", "56:84:da:00:00:01", "56-84-DA-00-00-01"):
        floors.say({"mac": name, "x": 10, "y": 10})
    assert floors.value("mist_map_entities", kind="client") == 1


def test_kinds_are_apart(floors):
    for kind in ("client", "unconnected_client", "asset", "discovered_asset", "sdkclient"):
        floors.at(1, 10, 10, kind=kind)
    assert all(floors.zones(kind=kind) == {"a": 1} for kind in ("client", "asset", "sdkclient"))


def test_no_more_than_so_many_are_known():
    floors = Floors(max_entities=2)
    floors.map()
    assert [floors.at(number, 1, 1) for number in range(2)] == [None, None]
    assert floors.at(3, 1, 1).reason == "too_many_entities"
    assert floors.at(1, 2, 2) is None
    floors.now += 400
    floors.sweep()
    floors.sweep()
    assert floors.at(3, 1, 1) is None


# drawings that change


def test_a_zone_drawn_anew_counts_who_is_in_it_now(floors):
    floors.at(1, 10, 10)
    floors.now += 50
    floors.at(1, 10, 10)
    floors.zone("a", [(500, 500), (600, 500), (600, 600), (500, 600)])
    floors.sweep()
    assert floors.zones() == {}
    assert dwell(floors, "a") == (50, 1)
    floors.at(2, 550, 550)
    assert floors.zones() == {"a": 1}


def test_a_zone_that_is_drawn_the_same_changes_nothing(floors):
    floors.at(1, 10, 10)
    floors.zone("a", A, name="another name")
    floors.sweep()
    assert floors.zones("mist_zone_enters_total") == {"a": 1}


def test_a_new_zone_finds_who_is_there_already(floors):
    floors.at(1, 510, 510)
    floors.zone("c", [(500, 500), (600, 500), (600, 600), (500, 600)])
    floors.sweep()
    assert floors.zones() == {"c": 1}


def test_a_zone_that_is_listed_no_more_ends(floors):
    floors.at(1, 10, 10)
    floors.now += 10
    began = floors.now
    floors.zone("b", B)
    floors.catalog.site_complete("zone_definition", "4ac1dcf4-9d8b-7211-65c4-057819f0862b", began)
    assert floors.value("mist_zone_occupants", zone_id="a", kind="client") is None
    floors.at(1, 75, 10)
    assert floors.zones() == {"b": 1}


def test_a_map_that_is_listed_no_more_ends_with_everything_on_it(floors):
    floors.map(OTHER_MAP)
    floors.at(1, 10, 10)
    floors.now += 10
    began = floors.now
    floors.map(OTHER_MAP)
    floors.catalog.site_complete("map", "4ac1dcf4-9d8b-7211-65c4-057819f0862b", began)
    assert floors.location.maps_of("4ac1dcf4-9d8b-7211-65c4-057819f0862b") == [OTHER_MAP]
    told = {name for name, labels in floors.samples() if ("map_id", MAP) in labels}
    assert told <= {"mist_map_info", "mist_map_scale"} | {name for name in told if name.startswith("mist_zone_info")}
    assert floors.at(1, 10, 10).reason == "unknown_map"  # frames that were under way
    assert floors.value("mist_map_entities", kind="client") is None


def test_a_zone_may_move_to_another_map(floors):
    floors.map(OTHER_MAP)
    floors.at(1, 10, 10)
    floors.zone("a", A, OTHER_MAP)
    assert floors.zones() == {}
    floors.at(2, 10, 10, map_id=OTHER_MAP)
    assert floors.value("mist_zone_occupants", zone_id="a", kind="client", map_id=OTHER_MAP) == 1


def test_without_zones_people_are_counted_on_maps_only():
    floors = Floors(zones=False)
    floors.map()
    floors.zone("a", A)
    floors.at(1, 10, 10)
    assert floors.zones() == {}
    assert floors.value("mist_map_entities", kind="client") == 1


# arrival


def test_when_the_latest_position_came_and_how_old_positions_are():
    floors = Floors(unix_at_zero=1_700_000_000)
    floors.map()
    floors.at(1, 10, 10, seen=1_700_000_990, kind="asset")
    assert floors.value("mist_map_last_position_timestamp_seconds", kind="asset") == 1_700_001_000
    assert floors.value("mist_map_position_age_seconds_sum", kind="asset") == 10
    floors.at(1, 10, 10)
    assert floors.value("mist_map_position_age_seconds_count", kind="client") is None


def test_how_many_aps_made_a_position_and_how_loud_strangers_are():
    floors = Floors()
    floors.map()
    floors.say({"mac": "5684da000001", "x": 1, "y": 1, "num_locating_aps": 3})
    floors.say({"mac": "5684da000002", "x": 1, "y": 1, "num_locating_aps": 2, "rssi": -72}, "unconnected_client")
    assert floors.value("mist_map_locating_aps_sum", kind="client") == 3
    assert floors.value("mist_map_locating_aps_sum", kind="unconnected_client") == 2
    floors.say({"mac": "5684da000003", "x": 1, "y": 1, "num_locating_aps": 900})
    floors.say({"mac": "5684da000004", "x": 1, "y": 1, "num_locating_aps": 0})
    assert floors.value("mist_map_locating_aps_sum", kind="client") == 903
    assert floors.value("mist_map_locating_aps_bucket", kind="client", le="+Inf") == 3
    assert floors.value("mist_map_locating_aps_bucket", kind="client", le="3.0") == 2
    assert floors.value("mist_map_locating_aps_bucket", kind="client", le="2.0") == 1
    assert floors.value("mist_map_unconnected_rssi_dbm_bucket", le="+Inf") == 1
    assert floors.value("mist_map_unconnected_rssi_dbm_bucket", le="-70.0") == 1
    assert floors.value("mist_map_unconnected_rssi_dbm_bucket", le="-75.0") == 0


def test_somebody_who_comes_from_another_map_finds_zones_that_were_drawn_since():
    floors = Floors()
    floors.map(MAP)
    floors.map(OTHER_MAP)
    floors.at(1, 10, 10, map_id=OTHER_MAP)
    floors.zone("a", A)
    floors.at(1, 10, 10, map_id=MAP)
    assert floors.zones() == {"a": 1}
