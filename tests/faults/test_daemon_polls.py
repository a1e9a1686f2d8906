"""What only REST knows, through the whole daemon: asked, exported, missed, given up, and shown."""

import pytest

from collector.mist.polls import POLLS
from collector.simulator.fleet import FleetPlan
from tests.support.house import keeping_house

MIXED = FleetPlan(
    sites=2,
    aps=2,
    switches=1,
    gateways=2,
    mxedges=1,
    clients_per_ap=1,
    reboots_per_device_day=0.0,
    site_events_per_hour=600,
)
# A kind of object, and a family that only its poll can have brought.
TOLD = {
    "ports": "mist_switch_port_receive_bytes_total",
    "wan_tunnels": "mist_wan_tunnel_up",
    "bgp_peers": "mist_bgp_peer_up",
    "sle_wifi": "mist_site_sle_last_hour_ratio",
}


@pytest.fixture
async def house(tmp_path):
    async with keeping_house(tmp_path, plan=MIXED, polls=True) as house:
        await house.cloud.advance(60)
        yield house


def poll(house, name):
    return next(status for status in house.daemon.polls if status.poll == name)


async def rounds(house, name, count):
    def done():
        return poll(house, name).good + poll(house, name).failed >= count

    await house.until(done, step_s=10.0)


async def first_rounds(house):
    assert house.daemon.polls
    await house.until(lambda: all(one.good + one.failed for one in house.daemon.polls), step_s=1.0)


async def test_every_poll_that_is_switched_on_goes_round(house):
    await first_rounds(house)
    assert {one.poll for one in house.daemon.polls} == {one.name for one in POLLS if not one.for_location} - {"assets"}
    assert {one.poll: one.reason for one in house.daemon.polls if one.state != "good"} == {}
    for one in house.daemon.polls:
        assert one.books.received == one.books.applied + sum(one.books.dropped.values())
    samples = await house.samples()
    assert {name: family for name, family in TOLD.items() if not any(key[0] == family for key in samples)} == {}
    assert all(code.endswith(" 200") for code in house.cloud.ledger.calls)


async def test_ports_say_what_the_fleet_says(house):
    await rounds(house, "ports", 1)
    (org,) = house.cloud.fleet.orgs()
    ports = [port for port in house.cloud.fleet.ports(org["id"]) if port["type"] == "switch"]
    told = {
        (dict(labels)["mac"], dict(labels)["port_id"]): value
        for (name, labels), value in (await house.samples()).items()
        if name == "mist_switch_port_receive_bytes_total"
    }
    assert told == {(port["mac"], port["port_id"]): port["rx_bytes"] for port in ports}


@pytest.mark.fault(
    "REST",
    "A poll is rejected with 403",
    held="Its series survive one failed round and then end. They return when the poll succeeds again.",
)
async def test_a_poll_that_fails_keeps_its_series_for_a_period_then_drops_them(house, fault):
    await first_rounds(house)
    (org,) = house.cloud.fleet.orgs()
    await house.cloud.fault("rest_status", path=f"/api/v1/orgs/{org['id']}/insights/sites-sle", status=403)

    async def levels():
        return sum(key[0] == TOLD["sle_wifi"] and ("service", "wifi") in key[1] for key in await house.samples())

    before = await levels()
    assert before > 0
    await rounds(house, "sle_wifi", 2)
    status = poll(house, "sle_wifi")
    assert (status.state, status.period_s) == ("failed", 900)
    assert await levels() == before
    await house.pass_time(1.8 * 900, step_s=30.0)
    assert await levels() == 0
    _, page = await house.get("/")
    assert "no right to read" in page
    await house.cloud.heal()
    await rounds(house, "sle_wifi", status.failed + 2)
    assert status.state == "good"
    assert await levels() == before
    fault.told(await house.samples(), "mist_collector_poll_rounds_total", poll="sle_wifi", outcome="failed")


async def test_the_collector_tells_of_its_polls(house):
    await first_rounds(house)
    samples = {
        name: value
        for (name, labels), value in (await house.samples()).items()
        if ("poll", "ports") in labels and name.startswith("mist_collector_poll_")
    }
    assert samples["mist_collector_poll_period_seconds"] == 300
    assert samples["mist_collector_poll_left_out"] == 0
    assert samples["mist_collector_poll_objects"] == samples["mist_collector_poll_objects_received_total"] > 0
    assert samples["mist_collector_poll_last_success_timestamp_seconds"] == pytest.approx(house.clock.time(), abs=600)


async def test_a_scrape_asks_the_cloud_nothing(house):
    await first_rounds(house)
    await house.settled()
    calls = dict(house.cloud.ledger.calls)
    await house.samples()
    await house.get("/")
    assert dict(house.cloud.ledger.calls) == calls
