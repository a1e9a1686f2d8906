import pytest

from collector.mist.channels import Scope
from collector.mist.polls import POLLS, TYPE_LISTS, types_in
from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan

V1 = "/api/v1"
MIXED = FleetPlan(
    sites=2,
    aps=2,
    switches=1,
    virtual_chassis=1,
    gateways=2,
    srx_clusters=1,
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


def rows_of(body):
    if isinstance(body, dict) and "results" in body:
        return body["results"]
    return body if isinstance(body, list) else [body]


@pytest.mark.parametrize("poll", POLLS, ids=lambda poll: poll.name)
async def test_every_poll_of_the_collector_has_a_response(cloud, get, org_id, site_id, poll):
    ids = {"org_id": org_id, "site_id": site_id}
    for mac in cloud.fleet.macs("switch"):
        cloud.fleet.disconnect(mac)
    await cloud.advance(10)
    query = {key: str(value).lower() if isinstance(value, bool) else value for key, value in poll.query.items()}
    for path in {poll.path, poll.site_path} - {""}:
        rows = rows_of((await get(path.format(**ids), **query))[0])
        assert rows
        assert all(isinstance(row, dict) for row in rows)
    if poll.detail_path:
        for row in rows_of((await get(poll.path.format(**ids), **query))[0]):
            detail, _ = await get(poll.detail_path.format(mac=row["mac"], **ids))
            assert detail["mac"] == row["mac"]


def test_the_polls_per_site():
    assert {poll.name for poll in POLLS if poll.scope is Scope.SITE} == {
        "maps",
        "zone_definitions",
        "zones",
        "rssizones",
    }


@pytest.mark.parametrize("one", TYPE_LISTS, ids=lambda one: one.path)
async def test_every_list_of_types_of_the_collector_has_a_response(get, one):
    assert len(types_in((await get(one.path))[0])) > 5


async def test_every_kind_of_device_is_listed(cloud, get, org_id):
    async def macs(path):
        return {row["mac"] for row in (await get(f"/orgs/{org_id}{path}"))[0]}

    edges = await macs("/stats/mxedges")
    assert edges == set(cloud.fleet.macs("mxedge"))
    assert await macs("/stats/devices?type=all") == set(cloud.fleet.macs()) - edges
    assert await macs("/stats/devices") == set(cloud.fleet.macs("ap"))


@pytest.mark.parametrize("path", ["/nowhere", "/orgs/x", "/orgs/x/sites", "/sites/x", "/sites/x/zones"])
async def test_an_unknown_path_or_id_is_404(get, path):
    body, _ = await get(path, expected=404)
    assert body["detail"].casefold() == "not found."


async def test_an_unsupported_method_is_405_in_json(cloud, session):
    async with session.delete(cloud.api_url + V1 + "/self") as response:
        assert response.status == 405
        assert "detail" in await response.json()
