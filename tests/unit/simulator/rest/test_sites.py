async def test_orgs_sites_maps_and_zones_agree_with_the_fleet(cloud, get, org_id, site_id):
    org, _ = await get(f"/orgs/{org_id}")
    sites, _ = await get(f"/orgs/{org_id}/sites")
    site, _ = await get(f"/sites/{site_id}")
    maps, _ = await get(f"/sites/{site_id}/maps")
    zones, _ = await get(f"/sites/{site_id}/zones")
    setting, _ = await get(f"/sites/{site_id}/setting")
    assert org["id"] == org_id
    assert site == sites[0] == cloud.fleet.sites(org_id)[0]
    assert maps == cloud.fleet.maps(site_id)
    assert {zone["map_id"] for zone in zones} == {floor["id"] for floor in maps}
    assert setting["site_id"] == site_id


async def test_the_inventory_has_filters(get, org_id, site_id):
    rows, _ = await get(f"/orgs/{org_id}/inventory", site_id=site_id)
    assert len(rows) == 4
    one, _ = await get(f"/orgs/{org_id}/inventory", mac=rows[0]["mac"])
    assert one == rows[:1]
    assert (await get(f"/orgs/{org_id}/inventory", type="switch"))[0] == []
    assert (await get(f"/orgs/{org_id}/inventory", unassigned="true"))[0] == []


async def test_rssi_zones_have_no_counts(get, site_id):
    (zone,), _ = await get(f"/sites/{site_id}/rssizones")
    assert zone["site_id"] == site_id
    assert not [name for name in zone if name.startswith("num_")]


async def test_an_org_without_gateways_has_no_third_party_devices(get, org_id):
    assert (await get(f"/orgs/{org_id}/otherdevices"))[0] == []
