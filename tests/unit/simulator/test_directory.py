import pytest

from collector.simulator.directory import ACTIONS, FleetDirectory
from collector.simulator.fleet import Fleet, FleetPlan


@pytest.fixture
def fleet():
    return Fleet(FleetPlan(orgs=2, sites=2, aps=2, clients_per_ap=4, location_cadence_s=5))


@pytest.fixture
def directory(fleet):
    return FleetDirectory(fleet)


def test_unknown_ids_are_none_or_false(directory, fleet):
    site_id = fleet.sites(fleet.orgs()[0]["id"])[0]["id"]
    assert directory.org("unknown") is directory.org_of_site("unknown") is directory.truth("unknown") is None
    assert directory.has_org("unknown") is directory.has_map(site_id, "unknown") is False


def test_known_ids(directory, fleet):
    org = fleet.orgs()[1]
    site_id = fleet.sites(org["id"])[0]["id"]
    assert directory.org(org["id"]) == org
    assert directory.org_of_site(site_id) == org["id"]
    assert directory.has_map(site_id, fleet.maps(site_id)[0]["id"])
    assert directory.truths() == {mac: directory.truth(mac) for mac in fleet.macs()}


def test_the_tree_has_every_site_and_every_device(directory, fleet):
    tree = directory.tree()
    assert [len(org["sites"]) for org in tree] == [2, 2]
    assert {device["mac"] for org in tree for device in org["devices"]} == set(fleet.macs())


def test_zone_statistics_have_the_stays_of_the_clients(directory, fleet):
    fleet.step(fleet.now + 1800)
    site_id = fleet.sites(fleet.orgs()[0]["id"])[0]["id"]
    zones = directory.zone_stats(site_id)
    waits = [zone["clients_waits"] for zone in zones if zone["num_clients"]]
    assert any(wait["max"] > 0 for wait in waits)
    assert all(wait["min"] <= wait["avg"] <= wait["max"] for wait in waits)
    assert all(wait["min"] <= wait["p95"] <= wait["max"] for wait in waits)


def test_an_action_is_run_and_its_result_returned(directory, fleet):
    mac = fleet.macs()[0]
    directory.act("disconnect", {"mac": mac})
    assert fleet.truth(mac)["connected"] is False
    assert directory.act("add_site", {}) in fleet.site_ids()


@pytest.mark.parametrize(
    ("action", "arguments", "message"),
    [
        ("explode", {}, "unknown action"),
        ("step", {"until": 1}, "unknown action"),
        ("reboot", {}, "missing a required argument"),
        ("reboot", {"mac": "x", "hard": True}, "unexpected keyword"),
        ("reboot", {"mac": "x"}, "unknown id 'x'"),
    ],
)
def test_an_invalid_action_is_a_value_error(directory, action, arguments, message):
    with pytest.raises(ValueError, match=message):
        directory.act(action, arguments)


def test_every_action_is_a_method_of_the_fleet(fleet):
    assert all(callable(getattr(fleet, action)) for action in ACTIONS)
