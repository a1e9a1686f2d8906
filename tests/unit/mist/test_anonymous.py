"""Identities are replaced in payloads: values and keys; equal identities by equal replacements."""

import ipaddress
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.mist.anonymous import MAX_DEPTH, Anonymizer, is_personal
from collector.mist.identity import mac_of
from collector.simulator.fleet import Fleet, FleetPlan, StreamMessage

KEY = b"k" * 32
PLAN = FleetPlan(
    sites=2, aps=3, switches=2, gateways=1, srx_clusters=1, ssrs=1, mxedges=1, clients_per_ap=3, assets=2, sdkclients=2,
    unconnected_clients=2, cadence_s=10, sessions_per_client_hour=60,
)  # fmt: skip
IDENTITIES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b[0-9a-f]{12}\b|\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b|\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b",
    re.IGNORECASE,
)
NAMES = (
    "name", "hostname", "username", "ssid", "serial", "email", "ap_name", "site_name", "device_name", "last_hostname",
    "admin_name", "text", "message", "dns_suffix", "network", "wan_name", "router_name", "node_name", "system_name",
)  # fmt: skip
PLACEHOLDERS = {"", "000000000000", "0.0.0.0", "00000000-0000-0000-0000-000000000000"}  # noqa: S104 - text


@pytest.fixture(scope="module")
def messages():
    """The messages of a fleet in half an hour, as (name of channel or topic, payload)."""
    fleet = Fleet(PLAN)
    return [
        (one.channel.rpartition("/")[2] if isinstance(one, StreamMessage) else one.topic, one.payload)
        for one in fleet.step(PLAN.start + 1800)
    ]


def leaves(value, key=""):
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, key)
    else:
        yield key, value


def texts(value):
    """Every text, keys included; a counter of twelve digits is not a MAC."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def identities(payload):
    found = {found.lower() for text in texts(payload) for found in IDENTITIES.findall(text)}
    return {text for text in found if text.count(".") != 3 or is_address(text)}


def is_address(text):
    """An IP address, not the version 4.40.00.00."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@pytest.mark.slow
def test_no_identity_of_a_fleet_is_left(messages):
    anonymizer = Anonymizer(KEY)
    left, originals, names, found = set(), set(), set(), set()
    for name, payload in messages:
        originals |= identities(payload)
        names |= {v for k, v in leaves(payload) if k in NAMES and isinstance(v, str) and len(v) > 5}
        safe = anonymizer.payload(payload, personal=is_personal(name))
        left |= set(texts(safe))
        found |= identities(safe)
    assert len(originals) > 50
    assert len(names) > 20
    assert found & originals <= PLACEHOLDERS
    parts = re.compile(
        r"(?:(?:ge|xe|mge|et|node|eth|lo|irb)[-0-9/.]*|(?:Fan|Power Supply|FPC|Routing Engine)[ A-Z0-9]*)"
    )
    assert [name for name in names if name in left and not parts.fullmatch(name)] == []


@pytest.mark.slow
def test_numbers_and_structure_are_kept(messages):
    anonymizer = Anonymizer(KEY)
    for name, payload in messages:
        safe = anonymizer.payload(payload, personal=is_personal(name))
        before, after = list(leaves(payload)), list(leaves(safe))
        assert [type(value) for _, value in after] == [type(value) for _, value in before]
        for (key, value), (_, other) in zip(before, after, strict=True):
            if isinstance(value, int | float) and key not in {"lat", "lng", "latitude", "longitude"}:
                assert other == value, key


@given(st.text(max_size=40), st.sampled_from(["name", "text", "hostname", "description"]))
def test_equal_stays_equal_and_different_stays_different(text, key):
    anonymizer = Anonymizer(KEY)
    one, same, other = (anonymizer.payload({key: value})[key] for value in (text, text, text + "?"))
    assert one == same == Anonymizer(KEY).payload({key: text})[key]
    assert one != other


MAC = "5c5b35fc0001"


def test_a_mac_is_replaced_equally_in_every_notation_and_in_a_device_id():
    safe = Anonymizer(KEY).payload(
        {
            "mac": MAC,
            "device_mac": "5C:5B:35:FC:00:01",
            "ap": "5c-5b-35-fc-00-01",
            "device_id": f"00000000-0000-0000-1000-{MAC}",
        }
    )
    macs = {mac_of(value) for value in safe.values()}
    assert len(macs) == 1
    assert macs != {MAC}
    assert safe["device_mac"] == safe["device_mac"].upper()
    assert safe["ap"].count("-") == 5
    assert safe["device_id"].startswith("00000000-0000-0000-1000-")


def test_replacements_differ_between_keys():
    one, other = (Anonymizer(key).payload({"mac": MAC, "name": "Lobby"}) for key in (b"a" * 32, b"b" * 32))
    assert set(one.values()).isdisjoint(other.values())


def test_the_vocabulary_of_mist_is_kept():
    payload = {
        "type": "ap", "model": "AP45", "status": "connected", "version": "0.14.29313", "band": "24", "vlan": "750",
        "ash_version": "1.0.1",
        "last_seen": "2026-03-01T12:00:00Z", "port_id": "ge-0/0/11.0", "radio_stat": {"band_5": {"usage": "5"}},
        "if_stat": {"ge-0/0/1.0": {"up": True}}, "neighbor": "000000000000",
    }  # fmt: skip
    assert Anonymizer(KEY).payload(payload) == payload


@pytest.mark.parametrize(
    "name", ["Fan 0", "Power Supply 1", "PSU0", "CPU", "FPC 0 PEM 1", "ge-0/0/47", "reth0", "fxp1"]
)
def test_names_of_components_are_kept(name):
    assert Anonymizer(KEY).payload({"name": name}) == {"name": name}


@pytest.mark.parametrize("name", ["Fan of Alice", "Power Street 5", "CPU Bob", "ge Lobby"])
def test_names_that_only_begin_like_components_are_replaced(name):
    assert Anonymizer(KEY).payload({"name": name}) != {"name": name}


def test_text_of_unknown_fields_is_replaced():
    payload = {"new_field": "Conference room Blue", "port_id": "Dr. Smith's desk", "list": ["Alice"]}
    safe = json.dumps(Anonymizer(KEY).payload(payload))
    assert not re.search("Blue|Smith|Alice", safe)


@pytest.mark.parametrize(
    "key",
    [
        "alice@example.com", MAC, "5c:5b:35:fc:00:01", "5C5B.35FC.0001", f"00000000-0000-0000-1000-{MAC}", "10.1.2.3",
        "10.1.2.0/24", "fe80::1", "67970e46-4e12-11e6-9188-0242ac110007", "4915112345678", "Conference room Blue",
        "alice", "10.1.2.3/alice@example.com", "ge-0/0/1 alice", "vlan4915112345678", "x" * 10_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["", "radio_stat", "dhcpd_stat", "ips", "port_stat"])
def test_keys_that_are_data_are_replaced(key, place):
    payload = {place: {key: {"num_ips": 3}}} if place else {key: {"num_ips": 3}}
    text = json.dumps(Anonymizer(KEY).payload(payload))
    assert key not in text
    assert "alice" not in text
    assert '{"num_ips": 3}' in text


def test_equal_keys_are_replaced_equally_and_as_values_are():
    payload = {"mesh_downlinks": {MAC: {"rssi": -50}}, "dhcpd_stat": {"Guest": {}}, "mac": MAC, "network": "Guest"}
    safe = Anonymizer(KEY).payload(payload)
    assert list(safe["mesh_downlinks"]) == [safe["mac"]]
    assert list(safe["dhcpd_stat"]) == [safe["network"]]


def test_different_keys_stay_different():
    payload = {
        "ips": {f"10.{a}.{b}.1": "" for a in range(32) for b in range(32)},
        "macs": {f"VLAN {n}": "" for n in range(999)},
    }
    safe = Anonymizer(KEY).payload(payload)
    assert [len(safe[key]) for key in payload] == [len(payload[key]) for key in payload]


def test_field_names_and_names_of_components_are_kept_as_keys(messages):
    payload = {
        "port_stat": {"eth0": {"up": True}, "module": {}}, "if_stat": {"ge-0/0/11.0": {}, "irb.125": {}},
        "cpu_stat": {"cpus": {"0": {}, "cpu1": {}}}, "num_clients": {"total": {"num_aps": 1}, "0": {}},
        "lldp_stats": {"eth0": {"chassis_id": ""}}, "sle": {"ap-availability": 0.5}, "ip_stat": {"ips": {"vlan1": ""}},
        "rx_error_count": 5,  # not in Mist's documentation, but composed of its words
    }  # fmt: skip
    assert Anonymizer(KEY).payload(payload) == payload


def test_fields_of_the_caller_are_kept():
    assert Anonymizer(KEY, fields={"novelty"}).payload({"novelty": 1, "alice": 2}).keys() >= {"novelty"}
    assert "novelty" not in Anonymizer(KEY).payload({"novelty": 1})


@pytest.mark.parametrize("key", ["name", "site_name", "ssid", "mobile", "serial", "imei"])
def test_numbers_that_are_names_are_replaced(key):
    assert Anonymizer(KEY).payload({key: "0815"}) != {key: "0815"}


def test_identifying_numbers_are_zeroed():
    payload = {"mobile": 4915112345678, "imei": 490154203237518, "uptime": 5}
    assert Anonymizer(KEY).payload(payload) == {"mobile": 0, "imei": 0, "uptime": 5}


@pytest.mark.parametrize(
    "text", ["alice@example.com", "x" * 65, "lost 10.0.0.1", "10.0.0.1/alice", f"by {MAC}", "by 5c:5b:35:fc:00:01"]
)
def test_text_that_is_not_vocabulary_is_replaced_in_a_field_of_it(text):
    assert Anonymizer(KEY).payload({"status": text}) != {"status": text}


@pytest.mark.parametrize("text", ["10.0.0.1/alice", "2026-03-01 4915112345678"])
def test_text_that_only_begins_like_an_address_or_a_time_is_replaced(text):
    (safe,) = Anonymizer(KEY).payload({"new_field": text}).values()
    assert re.fullmatch("x[0-9a-f]{10}", safe)


def test_nesting_is_limited():
    payload = {}
    for _ in range(10_000):
        payload = {"status": [payload]}
    text = json.dumps(Anonymizer(KEY).payload(payload))
    assert text.count("status") == MAX_DEPTH / 2
    assert "null" in text


@pytest.mark.parametrize(
    "text", ["eth" + "1" * 100_000, "fan " * 10_000 + "!", "eth" + "1" * 30 + "x", "fan " * 9 + "!"]
)
def test_patterns_do_not_backtrack(text):  # or this would not end
    (key,) = Anonymizer(KEY).payload({text: 1})
    assert key != text


def test_geographic_coordinates_are_removed_and_positions_on_maps_kept():
    payload = {"latlng": {"lat": 37.3, "lng": -122.0}, "x": 12.5, "y": 3.0}
    assert Anonymizer(KEY).payload(payload) == {"latlng": {"lat": 0.0, "lng": 0.0}, "x": 12.5, "y": 3.0}


def test_ids_in_paths_are_replaced_as_in_payloads():
    site = "67970e46-4e12-11e6-9188-0242ac110007"
    anonymizer = Anonymizer(KEY)
    safe = anonymizer.payload({"site_id": site})["site_id"]
    assert anonymizer.path(f"/sites/{site}/stats/devices") == f"/sites/{safe}/stats/devices"
    assert anonymizer.path("/test") == "/test"
    assert "alice" not in anonymizer.path("/sites/alice@example.com/stats/alice")


def test_an_unknown_topic_is_replaced():
    anonymizer = Anonymizer(KEY)
    assert anonymizer.topic("alarms") == "alarms"
    assert "alice" not in anonymizer.topic("alice")


def test_people_only():
    client = {"mac": MAC, "hostname": "alice-phone", "ip": "10.0.0.9", "ssid": "Corp", "ap_mac": "5c5b35fc0002"}
    mask = Anonymizer(KEY, people_only=True)
    safe = mask.payload(client, personal=True)
    assert not {"5c5b35fc0001", "alice-phone", "10.0.0.9"} & set(safe.values())
    assert (safe["ssid"], safe["ap_mac"]) == ("Corp", "5c5b35fc0002")
    device = {"mac": MAC, "name": "AP Lobby", "hostname": "core-1", "ip": "10.0.0.9"}
    assert mask.payload(device, personal=False) == device
    assert mask.path(f"/sites/{MAC}/stats/devices") == f"/sites/{MAC}/stats/devices"
    assert mask.payload({"admin_name": "Alice", "message": "x"})["admin_name"] != "Alice"
    assert mask.payload({"serial": "ABC", "Guest": 1}) == {"serial": "ABC", "Guest": 1}
    for personal in (True, False):
        assert "alice" not in json.dumps(mask.payload({"alice@example.com": 1}, personal=personal))


@pytest.mark.parametrize(
    ("name", "personal"),
    [
        ("client", True), ("map_client", True), ("client-join", True), ("nac-events", True), ("location", True),
        ("device", False), ("insights", False), ("alarms", False), ("device-events", False), ("mxedge", False),
    ],
)  # fmt: skip
def test_is_personal(name, personal):
    assert is_personal(name) is personal


def test_field_names_in_objects_of_lists_are_kept():
    payload = {"tunnels": [{"up": True, "rx_bytes": 5}], "clients": [[{"num_aps": 1}]]}
    assert Anonymizer(KEY).payload(payload) == payload
