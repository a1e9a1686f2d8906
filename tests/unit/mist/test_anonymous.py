"""Nobody is left in an anonymous payload, and what was equal is equal still."""

import ipaddress
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.mist.anonymous import Anonymous, is_personal
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
NOBODY = {"", "000000000000", "0.0.0.0", "00000000-0000-0000-0000-000000000000"}  # noqa: S104 - text


@pytest.fixture(scope="module")
def lives():
    """What a fleet says in half an hour, as (name of channel or topic, payload)."""
    fleet = Fleet(PLAN)
    said = fleet.step(PLAN.start + 1800)
    return [
        (said_.channel.rpartition("/")[2] if isinstance(said_, StreamMessage) else said_.topic, said_.payload)
        for said_ in said
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


def words(value):
    """Every text, keys included; a counter of twelve digits is no MAC."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from words(item)
    elif isinstance(value, list):
        for item in value:
            yield from words(item)
    elif isinstance(value, str):
        yield value


def identities(payload):
    found = {found.lower() for word in words(payload) for found in IDENTITIES.findall(word)}
    return {text for text in found if text.count(".") != 3 or is_address(text)}


def is_address(text):
    """An IP address, not the version 4.40.00.00."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@pytest.mark.slow
def test_no_identity_of_a_whole_fleet_is_left(lives):
    anonymous = Anonymous(KEY)
    left, originals, names, found = set(), set(), set(), set()
    for name, payload in lives:
        originals |= identities(payload)
        names |= {v for k, v in leaves(payload) if k in NAMES and isinstance(v, str) and len(v) > 5}
        safe = anonymous.payload(payload, personal=is_personal(name))
        left |= set(words(safe))
        found |= identities(safe)
    assert len(originals) > 50
    assert len(names) > 20
    assert found & originals <= NOBODY
    parts = re.compile(
        r"(?:(?:ge|xe|mge|et|node|eth|lo|irb)[-0-9/.]*|(?:Fan|Power Supply|FPC|Routing Engine)[ A-Z0-9]*)"
    )
    assert [name for name in names if name in left and not parts.fullmatch(name)] == []


@pytest.mark.slow
def test_numbers_and_shape_are_as_they_were(lives):
    anonymous = Anonymous(KEY)
    for name, payload in lives:
        safe = anonymous.payload(payload, personal=is_personal(name))
        before, after = list(leaves(payload)), list(leaves(safe))
        assert [type(value) for _, value in after] == [type(value) for _, value in before]
        for (key, value), (_, other) in zip(before, after, strict=True):
            if isinstance(value, int | float) and key not in {"lat", "lng", "latitude", "longitude"}:
                assert other == value, key


@given(st.text(max_size=40), st.sampled_from(["name", "text", "hostname", "anything"]))
def test_equal_stays_equal_and_different_stays_different(text, key):
    anonymous = Anonymous(KEY)
    one, same, other = (anonymous.payload({key: value})[key] for value in (text, text, text + "?"))
    assert one == same == Anonymous(KEY).payload({key: text})[key]
    assert one != other


MAC = "5c5b35fc0001"


def test_a_mac_is_the_same_in_every_notation_and_in_the_id_of_its_device():
    safe = Anonymous(KEY).payload(
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


def test_two_recordings_cannot_be_compared():
    one, other = (Anonymous(key).payload({"mac": MAC, "name": "Lobby"}) for key in (b"a" * 32, b"b" * 32))
    assert set(one.values()).isdisjoint(other.values())


def test_words_of_mist_stay():
    payload = {
        "type": "ap", "model": "AP45", "status": "connected", "version": "0.14.29313", "band": "24", "vlan": "750",
        "ash_version": "1.0.1",
        "last_seen": "2026-03-01T12:00:00Z", "port_id": "ge-0/0/11.0", "radio_stat": {"band_5": {"usage": "5"}},
        "if_stat": {"ge-0/0/1.0": {"up": True}}, "neighbor": "000000000000",
    }  # fmt: skip
    assert Anonymous(KEY).payload(payload) == payload


@pytest.mark.parametrize(
    "name", ["Fan 0", "Power Supply 1", "PSU0", "CPU", "FPC 0 PEM 1", "ge-0/0/47", "reth0", "fxp1"]
)
def test_names_of_parts_stay(name):
    assert Anonymous(KEY).payload({"name": name}) == {"name": name}


@pytest.mark.parametrize("name", ["Fan of Alice", "Power Street 5", "CPU Bob", "ge Lobby"])
def test_names_that_only_begin_like_parts_are_replaced(name):
    assert Anonymous(KEY).payload({"name": name}) != {"name": name}


def test_what_nobody_knew_of_is_replaced():
    payload = {"a_field_of_next_year": "Conference room Blue", "port_id": "Dr. Smith's desk", "list": ["Alice"]}
    safe = json.dumps(Anonymous(KEY).payload(payload))
    assert not re.search("Blue|Smith|Alice", safe)


def test_keys_that_name_somebody_are_replaced():
    payload = {
        "mesh_downlinks": {f"00000000-0000-0000-1000-{MAC}": {"rssi": -50}},
        "dhcpd_stat": {"Guest network": {"num_ips": 3}},
        "port_stat": {"eth0": {"up": True}},
        MAC: 1,
    }
    safe = Anonymous(KEY).payload(payload)
    assert MAC not in json.dumps(safe)
    assert "Guest" not in json.dumps(safe)
    assert safe["port_stat"] == {"eth0": {"up": True}}


def test_places_on_earth_are_gone_and_places_on_floors_stay():
    payload = {"latlng": {"lat": 37.3, "lng": -122.0}, "x": 12.5, "y": 3.0}
    assert Anonymous(KEY).payload(payload) == {"latlng": {"lat": 0.0, "lng": 0.0}, "x": 12.5, "y": 3.0}


def test_paths_are_replaced_as_payloads_are():
    site = "67970e46-4e12-11e6-9188-0242ac110007"
    anonymous = Anonymous(KEY)
    safe = anonymous.payload({"site_id": site})["site_id"]
    assert anonymous.path(f"/sites/{site}/stats/devices") == f"/sites/{safe}/stats/devices"


def test_at_a_terminal_only_people_are_masked():
    client = {"mac": MAC, "hostname": "alice-phone", "ip": "10.0.0.9", "ssid": "Corp", "ap_mac": "5c5b35fc0002"}
    mask = Anonymous(KEY, people_only=True)
    safe = mask.payload(client, personal=True)
    assert not {"5c5b35fc0001", "alice-phone", "10.0.0.9"} & set(safe.values())
    assert (safe["ssid"], safe["ap_mac"]) == ("Corp", "5c5b35fc0002")
    device = {"mac": MAC, "name": "AP Lobby", "hostname": "core-1", "ip": "10.0.0.9"}
    assert mask.payload(device, personal=False) == device
    assert mask.path(f"/sites/{MAC}/stats/devices") == f"/sites/{MAC}/stats/devices"
    assert mask.payload({"admin_name": "Alice", "message": "x"})["admin_name"] != "Alice"


@pytest.mark.parametrize(
    ("name", "personal"),
    [
        ("client", True), ("map_client", True), ("client-join", True), ("nac-events", True), ("location", True),
        ("device", False), ("insights", False), ("alarms", False), ("device-events", False), ("mxedge", False),
    ],
)  # fmt: skip
def test_what_is_about_people(name, personal):
    assert is_personal(name) is personal


def test_the_fields_of_what_stands_in_a_list_stay():
    payload = {"tunnels": [{"up": True, "rx_bytes": 5}], "clients": [[{"num": 1}]]}
    assert Anonymous(KEY).payload(payload) == payload
