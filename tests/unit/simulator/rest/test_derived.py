import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.rest.derived import CONTROL_INTERVAL_S, SERVICES, DerivedData


@pytest.fixture
def fleet():
    return Fleet(FleetPlan(sites=2, aps=2, switches=1, gateways=2, mxedges=2, reboots_per_device_day=0))


@pytest.fixture
def org_id(fleet):
    return fleet.orgs()[0]["id"]


def test_every_connected_ap_has_one_tunnel_to_the_same_edge(fleet, org_id):
    derived = DerivedData(fleet)
    before = {tunnel["ap"]: tunnel["mxedge_id"] for tunnel in derived.mxtunnels(org_id, fleet.now)}
    assert set(before) == set(fleet.macs("ap"))
    disconnected = fleet.macs("ap")[0]
    fleet.disconnect(disconnected)
    fleet.step(fleet.now + 60)
    after = {tunnel["ap"]: tunnel["mxedge_id"] for tunnel in derived.mxtunnels(org_id, fleet.now)}
    assert after == {mac: edge for mac, edge in before.items() if mac != disconnected}


def test_control_packets_follow_from_the_uptime(fleet, org_id):
    for tunnel in DerivedData(fleet).mxtunnels(org_id, fleet.now):
        assert tunnel["rx_control_pkts"] == tunnel["uptime"] // CONTROL_INTERVAL_S


def test_an_org_without_mist_edges_has_no_tunnels():
    fleet = Fleet(FleetPlan(sites=1, aps=2))
    assert DerivedData(fleet).mxtunnels(fleet.orgs()[0]["id"], fleet.now) == []


def test_every_second_gateway_has_a_third_party_device(fleet, org_id):
    derived = DerivedData(fleet)
    devices = derived.other_devices(org_id)
    assert len(devices) == len(fleet.macs("gateway")) // 2
    for device in devices:
        assert device["device_mac"] in fleet.macs("gateway")
        stats = derived.other_device(org_id, device["mac"], fleet.now + 60)
        assert (stats["mac"], stats["uptime"]) == (device["mac"], 60)
    assert derived.other_device(org_id, "003044ffffff", fleet.now) is None


@pytest.mark.parametrize("service", SERVICES)
def test_service_levels_are_ratios_per_site(fleet, org_id, service):
    rows = DerivedData(fleet).site_sles(org_id, service)
    assert [row["site_id"] for row in rows] == [site["id"] for site in fleet.sites(org_id)]
    levels = [value for row in rows for name, value in row.items() if "-" in name or name in ("capacity", "coverage")]
    assert levels
    assert all(0.8 <= level <= 1 for level in levels)


def test_an_rssi_zone_contains_the_clients_of_the_first_ap(fleet, org_id):
    fleet.step(fleet.now + 60)
    site_id = fleet.sites(org_id)[0]["id"]
    (zone,) = DerivedData(fleet).rssizones(site_id)
    first = fleet.device_stats(site_id, "ap")[0]
    assert zone["devices"][0]["device_id"] == first["id"]
    assert zone["num_clients"] == first["num_clients"]
