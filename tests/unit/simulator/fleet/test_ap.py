import itertools

import orjson
import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import events, frames, never_said, numbers

COUNTERS = ("rx_bytes", "tx_bytes", "rx_pkts", "tx_pkts", "rx_packets", "tx_packets", "rx_errors", "tx_resets",
            "rx_retries", "tx_retries", "power_request_count")  # fmt: skip


def test_an_ap_says_a_basic_and_a_full_frame_milliseconds_apart_every_cycle(quiet):
    mac = quiet.macs()[0]
    said = frames(quiet.step(quiet.now + 300), mac=mac)
    markers = [("_offset_apbasic" in one.payload, "_offset_apstats" in one.payload) for one in said]
    assert markers == [(True, False), (False, True)] * (len(said) // 2)
    for basic, full in zip(said[::2], said[1::2], strict=True):
        assert 0 < full.at - basic.at < 0.05
        assert set(basic.payload) == {"mac", "name", "uptime", "last_seen", "ip_stat", "ble_stat", "_offset_apbasic"}
        assert full.payload["_time"] == full.payload["last_seen"]
        assert {"model", "radio_stat", "port_stat"} <= set(full.payload)
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(said[::2])]
    assert all(29 < gap < 31 for gap in gaps)


def test_some_aps_name_their_type_and_site_and_most_do_not(quiet):
    full = {one.mac: one.payload for one in frames(quiet.step(quiet.now + 40)) if "radio_stat" in one.payload}
    spelled = [payload for payload in full.values() if "type" in payload]
    assert 0 < len(spelled) < len(full) / 2
    assert all("site_id" in payload for payload in spelled)
    assert not any("site_id" in payload for payload in full.values() if "type" not in payload)


def test_ten_aps_show_every_leaf_that_the_fields_table_knows(quiet):
    said = [one.payload for one in frames(quiet.step(quiet.now + 120))]
    assert never_said("ap", said) == []


def test_every_payload_is_json_and_what_was_said_is_never_changed_later(quiet):
    said = quiet.step(quiet.now + 60)
    before = [orjson.dumps(one.payload) for one in said]
    quiet.step(quiet.now + 600)
    assert [orjson.dumps(one.payload) for one in said] == before


def test_counters_and_uptime_only_grow_while_nothing_restarts(quiet):
    last: dict = {}
    for one in frames(quiet.step(quiet.now + 1200)):
        for path, value in numbers(one.payload, (*COUNTERS, "uptime")).items():
            assert value >= last.get((one.mac, path), 0), (one.mac, path)
            last[one.mac, path] = value
    assert len(last) > 250


def test_a_reboot_is_silence_then_counters_from_zero_and_the_events_of_mist(quiet):
    mac = quiet.macs()[0]
    quiet.step(quiet.now + 60)
    before = quiet.truth(mac)["state"]["radio_stat"]["band_5"]["rx_bytes"]
    began = quiet.now
    quiet.reboot(mac)
    said = quiet.step(began + 89)
    assert frames(said, mac=mac) == []
    assert quiet.device_stats(quiet.truth(mac)["site_id"])[0]["status"] == "disconnected"
    assert [event["type"] for event in events(said, "device-updowns")] == ["AP_DISCONNECTED"]
    said = quiet.step(began + 130)
    assert [event["type"] for event in events(said, "device-updowns")] == ["AP_RESTARTED", "AP_CONNECTED"]
    assert [event["type"] for event in events(said, "device-events")] == ["AP_RESTARTED", "AP_CONNECTED"]
    assert {alarm["type"] for alarm in events(said, "alarms")} >= {"device_restarted", "device_reconnected"}
    full = frames(said, mac=mac)[1].payload
    assert full["radio_stat"]["band_5"]["rx_bytes"] < before
    assert full["uptime"] < 100
    assert quiet.truth(mac)["resets"] == [began + 90]


def test_a_disconnected_ap_is_silent_and_goes_on_counting_after_it_is_back(quiet):
    mac = quiet.macs()[3]
    quiet.step(quiet.now + 60)
    before = numbers(quiet.truth(mac)["state"], COUNTERS)
    quiet.disconnect(mac)
    assert frames(quiet.step(quiet.now + 600), mac=mac) == []
    assert [one["connected"] for one in quiet.inventory(quiet.orgs()[0]["id"]) if one["mac"] == mac] == [False]
    quiet.reconnect(mac)
    assert frames(quiet.step(quiet.now + 31), mac=mac)
    after = numbers(quiet.truth(mac)["state"], COUNTERS)
    assert all(after[path] >= value for path, value in before.items())
    assert quiet.truth(mac)["resets"] == []


def test_a_reboot_of_a_silent_ap_shows_when_it_is_reconnected(quiet):
    mac = quiet.macs()[0]
    quiet.disconnect(mac)
    quiet.reboot(mac)
    assert events(quiet.step(quiet.now + 600), "device-updowns")[1:] == []
    quiet.reconnect(mac)
    assert quiet.truth(mac)["resets"] == [quiet.now]


def test_disabled_radios_say_only_zeros(quiet):
    quiet.step(quiet.now + 40)
    states = [quiet.truth(mac)["state"] for mac in quiet.macs()]
    dead = [
        state["radio_stat"][key]
        for state in states
        for key in state["radio_stat"]
        if state["radio_config"][key]["disabled"]
    ]
    assert len(dead) == 2
    assert all(
        not any(value for name, value in radio.items() if name not in ("mac", "usage", "disabled")) for radio in dead
    )
    assert sorted("disabled" in radio for radio in dead) == [False, True]


def test_radios_work_in_the_band_that_usage_names_whatever_their_key(quiet):
    quiet.step(quiet.now + 40)
    odd = {
        (key, radio["usage"])
        for mac in quiet.macs()
        for key, radio in quiet.truth(mac)["state"]["radio_stat"].items()
        if key != f"band_{radio['usage']}"
    }
    assert odd == {("band_24", "5"), ("band_5", "6")}


def test_ports_that_are_down_are_terse_on_some_aps_and_zero_on_others(quiet):
    said = [one.payload["port_stat"] for one in frames(quiet.step(quiet.now + 40)) if "port_stat" in one.payload]
    down = [port for ports in said for port in ports.values() if not port["up"]]
    assert {"up": False} in down
    assert any(port.get("speed") == 0 for port in down)


def test_a_mesh_relay_and_its_base_name_each_other(quiet):
    quiet.step(quiet.now + 40)
    truths = [quiet.truth(mac) for mac in quiet.macs()]
    base = next(truth for truth in truths if "mesh_downlinks" in truth["state"])
    relay = next(truth for truth in truths if "mesh_uplink" in truth["state"])
    assert list(base["state"]["mesh_downlinks"]) == [relay["id"]]
    assert relay["state"]["mesh_uplink"]["uplink_ap_id"] == base["id"]


def test_radio_resource_management_moves_a_radio_in_event_and_frame_alike():
    fleet = Fleet(FleetPlan(sites=1, aps=10, clients_per_ap=0, events_per_device_hour=30, reboots_per_device_day=0))
    said = fleet.step(fleet.now + 7200)
    moves = [event for event in events(said, "device-events") if event["type"] == "AP_RRM_ACTION"]
    assert moves
    last = {}
    for move in moves:
        last[move["mac"], move["usage"]] = move
    for (mac, _), move in list(last.items()):
        channels = {radio["channel"] for radio in fleet.truth(mac)["state"]["radio_stat"].values()}
        newest = max(event["timestamp"] for event in moves if event["mac"] == mac)
        if newest < fleet.now - 31:
            assert move["channel"] in channels


def test_rest_knows_the_state_before_any_frame_was_spoken(quiet):
    org = quiet.orgs()[0]["id"]
    stats = quiet.device_stats(org)
    assert len(stats) == 10
    assert all(one["last_seen"] < quiet.now and one["status"] == "connected" and one["type"] == "ap" for one in stats)
    assert quiet.truth(stats[0]["mac"])["state"] == {}
    assert quiet.device_stats(org, "switch") == []


@pytest.mark.parametrize("flaps", [0, 200])
def test_ports_flap_as_often_as_the_plan_says(flaps):
    fleet = Fleet(
        FleetPlan(sites=1, aps=2, clients_per_ap=0, port_flaps_per_device_day=flaps, reboots_per_device_day=0)
    )
    states = [
        one.payload["port_stat"]["eth1"]["up"]
        for one in frames(fleet.step(fleet.now + 7200))
        if "port_stat" in one.payload
    ]
    assert (len(set(states)) == 2) is bool(flaps)


def test_an_ap_that_is_renamed_says_so_in_both_frames(quiet):
    mac = quiet.macs()[0]
    quiet.rename_device(mac, "")
    assert {one.payload["name"] for one in frames(quiet.step(quiet.now + 31), mac=mac)} == {""}


def test_one_ap_of_twenty_was_never_given_a_name():
    fleet = Fleet(FleetPlan(sites=2, clients_per_ap=0))
    assert [one["name"] for one in fleet.inventory(fleet.orgs()[0]["id"])].count("") == 1


def test_a_flapping_port_is_told_by_event_and_by_frame():
    fleet = Fleet(FleetPlan(sites=1, aps=2, clients_per_ap=0, port_flaps_per_device_day=100, reboots_per_device_day=0))
    said = fleet.step(fleet.now + 7200)
    flaps = [event for event in events(said, "device-events") if event["type"].startswith("AP_PORT_")]
    last = {(event["mac"], event["port_id"]): event["type"] for event in flaps if event["timestamp"] < fleet.now - 60}
    later = {(event["mac"], event["port_id"]) for event in flaps if event["timestamp"] >= fleet.now - 60}
    assert last
    for (mac, port), happened in last.items():
        if (mac, port) not in later:
            assert fleet.truth(mac)["state"]["port_stat"][port]["up"] is (happened == "AP_PORT_UP")
