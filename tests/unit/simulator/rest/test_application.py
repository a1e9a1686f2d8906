"""What only REST knows, as the fake cloud answers it."""

import pytest

from collector.mist.polls import POLLS, TYPE_LISTS, Per, types_in
from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan

V1 = "/api/v1"
MIXED = FleetPlan(
    sites=2,
    aps=2,
    switches=1,
    gateways=2,
    ssrs=1,
    mxedges=2,
    assets=3,
    unconnected_clients=2,
    sdkclients=2,
    site_events_per_hour=900,
)


@pytest.fixture
async def cloud(make_options):
    async with FakeCloud(make_options(plan=MIXED)) as cloud:
        await cloud.advance(120)
        yield cloud


@pytest.fixture
def get(cloud, session):
    async def fetch(path, *, expected=200, **query):
        async with session.get(cloud.api_url + V1 + path, params=query) as answer:
            assert answer.status == expected, (await answer.text())[:200]
            return await answer.json()

    return fetch


@pytest.fixture
def ids(cloud):
    org_id = cloud.fleet.orgs()[0]["id"]
    return {"org_id": org_id, "site_id": cloud.fleet.sites(org_id)[0]["id"]}


def rows_of(body):
    if isinstance(body, dict) and "results" in body:
        return body["results"]
    return body if isinstance(body, list) else [body]


@pytest.mark.parametrize("poll", POLLS, ids=lambda poll: poll.name)
async def test_every_poll_has_an_answer(cloud, get, ids, poll):
    for mac in cloud.fleet.macs("switch"):
        cloud.fleet.disconnect(mac)
    await cloud.advance(10)
    query = {key: str(value).lower() if isinstance(value, bool) else value for key, value in poll.query.items()}
    for path in {poll.path, poll.site_path} - {""}:
        rows = rows_of(await get(path.format(**ids), **query))
        assert rows
        assert all(isinstance(row, dict) for row in rows)
    if poll.detail:
        for row in rows_of(await get(poll.path.format(**ids), **query)):
            assert (await get(poll.detail.format(mac=row["mac"], **ids)))["mac"] == row["mac"]


@pytest.mark.parametrize("one", TYPE_LISTS, ids=lambda one: one.path)
async def test_every_list_of_words_has_some(get, one):
    assert len(types_in(await get(one.path))) > 5


async def test_peers_and_tunnels_are_those_of_the_gateways(cloud, get, ids):
    base = f"/orgs/{ids['org_id']}/stats"
    for path, rows in (
        ("/bgp_peers/search", cloud.fleet.bgp_peers(ids["org_id"])),
        ("/vpn_peers/search", cloud.fleet.vpn_peers(ids["org_id"])),
        ("/tunnels/search?type=wan", cloud.fleet.wan_tunnels(ids["org_id"])),
    ):
        found = (await get(base + path))["results"]
        assert sorted(map(str, found)) == sorted(map(str, rows))
        of_site = [row for row in rows if row["site_id"] == ids["site_id"]]
        joint = "&" if "?" in path else "?"
        assert (await get(f"{base}{path}{joint}site_id={ids['site_id']}"))["total"] == len(of_site)
    await get(base + "/tunnels/search", expected=400, type="water")


async def test_tunnels_are_those_of_mist_edges_unless_told_otherwise(cloud, get, ids):
    path = f"/orgs/{ids['org_id']}/stats/tunnels/search"
    tunnels = (await get(path))["results"]
    assert {tunnel["ap"] for tunnel in tunnels} == set(cloud.fleet.macs("ap"))
    assert {tunnel["mxedge_id"] for tunnel in tunnels} == {edge["id"] for edge in cloud.fleet.mxedge_stats()}
    await cloud.advance(600)
    later = {tunnel["ap"]: tunnel for tunnel in (await get(path))["results"]}
    assert sum(later[t["ap"]]["rx_control_pkts"] - t["rx_control_pkts"] for t in tunnels) > 0


async def test_a_search_cuts_tunnels_into_pages(get, ids):
    path = f"/orgs/{ids['org_id']}/stats/tunnels/search"
    first = await get(path, limit=3)
    second = await get(first["next"].removeprefix(V1))
    keys = [(row["mxtunnel_id"], row["mxedge_id"], row["ap"]) for row in first["results"] + second["results"]]
    assert (len(keys), len(set(keys)), "next" in second) == (4, 4, False)


async def test_ports_by_the_type_of_their_device(get, ids):
    path = f"/orgs/{ids['org_id']}/stats/ports/search"
    for kind in ("switch", "gateway"):
        assert {port["type"] for port in (await get(path, device_type=kind, limit=1000))["results"]} == {kind}
    every = await get(path, device_type="all")
    assert every["total"] == (await get(path))["total"]


async def test_service_levels_are_ratios_that_count_their_own_pages(get, ids):
    path = f"/orgs/{ids['org_id']}/insights/sites-sle"
    for service, level in (("wifi", "coverage"), ("wired", "switch-health"), ("wan", "gateway-health")):
        body = await get(path, sle=service, limit=1, page=2)
        assert (body["total"], body["page"], len(body["results"])) == (2, 2, 1)
        assert 0.8 <= body["results"][0][level] <= 1
    await get(path, expected=400, sle="lan")


async def test_third_party_devices(get, ids):
    listed = await get(f"/orgs/{ids['org_id']}/otherdevices")
    assert len(listed) == 3
    assert "uptime" not in listed[0]
    measured = await get(f"/orgs/{ids['org_id']}/stats/otherdevices/{listed[0]['mac']}")
    assert measured["uptime"] > 0
    await get(f"/orgs/{ids['org_id']}/stats/otherdevices/003044ffffff", expected=404)


async def test_who_is_located_on_a_map(cloud, get, ids):
    site_id = ids["site_id"]
    for floor in cloud.fleet.maps(site_id):
        for kind in ("unconnected_clients", "sdkclients", "assets", "discovered_assets"):
            found = await get(f"/sites/{site_id}/stats/maps/{floor['id']}/{kind}")
            assert found == cloud.fleet.map_stats(site_id, floor["id"], kind)
        clients = await get(f"/sites/{site_id}/stats/maps/{floor['id']}/clients")
        assert {client["map_id"] for client in clients} <= {floor["id"]}
    await get(f"/sites/{site_id}/stats/maps/{floor['id']}/ghosts", expected=404)
    await get(f"/sites/{site_id}/stats/maps/none/assets", expected=404)


async def test_assets_of_an_org_are_those_of_its_sites(cloud, get, ids):
    every = await get(f"/orgs/{ids['org_id']}/stats/assets")
    of_sites = [
        asset for site in cloud.fleet.sites(ids["org_id"]) for asset in await get(f"/sites/{site['id']}/stats/assets")
    ]
    assert every == of_sites != []


async def test_alarms_of_a_site_are_its_own(cloud, get, ids, monkeypatch):
    alarms = [{"id": str(n), "timestamp": 1.7e9 + n, "site_id": ids["site_id"] if n else "x"} for n in range(3)]
    monkeypatch.setattr(cloud.fleet, "alarms", lambda _: alarms)
    body = await get(f"/sites/{ids['site_id']}/alarms/search")
    assert [alarm["id"] for alarm in body["results"]] == ["1", "2"]


def test_site_polls_are_of_sites():
    assert {poll.name for poll in POLLS if poll.per is Per.SITE} == {"maps", "zone_definitions", "zones", "rssizones"}
