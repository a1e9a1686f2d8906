import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.fleet.overrides import Override, Overrides

SITE, OTHER = "site", "other"


def overridden(payload, fields, *, at=1000.0, since=900.0):
    overrides = Overrides()
    overrides.add(Override(kind="ap", sites=frozenset({SITE}), ids=None, fields=fields, since=since))
    return overrides.apply("ap", "mac", SITE, payload, at)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"a.b": 9}, {"a": {"b": 9, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}),
        ({"a.*": 9}, {"a": {"b": 9, "c": 9}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}),
        ({"list.*.x": 9}, {"a": {"b": 1, "c": 2}, "list": [{"x": 9}, {"x": 9}], "k.0": {"up": True}}),
        ({"k#0.up": False}, {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": False}}),
        ({"absent.b": 9, "a.absent": 9}, {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}),
    ],
)
def test_paths(fields, expected):
    payload = {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}
    before = {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}], "k.0": {"up": True}}
    assert overridden(payload, fields) == expected
    assert payload == before, "the original payload is not modified"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"add_per_s": 2}, 7 + 200),
        ({"floor_to_s": 300}, 900.0),
        ({"start_plus_s": 50}, 950),
        ({"share": 0.5, "of": "size"}, 20),
        ({"any": "object"}, {"any": "object"}),
        (None, None),
    ],
)
def test_values(value, expected):
    assert overridden({"n": 7, "size": 40}, {"n": value})["n"] == expected


@pytest.mark.parametrize(
    ("kind", "site", "object_id", "payload"),
    [
        ("switch", SITE, "mac", {"n": 1, "port": "a"}),
        ("ap", OTHER, "mac", {"n": 1, "port": "a"}),
        ("ap", SITE, "mac", {"n": 1, "port": "b"}),
    ],
)
def test_a_payload_that_does_not_match_is_unchanged(kind, site, object_id, payload):
    overrides = Overrides()
    overrides.add(Override(kind="ap", sites=frozenset({SITE}), ids=None, fields={"n": 2}, where={"port": "a"}))
    assert overrides.apply("ap", "mac", SITE, {"n": 1, "port": "a"}, 0) == {"n": 2, "port": "a"}
    assert overrides.apply(kind, object_id, site, payload, 0) is payload


def test_the_later_override_wins_until_it_is_removed():
    overrides = Overrides()
    first, second = (
        Override(kind="ap", sites=frozenset(), ids=frozenset({"m"}), fields={"n": value}) for value in (2, 3)
    )
    overrides.add(first)
    overrides.add(second)
    assert overrides.apply("ap", "m", SITE, {"n": 1}, 0) == {"n": 3}
    overrides.remove(second)
    assert overrides.apply("ap", "m", SITE, {"n": 1}, 0) == {"n": 2}


def test_overrides_apply_to_frames_rest_and_true_state(site_of):
    fleet = Fleet(FleetPlan(sites=1, aps=1, switches=1, clients_per_ap=1, reboots_per_device_day=0))
    site_id = site_of(fleet)
    for kind, fields in (
        ("ap", {"radio_stat.*.util_all": 99}),
        ("port", {"rx_errors": 5}),
        ("client", {"rssi": -90}),
        ("zone", {"num_clients": 33}),
    ):
        fleet.overrides.add(Override(kind=kind, sites=frozenset({site_id}), ids=None, fields=fields))
    sent = fleet.step(fleet.now + 90)
    (mac,) = fleet.macs("ap")
    full = [one.payload for one in sent if getattr(one, "kind", "") == "ap" and "radio_stat" in one.payload]
    assert full
    for payload in (*full, fleet.device_stats(site_id, "ap")[0], fleet.truth(mac)["state"]):
        assert {radio["util_all"] for radio in payload["radio_stat"].values()} == {99}
    assert {port["rx_errors"] for port in fleet.ports(site_id)} == {5}
    assert {client["rssi"] for client in fleet.client_stats(site_id)} == {-90}
    assert {zone["num_clients"] for zone in fleet.zone_stats(site_id)} == {33}
