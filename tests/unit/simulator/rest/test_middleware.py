import pytest

from collector.simulator.cloud import FakeCloud
from collector.simulator.rest.middleware import HourlyCallLimit, seconds_to_next_hour
from collector.simulator.rest.responses import ApiError
from tests.support.clock import ManualClock

V1 = "/api/v1"
HOUR = 1_700_000_000.0 - 1_700_000_000.0 % 3600


def test_calls_are_limited_per_token_until_the_next_hour():
    limit = HourlyCallLimit(2)
    for _ in range(2):
        limit.count("a", HOUR)
    with pytest.raises(ApiError) as error:
        limit.count("a", HOUR + 600)
    assert (error.value.status, error.value.retry_after_s) == (429, 3000)
    limit.count("b", HOUR + 600)
    limit.count("a", HOUR + 3600)
    assert limit.used("a", HOUR + 3600) == 1


def test_calls_of_other_programs_use_up_the_limit():
    share = 0.97
    limit = HourlyCallLimit(100, lambda: share)
    for _ in range(3):
        limit.count("a", HOUR)
    with pytest.raises(ApiError):
        limit.count("a", HOUR)
    share = 0.0
    assert limit.used("a", HOUR) == 3


@pytest.mark.parametrize(("offset_s", "seconds"), [(0.0, 3600), (0.5, 3600), (3599.5, 1), (1800.0, 1800)])
def test_seconds_to_the_next_hour(offset_s, seconds):
    assert seconds_to_next_hour(HOUR + offset_s) == seconds


@pytest.mark.parametrize("header", [{}, {"Authorization": "Token no"}, {"Authorization": "Bearer sim-token"}])
async def test_a_request_without_a_valid_token_is_401(cloud, session, header):
    async with session.get(cloud.api_url + V1 + "/self", headers={"Authorization": ""} | header) as response:
        assert response.status == 401
        assert await response.json() == {"detail": "Invalid token."}


async def test_a_denied_org_is_403_for_the_org_and_its_sites(cloud, get, org_id, site_id):
    cloud.permissions.denied.add(org_id)
    for path in (f"/orgs/{org_id}", f"/sites/{site_id}/maps", f"/orgs/{org_id}/webhooks"):
        body, _ = await get(path, expected=403)
        assert body == {"detail": "permission denied"}


async def test_calls_over_the_limit_are_429_with_retry_after(make_options, session):
    clock = ManualClock(unix=1_700_000_000.0)
    seconds = 3600 - 1_700_000_000 % 3600
    async with FakeCloud(make_options(calls_per_hour=2), clock=clock) as cloud:
        url = cloud.api_url + V1 + "/self"
        statuses = [(await session.get(url)).status for _ in range(2)]
        rejected = await session.get(url)
        assert (*statuses, rejected.status) == (200, 200, 429)
        assert rejected.headers["Retry-After"] == str(seconds)
        clock.jump(seconds)
        assert (await session.get(url)).status == 200


async def test_a_shared_token_fault_reduces_the_limit_until_it_is_healed(make_options, session):
    async with FakeCloud(make_options(calls_per_hour=100), clock=ManualClock(unix=1_700_000_000.0)) as cloud:

        async def used():
            async with session.get(cloud.api_url + V1 + "/self/usage") as response:
                return response.status, (await response.json()).get("requests")

        assert await used() == (200, 1)
        await cloud.fault("shared_token", share=0.97)
        assert await used() == (200, 99)
        assert await used() == (200, 100)
        assert await used() == (429, None)
        await cloud.heal()
        assert await used() == (200, 4)


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_a_rest_fault_answers_with_its_status_until_it_is_healed(cloud, get, org_id, status):
    await cloud.fault("rest_status", status=status, path=f"/api/v1/orgs/{org_id}", retry_after_s=7)
    body, headers = await get(f"/orgs/{org_id}/sites", expected=status)
    assert "detail" in body
    assert headers["Retry-After"] == "7"
    await get("/self")
    await cloud.heal()
    await get(f"/orgs/{org_id}/sites")


async def test_calls_are_counted_by_method_template_and_status(cloud, get, org_id):
    await get(f"/orgs/{org_id}/sites")
    await get("/orgs/x/sites", expected=404)
    await get("/nowhere", expected=404)
    assert cloud.ledger.calls == {
        "GET /api/v1/orgs/{org_id}/sites 200": 1,
        "GET /api/v1/orgs/{org_id}/sites 404": 1,
        "GET (unknown) 404": 1,
    }
