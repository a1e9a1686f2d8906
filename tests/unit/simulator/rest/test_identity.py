import pytest


async def test_self_lists_the_orgs_as_privileges(cloud, get):
    body, _ = await get("/self")
    assert [one["org_id"] for one in body["privileges"]] == [org["id"] for org in cloud.fleet.orgs()]
    assert {one["scope"] for one in body["privileges"]} == {"org"}


async def test_self_omits_a_denied_org(cloud, get, org_id):
    cloud.permissions.denied.add(org_id)
    body, _ = await get("/self")
    assert [one["org_id"] for one in body["privileges"]] == [cloud.fleet.orgs()[1]["id"]]


async def test_usage_counts_the_calls(get):
    await get("/self")
    body, _ = await get("/self/usage")
    assert (body["requests"], body["request_limit"]) == (2, 5000)
    assert 1 <= body["seconds"] <= 3600


@pytest.mark.parametrize(
    ("name", "key", "minimum"),
    [
        ("webhook_topics", "device-updowns", 34),
        ("alarm_defs", "device_down", 73),
        ("device_events", "AP_RESTARTED", 120),
        ("client_events", "CLIENT_DNS_OK", 10),
        ("mxedge_events", "ME_RESTARTED", 20),
        ("nac_events", "NAC_CLIENT_DENY", 10),
    ],
)
async def test_constants(get, name, key, minimum):
    rows, _ = await get(f"/const/{name}")
    keys = [row["key"] for row in rows]
    assert key in keys
    assert len(keys) >= minimum


async def test_device_models(get):
    rows, _ = await get("/const/device_models")
    assert {"AP45", "ME-X1"} <= {row["model"] for row in rows}


async def test_unknown_constants_are_404(get):
    await get("/const/cats", expected=404)
