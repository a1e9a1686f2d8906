from random import Random

import pytest

from collector.simulator.fleet.gateway_components import (
    GatewayInterfaces,
    GatewayNode,
    GatewayPeers,
    ServicesProcessingUnit,
    lan,
    wan,
)


@pytest.mark.parametrize(("suffix", "key"), [("", "if_stat"), ("2", "if2_stat")])
def test_interfaces_have_the_section_of_their_node(suffix, key):
    rng = Random(1)
    ports = GatewayInterfaces([wan("ge-0/0/0.0", "ISP", rng), lan("ge-0/0/3.0", "corp", 10, rng)], suffix=suffix)
    section = ports.advance(60.0, 0.0, rng)
    assert set(section) == {key}
    assert section[key]["ge-0/0/0.0"]["wan_name"] == "ISP"
    assert section[key]["ge-0/0/3.0"]["network_name"] == "corp"
    assert all(unit["rx_bytes"] for unit in section[key].values())
    ports.restart()
    assert not any(unit["rx_bytes"] for unit in ports.advance(0.0, 60.0, rng)[key].values())


def test_the_rarer_format_of_a_services_processing_unit_nests_the_sessions():
    usual = ServicesProcessingUnit(Random(1)).advance(30.0, 0.0, Random(1))["spu_stat"]
    rarer = ServicesProcessingUnit(Random(1), as_list=False).advance(30.0, 0.0, Random(1))["spu_stat"]
    (unit,) = usual
    assert {**rarer, **rarer["sessions"]} == {**unit, "sessions": rarer["sessions"]}
    assert "spu_current_session" not in rarer


def test_only_nodes_of_an_ssr_have_network_resources():
    for ssr in (True, False):
        node = GatewayNode("94f7ad000000", "CV1", "SSR", Random(1), ssr=ssr)
        (section,) = node.advance(30.0, 0.0, Random(1))["module_stat"]
        assert ("network_resources" in section) is ssr


def test_only_nodes_of_a_cluster_have_a_role():
    roles = []
    for role in ("", "primary"):
        (section,) = GatewayNode("94f7ad000000", "CV1", "SRX", Random(1), role=role).advance(30.0, 0.0, Random(1))[
            "module_stat"
        ]
        roles.append(section.get("vc_role"))
    assert roles == [None, "primary"]


@pytest.mark.parametrize(("ssr", "kind"), [(True, "svr"), (False, "ipsec")])
def test_peers_re_establish_their_sessions_after_a_restart(ssr, kind):
    rng = Random(1)
    peers = GatewayPeers("gw", "site", rng, ssr=ssr)
    section = peers.advance(60.0, 1000.0, rng)
    assert {peer["type"] for peer in section["vpn_peers"]} == {kind}
    assert section["bgp_peers"][0]["uptime"] == section["tunnels"][0]["uptime"] == 60
    peers.restart()
    section = peers.advance(0.0, 1000.0, rng)
    assert section["bgp_peers"][0]["uptime"] == section["tunnels"][0]["rx_bytes"] == 0
