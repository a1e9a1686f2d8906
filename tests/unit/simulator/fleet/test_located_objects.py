from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import events, missing_leaves, stream_messages

PLAN = {
    "sites": 1,
    "aps": 4,
    "clients_per_ap": 4,
    "unconnected_clients": 4,
    "sdkclients": 3,
    "assets": 3,
    "discovered_assets": 4,
    "reboots_per_device_day": 0,
    "events_per_device_hour": 0,
    "site_events_per_hour": 0,
}


def test_every_kind_has_its_channel_and_its_fields(site_of):
    fleet = Fleet(FleetPlan(**PLAN, location_cadence_s=5))
    sent = stream_messages(fleet.step(fleet.now + 11), "map")
    map_id = fleet.maps(site_of(fleet))[0]["id"]
    prefix = f"/sites/{site_of(fleet)}/stats/maps/{map_id}/"
    fields = {one.channel.removeprefix(prefix): set(one.payload) for one in sent}
    assert fields == {
        "clients": {"mac", "map_id", "x", "y", "num_locating_aps"},
        "unconnected_clients": {
            "mac",
            "ap_mac",
            "map_id",
            "x",
            "y",
            "rssi",
            "manufacture",
            "last_seen",
            "num_locating_aps",
        },
        "sdkclients": {"id", "uuid", "name", "map_id", "last_seen", "x", "y"},
        "assets": {"mac", "x", "y", "last_seen"},
        "discovered_assets": {"mac", "map_id", "x", "y", "manufacture", "last_seen"},
    }
    assert len(fleet.map_stats(site_of(fleet), map_id, "unconnected_clients")) == 4


def test_a_cadence_of_zero_sends_no_positions():
    fleet = Fleet(FleetPlan(**PLAN, location_cadence_s=0))
    sent = fleet.step(fleet.now + 120)
    assert stream_messages(sent, "map") == events(sent, "zone") == []


def test_objects_leave_and_return(site_of):
    fleet = Fleet(FleetPlan(**PLAN, location_cadence_s=5))
    present = []
    for _ in range(120):
        fleet.step(fleet.now + 60)
        present.append(len(fleet.asset_stats(site_of(fleet))))
    assert min(present) < max(present) == 3


def test_asset_stats_have_every_leaf_of_the_table_other_than_rssi_zones(site_of):
    fleet = Fleet(FleetPlan(**PLAN, location_cadence_s=5))
    assets = []
    for _ in range(20):
        fleet.step(fleet.now + 60)
        assets += fleet.asset_stats(site_of(fleet))
    assert missing_leaves("asset", assets) == ["rssizones[*].id", "rssizones[*].since"]
