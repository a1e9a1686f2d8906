import pytest

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from tests.support.clock import ManualClock

V1 = "/api/v1"


@pytest.fixture
def get(cloud, session):
    async def fetch(path, *, status=200, **query):
        async with session.get(cloud.api_url + V1 + path, params=query) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(), answer.headers

    return fetch


@pytest.fixture
def org_id(cloud):
    return cloud.fleet.orgs()[0]["id"]


@pytest.fixture
def site_id(cloud, org_id):
    return cloud.fleet.sites(org_id)[0]["id"]


async def test_self_lists_the_orgs_as_privileges(cloud, get):
    body, _ = await get("/self")
    assert [p["org_id"] for p in body["privileges"]] == [org["id"] for org in cloud.fleet.orgs()]
    assert {p["scope"] for p in body["privileges"]} == {"org"}


async def test_usage_counts_the_calls(get):
    await get("/self")
    body, _ = await get("/self/usage")
    assert body["requests"] == 2
    assert body["request_limit"] == 5000
    assert 1 <= body["seconds"] <= 3600


@pytest.mark.parametrize("header", [{}, {"Authorization": "Token no"}, {"Authorization": "Bearer sim-token"}])
async def test_a_wrong_token_is_401_with_a_detail(cloud, session, header):
    async with session.get(cloud.api_url + V1 + "/self", headers={"Authorization": ""} | header) as answer:
        assert answer.status == 401
        assert "detail" in await answer.json()


async def test_an_org_without_rights_is_403_and_missing_from_self(cloud, get, org_id, site_id):
    cloud.rights.denied.add(org_id)
    body, _ = await get("/self")
    assert len(body["privileges"]) == 1
    for path in (f"/orgs/{org_id}", f"/sites/{site_id}/maps", f"/orgs/{org_id}/webhooks"):
        body, _ = await get(path, status=403)
        assert body == {"detail": "permission denied"}


@pytest.mark.parametrize("path", ["/nowhere", "/orgs/x", "/orgs/x/sites", "/sites/x", "/sites/x/zones", "/const/cats"])
async def test_what_does_not_exist_is_404_with_a_detail(get, path):
    body, _ = await get(path, status=404)
    assert body["detail"].casefold() == "not found."


async def test_a_list_is_paged_by_headers(cloud, get, org_id):
    whole = [device["mac"] for device in cloud.fleet.inventory(org_id)]
    collected, page = [], 1
    while True:
        rows, headers = await get(f"/orgs/{org_id}/inventory", limit=5, page=page)
        assert headers["X-Page-Total"] == "12"
        assert (headers["X-Page-Limit"], headers["X-Page-Page"]) == ("5", str(page))
        if not rows:
            break
        collected += [row["mac"] for row in rows]
        page += 1
    assert collected == whole


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": "x"}, {"page": 0}, {"page": -1}, {"limit": "1.5"}])
async def test_a_page_that_cannot_be_is_400(get, org_id, query):
    body, _ = await get(f"/orgs/{org_id}/sites", status=400, **query)
    assert "whole number" in body["detail"]


async def test_a_limit_over_the_maximum_is_cut_down(get, org_id):
    _, headers = await get(f"/orgs/{org_id}/sites", limit=100_000)
    assert headers["X-Page-Limit"] == "1000"


async def test_org_site_maps_and_zones_agree_with_the_fleet(cloud, get, org_id, site_id):
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


async def test_inventory_filters(cloud, get, org_id, site_id):
    rows, _ = await get(f"/orgs/{org_id}/inventory", site_id=site_id)
    assert len(rows) == 4
    one, _ = await get(f"/orgs/{org_id}/inventory", mac=rows[0]["mac"])
    assert one == rows[:1]
    assert (await get(f"/orgs/{org_id}/inventory", type="switch"))[0] == []
    assert (await get(f"/orgs/{org_id}/inventory", unassigned="true"))[0] == []


async def test_device_stats_of_org_and_site(cloud, get, org_id, site_id):
    await cloud.advance(60)
    devices, _ = await get(f"/orgs/{org_id}/stats/devices", type="all")
    assert len(devices) == 12
    assert all(device["type"] == "ap" for device in devices)
    here, _ = await get(f"/sites/{site_id}/stats/devices")
    assert here == (await get(f"/orgs/{org_id}/stats/devices", site_id=site_id))[0]
    assert (await get(f"/orgs/{org_id}/stats/devices", type="switch"))[0] == []
    await get(f"/orgs/{org_id}/stats/devices", status=400, type="toaster")


async def test_device_stats_by_status(cloud, get, org_id, site_id):
    mac = cloud.fleet.inventory(org_id)[0]["mac"]
    await cloud.act("disconnect", mac=mac)
    down = await with_state(get, org_id, "disconnected")
    up = await with_state(get, org_id, "connected")
    assert down == [mac]
    assert len(up) == 11


async def with_state(get, org_id, state):
    rows, _ = await get(f"/orgs/{org_id}/stats/devices?status={state}")
    return [row["mac"] for row in rows]


async def test_zone_stats_count_who_is_in_them(cloud, get, site_id):
    await cloud.advance(60)
    zones, _ = await get(f"/sites/{site_id}/stats/zones")
    counted = cloud.fleet.zone_stats(site_id)
    assert [{name: zone[name] for name in known} for zone, known in zip(zones, counted, strict=True)] == counted
    assert sum(zone["num_clients"] for zone in zones) > 0
    assert all(zone["clients_waits"]["min"] <= zone["clients_waits"]["max"] for zone in zones)
    assert (await get(f"/sites/{site_id}/stats/zones", map_id="other"))[0] == []


async def test_counts_of_org_and_site(get, org_id, site_id):
    org, _ = await get(f"/orgs/{org_id}/stats")
    assert (org["num_sites"], org["num_devices"]) == (3, 12)
    site, _ = await get(f"/sites/{site_id}/stats")
    assert site["num_ap"] == 4
    sites, _ = await get(f"/orgs/{org_id}/stats/sites")
    assert sites[0] == site


async def test_clients_of_a_site(cloud, get, site_id):
    await cloud.advance(60)
    clients, _ = await get(f"/sites/{site_id}/stats/clients")
    assert [client["mac"] for client in clients] == [c["mac"] for c in cloud.fleet.client_stats(site_id)]
    assert (await get(f"/sites/{site_id}/stats/clients", wired="true"))[0] == []


async def test_a_search_is_followed_by_next(cloud, get, org_id, monkeypatch):
    ports = [{"mac": f"{mac:012x}", "port_id": f"ge-0/0/{port}", "up": port > 1} for mac in (9, 3) for port in range(4)]
    monkeypatch.setattr(cloud.fleet, "ports", lambda _: ports)
    body, _ = await get(f"/orgs/{org_id}/stats/ports/search", limit=3, duration="2h")
    assert body["end"] - body["start"] == 7200
    collected = body["results"]
    assert body["total"] == 8
    while "next" in body:
        assert body["next"].startswith(f"/api/v1/orgs/{org_id}/stats/ports/search?")
        previous, (body, _) = body, await get(body["next"].removeprefix(V1))
        assert (body["start"], body["end"]) == (previous["start"], previous["end"])
        collected += body["results"]
    assert sorted(map(str, collected)) == sorted(map(str, ports))
    up, _ = await get(f"/orgs/{org_id}/stats/ports/search", up="true")
    assert up["total"] == 4
    await get(f"/orgs/{org_id}/stats/ports/search", status=400, duration="soon")


async def test_alarms_can_be_searched(cloud, get, org_id, monkeypatch):
    alarms = [{"id": str(n), "timestamp": 1_700_000_000 + n, "type": "device_down", "org_id": org_id} for n in range(3)]
    monkeypatch.setattr(cloud.fleet, "alarms", lambda _: alarms)
    body, _ = await get(f"/orgs/{org_id}/alarms/search", limit=2)
    assert [alarm["id"] for alarm in body["results"]] == ["0", "1"]
    body, _ = await get(body["next"].removeprefix(V1))
    assert [alarm["id"] for alarm in body["results"]] == ["2"]
    assert (await get(f"/orgs/{org_id}/alarms/search", type="other"))[0]["total"] == 0


@pytest.mark.parametrize(
    ("name", "key", "least"),
    [
        ("webhook_topics", "device-updowns", 34),
        ("alarm_defs", "device_down", 73),
        ("device_events", "AP_RESTARTED", 120),
        ("client_events", "CLIENT_DNS_OK", 10),
        ("mxedge_events", "ME_RESTARTED", 20),
        ("nac_events", "NAC_CLIENT_DENY", 10),
    ],
)
async def test_constants(get, name, key, least):
    rows, _ = await get(f"/const/{name}")
    keys = [row["key"] for row in rows]
    assert key in keys
    assert len(set(keys)) == len(keys) >= least


async def test_device_models(get):
    rows, _ = await get("/const/device_models")
    assert {"AP45", "ME-X1"} <= {row["model"] for row in rows}


async def test_over_the_hourly_budget_is_429_until_the_full_hour(make_options, session):
    clock = ManualClock(unix=1_700_000_000.0)
    left = 3600 - 1_700_000_000 % 3600
    async with FakeCloud(make_options(calls_per_hour=2), clock=clock) as cloud:
        url = cloud.api_url + V1 + "/self"
        statuses = [(await session.get(url)).status for _ in range(2)]
        refused = await session.get(url)
        assert (*statuses, refused.status) == (200, 200, 429)
        assert refused.headers["Retry-After"] == str(left)
        clock.jump(left)
        assert (await session.get(url)).status == 200


async def test_other_programs_use_up_the_same_token(make_options, session):
    async with FakeCloud(make_options(calls_per_hour=100), clock=ManualClock(unix=1_700_000_000.0)) as cloud:

        async def used():
            async with session.get(cloud.api_url + V1 + "/self/usage") as answer:
                return answer.status, (await answer.json()).get("requests")

        assert await used() == (200, 1)
        await cloud.fault("shared_token", share=0.97)
        assert await used() == (200, 99)
        assert await used() == (200, 100)
        assert await used() == (429, None)
        await cloud.heal()
        assert await used() == (200, 4)


async def test_an_org_list_names_devices_of_reached_sites_only(cloud, get, org_id):
    lost, *others = [site["id"] for site in cloud.fleet.sites(org_id)]
    await cloud.fault("revoke_site", site_id=lost)
    devices, _ = await get(f"/orgs/{org_id}/stats/devices?type=all")
    assert {device["site_id"] for device in devices} == set(others)
    await get(f"/sites/{lost}/stats/devices", status=403)


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_a_rest_fault_hits_and_heals(cloud, get, org_id, status):
    await cloud.fault("rest_status", status=status, path=f"/api/v1/orgs/{org_id}", retry_after_s=7)
    body, headers = await get(f"/orgs/{org_id}/sites", status=status)
    assert "detail" in body
    assert headers["Retry-After"] == "7"
    await get("/self")
    await cloud.heal()
    await get(f"/orgs/{org_id}/sites")
    assert cloud.ledger.calls[f"GET /api/v1/orgs/{{org_id}}/sites {status}"] == 1


async def test_a_method_that_is_not_there_is_405_in_json(cloud, session):
    async with session.delete(cloud.api_url + V1 + "/self") as answer:
        assert answer.status == 405
        assert "detail" in await answer.json()


async def test_every_kind_of_device_is_answered(make_options, session):
    plan = FleetPlan(sites=2, aps=1, switches=1, virtual_chassis=1, gateways=1, srx_clusters=1, ssrs=1, mxedges=2)
    async with FakeCloud(make_options(plan=plan)) as cloud:
        await cloud.advance(120)
        org_id = cloud.fleet.orgs()[0]["id"]
        base = f"{cloud.api_url}{V1}/orgs/{org_id}"

        async def macs(path):
            return {row["mac"] for row in await (await session.get(base + path)).json()}

        everything = set(cloud.fleet.macs())
        edges = await macs("/stats/mxedges")
        assert edges == set(cloud.fleet.macs("mxedge"))
        assert await macs("/stats/devices?type=all") == everything - edges
        assert await macs("/stats/devices") == set(cloud.fleet.macs("ap"))
        ports = await (await session.get(f"{base}/stats/ports/search?limit=1000")).json()
        assert ports["total"] == len(ports["results"]) == len(cloud.fleet.ports(org_id)) > 0
        assert (await session.get(f"{base}/alarms/search")).status == 200
