"""A client of the REST API."""

from __future__ import annotations

import pytest


@pytest.fixture
def get(cloud, session):
    """GET a path below /api/v1; return the JSON body and the headers."""

    async def fetch(path, *, expected=200, **query):
        async with session.get(f"{cloud.api_url}/api/v1{path}", params=query) as response:
            assert response.status == expected, (await response.text())[:200]
            return await response.json(), response.headers

    return fetch


@pytest.fixture
def org_id(cloud):
    return cloud.fleet.orgs()[0]["id"]


@pytest.fixture
def site_id(cloud, org_id):
    return cloud.fleet.sites(org_id)[0]["id"]
