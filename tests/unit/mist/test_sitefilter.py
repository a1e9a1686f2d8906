"""Which sites an account collects."""

import uuid

import pytest

from collector.mist.directory import Site
from collector.mist.shard import Shard
from collector.mist.sitefilter import SiteFilter


@pytest.mark.parametrize(
    ("include", "exclude", "admitted"),
    [
        ((), (), {"HQ", "Lab", "Store [1]", "Store [2]"}),
        (("store*",), (), {"Store [1]", "Store [2]"}),
        (("Store [1]", "h?"), (), {"Store [1]", "HQ"}),
        (("ID-LAB",), (), {"Lab"}),
        ((), ("id-lab", "store*"), {"HQ"}),
        (("*",), ("HQ",), {"Lab", "Store [1]", "Store [2]"}),
        (("nowhere",), (), set()),
    ],
)
def test_sites_are_selected_by_name_or_id(include, exclude, admitted):
    sites = [Site(f"id-{name.lower()}", "org-1", name) for name in ("HQ", "Lab", "Store [1]", "Store [2]")]
    site_filter = SiteFilter(include, exclude)
    assert {site.name for site in sites if site_filter.admits(site)} == admitted
    assert bool(site_filter) == bool(include or exclude)


def test_only_the_sites_of_the_shard_are_admitted():
    sites = [str(uuid.UUID(int=number)) for number in range(20)]
    shard = Shard(0, 2)
    site_filter = SiteFilter(exclude=("Lab*",), shard=shard)
    assert site_filter
    assert [site for site in sites if site_filter.admits(Site(site, "o", "HQ"))] == list(filter(shard.owns, sites))
    assert not any(site_filter.admits(Site(site, "o", "Lab 1")) for site in sites)
