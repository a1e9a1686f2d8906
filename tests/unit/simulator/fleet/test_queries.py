import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import missing_leaves


def test_counts_of_sites_and_orgs_follow_the_devices(quiet, org_of, site_of):
    quiet.disconnect(quiet.macs()[0])
    stats = quiet.site_stats(site_of(quiet))
    assert (stats["num_ap"], stats["num_ap_connected"], stats["num_devices"]) == (10, 9, 10)
    assert quiet.org_stats(org_of(quiet))["num_devices_disconnected"] == 1


def test_rest_agrees_with_the_stream_for_every_kind(wired, org_of):
    wired.step(wired.now + 400)
    for one in wired.device_stats(org_of(wired)) + wired.mxedge_stats():
        state = wired.truth(one["mac"])["state"]
        assert one["last_seen"] == int(state["last_seen"])
        assert one["uptime"] == state["uptime"]
        assert one.get("if_stat") == state.get("if_stat")


def test_the_port_search_has_every_leaf_of_its_table(wired, org_of):
    ports = wired.ports(org_of(wired))
    assert missing_leaves("port", ports) == []
    assert len({(port["mac"], port["port_id"]) for port in ports}) == len(ports)


def test_peer_and_tunnel_searches_have_every_leaf_of_their_tables(wired, org_of, site_of):
    wired.step(wired.now + 60)
    # `model` is in no sample; its meaning is unknown
    assert missing_leaves("bgp_peer", wired.bgp_peers(org_of(wired))) == ["model"]
    assert missing_leaves("vpn_peer", wired.vpn_peers(org_of(wired))) == []
    assert missing_leaves("wan_tunnel", wired.wan_tunnels(site_of(wired))) == []
    assert {row["mac"] for row in wired.wan_tunnels(org_of(wired))} <= set(wired.macs("gateway"))


def test_mist_edges_are_listed_by_org_and_by_site_but_not_in_the_inventory(wired, org_of, site_of):
    assert len(wired.mxedge_stats()) == len(wired.mxedge_stats(org_of(wired))) == 3
    assert len(wired.mxedge_stats(site_of(wired))) == 1
    assert "mxedge" not in {one["type"] for one in wired.inventory(org_of(wired))}


@pytest.mark.parametrize(
    "query", ["sites", "inventory", "device_stats", "ports", "maps", "zones", "site_stats", "org_stats", "truth"]
)
def test_an_unknown_id_is_a_key_error(quiet, query):
    with pytest.raises(KeyError):
        getattr(quiet, query)("unknown")


def test_floor_truth_counts_objects_that_left_a_map_if_requested(site_of):
    plan = FleetPlan(sites=1, aps=0, clients_per_ap=0, assets=30, site_events_per_hour=0)
    fleet = Fleet(plan)
    fleet.step(fleet.now + 3600)
    present = sum(sum(kinds.values()) for kinds in fleet.floor_truth()["maps"].values())
    with_left = sum(sum(kinds.values()) for kinds in fleet.floor_truth(plan.start + 1)["maps"].values())
    assert present < with_left == 30
