"""Which channels are wanted, for what there is."""

import pytest

from collector.mist.directory import Directory, Org, Site
from collector.mist.shard import Shard
from collector.mist.wanted import wanted

MAPS = {("s1", "m2"), ("s1", "m1"), ("elsewhere", "m3")}


@pytest.fixture
def directory():
    directory = Directory()
    directory.replace([Org("o1")], [Site("s1", "o1"), Site("s2", "o1")], [])
    return directory


def paths(directory, maps=MAPS, **switches):
    return list(wanted(switches, directory, Shard(), maps))


def test_nothing_is_wanted_that_is_not_switched_on(directory):
    assert paths(directory, devices=False, location={"clients": False}) == []


def test_a_channel_for_each_site_and_org(directory):
    assert paths(directory, devices=True, org_insights=True) == [
        "/sites/s1/stats/devices",
        "/sites/s2/stats/devices",
        "/orgs/o1/insights/summary",
    ]


@pytest.mark.parametrize("odd", ["", "a b", "../stats", "a/b", "{site_id}", "x" * 65, "é"])
def test_what_no_path_can_hold_is_left_out_and_the_rest_is_wanted(odd):
    directory = Directory()
    directory.replace([Org("o1"), Org(odd)], [Site("s1", "o1"), Site(odd, "o1")], [])
    found = paths(directory, {("s1", odd), ("s1", "m1")}, devices=True, org_insights=True, location={"clients": True})
    assert found == ["/sites/s1/stats/devices", "/orgs/o1/insights/summary", "/sites/s1/stats/maps/m1/clients"]


def test_a_channel_for_each_map_and_kind_of_known_sites(directory):
    assert paths(directory, location={"clients": True, "assets": True, "sdkclients": False}) == [
        "/sites/s1/stats/maps/m1/clients",
        "/sites/s1/stats/maps/m2/clients",
        "/sites/s1/stats/maps/m1/assets",
        "/sites/s1/stats/maps/m2/assets",
    ]
