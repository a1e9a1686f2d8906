"""`webhook`: register, update, list, test and remove the webhook at Mist."""

import asyncio
import socket

import pytest

from collector.cli import doctor, exits, webhook
from collector.cli.webhook import WebhookOptions
from collector.daemon import wiring
from collector.errors import Fatal, UsageError
from tests.support.installation import installation

URL = "https://noc.example.net/webhook"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def options(**more):
    return WebhookOptions(**{"url": URL} | more)


async def register_local(here):
    """Register a webhook that posts to this machine; returns the configuration that listens there."""
    port = free_port()
    loaded = here.config(MIST_COLLECTOR__WEBHOOK__LISTEN=f"127.0.0.1:{port}")
    await webhook.register_webhook(loaded, options(url=f"http://127.0.0.1:{port}/webhook"))
    return loaded


async def test_registering_again_updates_the_webhook(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        await webhook.register_webhook(here.config(), options())
        (registered,) = here.webhooks()
        assert registered["url"] == URL
        assert registered["secret"] == here.config().webhook.read_secrets()[0].decode()
        assert {"alarms", "device-events", "device-updowns"} <= set(registered["topics"])
        assert not {"location", "client-info", "wifi-conn-raw"} & set(registered["topics"])
        await webhook.register_webhook(here.config(), options(topics=("alarms",)))
        (updated,) = here.webhooks()
        assert (updated["id"], updated["topics"]) == (registered["id"], ["alarms"])
        output = capsys.readouterr().out
        assert output.count("Updated: ") == 1
        assert registered["secret"] not in output


async def test_a_webhook_of_a_site(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        site = here.cloud.fleet.sites(here.org_id)[0]
        await webhook.register_webhook(here.config(), options(site=site["name"]))
        assert here.webhooks() == []
        (registered,) = here.cloud.webhooks.owned(None, site["id"])
        assert "occupancy-alerts" in registered.topics


async def test_a_rotation_keeps_the_old_secret_valid(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        old = here.config().webhook.read_secrets()[0]
        (here.directory / "secrets/old").write_text("x\n")
        (here.directory / "secrets/old").chmod(0o600)
        both = {"MIST_COLLECTOR__WEBHOOK__SECRET_FILES": "[secrets/webhook-secret, secrets/old]"}
        await webhook.register_webhook(here.config(**both), options(rotate=True))
        new, kept = here.config(**both).webhook.read_secrets()
        assert kept == old != new
        assert here.webhooks()[0]["secret"] == new.decode()
        assert (here.directory / "secrets/webhook-secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topics": ("nonsense",)}, "--topic nonsense: not available for an organisation; available: "),
        ({"org": "Nowhere"}, "--org Nowhere: not found; available: Example Org 1"),
        ({"site": "Nowhere"}, "--site Nowhere: not found"),
        ({"token_env": "NOT_SET"}, "--token-env NOT_SET: the variable is not set"),
        ({"url": "ftp://x/"}, "--url: must begin with https://"),
        ({"url": "https://[x/"}, "--url: not a URL"),
        ({"url": "https://user:secret@host/webhook"}, "--url: must not contain a user name or password"),
    ],
)
async def test_an_invalid_option(tmp_path, monkeypatch, changes, message):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        with pytest.raises(UsageError, match=message):
            await webhook.register_webhook(here.config(), options(**changes))
        assert here.webhooks() == []


async def test_disabled_webhooks(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        with pytest.raises(UsageError, match="webhooks are disabled in the configuration"):
            await webhook.register_webhook(here.config(), options())


async def test_a_configuration_without_a_secret(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        unsigned = here.config(
            MIST_COLLECTOR__WEBHOOK__SECRET_FILES="[]", MIST_COLLECTOR__WEBHOOK__ALLOW_UNSIGNED="true"
        )
        with pytest.raises(UsageError, match=r"webhook\.secret_files is empty"):
            await webhook.register_webhook(unsigned, options())


async def test_warnings(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        await webhook.register_webhook(here.config(), options(url="http://noc.example.net/other"))
        warnings = capsys.readouterr().err
        assert "http:// is not encrypted" in warnings
        assert "--url has the path /other, the collector listens on /webhook" in warnings


async def test_a_token_with_read_access_only(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        monkeypatch.setenv("ADMIN", "admin-token")
        here.cloud.permissions.tokens.add("admin-token")
        with monkeypatch.context() as patch:
            patch.setattr("collector.ingest.rest.client.WritingRestClient._call", _forbid_writes())
            with pytest.raises(Fatal, match="write access"):
                await webhook.register_webhook(here.config(), options())
            before = (here.directory / "secrets/webhook-secret").read_text()
            with pytest.raises(Fatal, match="write access"):
                await webhook.register_webhook(here.config(), options(rotate=True))
            assert (here.directory / "secrets/webhook-secret").read_text() == before
        await webhook.register_webhook(here.config(), options(token_env="ADMIN"))
        assert len(here.webhooks()) == 1


def _forbid_writes():
    from collector.ingest.rest.client import RestClient

    original = RestClient._call

    async def call(self, url, where, parse, *, method="GET", **settings):
        if method != "GET":
            raise Fatal("the token has no right to read this", where=where, status=403)
        return await original(self, url, where, parse, method=method, **settings)

    return call


async def test_list_and_remove(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        await webhook.list_webhooks(here.config(), options())
        assert "org Example Org 1 has no webhook.\n" in capsys.readouterr().out
        await webhook.register_webhook(here.config(), options())
        await webhook.list_webhooks(here.config(), options())
        output = capsys.readouterr().out
        assert f"* mist-collector  on   {URL}  signed" in output
        assert here.config().webhook.read_secrets()[0].decode() not in output
        await webhook.remove_webhook(here.config(), options(), prompt=False)
        assert here.webhooks() == []
        with pytest.raises(UsageError, match="has no webhook named mist-collector"):
            await webhook.remove_webhook(here.config(), options(), prompt=False)


async def test_removal_must_be_confirmed(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        await webhook.register_webhook(here.config(), options())
        monkeypatch.setattr("typer.confirm", lambda _question, **_options: False)
        with pytest.raises(webhook.typer.Abort):
            await webhook.remove_webhook(here.config(), options(), prompt=True)
        assert len(here.webhooks()) == 1


async def test_a_ping_that_arrives_at_the_command(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        loaded = await register_local(here)
        assert await webhook.ping_webhook(loaded, options(), 10.0) == exits.OK
        assert "The delivery arrived; its signature is valid." in capsys.readouterr().out


async def test_a_ping_that_arrives_at_the_running_collector(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        ports = {
            "MIST_COLLECTOR__WEBHOOK__LISTEN": f"127.0.0.1:{free_port()}",
            "MIST_COLLECTOR__SERVER__LISTEN": f"127.0.0.1:{free_port()}",
        }
        loaded = here.config(**ports)
        await webhook.register_webhook(loaded, options(url=f"http://{loaded.webhook.listen}/webhook"))
        stop, started = asyncio.Event(), asyncio.Event()
        daemon = asyncio.ensure_future(wiring.run(loaded, stop=stop, started=lambda _: started.set()))
        await started.wait()
        try:
            assert await webhook.ping_webhook(loaded, options(), 10.0) == exits.OK
            assert "at the running collector" in capsys.readouterr().out
            code = await doctor.check(loaded, account=None, webhook_url=None)
            output = capsys.readouterr().out
            assert code == exits.OK, output
            assert "leads to the collector from this machine" in output
        finally:
            stop.set()
            await daemon


async def test_a_ping_that_does_not_arrive(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        await webhook.register_webhook(here.config(), options(url=f"http://127.0.0.1:{free_port()}/webhook"))
        assert await webhook.ping_webhook(here.config(), options(), 0.5) == exits.FAILED
        output = capsys.readouterr().err
        assert "the delivery did not arrive within 0.5 s" in output
        assert "Mist's delivery log: failure" in output


async def test_a_port_in_use_by_another_program(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            loaded = here.config(MIST_COLLECTOR__WEBHOOK__LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
            await webhook.register_webhook(loaded, options())
            with pytest.raises(UsageError, match="no collector answers at"):
                await webhook.ping_webhook(loaded, options(), 1.0)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"status": "success", "status_code": 200}, "success, status 200"),
        ({"status": "failure", "error": "refused"}, "failure, refused"),
        ({}, "None, no answer"),
    ],
)
def test_the_outcome_of_a_delivery(row, expected):
    assert webhook._outcome(row) == expected
