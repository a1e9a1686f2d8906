import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import counters, events, missing_leaves, stream_messages

COUNTERS = ("rx_bytes", "tx_bytes", "rx_pkts", "tx_pkts", "rx_errors")


@pytest.fixture
def states(wired):
    wired.step(wired.now + 60)
    return [wired.truth(mac)["state"] for mac in wired.macs("gateway")]


def test_every_frame_has_current_counters_and_an_old_time(wired):
    mac = wired.macs("gateway")[0]
    sent = [one.payload for one in stream_messages(wired.step(wired.now + 300), "gateway", mac)]
    totals = [sum(unit["rx_bytes"] for unit in payload["if_stat"].values()) for payload in sent]
    assert totals == sorted(set(totals))
    assert all(payload["last_seen"] - payload["_time"] > 7000 for payload in sent)


def test_counters_do_not_decrease_without_a_restart(wired):
    last: dict = {}
    for one in stream_messages(wired.step(wired.now + 900), "gateway"):
        for path, value in counters(one.payload, COUNTERS).items():
            assert value >= last.get((one.mac, path), 0), (one.mac, path)
            last[one.mac, path] = value
    assert last


def test_a_cluster_reports_both_nodes_in_one_frame(states):
    clusters = [state for state in states if "cluster_config" in state]
    assert len(clusters) == 2
    second = {"cpu2_stat", "memory2_stat", "module2_stat", "if2_stat", "spu2_stat", "dhcpd2_stat", "ip2_stat"}
    assert all(second <= set(state) for state in clusters)
    assert not any(second & set(state) for state in states if "cluster_config" not in state)


def test_each_node_of_an_ssr_router_reports_on_its_own(states):
    nodes = [state for state in states if state["model"] == "SSR"]
    assert {node["node_name"] for node in nodes} == {"node0", "node1"}
    assert {node["ha_state"] for node in nodes} == {"active", "standby"}
    assert len({node["router_name"] for node in nodes}) == 1
    assert all(node["module_stat"][0]["network_resources"] for node in nodes)


def test_both_formats_of_the_services_processing_units_occur(states):
    assert {type(state.get("spu_stat")) for state in states} == {list, dict, type(None)}


def test_the_second_wan_port_flaps(org_of):
    fleet = Fleet(
        FleetPlan(
            sites=1,
            aps=0,
            gateways=2,
            clients_per_ap=0,
            reboots_per_device_day=0,
            port_flaps_per_device_day=200,
            events_per_device_hour=0,
        )
    )
    flaps = events(fleet.step(fleet.now + 7200), "device-events")
    assert {event["type"] for event in flaps} == {"GW_PORT_UP", "GW_PORT_DOWN"}
    last = {(event["mac"], event["port_id"]): event["type"].endswith("UP") for event in flaps}
    ports = {(port["mac"], port["port_id"]): port["up"] for port in fleet.ports(org_of(fleet))}
    assert {port_id for _, port_id in last} == {"ge-0/0/1"}
    assert all(ports[key] == up for key, up in last.items())


def test_gateways_have_every_leaf_of_the_table_that_applies_to_them(wired):
    wired.step(wired.now + 200)
    sent = [one.payload for one in stream_messages(wired.step(wired.now + 200), "gateway")]
    missing = {path.rpartition("}.")[2].rpartition("[*].")[2] for path in missing_leaves("gateway", sent)}
    rest_only = {"created_time", "modified_time"}
    other_models = {"optics_cpld_version", "power_cpld_version", "re_fpga_version", "tmc_fpga_version"}
    second_node = {"count", "limit", "type"}  # network resources: only an SSR has them, and it has no second node
    assert missing == rest_only | other_models | second_node
