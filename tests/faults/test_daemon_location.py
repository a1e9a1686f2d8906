"""Floors through the whole daemon: maps followed, zones counted, against the simulator's truth; and nobody by name.

The default is a lunch rush and an evacuation in three buildings with ten floors and sixty zones, some concave, some
overlapping. With MIST_FULL_DAY=1 it is a whole day of 5,000 people (a minute or two):

    MIST_FULL_DAY=1 python -m pytest tests/faults/test_daemon_location.py -k day
"""

import logging
import os
import re
from dataclasses import replace

import pytest

from collector.simulator.fleet import FleetPlan
from tests.support import samples
from tests.support.house import keeping_house

HOUR_S = 3600.0
MIDNIGHT = 1_767_225_600.0
FULL = bool(os.environ.get("MIST_FULL_DAY"))
KINDS = ("clients", "unconnected_clients", "sdkclients", "assets", "discovered_assets")
OFF = (
    "alarms", "silent_devices", "ports", "wan_tunnels", "vpn_peers", "bgp_peers", "mxedges", "mxtunnels", "org_stats",
    "site_stats", "sle", "other_devices", "zones", "rssizones",
)  # fmt: skip
POLLS = dict.fromkeys(OFF, False)
OFFICES = FleetPlan(
    sites=3,
    office_floors=10,
    walkers=1667 if FULL else 40,
    aps=1,
    clients_per_ap=0,
    location_cadence_s=300.0 if FULL else 30.0,
    start=MIDNIGHT if FULL else MIDNIGHT + 11.2 * HOUR_S,
    reboots_per_device_day=0,
    events_per_device_hour=0,
    site_events_per_hour=0,
    insights_cadence_s=0,
    cadence_s=3600,
)
ABSENT_S = 400.0 if FULL else 90.0
SLICE_S = 60.0 if FULL else 10.0


def sections(**location):
    return {
        "streams": {"devices": False, "device_events": False, "location": dict.fromkeys(KINDS, True)},
        "polls": POLLS,
        "location": {"absent_after_s": ABSENT_S} | location,
    }


@pytest.fixture
async def house(tmp_path):
    async with keeping_house(tmp_path, plan=OFFICES, polls=True, sections=sections()) as house:
        await followed(house)
        yield house


async def followed(house):
    """Every map of every site has its channels."""
    fleet = house.cloud.fleet
    maps = [one["id"] for site in house.sites for one in fleet.maps(site)]
    await house.until(lambda: len(house.states()) == len(maps) * len(KINDS), step_s=1.0)
    await house.until(lambda: sum(len(floor.zones) for floor in house.daemon.location.floors.values()) == 6 * len(maps))
    await house.settled()


async def live(house, seconds):
    for _ in range(round(seconds / SLICE_S)):
        await house.cloud.advance(SLICE_S)
        await house.caught_up()
        await house.clock.advance(SLICE_S)


def of_zones(told, family):
    """A family of zones: {(zone, kind): value}, zeros left out."""
    return {key: value for key, value in samples.by_label(told, family, "zone_id", "kind").items() if value}


def true_zones(house, what):
    zones = house.cloud.fleet.floor_truth()["zones"]
    return {
        (zone, kind): visits[what] for zone, kinds in zones.items() for kind, visits in kinds.items() if visits[what]
    }


def true_maps(house, since):
    maps = house.cloud.fleet.floor_truth(since)["maps"]
    return {(map_id, kind): count for map_id, kinds in maps.items() for kind, count in kinds.items()}


async def agree(house):
    """What /metrics tells of zones and maps is the truth; who went is believed on maps for a while."""
    told = await house.samples()
    occupants = of_zones(told, "mist_zone_occupants")
    assert occupants == true_zones(house, "inside")
    enters, exits = of_zones(told, "mist_zone_enters_total"), of_zones(told, "mist_zone_exits_total")
    assert enters == true_zones(house, "enters")
    assert {key: count - exits.get(key, 0) for key, count in enters.items() if count != exits.get(key, 0)} == occupants
    now = house.cloud.time.now()
    # frames of a turn arrive at its beginning by the daemon's clock, and sweeps are 15 seconds apart
    fewest, most = true_maps(house, now - ABSENT_S + SLICE_S), true_maps(house, now - ABSENT_S - SLICE_S - 30)
    for key, count in samples.by_label(told, "mist_map_entities", "map_id", "kind").items():
        assert fewest.get(key, 0) <= count <= most.get(key, 0), key
    return told


def dwelt(told):
    """Seconds of all stays that ended, by kind."""
    sums = {}
    for (_, kind), value in of_zones(told, "mist_zone_dwell_seconds_sum").items():
        sums[kind] = sums.get(kind, 0.0) + value
    return sums


def truly_dwelt(house):
    sums = {}
    for (_, kind), value in true_zones(house, "stayed_s").items():
        sums[kind] = sums.get(kind, 0.0) + value
    return sums


async def test_a_day_agrees_with_the_truth(house):
    for part in range(24 if FULL else 6):
        if not FULL and part == 1:
            assert house.cloud.fleet.lunch_rush(house.sites[0])
        if part == (15 if FULL else 3):
            assert house.cloud.fleet.evacuate(house.sites[1])
        await live(house, HOUR_S if FULL else 600.0)
        told = await agree(house)
    assert sum(house.daemon.frames.dropped.values()) == 0
    ours, true = dwelt(told), truly_dwelt(house)
    assert ours.keys() == true.keys() == {"client", "unconnected_client", "sdkclient", "asset", "discovered_asset"}
    for kind, seconds in true.items():
        assert ours[kind] == pytest.approx(seconds, rel=0.01 if FULL else 0.02), kind


async def test_a_cloud_that_repeats_itself_changes_nothing(house):
    """Every frame of those who tell the time is sent once more, late."""
    await live(house, 300.0)
    before = {key: value for key, value in (await agree(house)).items() if key[0].startswith("mist_zone_")}
    for channel, frames in list(house.cloud.ledger.frames.items()):
        if "/maps/" in channel and not channel.endswith("/clients"):
            for records in frames.values():
                for record in records.values():
                    house.cloud.stream.publish(channel, house.cloud.frames.encode(channel, record.payload))
    after = await agree(house)
    assert {key: value for key, value in after.items() if key[0].startswith("mist_zone_")} == before


async def test_channels_follow_maps_that_go(house):
    fleet, site_id = house.cloud.fleet, house.sites[0]
    await live(house, 60.0)
    gone = fleet._sites[site_id].maps.pop()
    assert any(gone.id in channel for channel in house.states())
    await house.until(lambda: not any(gone.id in channel for channel in house.states()), step_s=30.0)
    told = {name for name, _ in samples.having(await house.samples(), map_id=gone.id)}
    assert not told & {"mist_map_entities", "mist_map_positions_received_total", "mist_zone_occupants"}
    fleet._sites[site_id].maps.append(gone)
    await house.until(lambda: sum(gone.id in channel for channel in house.states()) == len(KINDS), step_s=30.0)


async def test_a_building_at_night_is_no_fault(house):
    await house.pass_time(1800, step_s=30.0)
    assert house.disconnects() == {}


async def test_a_site_that_goes_takes_its_floors_with_it(house):
    site_id = house.sites[2]
    await live(house, 60.0)
    house.cloud.fleet.remove_site(site_id)
    await house.until(lambda: not any(site_id in channel for channel in house.states()), step_s=60.0)
    assert not samples.having(samples.named(await house.samples(), "mist_map_", "mist_zone_"), site_id=site_id)


async def test_without_a_stream_of_positions_no_map_is_asked_for(tmp_path):
    plan = replace(OFFICES, walkers=0)
    async with keeping_house(tmp_path, plan=plan, polls=True, sections={"polls": POLLS}) as house:
        await house.settled()
        await house.pass_time(30)
        assert {"maps", "zone_definitions", "rssizones"}.isdisjoint(status.poll for status in house.daemon.polls)
        assert not [path for path in house.cloud.ledger.calls if path.endswith("/maps")]
        assert house.daemon.location.maps() == set()


async def test_nobody_is_told_by_name(tmp_path, caplog, capfd):
    """No address and no name of anybody on a floor: not on /metrics, not on the status page, not in the log."""
    caplog.set_level(logging.DEBUG)
    plan = replace(OFFICES, walkers=60, assets=5, sdkclients=5, unconnected_clients=5, discovered_assets=5)
    everything = sections(heat_grid={"cell_m": 5}, webhook_positions=True)
    async with keeping_house(tmp_path, plan=plan, polls=True, sections=everything) as house:
        await followed(house)
        await house.cloud.malformed.send(20, channel=next(iter(house.states())))
        await live(house, 300.0)
        fleet = house.cloud.fleet
        people = [one for site in house.sites for one in fleet._located[site] if one.last_payload]
        assert len(people) > 150
        secrets = {one.mac for one in people if one.mac} | {one._id for one in people}
        secrets |= {one.last_payload["name"] for one in people if "name" in one.last_payload}
        pages = [(await house.get(path))[1] for path in ("/metrics", "/", "/-/ready", "/-/healthy")]
        views = [repr(house.daemon.location.view(map_id)) for _, map_id in house.daemon.location.maps()]
        assert "mist_map_heat_entities" in pages[0]
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("collector.simulator")]
    told = "\n".join([*pages, *views, *logged, *capfd.readouterr()]).lower()
    found = {secret for secret in secrets if secret.lower() in told}
    assert found == set()
    written = set(re.findall(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", told))
    assert not {address.translate(str.maketrans("", "", ":-")) for address in written} & secrets
