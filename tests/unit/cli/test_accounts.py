"""Access to the configured accounts."""

import pytest

from collector.cli.accounts import open_accounts
from collector.errors import UsageError
from tests.support.installation import installation


async def test_the_inventory_and_the_channels_of_the_daemon(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        async with open_accounts(here.config()) as (account,):
            await account.read_inventory()
            assert (len(account.directory.sites), len(account.directory.devices)) == (2, 6)
            assert {one.kind for one in account.inventory} == {"org", "site", "inventory"}
            sites = [site["id"] for site in here.cloud.fleet.sites(here.org_id)]
            assert {f"/sites/{site}/stats/devices" for site in sites} <= set(account.channels())
            assert account.maps == []


async def test_maps_are_read_if_positions_are_enabled(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        loaded = here.config(MIST_COLLECTOR__STREAMS__LOCATION__CLIENTS="true")
        async with open_accounts(loaded) as (account,):
            await account.read_inventory()
            assert account.maps
            site, map_ = account.maps[0]
            assert f"/sites/{site}/stats/maps/{map_}/clients" in account.channels()


async def test_another_token(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        here.cloud.permissions.tokens = {"write-token"}
        async with open_accounts(here.config(), token=lambda: "write-token") as (account,):
            await account.read_inventory()
            assert account.directory.orgs


async def test_an_unknown_account(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        with pytest.raises(UsageError, match="--account second: no such account; configured: main"):
            async with open_accounts(here.config(), name="second"):
                pass
