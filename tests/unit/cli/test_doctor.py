"""`doctor`: its findings and suggested fixes; it changes nothing."""

import pytest

from collector import redaction
from collector.cli import doctor, exits, webhook
from collector.cli.webhook import WebhookOptions
from collector.errors import UsageError
from tests.support.installation import installation
from tests.unit.cli.test_webhook import URL, free_port, register_local


async def run_checks(here, capsys, **environ):
    """Run the checks; returns the exit code and the output."""
    capsys.readouterr()
    code = await doctor.check(here.config(**environ), account=None, webhook_url=None)
    return code, capsys.readouterr().out


def writes(here):
    return [call for call in here.cloud.ledger.calls if not call.startswith("GET")]


async def test_all_checks_pass(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        code, output = await run_checks(here, capsys)
        assert code == exits.OK, output
        assert output.endswith("All checks passed.\n")
        assert "FAIL" not in output
        assert "1 organisation, 2 sites, 6 devices" in output
        assert "/sites/{site_id}/stats/devices: 2 acknowledged" in output
        assert "REST calls of this hour are used" in output
        assert here.cloud.stream.clients == 0
        assert writes(here) == []


async def test_a_token_of_another_cloud(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        here.cloud.permissions.tokens = {"another"}
        code, output = await run_checks(here, capsys)
        assert code == exits.USAGE
        assert "wrong, revoked, expired, or of another cloud" in output
        assert "\nWebhook" not in output
        assert "`cloud` must be the cloud whose portal you log in to" in output
        assert output.endswith("Checks failed; a suggested fix follows each FAIL.\n")


async def test_an_unavailable_cloud(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        await here.cloud.fault("rest_status", status=503)
        monkeypatch.setattr("collector.cli.accounts.ATTEMPTS", 1)
        code, output = await run_checks(here, capsys)
        assert (code, "check network, proxy and firewall" in output) == (exits.FAILED, True)


async def test_a_site_without_permission(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        site = here.cloud.fleet.sites(here.org_id)[0]
        await here.cloud.fault("revoke_site", site_id=site["id"])
        code, output = await run_checks(here, capsys)
        assert code == exits.USAGE
        assert f"/sites/{site['id']}/stats/devices: rejected (permission denied)" in output
        assert "or disable the channel: streams.devices: false" in output
        assert "/sites/{site_id}/stats/devices: 1 acknowledged" in output


async def test_a_rejected_handshake(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        await here.cloud.fault("handshake_status", status=403)
        code, output = await run_checks(here, capsys)
        assert code == exits.USAGE
        assert "connection main/0: " in output
        assert "the stream has a separate host name" in output


async def test_a_wrong_clock(tmp_path, monkeypatch, capsys):
    class Ahead(doctor.SystemClock):
        def time(self):
            return super().time() + 100

    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        monkeypatch.setattr(doctor, "SystemClock", Ahead)
        code, output = await run_checks(here, capsys)
        assert code == exits.USAGE
        assert any(f"the clock of this machine is {s} s ahead of that of the cloud" in output for s in (100, 101))


@pytest.mark.parametrize("date", ["", "nonsense", "Fri, 31 Dec 99999999999999999999 23:59:59 GMT"])
def test_an_invalid_date_of_the_cloud(date, capsys):
    findings = doctor.Findings()
    doctor._check_clock({"Date": date}, findings)
    assert "the clock was not checked" in capsys.readouterr().out
    assert (findings.exit_code, findings.warnings) == (exits.OK, 1)


async def test_a_rest_budget_used_by_others(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)

        async def learn(self):
            self.status.budget_used = 4500

        monkeypatch.setattr("collector.ingest.rest.client.RestClient.learn_usage", learn)
        code, output = await run_checks(here, capsys)
        assert code == exits.OK
        assert "create a separate token for the collector" in output
        assert output.endswith("All checks passed, 1 warning.\n")


async def test_site_names_that_match_nothing(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False, sites=("Nowhere", "*"))
        _, output = await run_checks(here, capsys)
        assert "accounts[].sites.include: Nowhere matches no site" in output
        code, output = await run_checks(here, capsys, MIST_COLLECTOR__ACCOUNTS__0__SITES__INCLUDE="[Nowhere]")
        assert code == exits.USAGE
        assert "no site is selected" in output


@pytest.mark.parametrize(
    ("privileges", "text"),
    [
        ([{"scope": "org", "role": "admin"}], "the token has more permissions than required (role admin)"),
        ([{"scope": "org", "role": "read"}], "role read"),
        (None, "role unknown"),
        ([1, {"role": ["x"]}], "role ['x']"),
    ],
)
def test_permissions(privileges, text, capsys):
    doctor.check_permissions({"privileges": privileges}, doctor.Findings())
    output = capsys.readouterr().out
    assert text in output
    assert ("Observer" in output) is ("more permissions" in output)


async def test_an_unknown_account(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        with pytest.raises(UsageError, match="--account second: no such account; configured: main"):
            await doctor.check(here.config(), account="second", webhook_url=None)


def test_secrets_and_control_characters_of_a_peer(capsys, monkeypatch):
    monkeypatch.setattr(redaction, "_hidden", {})
    redaction.hide("a-registered-token")
    doctor.Findings().fail("closed: a-registered-token \x1b[2J", "fix")
    assert capsys.readouterr().out == "  FAIL  closed: *** \\x1b[2J\n        -> fix\n"


def test_colors_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    doctor.Findings().ok("fine")
    assert "ok" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert not doctor.Findings()._is_colored


async def test_the_webhook(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        code, output = await run_checks(here, capsys, MIST_COLLECTOR__WEBHOOK__LISTEN="192.0.2.1:9734")
        assert code == exits.USAGE
        assert "FAIL  cannot listen on 192.0.2.1:9734: " in output
        assert "account main: no webhook at Mist posts to /webhook" in output
        loaded = await register_local(here)
        (registered,) = here.cloud.webhooks.owned(here.org_id, None)
        for change, text in (
            ({"secret": "another"}, "has a secret that is not in webhook.secret_files"),
            ({"secret": ""}, "has no secret: its deliveries are rejected"),
            ({"enabled": False}, "is disabled at Mist"),
            ({"topics": ["alarms"]}, "does not send device-updowns, device-events"),
            ({"url": f"http://127.0.0.1:{free_port()}/webhook"}, "cannot be reached from this machine"),
            ({"url": f"{here.cloud.control_url}/webhook"}, "the answer has status 404"),
        ):
            registered.update(change, 0.0)
            await doctor.check(loaded, account=None, webhook_url=None)
            assert text in capsys.readouterr().out, text


async def test_a_webhook_url_that_is_given(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        await webhook.register_webhook(here.config(), WebhookOptions(url=URL))
        capsys.readouterr()
        await doctor.check(here.config(), account=None, webhook_url=f"http://127.0.0.1:{free_port()}/webhook")
        output = capsys.readouterr().out
        assert f"webhook mist-collector to {URL}" in output
        assert "http://127.0.0.1" in output
        assert f"{URL} cannot be reached" not in output
