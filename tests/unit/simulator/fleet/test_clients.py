import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import events, stream_messages

ROAMING = FleetPlan(
    sites=1,
    aps=4,
    clients_per_ap=5,
    reboots_per_device_day=50,
    events_per_device_hour=0,
    roams_per_client_hour=30,
    sessions_per_client_hour=10,
)


def test_every_associated_client_reports_in_every_cycle(quiet, site_of):
    sent = stream_messages(quiet.step(quiet.now + 33), kind="client")
    assert {one.channel for one in sent} == {f"/sites/{site_of(quiet)}/stats/clients"}
    assert len({one.mac for one in sent}) == 20
    assert len(quiet.client_stats(site_of(quiet))) == 20


def test_aps_count_their_clients(site_of):
    fleet = Fleet(ROAMING)
    for _ in range(20):
        fleet.step(fleet.now + 120)
        for ap in fleet.device_stats(site_of(fleet)):
            assert ap["num_clients"] == sum(radio["num_clients"] for radio in ap["radio_stat"].values())
    fleet.step(fleet.now + 31)
    associated = fleet.site_stats(site_of(fleet))["num_clients"]
    assert 0 < associated <= 20


def test_a_roam_ends_a_session_and_starts_another_at_the_next_ap():
    fleet = Fleet(ROAMING)
    sent = fleet.step(fleet.now + 3600)
    ended = [event for event in events(sent, "client-sessions") if event["termination_reason"] == 3]
    joined = events(sent, "client-join")
    assert len(ended) > 20
    for session in ended:
        assert session["next_ap"] not in (session["ap"], "000000000000")
        assert session["duration"] == pytest.approx(session["disconnect_float"] - session["connect_float"], abs=0.01)
        assert any(
            join["mac"] == session["mac"]
            and join["ap"] == session["next_ap"]
            and join["connect"] == session["disconnect"]
            for join in joined
        )


def test_a_client_that_leaves_joins_again():
    fleet = Fleet(ROAMING)
    sent = fleet.step(fleet.now + 4 * 3600)
    left = {event["mac"] for event in events(sent, "client-sessions") if event["next_ap"] == "000000000000"}
    assert {event["termination_reason"] for event in events(sent, "client-sessions")} == {1, 2, 3}
    assert left & {event["mac"] for event in events(sent, "client-join")}


def test_clients_of_a_disconnected_ap_join_another(quiet, site_of):
    mac = quiet.macs()[0]
    quiet.step(quiet.now + 1)
    quiet.disconnect(mac)
    ended = [event for event in events(quiet.step(quiet.now), "client-sessions") if event["ap"] == mac]
    assert ended
    assert all(event["termination_reason"] == 2 for event in ended)
    quiet.step(quiet.now + 60)
    assert quiet.site_stats(site_of(quiet))["num_clients"] == 20


def test_clients_retry_until_an_ap_is_connected(quiet, site_of):
    for mac in quiet.macs():
        quiet.disconnect(mac)
    quiet.step(quiet.now + 120)
    assert quiet.client_stats(site_of(quiet)) == []
    quiet.reconnect(quiet.macs()[0])
    quiet.step(quiet.now + 400)
    assert quiet.client_stats(site_of(quiet))


def test_counters_restart_at_zero_with_an_association():
    fleet = Fleet(ROAMING)
    for one in stream_messages(fleet.step(fleet.now + 3600), kind="client"):
        payload = one.payload
        bytes_per_s = payload["tx_bytes"] / max(payload["uptime"], 1)
        assert bytes_per_s < 2 * 8e4, "more traffic than an association of this length can have"
