import itertools

import orjson
import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import counters, events, missing_leaves, stream_messages

COUNTERS = ("rx_bytes", "tx_bytes", "rx_pkts", "tx_pkts", "rx_packets", "tx_packets", "rx_errors", "tx_resets",
            "rx_retries", "tx_retries", "power_request_count")  # fmt: skip


def test_a_cycle_is_a_basic_frame_followed_by_a_full_frame(quiet):
    mac = quiet.macs()[0]
    sent = stream_messages(quiet.step(quiet.now + 300), mac=mac)
    markers = [("_offset_apbasic" in one.payload, "_offset_apstats" in one.payload) for one in sent]
    assert markers == [(True, False), (False, True)] * (len(sent) // 2)
    for basic, full in zip(sent[::2], sent[1::2], strict=True):
        assert 0 < full.at - basic.at < 0.05
        assert set(basic.payload) == {"mac", "name", "uptime", "last_seen", "ip_stat", "ble_stat", "_offset_apbasic"}
        assert full.payload["_time"] == full.payload["last_seen"]
        assert {"model", "radio_stat", "port_stat"} <= set(full.payload)
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(sent[::2])]
    assert all(29 < gap < 31 for gap in gaps)


def test_only_some_variants_have_explicit_ids(quiet):
    full = {one.mac: one.payload for one in stream_messages(quiet.step(quiet.now + 40)) if "radio_stat" in one.payload}
    explicit = [payload for payload in full.values() if "type" in payload]
    assert 0 < len(explicit) < len(full) / 2
    assert all("site_id" in payload for payload in explicit)
    assert not any("site_id" in payload for payload in full.values() if "type" not in payload)


def test_payloads_are_json_and_are_not_modified_after_they_are_sent(quiet):
    sent = quiet.step(quiet.now + 60)
    before = [orjson.dumps(one.payload) for one in sent]
    quiet.step(quiet.now + 600)
    assert [orjson.dumps(one.payload) for one in sent] == before


def test_counters_and_uptime_do_not_decrease_without_a_restart(quiet):
    last: dict = {}
    for one in stream_messages(quiet.step(quiet.now + 1200)):
        for path, value in counters(one.payload, (*COUNTERS, "uptime")).items():
            assert value >= last.get((one.mac, path), 0), (one.mac, path)
            last[one.mac, path] = value
    assert len(last) > 250


def test_counters_continue_after_a_reconnect(quiet, org_of):
    mac = quiet.macs()[3]
    quiet.step(quiet.now + 60)
    before = counters(quiet.truth(mac)["state"], COUNTERS)
    quiet.disconnect(mac)
    assert stream_messages(quiet.step(quiet.now + 600), mac=mac) == []
    assert [one["connected"] for one in quiet.inventory(org_of(quiet)) if one["mac"] == mac] == [False]
    quiet.reconnect(mac)
    assert stream_messages(quiet.step(quiet.now + 31), mac=mac)
    after = counters(quiet.truth(mac)["state"], COUNTERS)
    assert all(after[path] >= value for path, value in before.items())
    assert quiet.truth(mac)["resets"] == []


def test_mesh_base_and_relay_reference_each_other(quiet):
    quiet.step(quiet.now + 40)
    truths = [quiet.truth(mac) for mac in quiet.macs()]
    base = next(truth for truth in truths if "mesh_downlinks" in truth["state"])
    relay = next(truth for truth in truths if "mesh_uplink" in truth["state"])
    assert list(base["state"]["mesh_downlinks"]) == [relay["id"]]
    assert relay["state"]["mesh_uplink"]["uplink_ap_id"] == base["id"]


def test_rest_has_the_state_of_an_ap_that_has_not_sent_a_frame(quiet, org_of):
    stats = quiet.device_stats(org_of(quiet))
    assert len(stats) == 10
    assert all(one["last_seen"] < quiet.now and one["status"] == "connected" and one["type"] == "ap" for one in stats)
    assert quiet.truth(stats[0]["mac"])["state"] == {}
    assert quiet.device_stats(org_of(quiet), "switch") == []


@pytest.mark.parametrize("flaps", [0, 200])
def test_ports_flap_at_the_rate_of_the_plan(flaps):
    fleet = Fleet(
        FleetPlan(sites=1, aps=2, clients_per_ap=0, port_flaps_per_device_day=flaps, reboots_per_device_day=0)
    )
    states = [
        one.payload["port_stat"]["eth1"]["up"]
        for one in stream_messages(fleet.step(fleet.now + 7200))
        if "port_stat" in one.payload
    ]
    assert (len(set(states)) == 2) is bool(flaps)


def test_port_events_agree_with_frames():
    fleet = Fleet(FleetPlan(sites=1, aps=2, clients_per_ap=0, port_flaps_per_device_day=100, reboots_per_device_day=0))
    sent = fleet.step(fleet.now + 7200)
    flaps = [event for event in events(sent, "device-events") if event["type"].startswith("AP_PORT_")]
    last = {(event["mac"], event["port_id"]): event["type"] for event in flaps if event["timestamp"] < fleet.now - 60}
    later = {(event["mac"], event["port_id"]) for event in flaps if event["timestamp"] >= fleet.now - 60}
    assert last
    for (mac, port), event_type in last.items():
        if (mac, port) not in later:
            assert fleet.truth(mac)["state"]["port_stat"][port]["up"] is (event_type == "AP_PORT_UP")


def test_both_frames_have_the_new_name_of_a_renamed_ap(quiet):
    mac = quiet.macs()[0]
    quiet.rename_device(mac, "")
    sent = stream_messages(quiet.step(quiet.now + 31), mac=mac)
    assert {one.payload["name"] for one in sent} == {""}


def test_one_ap_of_twenty_has_no_name(org_of):
    fleet = Fleet(FleetPlan(sites=2, clients_per_ap=0))
    assert [one["name"] for one in fleet.inventory(org_of(fleet))].count("") == 1


def test_a_running_firmware_update_is_reported_on_the_channel_of_device_changes(quiet, site_of):
    sent = stream_messages(quiet.step(quiet.now + 1200), "change")
    assert {one.channel for one in sent} == {f"/sites/{site_of(quiet)}/devices"}
    assert all(one.payload["event_type"] == "fwupdate" and one.payload["detail"]["progress"] < 100 for one in sent)


def test_clients_of_a_disconnected_ap_are_released(quiet):
    mac = quiet.macs()[0]
    quiet.step(quiet.now + 1)
    quiet.disconnect(mac)
    state = next(one for one in quiet.device_stats(quiet.orgs()[0]["id"]) if one["mac"] == mac)
    assert state["status"] == "disconnected"
    assert mac not in {client["ap_mac"] for client in quiet.client_stats(quiet.truth(mac)["site_id"])}
    quiet.step(quiet.now + 60)
    assert mac not in {client["ap_mac"] for client in quiet.client_stats(quiet.truth(mac)["site_id"])}


def test_ten_aps_have_every_leaf_of_the_table(quiet):
    sent = [one.payload for one in stream_messages(quiet.step(quiet.now + 120))]
    assert missing_leaves("ap", sent) == []
