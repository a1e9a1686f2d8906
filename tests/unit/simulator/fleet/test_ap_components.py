from itertools import pairwise
from random import Random

import pytest

from collector.simulator.fleet.ap_components import ApCpuAndMemory, ApPorts, ApPower, BleRadio
from collector.simulator.fleet.ap_variants import AP_VARIANTS, ApVariant
from tests.support.fleet import stream_messages


def variant(**changes):
    return ApVariant(model="AP45", radios=(), **changes)


@pytest.mark.parametrize(
    ("cpu", "keys"),
    [
        ("percent", {"cpu_util", "cpu_user", "cpu_system", "mem_total_kb", "mem_used_kb"}),
        ("jiffies", {"cpu_util", "cpu_user", "cpu_system", "mem_total_kb", "mem_used_kb"}),
        ("stat", {"cpu_stat", "memory_stat"}),
    ],
)
def test_the_format_of_the_cpu_load_follows_from_the_variant(cpu, keys):
    rng = Random(1)
    assert set(ApCpuAndMemory(variant(cpu=cpu), rng).advance(30.0, 0.0, rng)) == keys


def test_jiffies_are_counters_that_restart_at_zero():
    rng = Random(1)
    component = ApCpuAndMemory(variant(cpu="jiffies"), rng)
    first, second = (component.advance(30.0, 0.0, rng)["cpu_user"] for _ in range(2))
    assert second > first > 100
    component.restart()
    assert component.advance(0.0, 0.0, rng)["cpu_user"] == 0


@pytest.mark.parametrize(("brief", "expected"), [(True, {"up"}), (False, {"up", "speed", "rx_bytes"})])
def test_brief_ports_have_nothing_but_the_link_state_when_it_is_down(brief, expected):
    rng = Random(1)
    down = ApPorts(variant(ports={"eth1": False}), rng, brief=brief).advance(30.0, 0.0, rng)["port_stat"]["eth1"]
    assert expected <= set(down)
    assert (set(down) == {"up"}) is brief
    assert down["up"] is False


def test_both_formats_of_a_port_without_link_occur_in_a_fleet(quiet):
    sent = stream_messages(quiet.step(quiet.now + 40))
    down = [port for one in sent for port in one.payload.get("port_stat", {}).values() if not port["up"]]
    assert {"up": False} in down
    assert any(port.get("speed") == 0 for port in down)


def test_lldp_reports_the_power_of_the_last_negotiation():
    rng = Random(1)
    power = ApPower(variant(extras=("weak_power",)), "5c5b35000000", rng)
    seen = [power.advance(30.0, 0.0, rng)["lldp_stat"] for _ in range(200)]
    changes = [
        after["power_request_count"] - before["power_request_count"]
        for before, after in pairwise(seen)
        if after["power_draw"] != before["power_draw"]
    ]
    assert changes
    assert set(changes) == {1}


def test_two_uplinks_have_two_lldp_neighbours():
    rng = Random(1)
    two = next(one for one in AP_VARIANTS if "two_uplinks" in one.extras)
    assert set(ApPower(two, "5c5b35000000", rng).advance(30.0, 0.0, rng)["lldp_stats"]) == {"eth0", "eth1"}
    assert "lldp_stats" not in ApPower(variant(), "5c5b35000000", rng).advance(30.0, 0.0, rng)


def test_ble_counters_restart_at_zero():
    rng = Random(1)
    radio = BleRadio(1, "5c5b35000000", rng, beaconing=True)
    assert radio.advance(60.0, 0.0, rng)["ble_stat"]["rx_bytes"] > 0
    radio.restart()
    assert radio.advance(0.0, 0.0, rng)["ble_stat"]["rx_bytes"] == 0
