import pytest

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan

MIXED = FleetPlan(
    sites=2, aps=2, switches=1, gateways=2, ssrs=1, assets=3, unconnected_clients=2, sdkclients=2, discovered_assets=2
)


@pytest.fixture
async def mixed(make_options):
    async with FakeCloud(make_options(plan=MIXED)) as cloud:
        await cloud.advance(120)
        yield cloud


@pytest.fixture
def get_mixed(mixed, session):
    """GET a path with {org} and {site} of the mixed cloud."""
    org_id = mixed.fleet.orgs()[0]["id"]
    ids = {"org": org_id, "site": mixed.fleet.sites(org_id)[0]["id"]}

    async def fetch(path, *, expected=200, **query):
        url = f"{mixed.api_url}/api/v1{path.format(**ids)}"
        async with session.get(url, params=query) as response:
            assert response.status == expected, (await response.text())[:200]
            return await response.json()

    return fetch


async def test_devices_of_an_org_and_a_site(cloud, get, org_id, site_id):
    await cloud.advance(60)
    devices, _ = await get(f"/orgs/{org_id}/stats/devices", type="all")
    assert len(devices) == 12
    assert all(device["type"] == "ap" for device in devices)
    of_site, _ = await get(f"/sites/{site_id}/stats/devices")
    assert of_site == (await get(f"/orgs/{org_id}/stats/devices", site_id=site_id))[0]
    assert (await get(f"/orgs/{org_id}/stats/devices", type="switch"))[0] == []
    await get(f"/orgs/{org_id}/stats/devices", expected=400, type="toaster")


async def test_devices_by_connection_state(cloud, get, org_id):
    mac = cloud.fleet.inventory(org_id)[0]["mac"]
    await cloud.act("disconnect", mac=mac)
    for state, count in (("disconnected", 1), ("connected", 11)):
        rows, _ = await get(f"/orgs/{org_id}/stats/devices?status={state}")
        assert len(rows) == count
        assert (mac in [row["mac"] for row in rows]) is (state == "disconnected")


async def test_the_device_list_of_an_org_omits_sites_without_permission(cloud, get, org_id):
    revoked, *others = [site["id"] for site in cloud.fleet.sites(org_id)]
    await cloud.fault("revoke_site", site_id=revoked)
    devices, _ = await get(f"/orgs/{org_id}/stats/devices?type=all")
    assert {device["site_id"] for device in devices} == set(others)
    await get(f"/sites/{revoked}/stats/devices", expected=403)


async def test_ports_by_type_and_link_state(mixed, get_mixed):
    path = "/orgs/{org}/stats/ports/search"
    for kind in ("switch", "gateway"):
        assert {port["type"] for port in (await get_mixed(path, device_type=kind, limit=1000))["results"]} == {kind}
    total = (await get_mixed(path, device_type="all"))["total"]
    assert total == (await get_mixed(path))["total"] == len(mixed.fleet.ports(mixed.fleet.orgs()[0]["id"]))
    up, down = [(await get_mixed(path, up=value))["total"] for value in ("true", "false")]
    assert up + down == total
    assert 0 < up < total


async def test_zones_have_their_occupancy(cloud, get, site_id):
    await cloud.advance(60)
    zones, _ = await get(f"/sites/{site_id}/stats/zones")
    expected = cloud.fleet.zone_stats(site_id)
    assert [{name: zone[name] for name in row} for zone, row in zip(zones, expected, strict=True)] == expected
    assert sum(zone["num_clients"] for zone in zones) > 0
    assert (await get(f"/sites/{site_id}/stats/zones", map_id="other"))[0] == []


async def test_rssi_zones_have_their_occupancy(cloud, get, site_id):
    (zone,), _ = await get(f"/sites/{site_id}/stats/rssizones")
    assert zone["num_clients"] == cloud.fleet.device_stats(site_id, "ap")[0]["num_clients"]


async def test_counts_of_orgs_and_sites(get, org_id, site_id):
    org, _ = await get(f"/orgs/{org_id}/stats")
    assert (org["num_sites"], org["num_devices"]) == (3, 12)
    site, _ = await get(f"/sites/{site_id}/stats")
    assert site["num_ap"] == 4
    sites, _ = await get(f"/orgs/{org_id}/stats/sites")
    assert sites[0] == site


async def test_clients_of_a_site(cloud, get, site_id):
    await cloud.advance(60)
    clients, _ = await get(f"/sites/{site_id}/stats/clients")
    assert [client["mac"] for client in clients] == [client["mac"] for client in cloud.fleet.client_stats(site_id)]
    assert clients
    assert (await get(f"/sites/{site_id}/stats/clients", wired="true"))[0] == []


async def test_alarms_are_paginated_in_the_order_of_time(cloud, get, org_id, monkeypatch):
    alarms = [{"id": str(n), "timestamp": 1_700_000_000 + n, "type": "device_down", "org_id": org_id} for n in range(3)]
    monkeypatch.setattr(cloud.fleet, "alarms", lambda _: alarms)
    body, _ = await get(f"/orgs/{org_id}/alarms/search", limit=2)
    assert [alarm["id"] for alarm in body["results"]] == ["0", "1"]
    body, _ = await get(body["next"].removeprefix("/api/v1"))
    assert [alarm["id"] for alarm in body["results"]] == ["2"]
    assert (await get(f"/orgs/{org_id}/alarms/search", type="other"))[0]["total"] == 0


async def test_alarms_of_a_site(cloud, get, site_id, monkeypatch):
    alarms = [{"id": str(n), "timestamp": 1.7e9 + n, "site_id": site_id if n else "x"} for n in range(3)]
    monkeypatch.setattr(cloud.fleet, "alarms", lambda _: alarms)
    body, _ = await get(f"/sites/{site_id}/alarms/search")
    assert [alarm["id"] for alarm in body["results"]] == ["1", "2"]


async def test_service_levels_are_ratios_in_numbered_pages(get_mixed):
    path = "/orgs/{org}/insights/sites-sle"
    for service, level in (("wifi", "coverage"), ("wired", "switch-health"), ("wan", "gateway-health")):
        body = await get_mixed(path, sle=service, limit=1, page=2)
        assert (body["total"], body["page"], len(body["results"])) == (2, 2, 1)
        assert 0.8 <= body["results"][0][level] <= 1
    await get_mixed(path, expected=400, sle="lan")


async def test_third_party_devices_are_listed_and_have_statistics(get_mixed):
    listed = await get_mixed("/orgs/{org}/otherdevices")
    assert len(listed) == 3
    assert "uptime" not in listed[0]
    stats = await get_mixed(f"/orgs/{{org}}/stats/otherdevices/{listed[0]['mac']}")
    assert stats["uptime"] > 0
    await get_mixed("/orgs/{org}/stats/otherdevices/003044ffffff", expected=404)


async def test_objects_on_a_map(mixed, get_mixed):
    site_id = mixed.fleet.sites(mixed.fleet.orgs()[0]["id"])[0]["id"]
    for floor in mixed.fleet.maps(site_id):
        path = f"/sites/{{site}}/stats/maps/{floor['id']}"
        for kind in ("unconnected_clients", "sdkclients", "assets", "discovered_assets"):
            assert await get_mixed(f"{path}/{kind}") == mixed.fleet.map_stats(site_id, floor["id"], kind)
        clients = await get_mixed(f"{path}/clients")
        assert {client["map_id"] for client in clients} <= {floor["id"]}
        await get_mixed(f"{path}/ghosts", expected=404)
    await get_mixed("/sites/{site}/stats/maps/none/assets", expected=404)


async def test_the_assets_of_an_org_are_those_of_its_sites(mixed, get_mixed):
    sites = mixed.fleet.sites(mixed.fleet.orgs()[0]["id"])
    of_sites = [asset for site in sites for asset in await get_mixed(f"/sites/{site['id']}/stats/assets")]
    assert await get_mixed("/orgs/{org}/stats/assets") == of_sites != []
