import pytest

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions
from collector.simulator.scenarios import SCENARIOS


@pytest.fixture
async def cloud():
    plan = FleetPlan(
        sites=2, aps=2, switches=1, virtual_chassis=1, gateways=1, srx_clusters=1, mxedges=1, clients_per_ap=2,
        reboots_per_device_day=0, port_flaps_per_device_day=0, events_per_device_hour=0, site_events_per_hour=0,
    )  # fmt: skip
    async with FakeCloud(CloudOptions(plan=plan, speed=0)) as cloud:
        yield cloud


def site_ids(cloud):
    (org,) = cloud.fleet.orgs()
    return [site["id"] for site in cloud.fleet.sites(org["id"])]


def connected(cloud, site):
    stats = cloud.fleet.device_stats(site_ids(cloud)[site])
    return {device["mac"]: device["status"] == "connected" for device in stats}


def events(cloud, topic):
    return [one["event"] for one in cloud.ledger.event_list(topic)]


@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_scenario_starts_and_is_reverted_when_it_ends(cloud, name):
    tokens = set(cloud.permissions.tokens)
    assert cloud.scenarios.start(name, 1)["alerts"] == list(SCENARIOS[name].alerts)
    await cloud.advance(30)
    assert [running["name"] for running in cloud.scenarios.running()] == [name]
    await cloud.scenarios.end()
    await cloud.advance(60)
    assert cloud.scenarios.running() == []
    assert cloud.fleet.overrides._active == []
    assert cloud.fault_injector.active() == []
    assert cloud.permissions.tokens == tokens
    assert all(connected(cloud, 1).values())


async def test_an_outage_affects_one_site_until_it_ends(cloud):
    cloud.scenarios.start("site-outage", 1)
    await cloud.advance(10)
    assert not any(connected(cloud, 1).values())
    assert all(connected(cloud, 0).values())
    types = {event["type"] for event in events(cloud, "device-updowns")}
    assert types == {"AP_DISCONNECTED", "GW_DISCONNECTED", "SW_DISCONNECTED"}
    await cloud.scenarios.end("site-outage")
    assert all(connected(cloud, 1).values())


async def test_repeated_events_have_the_ids_of_the_site_and_new_timestamps(cloud):
    cloud.scenarios.start("dfs-storm", 1)
    await cloud.advance(45)
    sent = events(cloud, "device-events")
    assert len(sent) == 4
    assert len({event["timestamp"] for event in sent}) == 4
    assert {event["site_id"] for event in sent} == {site_ids(cloud)[1]}
    assert {event["ap"] for event in sent} <= set(cloud.fleet.macs("ap"))


async def test_the_final_event_resolves_an_alarm(cloud):
    cloud.scenarios.start("critical-alarm")
    await cloud.advance(1)
    await cloud.scenarios.end()
    await cloud.advance(1)
    first, last = events(cloud, "alarms")
    assert first["id"] == last["id"]
    assert (first["status"], last["status"]) == ("open", "resolved")
    (org,) = cloud.fleet.orgs()
    assert [alarm["status"] for alarm in cloud.fleet.alarms(org["id"])] == ["resolved"]


async def test_a_flapping_device_is_connected_when_the_scenario_ends(cloud):
    cloud.scenarios.start("ap-flapping")
    states = []
    for _ in range(4):
        await cloud.advance(60)
        states.append(all(connected(cloud, 0).values()))
    assert set(states) == {False, True}
    await cloud.scenarios.end()
    await cloud.advance(120)
    assert all(connected(cloud, 0).values())


async def test_steps_can_be_a_new_scenario(cloud):
    steps = [{"action": "override", "kind": "ap", "device": 0, "set": {"cpu_util": 77}}]
    cloud.scenarios.start("mine", steps=steps)
    await cloud.advance(60)
    first, second = cloud.fleet.macs_at(site_ids(cloud)[0], "ap")
    assert cloud.fleet.truth(first)["state"].get("cpu_util") == 77
    assert cloud.fleet.truth(second)["state"].get("cpu_util") != 77


async def test_an_override_with_a_duration_ends_before_the_scenario(cloud):
    steps = [{"action": "override", "kind": "ap", "set": {"num_wlans": 77}, "for_s": 60}]
    cloud.scenarios.start("mine", steps=steps)
    (first, *_) = cloud.fleet.macs_at(site_ids(cloud)[0], "ap")
    seen = []
    for _ in range(2):
        await cloud.advance(50)
        seen.append(cloud.fleet.truth(first)["state"]["num_wlans"])
    assert seen == [77, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "nothing"}, "unknown scenario 'nothing'"),
        ({"name": "ap-down", "site": 7}, "unknown site 7"),
        ({"name": "mine", "steps": [{"action": "dance"}]}, "the action of a step must be one of override, disconnect"),
        ({"name": "mine", "steps": [{"action": "disconnect", "kind": "toaster"}]}, "requires a device of kind toaster"),
    ],
)
async def test_an_invalid_scenario_is_a_value_error(cloud, arguments, message):
    with pytest.raises(ValueError, match=message):
        cloud.scenarios.start(**arguments)
    assert cloud.scenarios.running() == []


async def test_a_scenario_runs_once_per_site(cloud):
    cloud.scenarios.start("ap-down")
    cloud.scenarios.start("ap-down", 1)
    with pytest.raises(ValueError, match="already running"):
        cloud.scenarios.start("ap-down")
