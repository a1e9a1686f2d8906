import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import events

PLAN = FleetPlan(
    sites=1, aps=4, clients_per_ap=4, reboots_per_device_day=0, events_per_device_hour=0, site_events_per_hour=120
)
TOPICS = {
    "audits",
    "client-info",
    "client-latency",
    "site-sle",
    "alarms",
    "guest-authorizations",
    "nac-events",
    "nac-accounting",
    "minis-application",
    "minis-reachability",
}


@pytest.fixture(scope="module")
def sent():
    fleet = Fleet(PLAN)
    return fleet.step(fleet.now + 7200)


def test_events_have_many_topics(sent):
    assert {one.topic for one in sent if not hasattr(one, "channel")} >= TOPICS


def test_alarms_are_of_two_groups_and_some_are_updated(sent):
    alarms = events(sent, "alarms")
    assert {alarm["group"] for alarm in alarms} >= {"security", "marvis"}
    assert any(alarm.get("update") for alarm in alarms)


def test_audits_have_unique_ids_and_some_are_of_the_org(sent):
    audits = events(sent, "audits")
    ids = [audit["id"] for audit in audits]
    assert len(set(ids)) == len(ids)
    assert {"site_id" in audit for audit in audits} == {True, False}


def test_accounting_starts_are_in_milliseconds_and_stops_in_seconds(sent):
    for event in events(sent, "nac-accounting"):
        assert (event["timestamp"] > 1e12) is (event["type"] == "NAC_ACCOUNTING_START")


def test_a_removed_site_sends_no_more_events(site_of):
    fleet = Fleet(PLAN)
    site_id = site_of(fleet)
    fleet.remove_site(site_id)
    fleet.step(fleet.now)
    sent = fleet.step(fleet.now + 3600)
    assert sent
    assert not [one for one in sent if one.payload.get("site_id") == site_id]


def test_a_rate_of_zero_sends_no_events():
    quiet = Fleet(FleetPlan(sites=1, aps=0, clients_per_ap=0, site_events_per_hour=0, insights_cadence_s=0))
    assert quiet.step(quiet.now + 7200) == []
