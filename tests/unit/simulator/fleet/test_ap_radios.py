from random import Random

from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.fleet.ap_radios import ApRadios
from collector.simulator.fleet.ap_variants import AP_VARIANTS
from tests.support.fleet import events


def test_totals_are_the_sums_of_the_radios():
    rng = Random(1)
    radios = ApRadios(AP_VARIANTS[0].radios, "5c5b35000000", rng)
    section = radios.advance(60.0, 0.0, rng)
    for name in ("rx_bytes", "tx_pkts", "num_clients"):
        assert section[name] == sum(radio[name] for radio in section["radio_stat"].values())
    assert section["rx_bytes"] > 0
    radios.restart()
    assert radios.advance(0.0, 60.0, rng)["rx_bytes"] == 0


def test_radios_have_their_own_bssid_ranges():
    radios = ApRadios(AP_VARIANTS[0].radios, "5c5b35000000", Random(1))
    assert [radio.mac for radio in radios.all] == ["5c5b35000010", "5c5b35000020", "5c5b35000030"]


def test_disabled_radios_have_only_zeros(quiet):
    quiet.step(quiet.now + 40)
    states = [quiet.truth(mac)["state"] for mac in quiet.macs()]
    disabled = [
        state["radio_stat"][key]
        for state in states
        for key in state["radio_stat"]
        if state["radio_config"][key]["disabled"]
    ]
    assert len(disabled) == 2
    for radio in disabled:
        assert not any(value for name, value in radio.items() if name not in ("mac", "usage", "disabled"))
    assert sorted("disabled" in radio for radio in disabled) == [False, True]


def test_usage_can_differ_from_the_key_of_a_radio(quiet):
    quiet.step(quiet.now + 40)
    differing = {
        (key, radio["usage"])
        for mac in quiet.macs()
        for key, radio in quiet.truth(mac)["state"]["radio_stat"].items()
        if key != f"band_{radio['usage']}"
    }
    assert differing == {("band_24", "5"), ("band_5", "6")}


def test_an_rrm_event_agrees_with_the_channel_in_frames():
    fleet = Fleet(FleetPlan(sites=1, aps=10, clients_per_ap=0, events_per_device_hour=30, reboots_per_device_day=0))
    sent = fleet.step(fleet.now + 7200)
    moves = [event for event in events(sent, "device-events") if event["type"] == "AP_RRM_ACTION"]
    last = {(move["mac"], move["usage"]): move for move in moves}
    checked = 0
    for (mac, _), move in last.items():
        newest = max(event["timestamp"] for event in moves if event["mac"] == mac)
        if newest < fleet.now - 31:
            channels = {radio["channel"] for radio in fleet.truth(mac)["state"]["radio_stat"].values()}
            assert move["channel"] in channels
            checked += 1
    assert checked
