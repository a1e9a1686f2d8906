import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.fleet.device import merge
from tests.support.fleet import events, stream_messages


def test_merge_keeps_leaves_that_a_frame_lacks_and_replaces_lists():
    state, frame = {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 1}, {"a": {"x": 9}, "b": [3], "c": {"d": 1}}
    merge(state, frame)
    assert state == {"a": {"x": 9, "y": 2}, "b": [3], "c": {"d": 1}}
    state["c"]["d"] = 5
    assert frame["c"] == {"d": 1}


def test_a_reboot_is_a_disconnect_then_counters_from_zero(quiet):
    mac = quiet.macs()[0]
    quiet.step(quiet.now + 60)
    before = quiet.truth(mac)["state"]["radio_stat"]["band_5"]["rx_bytes"]
    started = quiet.now
    quiet.reboot(mac)
    sent = quiet.step(started + 89)
    assert stream_messages(sent, mac=mac) == []
    assert quiet.device_stats(quiet.truth(mac)["site_id"])[0]["status"] == "disconnected"
    assert [event["type"] for event in events(sent, "device-updowns")] == ["AP_DISCONNECTED"]
    sent = quiet.step(started + 130)
    assert [event["type"] for event in events(sent, "device-updowns")] == ["AP_RESTARTED", "AP_CONNECTED"]
    full = stream_messages(sent, mac=mac)[1].payload
    assert full["radio_stat"]["band_5"]["rx_bytes"] < before
    assert full["uptime"] < 100
    assert quiet.truth(mac)["resets"] == [started + 90]


def test_a_disconnected_device_restarts_when_it_is_reconnected(quiet):
    mac = quiet.macs()[0]
    quiet.disconnect(mac)
    quiet.reboot(mac)
    assert events(quiet.step(quiet.now + 600), "device-updowns")[1:] == []
    quiet.reconnect(mac)
    assert quiet.truth(mac)["resets"] == [quiet.now]


def test_disconnect_and_reconnect_are_idempotent(quiet):
    mac = quiet.macs()[0]
    for action in (quiet.reconnect, quiet.disconnect, quiet.disconnect, quiet.reconnect, quiet.reconnect):
        action(mac)
    types = [event["type"] for event in events(quiet.step(quiet.now), "device-updowns")]
    assert types == ["AP_DISCONNECTED", "AP_CONNECTED"]


def test_the_true_state_is_the_merge_of_all_frames():
    fleet = Fleet(FleetPlan(sites=2, aps=4, clients_per_ap=3, reboots_per_device_day=100))
    merged = {mac: {} for mac in fleet.macs()}
    for one in stream_messages(fleet.step(fleet.now + 1800)):
        merge(merged[one.mac], one.payload)
    assert {mac: fleet.truth(mac)["state"] for mac in merged} == merged
    assert any(fleet.truth(mac)["resets"] for mac in merged)


def test_frames_are_counted(wired):
    sent = stream_messages(wired.step(wired.now + 300), None)
    for mac in wired.macs():
        assert wired.truth(mac)["frames"] == len([one for one in sent if one.mac == mac]) > 5


@pytest.mark.parametrize("kind", ["switch", "gateway"])
def test_a_renamed_device_has_its_new_name_in_frames_and_inventory(wired, org_of, kind):
    mac = wired.macs(kind)[0]
    wired.rename_device(mac, "new name")
    wired.step(wired.now + 40)
    assert wired.truth(mac)["state"]["name"] == "new name"
    assert next(one["name"] for one in wired.inventory(org_of(wired)) if one["mac"] == mac) == "new name"
