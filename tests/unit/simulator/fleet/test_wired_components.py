from random import Random

import pytest

from collector.simulator.fleet.wired_components import (
    DhcpPools,
    ForwardingTables,
    RoutingEngine,
    WiredInterface,
    addresses,
    sensors,
)


def test_an_interface_without_link_carries_no_traffic_and_has_no_speed():
    rng = Random(1)
    interface = WiredInterface("ge-0/0/1.0", rng)
    up = interface.advance(60.0, rng)
    interface.flap(1000.0)
    down = interface.advance(60.0, rng)
    assert (up["up"], down["up"], interface.flapped_at) == (True, False, 1000.0)
    assert "speed" in up
    assert "speed" not in down
    assert down["rx_pkts"] == up["rx_pkts"] > 0


@pytest.mark.parametrize("counts_bytes", [True, False])
def test_byte_counters_of_switch_interfaces_are_zero(counts_bytes):
    rng = Random(1)
    section = WiredInterface("ge-0/0/1.0", rng, counts_bytes=counts_bytes).advance(60.0, rng)
    assert bool(section["rx_bytes"]) is counts_bytes
    assert section["rx_pkts"] > 0


def test_interface_counters_restart_at_zero():
    rng = Random(1)
    interface = WiredInterface("ge-0/0/1.0", rng)
    interface.advance(60.0, rng)
    interface.restart()
    assert interface.advance(0.0, rng)["rx_pkts"] == 0


def test_the_port_of_an_interface_is_the_name_without_unit(wired, org_of):
    ports = wired.ports(org_of(wired))
    assert "ge-0/0/1" in {port["port_id"] for port in ports}
    of_one = [port for port in ports if port["mac"] == wired.macs("switch")[0]]
    assert len({port["port_mac"] for port in of_one}) == len(of_one)


def test_cpu_shares_add_up_to_one_hundred():
    rng, engine = Random(1), RoutingEngine(Random(1))
    for _ in range(100):
        shares = engine.cpu(rng)
        assert shares["user"] + shares["system"] + shares["interrupt"] + shares["idle"] == 100


@pytest.mark.parametrize(("suffix", "keys"), [("", {"cpu_stat", "memory_stat"}), ("2", {"cpu2_stat", "memory2_stat"})])
def test_the_second_node_has_sections_of_its_own(suffix, keys):
    assert set(RoutingEngine(Random(1), suffix=suffix).advance(30.0, 0.0, Random(1))) == keys


def test_dhcp_leases_stay_within_the_pool():
    rng, pools = Random(1), DhcpPools(Random(1), {"corp": 10})
    leased = [pools.advance(30.0, 0.0, rng)["dhcpd_stat"]["corp"]["num_leased"] for _ in range(200)]
    assert (min(leased), max(leased)) == (0, 10)


def test_forwarding_tables_report_usage_and_capacity():
    section = ForwardingTables(Random(1)).advance(30.0, 0.0, Random(1))
    assert section["mac_table_stats"]["mac_table_count"] < section["mac_table_stats"]["max_mac_entries_supported"]
    assert section["arp_table_stats"]["arp_table_count"] < section["arp_table_stats"]["max_entries_supported"]


def test_sensors_and_addresses():
    assert [one["name"] for one in sensors(Random(1), ("CPU", "PFE"), 40.0)] == ["CPU", "PFE"]
    assert addresses("192.0.2.1", "192.0.2.254", key="ip2_stat")["ip2_stat"]["ips"] == {"vlan1": "192.0.2.1/24"}
