from dataclasses import replace

import pytest
from collector.simulator.fleet.merge import merge

from collector.mist.topics import identity_of
from collector.simulator.fleet import Emission, Event, Fleet, FleetPlan
from tests.support.fleet import events, frames

LIVELY = FleetPlan(
    sites=2,
    aps=4,
    clients_per_ap=3,
    reboots_per_device_day=100,
    port_flaps_per_device_day=100,
    events_per_device_hour=60,
    roams_per_client_hour=60,
    sessions_per_client_hour=30,
)


def test_a_seed_tells_the_same_story_in_one_step_or_in_many():
    once, often = Fleet(LIVELY), Fleet(LIVELY)
    whole = once.step(LIVELY.start + 900)
    pieces: list[Emission | Event] = []
    for place in range(1, 901):
        pieces += often.step(LIVELY.start + place)
    assert whole == pieces
    assert len(whole) > 500


def test_another_seed_tells_another_story():
    other = Fleet(FleetPlan(seed=2, sites=1, aps=2))
    first = Fleet(FleetPlan(seed=1, sites=1, aps=2))
    assert not set(other.macs()) & set(first.macs())
    assert other.orgs()[0]["id"] != first.orgs()[0]["id"]


def test_what_is_said_is_in_order_of_time_and_within_the_step():
    fleet = Fleet(LIVELY)
    for _ in range(5):
        before = fleet.now
        moments = [one.at for one in fleet.step(before + 100)]
        assert moments == sorted(moments)
        assert before <= moments[0]
        assert moments[-1] <= fleet.now


def test_truth_is_the_sum_of_all_frames():
    fleet = Fleet(LIVELY)
    known = {mac: {} for mac in fleet.macs()}
    for one in frames(fleet.step(fleet.now + 1800)):
        merge(known[one.mac], one.payload)
    assert {mac: fleet.truth(mac)["state"] for mac in known} == known


def test_no_two_events_of_one_device_and_type_share_a_timestamp():
    fleet = Fleet(LIVELY)
    said = fleet.step(fleet.now + 3600)
    for topic in ("device-events", "device-updowns"):
        identities = [(one.get("mac") or one["ap"], one["type"], one["timestamp"]) for one in events(said, topic)]
        assert len(identities) > 20
        assert len(set(identities)) == len(identities)


def test_everyday_events_are_of_many_types_and_name_their_place():
    fleet = Fleet(LIVELY)
    happened = events(fleet.step(fleet.now + 7200), "device-events")
    assert len({event["type"] for event in happened}) > 15
    assert all({"org_id", "site_id", "timestamp", "ap"} <= set(event) for event in happened)
    assert any("mac" not in event for event in happened)


def test_a_removed_device_is_gone_from_every_answer_and_never_speaks_again(quiet):
    org, mac = quiet.orgs()[0]["id"], quiet.macs()[0]
    quiet.step(quiet.now + 31)
    quiet.remove_device(mac)
    said = quiet.step(quiet.now + 100)
    assert frames(said, mac=mac) == []
    assert [event["type"] for event in events(said, "device-events")] == ["AP_UNASSIGNED", "AP_UNCLAIMED"]
    assert mac not in [one["mac"] for one in quiet.inventory(org) + quiet.device_stats(org)]
    with pytest.raises(KeyError):
        quiet.truth(mac)


def test_an_added_device_speaks_within_a_cycle(quiet):
    site = quiet.sites(quiet.orgs()[0]["id"])[0]["id"]
    mac = quiet.add_device(site, "ap")
    said = quiet.step(quiet.now + 31)
    assert frames(said, mac=mac)
    assert [event["type"] for event in events(said, "device-events")] == ["AP_CLAIMED", "AP_ASSIGNED"]
    with pytest.raises(ValueError, match="toaster"):
        quiet.add_device(site, "toaster")


def test_a_moved_device_speaks_on_the_channel_of_its_new_site(quiet):
    site, mac = quiet.add_site(), quiet.macs()[0]
    quiet.move_device(mac, site)
    said = frames(quiet.step(quiet.now + 60), mac=mac)
    assert {one.channel for one in said} == {f"/sites/{site}/stats/devices"}
    assert mac in [one["mac"] for one in quiet.device_stats(site)]


def test_sites_come_and_go(quiet):
    org = quiet.orgs()[0]["id"]
    site = quiet.add_site(org)
    assert [one["id"] for one in quiet.sites(org)][-1] == site
    assert len(quiet.inventory(org)) == 20
    quiet.remove_site(site)
    assert len(quiet.inventory(org)) == 10
    assert not [one for one in quiet.step(quiet.now + 60) if isinstance(one, Emission) and site in one.channel]
    with pytest.raises(KeyError):
        quiet.device_stats(site)


def test_a_device_cannot_move_to_another_org():
    fleet = Fleet(FleetPlan(orgs=2, sites=1, aps=1))
    first, second = (fleet.sites(org["id"])[0]["id"] for org in fleet.orgs())
    with pytest.raises(ValueError, match="belongs to"):
        fleet.move_device(fleet.device_stats(first)[0]["mac"], second)


def test_places_are_complete():
    fleet = Fleet(FleetPlan(orgs=2, sites=3, aps=1, clients_per_ap=1))
    sites = [site for org in fleet.orgs() for site in fleet.sites(org["id"])]
    assert len({site["id"] for site in sites}) == 6
    maps = {one["id"]: one for site in sites for one in fleet.maps(site["id"])}
    zones = [zone for site in sites for zone in fleet.zones(site["id"])]
    assert len(maps) == 8
    for zone in zones:
        floor = maps[zone["map_id"]]
        assert all(
            0 <= corner["x"] <= floor["width"] and 0 <= corner["y"] <= floor["height"] for corner in zone["vertices"]
        )
    assert fleet.site_settings(sites[0]["id"])["device_updown_threshold"] == 0


def test_counts_of_sites_and_orgs_follow_the_devices(quiet):
    org, site = quiet.orgs()[0]["id"], quiet.sites(quiet.orgs()[0]["id"])[0]["id"]
    quiet.disconnect(quiet.macs()[0])
    stats = quiet.site_stats(site)
    assert (stats["num_ap"], stats["num_ap_connected"], stats["num_devices"]) == (10, 9, 10)
    assert quiet.org_stats(org)["num_devices_disconnected"] == 1


def test_a_reboot_is_remembered_as_an_alarm(quiet):
    quiet.reboot(quiet.macs()[0])
    quiet.step(quiet.now + 200)
    assert [alarm["type"] for alarm in quiet.alarms(quiet.orgs()[0]["id"])] == [
        "device_down",
        "device_restarted",
        "device_reconnected",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [("aps", -1), ("cadence_s", 0), ("events_per_device_hour", -0.5)],
)
def test_a_plan_that_makes_no_sense_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        FleetPlan(**{field: value})


def test_no_event_passes_for_a_repetition_of_another():
    lively = replace(LIVELY, switches=2, gateways=1, ssrs=2, mxedges=2, assets=3, sdkclients=2, location_events=True)
    seen: set = set()
    said = [
        one
        for one in Fleet(replace(lively, site_events_per_hour=200)).step(LIVELY.start + 1800)
        if isinstance(one, Event)
    ]
    for one in said:
        identity = one.topic, identity_of(one.topic, one.payload)
        assert identity not in seen, one
        seen.add(identity)
    assert len({one.topic for one in said}) > 15
