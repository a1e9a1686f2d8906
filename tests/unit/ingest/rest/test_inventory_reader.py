"""What a reading of the inventory asks for, and what it takes from the answers."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from collector.errors import Fatal
from collector.ingest.rest.inventory_reader import InventoryReader
from collector.mist.directory import Directory
from collector.mist.sitefilter import SiteFilter
from tests.support.inventory import ACME, Account, bench_of, fill, mac, privileges, single_site
from tests.support.rest_cloud import Reply, RestCloud, rest_of


@pytest.fixture
async def cloud():
    async with RestCloud() as running:
        running.answer("/self", privileges(ACME))
        running.answer("/self/usage", {"requests": 5, "request_limit": 5000})
        yield running


async def test_configured_orgs_are_the_only_ones_read(cloud):
    cloud.answer("/self", privileges(ACME, "org-other"))
    fill(cloud)
    async with bench_of(cloud, Account(orgs=[ACME])) as bench:
        assert await bench.inventory.refresh()
    assert set(bench.directory.orgs) == {ACME}
    assert "/orgs/org-other" not in cloud.paths()


async def test_without_a_filter_devices_in_stock_are_kept(cloud):
    fill(cloud)
    cloud.listing(f"/orgs/{ACME}/inventory", [{"mac": mac(90), "site_id": None}, {"mac": "not a mac"}])
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
    assert bench.directory.devices[mac(90)].site_id == ""
    assert len(bench.directory.devices) == 1


async def test_with_rights_to_single_sites_only_those_are_read(cloud):
    fill(cloud)
    cloud.answer("/self", privileges(ACME, far=single_site(cloud)))
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        assert await bench.backfill.read() == 5
    assert bench.directory.orgs["org-far"].name == "Far"
    assert bench.directory.sites["site-7"].country_code == "DE"
    assert bench.directory.devices[mac(70)].connected is True
    assert not any(path.startswith("/orgs/org-far") for path in cloud.paths())
    backfilled = [entry for entry in bench.handled("device") if entry[1]["org_id"] == "org-far"]
    assert backfilled == [
        ({"mac": mac(70), "type": "ap", "status": "connected", "model": "AP41", "uptime": 9},
         {"org_id": "org-far", "site_id": "site-7"})
    ]  # fmt: skip
    listed = [payload for payload, ids in bench.handled("inventory") if ids["mac"] == mac(70)]
    assert [(entry["model"], entry["connected"]) for entry in listed] == [("AP41", True)]


async def test_a_site_that_fails_affects_no_other(cloud):
    both = {"a": single_site(cloud), "b": single_site(cloud, "site-8")}
    cloud.answer("/self", privileges(**both))
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        cloud.answer("/sites/site-8", Reply(status=403))
        cloud.listing("/sites/site-7/stats/devices", [])
        assert not await bench.inventory.refresh()
    assert set(bench.directory.sites) == {"site-7", "site-8"}
    assert bench.status.inventory_failures == 1


async def test_the_orgs_of_an_msp_are_read(cloud):
    cloud.answer("/self", privileges(ACME, msp={"scope": "msp", "msp_id": "msp-1"}))
    cloud.listing("/msps/msp-1/orgs", [{"id": ACME, "name": "Acme"}, {"id": "org-b", "name": "B"}, {"name": "?"}])
    fill(cloud)
    fill(cloud, "org-b", first=50)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
    assert set(bench.directory.orgs) == {ACME, "org-b"}
    assert cloud.paths().count(f"/orgs/{ACME}") == 1


async def test_an_msp_that_is_refused_is_logged_once_and_no_org_is_removed(cloud):
    cloud.answer("/self", privileges(ACME, msp={"scope": "msp", "msp_id": "msp-1"}))
    cloud.listing("/msps/msp-1/orgs", [{"id": "org-b"}])
    fill(cloud)
    fill(cloud, "org-b", first=50)
    async with bench_of(cloud) as bench:
        await bench.inventory.refresh()
        cloud.answer("/msps/msp-1/orgs", Reply(status=404))
        with capture_logs() as logs:
            assert await bench.inventory.refresh()
            assert await bench.inventory.refresh()
        assert [entry["event"] for entry in logs] == ["inventory_msp_refused"]
        assert set(bench.directory.orgs) == {ACME, "org-b"}
        cloud.answer("/msps/msp-1/orgs", Reply(status=502))
        assert not await bench.inventory.refresh()
        assert set(bench.directory.orgs) == {ACME, "org-b"}


async def test_members_of_virtual_chassis_are_listed_on_request(cloud):
    fill(cloud)
    async with bench_of(cloud, members=True) as bench:
        await bench.inventory.refresh()
    asked = [call.query for call in cloud.calls if call.path.endswith("/inventory")]
    assert asked == [{"vc": "true", "limit": "1000", "page": "1"}]


@pytest.mark.parametrize("path", [f"/orgs/{ACME}", f"/orgs/{ACME}/sites", "/msps/msp-1/orgs"])
async def test_a_rejected_token_ends_the_reading(cloud, path):
    cloud.answer("/self", privileges(ACME, "org-other", msp={"scope": "msp", "msp_id": "msp-1"}))
    cloud.listing("/msps/msp-1/orgs", [])
    fill(cloud)
    cloud.answer(path, Reply(status=401))
    async with rest_of(cloud.url) as rest:
        with pytest.raises(Fatal, match="the token is not accepted"):
            await InventoryReader(rest, orgs=(), sites=SiteFilter()).read(Directory())
    assert cloud.paths()[-1] == path


async def test_the_calls_of_a_reading_are_counted(cloud):
    fill(cloud, sites=1500, devices=1500)
    async with rest_of(cloud.url) as rest:
        reader = InventoryReader(rest, orgs=(), sites=SiteFilter())
        await reader.read(Directory())
        assert reader.calls == len(cloud.calls) == 6


async def test_the_sites_of_a_site_group_are_read_one_by_one(cloud):
    group = {"scope": "sitegroup", "org_id": "org-far", "org_name": "Far", "sitegroup_ids": ["g-1"]}
    cloud.answer("/self", privileges(far=group))
    cloud.listing(
        "/orgs/org-far/sites", [{"id": "site-7", "sitegroup_ids": ["g-1"]}, {"id": "site-8", "sitegroup_ids": ["g-2"]}]
    )
    single_site(cloud)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
    assert set(bench.directory.sites) == {"site-7"}
    assert set(bench.directory.devices) == {mac(70)}
    assert bench.directory.orgs["org-far"].name == "Far"


async def test_a_site_group_whose_sites_cannot_be_listed_keeps_the_known_ones(cloud):
    group = {"scope": "sitegroup", "org_id": "org-far", "sitegroup_ids": ["g-1"]}
    fill(cloud)
    cloud.answer("/self", privileges(ACME, far=group))
    cloud.listing("/orgs/org-far/sites", [{"id": "site-7", "sitegroup_ids": ["g-1"]}])
    single_site(cloud)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
        cloud.answer("/orgs/org-far/sites", Reply(status=502))
        await bench.inventory.refresh()
    assert "site-7" in bench.directory.sites
    assert bench.status.inventory_failures == 1


async def test_of_an_msp_the_orgs_of_the_org_groups_are_read(cloud):
    group = {"scope": "orggroup", "msp_id": "msp-1", "orggroup_ids": ["g-1"]}
    cloud.answer("/self", privileges(msp=group))
    orgs = [{"id": ACME, "orggroup_ids": ["g-1"]}, {"id": "org-b", "orggroup_ids": ["g-2"]}]
    cloud.listing("/msps/msp-1/orgs", orgs)
    fill(cloud)
    async with bench_of(cloud) as bench:
        assert await bench.inventory.refresh()
    assert set(bench.directory.orgs) == {ACME}
