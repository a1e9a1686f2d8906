import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import events, frames

ROVING = FleetPlan(
    sites=1,
    aps=4,
    clients_per_ap=5,
    reboots_per_device_day=50,
    events_per_device_hour=0,
    roams_per_client_hour=30,
    sessions_per_client_hour=10,
)


def site_of(fleet):
    return fleet.sites(fleet.orgs()[0]["id"])[0]["id"]


def test_every_associated_client_speaks_on_the_clients_channel_each_cycle(quiet):
    said = frames(quiet.step(quiet.now + 33), kind="client")
    assert {one.channel for one in said} == {f"/sites/{site_of(quiet)}/stats/clients"}
    assert len({one.mac for one in said}) == 20
    assert all(one.payload["_ttl"] == 300 for one in said)
    assert len(quiet.client_stats(site_of(quiet))) == 20


def test_aps_count_the_clients_that_are_on_them():
    fleet = Fleet(ROVING)
    for _ in range(20):
        fleet.step(fleet.now + 120)
        stats = fleet.device_stats(site_of(fleet))
        for ap in stats:
            assert ap["num_clients"] == sum(radio["num_clients"] for radio in ap["radio_stat"].values())
    fleet.step(fleet.now + 31)
    on_air = fleet.site_stats(site_of(fleet))["num_clients"]
    assert 0 < on_air <= 20


def test_a_roam_ends_one_session_and_joins_another_ap_with_counters_from_zero(quiet):
    fleet = Fleet(ROVING)
    said = fleet.step(fleet.now + 3600)
    ended = [event for event in events(said, "client-sessions") if event["termination_reason"] == 3]
    joined = events(said, "client-join")
    assert len(ended) > 20
    for session in ended:
        assert session["next_ap"] not in (session["ap"], "000000000000")
        assert session["duration"] == pytest.approx(session["disconnect_float"] - session["connect_float"], abs=0.01)
        assert any(join["mac"] == session["mac"] and join["ap"] == session["next_ap"]
                   and join["connect"] == session["disconnect"] for join in joined)  # fmt: skip


def test_a_client_that_leaves_comes_again():
    fleet = Fleet(ROVING)
    said = fleet.step(fleet.now + 4 * 3600)
    left = {event["mac"] for event in events(said, "client-sessions") if event["next_ap"] == "000000000000"}
    assert {event["termination_reason"] for event in events(said, "client-sessions")} == {1, 2, 3}
    assert left & {event["mac"] for event in events(said, "client-join")}


def test_clients_of_an_ap_that_falls_silent_go_to_another(quiet):
    mac = quiet.macs()[0]
    quiet.step(quiet.now + 1)
    lost = [event for event in _after_disconnect(quiet, mac) if event["ap"] == mac]
    assert lost
    assert all(event["termination_reason"] == 2 for event in lost)
    quiet.step(quiet.now + 60)
    assert quiet.site_stats(site_of(quiet))["num_clients"] == 20


def _after_disconnect(fleet, mac):
    fleet.disconnect(mac)
    return events(fleet.step(fleet.now), "client-sessions")


def test_some_clients_speak_the_older_dialect_and_some_have_no_place_on_a_map(quiet):
    said = [one.payload for one in frames(quiet.step(quiet.now + 33), kind="client")]
    assert {("tx_packets" in one, "tx_pkts" in one) for one in said} == {(True, False), (False, True)}
    assert {one["map_id"] is None for one in said} == {True, False}


def test_clients_of_a_site_without_aps_wait_until_there_is_one(quiet):
    for mac in quiet.macs():
        quiet.disconnect(mac)
    quiet.step(quiet.now + 120)
    assert quiet.client_stats(site_of(quiet)) == []
    quiet.reconnect(quiet.macs()[0])
    quiet.step(quiet.now + 400)
    assert quiet.client_stats(site_of(quiet))
