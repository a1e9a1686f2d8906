"""The identity of events: each row is an event, and a copy of it or a different event."""

from __future__ import annotations

import copy

import pytest

from collector.mist.channels import Scope
from collector.mist.topics import TOPICS, identity_of

NAMES = [
    "alarms",
    "audits",
    "device-events",
    "device-updowns",
    "mxedge-events",
    "client-join",
    "client-sessions",
    "client-info",
    "client-latency",
    "site-sle",
    "minis-application",
    "minis-reachability",
    "minis-network",
    "nac-events",
    "nac-accounting",
    "guest-authorizations",
    "occupancy-alerts",
    "location",
    "location-client",
    "location-unclient",
    "location-asset",
    "location-sdk",
    "location-centrak",
    "zone",
    "rssizone",
    "vbeacon",
    "asset-raw",
    "asset-raw-rssi",
    "discovered-raw-rssi",
    "filtered-asset-rssi",
    "wifi-conn-raw",
    "wifi-unconn-raw",
    "sdkclient-scan-data",
    "ping",
]

UPDOWN = {
    "org_id": "2818e386-8dec-2562-9ede-5b8a0fbbdc71",
    "site_id": "4ac1dcf4-9d8b-7211-65c4-057819f0862b",
    "type": "AP_RESTARTED",
    "ap": "5c5b35000001",
    "timestamp": 1461220784,
}
PORT_DOWN = {"mac": "0c8126c7054d", "type": "SW_PORT_DOWN", "timestamp": 1575935387, "port_id": "ge-0/0/2"}
RADAR = {"ap": "5c5b35000001", "type": "AP_RRM_ACTION", "timestamp": 1552233041, "band": "5"}
ALARM = {"id": "95193bda", "type": "rogue-ap-detected", "count": 1, "timestamp": 1549068202, "last_seen": 1549068202}
UPDATE = ALARM | {"update": True, "count": 16, "last_seen": 1549068720}
MARVIS = {"id": "faf2de33", "type": "gw_bad_cable", "status": "open", "count": 1, "timestamp": 1629760130}
AUDIT = {"id": "8912e5cb", "admin_name": "a", "message": "Update site", "timestamp": 1552408871.5}
SESSION = {"mac": "70ef0071535f", "ap": "5c5b35000001", "disconnect": 1461220784, "duration": 30.5, "ssid": "corp"}
ACCOUNT = {"session_id": "46A689BB", "type": "NAC_ACCOUNTING_START", "timestamp": 1782127701568, "mac": "5e6601115b49"}
DECISION = {"type": "NAC_CLIENT_PERMIT", "timestamp": 1691512031.358188, "mac": "ac3eb179e535", "random_mac": False}
JOIN = {"mac": "70ef0071535f", "ap": "5c5b35000001", "band": "5", "rssi": -60, "timestamp": 1461220784}
OCCUPANCY = {"site_id": "4ac1dcf4", "alert_events": [{"type": "COMPLIANCE-VIOLATION", "zone_id": "z", "timestamp": 1}]}

COPIES = {
    "the same": ("device-updowns", UPDOWN, copy.deepcopy(UPDOWN)),
    "the MAC in mac, not in ap": (
        "device-updowns",
        UPDOWN,
        {"type": "AP_RESTARTED", "timestamp": 1461220784, "mac": "5c5b35000001"},
    ),
    "the MAC with colons": ("device-updowns", UPDOWN, UPDOWN | {"ap": "5C:5B:35:00:00:01"}),
    "a MAC that is empty in mac": ("device-updowns", UPDOWN, UPDOWN | {"mac": ""}),
    "the time as a float": ("device-updowns", UPDOWN, UPDOWN | {"timestamp": 1461220784.0}),
    "another wording": ("device-events", PORT_DOWN, PORT_DOWN | {"text": "link down", "device_name": "sw1"}),
    "a repeated alarm": ("alarms", ALARM, ALARM | {"last_seen": 1549068720}),
    "an update of the same count": ("alarms", UPDATE, UPDATE | {"hostnames": ["b", "a"]}),
    "update: false": ("alarms", ALARM, ALARM | {"update": False}),
    "an audit": ("audits", AUDIT, AUDIT | {"message": "update site"}),
    "a client session": ("client-sessions", SESSION, SESSION | {"ap": "5c-5b-35-00-00-01", "rssi": -60}),
    "milliseconds": ("nac-accounting", ACCOUNT, ACCOUNT | {"timestamp": 1782127701.568}),
    "all fields but for_site": ("client-join", JOIN, JOIN | {"for_site": True}),
    "an unknown topic": ("weather", {"a": 1, "b": 2}, {"b": 2, "a": 1}),
}

DIFFERENT = {
    "another time": ("device-updowns", UPDOWN, UPDOWN | {"timestamp": 1461220785}),
    "another type": ("device-updowns", UPDOWN, UPDOWN | {"type": "AP_DISCONNECTED"}),
    "another device": ("device-updowns", UPDOWN, UPDOWN | {"ap": "5c5b35000002"}),
    "two ports in one second": ("device-events", PORT_DOWN, PORT_DOWN | {"port_id": "ge-0/0/3"}),
    "two bands in one second": ("device-events", RADAR, RADAR | {"band": "24"}),
    "without a time the text counts": (
        "device-events",
        {"mac": "1c9c8cba2e7f", "type": "GW_UPGRADE_FAILED", "text": "a"},
        {"mac": "1c9c8cba2e7f", "type": "GW_UPGRADE_FAILED", "text": "b"},
    ),
    "an alarm and its update": ("alarms", ALARM, UPDATE),
    "two updates": ("alarms", UPDATE, UPDATE | {"count": 17}),
    "an alarm resolved": ("alarms", MARVIS, MARVIS | {"status": "resolved"}),
    "two alarms": ("alarms", ALARM, ALARM | {"id": "95193bdb"}),
    "alarms without an id": ("alarms", {"type": "a", "count": 1}, {"type": "a", "count": 2}),
    "two sessions": ("client-sessions", SESSION, SESSION | {"disconnect": 1461220790}),
    "start and stop": ("nac-accounting", ACCOUNT, ACCOUNT | {"type": "NAC_ACCOUNTING_STOP"}),
    "without a session id the MAC counts": ("nac-events", DECISION, DECISION | {"mac": "ac3eb179e536"}),
    "an empty session id": (
        "nac-events",
        DECISION | {"session_id": ""},
        DECISION | {"session_id": "", "mac": "ac3eb179e536"},
    ),
    "anything else": ("client-join", JOIN, JOIN | {"rssi": -61}),
    "minus one and minus two": ("client-join", JOIN | {"rssi": -1}, JOIN | {"rssi": -2}),
    "one level deeper": (
        "occupancy-alerts",
        OCCUPANCY,
        OCCUPANCY | {"alert_events": [OCCUPANCY["alert_events"][0] | {"timestamp": 2}]},
    ),
    "the order of a list": ("weather", {"a": [1, 2]}, {"a": [2, 1]}),
    "a field more": ("weather", {"a": 1}, {"a": 1, "b": None}),
}


def nested(levels: int, core: object) -> dict:
    for _ in range(levels):
        core = {"a": [core], "b": 1}
    return {"core": core}


@pytest.mark.parametrize(("topic", "event", "other"), COPIES.values(), ids=COPIES)
def test_copies_have_one_identity(topic, event, other):
    assert identity_of(topic, event) == identity_of(topic, other)


@pytest.mark.parametrize(("topic", "event", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_events_have_different_identities(topic, event, other):
    assert identity_of(topic, event) != identity_of(topic, other)


def test_all_topics_are_there():
    assert sorted(TOPICS) == sorted(NAMES)
    assert len(NAMES) == 34
    assert all(name == topic.name for name, topic in TOPICS.items())


def test_scopes():
    by_both = {name for name, topic in TOPICS.items() if topic.scope is Scope.ORG}
    assert by_both >= {"alarms", "audits", "device-events", "device-updowns", "client-join", "nac-accounting"}
    assert by_both.isdisjoint({"location", "zone", "vbeacon", "site-sle", "client-latency", "asset-raw", "ping"})


@pytest.mark.parametrize("topic", TOPICS)
def test_an_event_is_not_modified(topic):
    event = UPDOWN | {"for_site": True}
    before = copy.deepcopy(event)
    identity_of(topic, event)
    assert event == before


def test_equal_events_of_two_topics_are_different():
    assert identity_of("device-updowns", UPDOWN) != identity_of("device-events", UPDOWN)


@pytest.mark.parametrize("levels", [100, 300])
def test_a_deeply_nested_event(levels):
    assert identity_of("weather", nested(levels, 1)) == identity_of("weather", nested(levels, 1))
    assert identity_of("weather", nested(levels, 1)) != identity_of("weather", nested(levels, 2))


def test_the_order_of_keys_does_not_matter_in_a_deeply_nested_event():
    deep = nested(300, 1)
    assert identity_of("weather", {"a": 1, "b": deep}) == identity_of("weather", {"b": deep, "a": 1})


def test_an_empty_object_is_not_an_empty_list():
    assert identity_of("weather", nested(300, {})) != identity_of("weather", nested(300, []))
