"""`doctor`: what it finds, what it advises, and that it changes nothing."""

import pytest

from collector.cli import examinations
from collector.errors import Fatal
from tests.support.terminal import desk


async def examined(here, capsys, **environ):
    """Run doctor; its exit code and its words."""
    capsys.readouterr()
    code = await examinations.examine(here.config(**environ), account=None, webhook_url=None)
    return code, capsys.readouterr().out


def writes(here):
    return [call for call in here.cloud.ledger.calls if not call.startswith("GET")]


async def test_all_is_well(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        code, said = await examined(here, capsys)
        assert code == 0, said
        assert said.endswith("All is well.\n")
        assert "FAIL" not in said
        assert "1 organisation, 2 sites, 6 devices" in said
        assert "/sites/{site_id}/stats/devices: 2 acknowledged" in said
        assert "REST calls of this hour are used" in said
        assert here.cloud.stream.clients == 0
        assert writes(here) == []


async def test_a_token_of_another_cloud(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        here.cloud.permissions.tokens = {"another"}
        code, said = await examined(here, capsys)
        assert code == 2
        assert "wrong, revoked, expired, or of another cloud" in said
        assert "\nWebhook" not in said
        assert "`cloud` must be the one whose portal you log in to" in said


async def test_a_cloud_that_is_away_is_no_fault_of_anybody(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        await here.cloud.fault("rest_status", status=503)
        monkeypatch.setattr("collector.cli.visit.ATTEMPTS", 1)
        code, said = await examined(here, capsys)
        assert (code, "the network, a proxy, a firewall" in said) == (1, True)


async def test_a_site_without_rights_is_named(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        site = here.cloud.fleet.sites(here.org_id)[0]
        await here.cloud.fault("revoke_site", site_id=site["id"])
        code, said = await examined(here, capsys)
        assert code == 2
        assert f"/sites/{site['id']}/stats/devices: refused (permission denied)" in said
        assert "or do without: streams.devices: false" in said
        assert "/sites/{site_id}/stats/devices: 1 acknowledged" in said


async def test_a_stream_that_refuses(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        await here.cloud.fault("handshake_status", status=403)
        code, said = await examined(here, capsys)
        assert code == 2
        assert "connection main/0: " in said
        assert "the stream has a host of its own" in said


async def test_a_clock_that_is_wrong(tmp_path, monkeypatch, capsys):
    class Ahead(examinations.SystemClock):
        def time(self):
            return super().time() + 100

    async with desk(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        monkeypatch.setattr(examinations, "SystemClock", Ahead)
        code, said = await examined(here, capsys)
        assert code == 2
        assert "this machine's clock is 100 s ahead" in said or "this machine's clock is 101 s ahead" in said


async def test_a_budget_that_others_use_up(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)

        async def learn(self):
            self.status.budget_used = 4500

        monkeypatch.setattr("collector.ingest.rest.client.RestClient.learn_usage", learn)
        code, said = await examined(here, capsys)
        assert code == 0
        assert "give the collector one of its own" in said
        assert said.endswith("All is well, with 1 warning.\n")


async def test_names_that_match_nothing(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init(webhook=False, sites=("Nowhere", "*"))
        code, said = await examined(here, capsys)
        assert "no site is called Nowhere" in said
        code, said = await examined(here, capsys, MIST_COLLECTOR__ACCOUNTS__0__SITES__INCLUDE="[Nowhere]")
        assert code == 2
        assert "no site is collected" in said


@pytest.mark.parametrize(
    ("privileges", "words"),
    [
        ([{"scope": "org", "role": "admin"}], "the token may do more than read (role admin)"),
        ([{"scope": "org", "role": "read"}], "role read"),
        (None, "role unknown"),
    ],
)
def test_more_rights_than_needed_are_warned_of(privileges, words, capsys):
    examinations._rights({"privileges": privileges}, examinations.Findings())
    said = capsys.readouterr().out
    assert words in said
    assert ("Observer" in said) is ("more than read" in said)


async def test_an_unknown_account(tmp_path, monkeypatch):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        with pytest.raises(Fatal, match="no account is called second; there are: main"):
            await examinations.examine(here.config(), account="second", webhook_url=None)
