from __future__ import annotations

import uuid

import pytest

from collector.mist.directory import Site
from collector.mist.shard import Shard
from collector.mist.sitefilter import SiteFilter

EVEN = [str(uuid.UUID(int=number)) for number in (0, 1, 3, 6)]
SITES = [str(uuid.UUID(int=number)) for number in range(2000)]


def test_one_of_one_owns_everything():
    assert all(Shard().owns(site) for site in SITES)
    assert not Shard()


@pytest.mark.parametrize("count", [2, 3, 4, 16])
def test_every_site_belongs_to_exactly_one_shard_and_the_parts_are_alike(count):
    shards = [Shard(index, count) for index in range(count)]
    owners = [[shard.index for shard in shards if shard.owns(site)] for site in SITES]
    assert all(len(found) == 1 for found in owners)
    sizes = [owners.count([index]) for index in range(count)]
    assert min(sizes) > 0.6 * len(SITES) / count


def test_the_hash_is_the_one_of_every_release():
    # a change of these would move sites between collectors in operation
    assert [site for site in SITES[:8] if Shard(0, 2).owns(site)] == EVEN
    assert Shard(0, 2).owns(SITES[1].upper()) == Shard(0, 2).owns(SITES[1])


def test_what_has_no_site_belongs_to_the_shard_of_its_org():
    shards = [Shard(index, 4) for index in range(4)]
    assert sum(shard.owns("", SITES[5]) for shard in shards) == 1
    assert [shard.owns("", SITES[5]) for shard in shards] == [shard.owns(SITES[5]) for shard in shards]


def test_a_site_filter_watches_only_its_shard():
    watched = SiteFilter(exclude=("Lab*",), shard=Shard(0, 2))
    own = next(site for site in SITES if Shard(0, 2).owns(site))
    foreign = next(site for site in SITES if not Shard(0, 2).owns(site))
    assert watched
    assert watched.admits(Site(own, "o", "HQ"))
    assert not watched.admits(Site(own, "o", "Lab 1"))
    assert not watched.admits(Site(foreign, "o", "HQ"))
