import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import events

BUSY = FleetPlan(
    sites=2,
    aps=4,
    clients_per_ap=0,
    reboots_per_device_day=100,
    port_flaps_per_device_day=100,
    events_per_device_hour=60,
)


def test_a_connection_change_is_in_both_topics_and_an_alarm(quiet):
    quiet.reboot(quiet.macs()[0])
    sent = quiet.step(quiet.now + 200)
    types = ["AP_DISCONNECTED", "AP_RESTARTED", "AP_CONNECTED"]
    for topic in ("device-updowns", "device-events"):
        assert [event["type"] for event in events(sent, topic)] == types
    assert [alarm["type"] for alarm in quiet.alarms(quiet.orgs()[0]["id"])] == [
        "device_down",
        "device_restarted",
        "device_reconnected",
    ]


def test_an_ap_is_identified_by_ap_and_other_devices_by_mac(quiet, wired):
    for fleet, kind in ((quiet, "ap"), (wired, "switch"), (wired, "gateway")):
        mac = fleet.macs(kind)[0]
        fleet.disconnect(mac)
        (event,) = events(fleet.step(fleet.now), "device-updowns")
        assert event["ap" if kind == "ap" else "mac"] == mac
        assert ("ap" in event) is (kind == "ap")


def test_events_of_a_mist_edge_have_their_own_topic(wired):
    wired.reboot(wired.macs("mxedge")[0])
    sent = wired.step(wired.now + 125)
    assert [event["type"] for event in events(sent, "mxedge-events")] == [
        "ME_DISCONNECTED",
        "ME_RESTARTED",
        "ME_CONNECTED",
    ]
    assert events(sent, "device-updowns") == events(sent, "alarms") == []


def test_timestamps_are_unique_per_device_and_type():
    sent = Fleet(BUSY).step(BUSY.start + 3600)
    for topic in ("device-events", "device-updowns"):
        identities = [(one.get("mac") or one["ap"], one["type"], one["timestamp"]) for one in events(sent, topic)]
        assert len(identities) > 20
        assert len(set(identities)) == len(identities)


def test_random_events_have_many_types_and_some_have_the_minimal_format():
    random_events = events(Fleet(BUSY).step(BUSY.start + 7200), "device-events")
    assert len({event["type"] for event in random_events}) > 15
    assert all({"org_id", "site_id", "timestamp", "ap"} <= set(event) for event in random_events)
    assert any("mac" not in event for event in random_events)


@pytest.mark.parametrize("kind", ["switch", "gateway"])
def test_port_events_of_wired_devices_quote_the_snmp_trap(kind):
    plan = {"switch": "switches", "gateway": "gateways"}[kind]
    fleet = Fleet(
        FleetPlan(
            sites=1,
            aps=0,
            clients_per_ap=0,
            port_flaps_per_device_day=200,
            reboots_per_device_day=0,
            events_per_device_hour=0,
            **{plan: 1},
        )
    )
    flaps = events(fleet.step(fleet.now + 7200), "device-events")
    assert flaps
    for event in flaps:
        assert event["text"].startswith(f"SNMP_TRAP_LINK_{event['type'].rpartition('_')[2]}")
        assert event["port_id"] in event["text"]


def test_assignment_events_have_an_audit_id(quiet, site_of):
    quiet.add_device(site_of(quiet), "ap")
    added = events(quiet.step(quiet.now), "device-events")
    assert [event["type"] for event in added] == ["AP_CLAIMED", "AP_ASSIGNED"]
    assert len({event["audit_id"] for event in added}) == 2
