import itertools

import orjson

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import counters, events, missing_leaves, stream_messages

COUNTERS = ("rx_bytes", "tx_bytes", "rx_pkts", "tx_pkts", "rx_errors")

# Leaves of other kinds of device, or of REST objects that the stream does not carry.
GATEWAY_ONLY = {
    "address_mode",
    "nat_addresses[*]",
    "network_name",
    "port_usage",
    "redundancy_state",
    "wan_name",
    "wan_type",
} | {f"servp_info.{name}" for name in ("asn", "city", "country_code", "latitude", "longitude", "org", "region_code")}
REST_ONLY = {"created_time", "modified_time"}
OTHER_MODELS = {"optics_cpld_version", "power_cpld_version", "re_fpga_version", "tmc_fpga_version"}


def payloads_of(fleet, mac, seconds):
    return [one.payload for one in stream_messages(fleet.step(fleet.now + seconds), "switch", mac)]


def test_most_frames_are_cached_and_some_are_fresh(wired):
    sent = payloads_of(wired, wired.macs("switch")[0], 900)
    fresh = [payload for payload in sent if "_time" in payload]
    cached = [payload for payload in sent if "_time" not in payload]
    assert len(fresh) * 3 < len(cached)
    assert {payload["_ttl"] for payload in fresh} == {190}
    assert {payload["_ttl"] for payload in cached} == {600}
    assert all(payload["last_seen"] - payload["_time"] > 7000 for payload in fresh)


def test_interface_counters_of_cached_frames_are_frozen_and_other_fields_are_not(wired):
    sent = payloads_of(wired, wired.macs("switch")[0], 900)
    cached = [payload for payload in sent if "_time" not in payload]
    assert len({orjson.dumps(payload["if_stat"]) for payload in cached}) == 1
    assert len({payload["last_seen"] for payload in cached}) == len(cached)
    assert len({orjson.dumps(payload["cpu_stat"]) for payload in cached}) > 1
    decreases = [
        path
        for before, after in itertools.pairwise(sent)
        for path, value in counters(before["if_stat"], ("rx_pkts",)).items()
        if counters(after["if_stat"], ("rx_pkts",))[path] < value
    ]
    assert decreases, "a client that ignores the markers would count resets"


def test_the_true_state_has_the_interfaces_of_fresh_frames_only(wired):
    mac = wired.macs("switch")[1]
    sent = payloads_of(wired, mac, 600)
    state = wired.truth(mac)["state"]
    last_fresh = [payload for payload in sent if "_time" in payload][-1]
    assert state["if_stat"] == last_fresh["if_stat"]
    assert state["last_seen"] == sent[-1]["last_seen"] > last_fresh["last_seen"]


def test_fresh_counters_grow_and_restart_at_zero_after_a_reboot(wired):
    mac = wired.macs("switch")[0]
    last: dict = {}
    for payload in payloads_of(wired, mac, 1800):
        if "_time" in payload:
            for path, value in counters(payload["if_stat"], COUNTERS).items():
                assert value >= last.get(path, 0)
                last[path] = value
    wired.reboot(mac)
    first = payloads_of(wired, mac, 125)[0]
    assert "_time" in first
    after = counters(first["if_stat"], COUNTERS)
    assert sum(after.values()) < sum(last.values()) / 100
    assert all(member["uptime"] < 100 for member in first.get("module_stat", []))


def test_if_stat_counts_packets_but_not_bytes(wired, org_of):
    wired.step(wired.now + 60)
    stat = wired.truth(wired.macs("switch")[0])["state"]["if_stat"]
    assert not any(unit["rx_bytes"] or unit["tx_bytes"] for unit in stat.values())
    assert any(unit["rx_pkts"] for unit in stat.values())
    ports = [port for port in wired.ports(org_of(wired)) if port["type"] == "switch"]
    assert any(port["rx_bytes"] for port in ports)


def test_a_virtual_chassis_is_one_device_with_linked_members(wired, org_of):
    wired.step(wired.now + 60)
    states = [wired.truth(mac)["state"] for mac in wired.macs("switch")]
    chassis = [state for state in states if "vc_mac" in state]
    assert sorted(len(state["module_stat"]) for state in chassis) == [2, 3]
    for state in chassis:
        roles = [member["vc_role"] for member in state["module_stat"]]
        assert roles[:2] == ["master", "backup"]
        assert all(member["vc_links"] for member in state["module_stat"])
        assert any(key.startswith("ge-1/") for key in state["if_stat"])
    listed = wired.inventory(org_of(wired), members=True)
    assert len([one for one in listed if one.get("vc_mac")]) == 5
    assert len({one["mac"] for one in listed}) == len(listed)


def test_some_standalone_switches_have_no_modules(wired):
    wired.step(wired.now + 60)
    assert any("module_stat" not in wired.truth(mac)["state"] for mac in wired.macs("switch"))


def test_port_events_agree_with_the_port_search(org_of):
    fleet = Fleet(
        FleetPlan(
            sites=1,
            aps=0,
            switches=4,
            clients_per_ap=0,
            reboots_per_device_day=0,
            port_flaps_per_device_day=200,
            events_per_device_hour=0,
        )
    )
    flaps = events(fleet.step(fleet.now + 7200), "device-events")
    assert {event["type"] for event in flaps} == {"SW_PORT_UP", "SW_PORT_DOWN"}
    last = {(event["mac"], event["port_id"]): event["type"].endswith("UP") for event in flaps}
    ports = {(port["mac"], port["port_id"]): port["up"] for port in fleet.ports(org_of(fleet))}
    assert all(ports[key] == up for key, up in last.items())


def test_switches_have_every_leaf_of_the_table_that_applies_to_them(wired):
    sent = [one.payload for one in stream_messages(wired.step(wired.now + 200), "switch")]
    missing = {path.rpartition("}.")[2].rpartition("[*].")[2] for path in missing_leaves("switch", sent)}
    assert missing == GATEWAY_ONLY | REST_ONLY | OTHER_MODELS
