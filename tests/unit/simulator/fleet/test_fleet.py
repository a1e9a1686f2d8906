from dataclasses import replace

import pytest

from collector.mist.topics import identity_of
from collector.simulator.fleet import Fleet, FleetPlan, StreamMessage, WebhookEvent
from tests.support.fleet import events, stream_messages

BUSY = FleetPlan(
    sites=2,
    aps=4,
    clients_per_ap=3,
    reboots_per_device_day=100,
    port_flaps_per_device_day=100,
    events_per_device_hour=60,
    roams_per_client_hour=60,
    sessions_per_client_hour=30,
)


def test_messages_do_not_depend_on_the_size_of_the_steps():
    one_step, many_steps = Fleet(BUSY), Fleet(BUSY)
    expected = one_step.step(BUSY.start + 900)
    sent: list[StreamMessage | WebhookEvent] = []
    for second in range(1, 901):
        sent += many_steps.step(BUSY.start + second)
    assert sent == expected
    assert len(expected) > 500


def test_another_seed_makes_another_fleet():
    first, second = (Fleet(FleetPlan(seed=seed, sites=1, aps=2)) for seed in (1, 2))
    assert not set(first.macs()) & set(second.macs())
    assert first.orgs()[0]["id"] != second.orgs()[0]["id"]


def test_messages_are_ordered_by_time_and_within_the_step():
    fleet = Fleet(BUSY)
    for _ in range(5):
        before = fleet.now
        times = [one.at for one in fleet.step(before + 100)]
        assert times == sorted(times)
        assert before <= times[0]
        assert times[-1] <= fleet.now


def test_a_removed_device_is_absent_from_every_query_and_sends_nothing(quiet, org_of):
    org, mac = org_of(quiet), quiet.macs()[0]
    quiet.step(quiet.now + 31)
    quiet.remove_device(mac)
    sent = quiet.step(quiet.now + 100)
    assert stream_messages(sent, mac=mac) == []
    assert [event["type"] for event in events(sent, "device-events")] == ["AP_UNASSIGNED", "AP_UNCLAIMED"]
    assert mac not in [one["mac"] for one in quiet.inventory(org) + quiet.device_stats(org)]
    with pytest.raises(KeyError):
        quiet.truth(mac)


def test_an_added_device_reports_within_a_cycle(quiet, site_of):
    mac = quiet.add_device(site_of(quiet), "ap")
    assert stream_messages(quiet.step(quiet.now + 31), mac=mac)
    with pytest.raises(ValueError, match="toaster"):
        quiet.add_device(site_of(quiet), "toaster")


def test_a_moved_device_reports_on_the_channel_of_its_new_site(quiet):
    site, mac = quiet.add_site(), quiet.macs()[0]
    quiet.move_device(mac, site)
    sent = stream_messages(quiet.step(quiet.now + 60), mac=mac)
    assert {one.channel for one in sent} == {f"/sites/{site}/stats/devices"}
    assert mac in [one["mac"] for one in quiet.device_stats(site)]


def test_sites_can_be_added_and_removed(quiet, org_of):
    org = org_of(quiet)
    site = quiet.add_site(org)
    assert [one["id"] for one in quiet.sites(org)][-1] == site
    assert len(quiet.inventory(org)) == 20
    quiet.remove_site(site)
    assert len(quiet.inventory(org)) == 10
    sent = quiet.step(quiet.now + 60)
    assert not [one for one in sent if isinstance(one, StreamMessage) and site in one.channel]
    with pytest.raises(KeyError):
        quiet.device_stats(site)


def test_a_device_cannot_move_to_another_org():
    fleet = Fleet(FleetPlan(orgs=2, sites=1, aps=1))
    first, second = (fleet.sites(org["id"])[0]["id"] for org in fleet.orgs())
    with pytest.raises(ValueError, match="belongs to"):
        fleet.move_device(fleet.device_stats(first)[0]["mac"], second)


def test_a_sent_alarm_replaces_the_alarm_with_its_id_in_the_search(quiet, org_of):
    org = org_of(quiet)
    for status in ("open", "resolved"):
        quiet.send_event("alarms", {"id": "a", "org_id": org, "status": status}, quiet.now)
    assert [alarm["status"] for alarm in quiet.alarms(org)] == ["resolved"]
    assert [event["status"] for event in events(quiet.step(quiet.now), "alarms")] == ["open", "resolved"]


def test_every_event_has_a_unique_identity():
    busy = replace(BUSY, switches=2, gateways=1, ssrs=2, mxedges=2, assets=3, sdkclients=2, location_events=True)
    sent = [
        one
        for one in Fleet(replace(busy, site_events_per_hour=200)).step(BUSY.start + 1800)
        if isinstance(one, WebhookEvent)
    ]
    seen: set = set()
    for one in sent:
        identity = one.topic, identity_of(one.topic, one.payload)
        assert identity not in seen, one
        seen.add(identity)
    assert len({one.topic for one in sent}) > 15
