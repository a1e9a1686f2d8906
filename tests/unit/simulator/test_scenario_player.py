from pathlib import Path

import pytest
import yaml

from collector.simulator.cloud import FakeCloud
from collector.simulator.command import name_and_site
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions
from collector.simulator.scenarios import SCENARIOS

RULES = Path(__file__).parents[3] / "deploy/prometheus/rules"
ALERTS = {
    rule["alert"]
    for file in RULES.glob("alerts-*.yml")
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
}
# What no cloud can do to a collector, with what makes it fire instead.
OUT_OF_REACH = {
    "MistCollectorDown": "stop the collector",
    "MistCollectorAbsent": "take the scrape job out of Prometheus",
    "MistCollectorSeriesLimit": "simulate a large fleet, or lower series_limit in the settings",
    "MistCollectorScrapeSlow": "as for MistCollectorSeriesLimit, or let its answers come late",
}


@pytest.fixture
async def cloud():
    plan = FleetPlan(
        sites=2, aps=2, switches=1, virtual_chassis=1, gateways=1, srx_clusters=1, mxedges=1, clients_per_ap=2,
        reboots_per_device_day=0, port_flaps_per_device_day=0, events_per_device_hour=0, site_events_per_hour=0,
    )  # fmt: skip
    async with FakeCloud(CloudOptions(plan=plan, speed=0)) as cloud:
        yield cloud


def connected(cloud, site):
    (org,) = cloud.atlas.orgs()
    site_id = cloud.atlas.sites(org["id"])[site]["id"]
    return {device["mac"]: device["status"] == "connected" for device in cloud.fleet.device_stats(site_id)}


def events(cloud, topic):
    return [one["event"] for one in cloud.ledger.event_list(topic)]


def test_every_alert_has_a_scenario_or_a_way_to_see_it():
    played = {alert for scenario in SCENARIOS.values() for alert in scenario.alerts}
    assert played | OUT_OF_REACH.keys() == ALERTS
    assert played & OUT_OF_REACH.keys() == set()


@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_scenario_begins_and_leaves_nothing_behind(cloud, name):
    tokens = set(cloud.rights.tokens)
    assert cloud.stage.begin(name, 1)["alerts"] == list(SCENARIOS[name].alerts)
    await cloud.advance(30)
    assert [play["name"] for play in cloud.stage.playing()] == [name]
    await cloud.stage.end()
    await cloud.advance(60)
    assert cloud.stage.playing() == []
    assert cloud.fleet.bends.apply("ap", "", "", {"a": 1}, 0) == {"a": 1}
    assert cloud.fleet.bends._all == []
    assert cloud.faults.now_on(cloud.clock.now()) == []
    assert cloud.rights.tokens == tokens
    assert all(connected(cloud, 1).values())


async def test_an_outage_is_of_one_site_and_ends(cloud):
    cloud.stage.begin("site-outage", 1)
    await cloud.advance(10)
    assert not any(connected(cloud, 1).values())
    assert all(connected(cloud, 0).values())
    gone = [event["type"] for event in events(cloud, "device-updowns")]
    assert sorted(set(gone)) == ["AP_DISCONNECTED", "GW_DISCONNECTED", "SW_DISCONNECTED"]
    await cloud.stage.end("site-outage")
    assert all(connected(cloud, 1).values())


async def test_events_are_told_again_and_again_with_what_they_name(cloud):
    cloud.stage.begin("dfs-storm", 1)
    await cloud.advance(45)
    told = events(cloud, "device-events")
    assert len(told) == 4
    assert len({event["timestamp"] for event in told}) == 4
    (org,) = cloud.atlas.orgs()
    assert {event["site_id"] for event in told} == {cloud.atlas.sites(org["id"])[1]["id"]}
    assert {event["ap"] for event in told} <= set(cloud.fleet.macs("ap"))


async def test_the_end_of_an_alarm_is_told(cloud):
    cloud.stage.begin("critical-alarm")
    await cloud.advance(1)
    await cloud.stage.end()
    await cloud.advance(1)
    first, last = events(cloud, "alarms")
    (org,) = cloud.atlas.orgs()
    assert [alarm["status"] for alarm in cloud.fleet.alarms(org["id"])] == ["resolved"]
    assert first["id"] == last["id"]
    assert (first["status"], last["status"]) == ("open", "resolved")


async def test_a_device_that_flaps_is_up_in_the_end(cloud):
    cloud.stage.begin("ap-flapping")
    seen = []
    for _ in range(4):
        await cloud.advance(60)
        seen.append(all(connected(cloud, 0).values()))
    assert sorted(set(seen)) == [False, True]
    await cloud.stage.end()
    await cloud.advance(120)
    assert all(connected(cloud, 0).values())


async def test_what_has_no_name_yet_can_be_played(cloud):
    cloud.stage.begin("mine", steps=[{"do": "bend", "kind": "ap", "device": 0, "set": {"cpu_util": 77}}])
    await cloud.advance(60)
    first, second = cloud.fleet.macs_at(cloud.atlas.sites(cloud.atlas.orgs()[0]["id"])[0]["id"], "ap")
    assert cloud.fleet.truth(first)["state"].get("cpu_util") == 77
    assert cloud.fleet.truth(second)["state"].get("cpu_util") != 77


@pytest.mark.parametrize(
    ("wish", "fault"),
    [
        ({"name": "nothing"}, "unknown scenario 'nothing'"),
        ({"name": "ap-down", "site": 7}, "there is no site 7"),
        ({"name": "mine", "steps": [{"do": "dance"}]}, "a step must do one of bend, cut"),
        ({"name": "mine", "steps": [{"do": "cut", "kind": "toaster"}]}, "needs a toaster"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(cloud, wish, fault):
    with pytest.raises(ValueError, match=fault):
        cloud.stage.begin(**wish)
    assert cloud.stage.playing() == []


async def test_nothing_plays_twice_at_one_site(cloud):
    cloud.stage.begin("ap-down")
    cloud.stage.begin("ap-down", 1)
    with pytest.raises(ValueError, match="plays already"):
        cloud.stage.begin("ap-down")


def test_a_wish_on_the_command_line():
    assert name_and_site("lunch-rush") == ("lunch-rush", 0)
    assert name_and_site("lunch-rush@2") == ("lunch-rush", 2)
    with pytest.raises(ValueError, match="the place of a site"):
        name_and_site("lunch-rush@Berlin")
