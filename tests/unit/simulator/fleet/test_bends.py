import pytest
from collector.simulator.fleet.bends import Bend, Bends

from collector.simulator.fleet import Fleet, FleetPlan

SITE, OTHER = "site", "other"


def bent(payload, fields, *, at=1000.0, since=900.0):
    bends = Bends()
    bends.add(Bend(kind="ap", sites=frozenset({SITE}), who=None, fields=fields, since=since))
    return bends.apply("ap", "mac", SITE, payload, at)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"a.b": 9}, {"a": {"b": 9, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}),
        ({"a.*": 9}, {"a": {"b": 9, "c": 9}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}),
        ({"list.*.x": 9}, {"a": {"b": 1, "c": 2}, "list": [{"x": 9}, {"x": 9}], "k.0": {"up": True}}),
        ({"k#0.up": False}, {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": False}}),
        ({"nothing.b": 9, "a.nothing": 9}, {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}),
    ],
)
def test_paths(fields, expected):
    payload = {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}
    before = {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}
    assert bent(payload, fields) == expected
    assert payload == before, "what was handed out is not changed"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"grow_per_s": 2}, 7 + 200),
        ({"turn_every_s": 300}, 900.0),
        ({"in_s": 50}, 950),
        ({"share": 0.5, "of": "size"}, 20),
        ({"any": "object"}, {"any": "object"}),
        (None, None),
    ],
)
def test_values(value, expected):
    assert bent({"n": 7, "size": 40}, {"n": value})["n"] == expected


@pytest.mark.parametrize(
    ("kind", "site", "who", "payload"),
    [
        ("switch", SITE, "mac", {"n": 1, "port": "a"}),
        ("ap", OTHER, "mac", {"n": 1, "port": "a"}),
        ("ap", SITE, "mac", {"n": 1, "port": "b"}),
    ],
)
def test_who_is_not_meant_says_the_truth(kind, site, who, payload):
    bends = Bends()
    bends.add(Bend(kind="ap", sites=frozenset({SITE}), who=None, fields={"n": 2}, where={"port": "a"}))
    assert bends.apply("ap", "mac", SITE, {"n": 1, "port": "a"}, 0) == {"n": 2, "port": "a"}
    assert bends.apply(kind, who, site, payload, 0) is payload


def test_the_later_bend_wins_and_the_earlier_is_heard_again():
    bends = Bends()
    first, second = (Bend(kind="ap", sites=frozenset(), who=frozenset({"m"}), fields={"n": value}) for value in (2, 3))
    bends.add(first)
    bends.add(second)
    assert bends.apply("ap", "m", SITE, {"n": 1}, 0) == {"n": 3}
    bends.remove(second)
    assert bends.apply("ap", "m", SITE, {"n": 1}, 0) == {"n": 2}


def test_frames_rest_and_truth_of_a_fleet_agree():
    fleet = Fleet(FleetPlan(sites=1, aps=1, switches=1, clients_per_ap=1, reboots_per_device_day=0))
    (site,) = fleet.sites(fleet.orgs()[0]["id"])
    sites = frozenset({site["id"]})
    for kind, fields in (
        ("ap", {"radio_stat.*.util_all": 99}),
        ("port", {"rx_errors": 5}),
        ("client", {"rssi": -90}),
        ("zone", {"num_clients": 33}),
    ):
        fleet.bends.add(Bend(kind=kind, sites=sites, who=None, fields=fields))
    said = fleet.step(fleet.now + 90)
    (mac,) = fleet.macs("ap")
    full = [one.payload for one in said if getattr(one, "kind", "") == "ap" and "radio_stat" in one.payload]
    assert full
    for payload in (*full, fleet.device_stats(site["id"], "ap")[0], fleet.truth(mac)["state"]):
        assert {radio["util_all"] for radio in payload["radio_stat"].values()} == {99}
    assert {port["rx_errors"] for port in fleet.ports(site["id"])} == {5}
    assert {client["rssi"] for client in fleet.client_stats(site["id"])} == {-90}
    assert {zone["num_clients"] for zone in fleet.zone_stats(site["id"])} == {33}
