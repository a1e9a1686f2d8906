import pytest

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan


@pytest.fixture
async def cloud(make_options):
    plan = FleetPlan(sites=2, aps=2, gateways=2, ssrs=1, mxedges=2, reboots_per_device_day=0)
    async with FakeCloud(make_options(plan=plan)) as cloud:
        await cloud.advance(120)
        yield cloud


@pytest.mark.parametrize("rows", ["bgp_peers", "vpn_peers", "wan_tunnels"])
async def test_peers_and_tunnels_are_those_of_the_gateways(cloud, get, org_id, site_id, rows):
    path, query = ("tunnels", {"type": "wan"}) if rows == "wan_tunnels" else (rows, {})
    expected = getattr(cloud.fleet, rows)(org_id)
    found, _ = await get(f"/orgs/{org_id}/stats/{path}/search", **query)
    assert sorted(map(str, found["results"])) == sorted(map(str, expected))
    of_site = [row for row in expected if row["site_id"] == site_id]
    filtered, _ = await get(f"/orgs/{org_id}/stats/{path}/search", **query, site_id=site_id)
    assert filtered["total"] == len(of_site) > 0


async def test_bgp_peers_of_a_site(cloud, get, site_id):
    found, _ = await get(f"/sites/{site_id}/stats/bgp_peers/search")
    assert found["total"] == len(cloud.fleet.bgp_peers(site_id)) > 0


async def test_tunnels_are_by_default_those_of_mist_edges(cloud, get, org_id):
    path = f"/orgs/{org_id}/stats/tunnels/search"
    tunnels = (await get(path))[0]["results"]
    assert {tunnel["ap"] for tunnel in tunnels} == set(cloud.fleet.macs("ap"))
    assert {tunnel["mxedge_id"] for tunnel in tunnels} <= {edge["id"] for edge in cloud.fleet.mxedge_stats()}
    await cloud.advance(600)
    later = {tunnel["ap"]: tunnel for tunnel in (await get(path))[0]["results"]}
    assert all(later[tunnel["ap"]]["rx_control_pkts"] > tunnel["rx_control_pkts"] for tunnel in tunnels)


async def test_another_type_of_tunnel_is_400(get, org_id):
    await get(f"/orgs/{org_id}/stats/tunnels/search", expected=400, type="water")


async def test_rows_have_unique_keys_across_pages(get, org_id):
    first, _ = await get(f"/orgs/{org_id}/stats/tunnels/search", limit=3)
    second, _ = await get(first["next"].removeprefix("/api/v1"))
    keys = [(row["mxtunnel_id"], row["mxedge_id"], row["ap"]) for row in first["results"] + second["results"]]
    assert (len(keys), len(set(keys)), "next" in second) == (4, 4, False)
