"""Sharding of sites by a stable hash."""

from __future__ import annotations

import uuid

import pytest

from collector.mist.shard import Shard

EVEN = [str(uuid.UUID(int=number)) for number in (0, 1, 3, 6)]
SITES = [str(uuid.UUID(int=number)) for number in range(2000)]


def test_a_single_shard_owns_everything():
    assert all(Shard().owns(site) for site in SITES)
    assert not Shard()


@pytest.mark.parametrize("count", [2, 3, 4, 16])
def test_every_site_belongs_to_exactly_one_shard_and_shards_are_of_similar_size(count):
    shards = [Shard(index, count) for index in range(count)]
    owners = [[shard.index for shard in shards if shard.owns(site)] for site in SITES]
    assert all(len(found) == 1 for found in owners)
    sizes = [owners.count([index]) for index in range(count)]
    assert min(sizes) > 0.6 * len(SITES) / count


def test_the_hash_is_the_same_in_every_release():
    # a change would move sites between running collectors
    assert [site for site in SITES[:8] if Shard(0, 2).owns(site)] == EVEN
    assert Shard(0, 2).owns(SITES[1].upper()) == Shard(0, 2).owns(SITES[1])


def test_an_object_without_a_site_belongs_to_the_shard_of_its_org():
    shards = [Shard(index, 4) for index in range(4)]
    assert sum(shard.owns("", SITES[5]) for shard in shards) == 1
    assert [shard.owns("", SITES[5]) for shard in shards] == [shard.owns(SITES[5]) for shard in shards]
