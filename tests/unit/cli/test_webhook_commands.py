"""`webhook`: registered, changed, shown, tried out, removed; and what doctor says of it."""

import socket

import pytest

from collector.cli import examinations, webhook_ping
from collector.cli import webhook_registration as registration
from collector.daemon import wiring
from collector.errors import Fatal
from tests.support.terminal import desk

URL = "https://noc.example.net/webhook"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wish(**more):
    return registration.Wish(url=URL, **more)


async def test_it_is_created_then_changed_never_doubled(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        await registration.register(here.config(), wish())
        (webhook,) = here.webhooks()
        assert webhook["url"] == URL
        assert webhook["secret"] == here.config().webhook.read_secrets()[0].decode()
        assert {"alarms", "device-events", "device-updowns"} <= set(webhook["topics"])
        assert not {"location", "client-info", "wifi-conn-raw"} & set(webhook["topics"])
        await registration.register(here.config(), wish(topics=("alarms",)))
        (changed,) = here.webhooks()
        assert (changed["id"], changed["topics"]) == (webhook["id"], ["alarms"])
        assert capsys.readouterr().out.count("Changed: ") == 1
        assert webhook["secret"] not in capsys.readouterr().out


async def test_a_webhook_of_a_site(tmp_path, monkeypatch):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        site = here.cloud.fleet.sites(here.org_id)[0]
        await registration.register(here.config(), wish(site=site["name"]))
        assert here.webhooks() == []
        (webhook,) = here.cloud.webhooks.owned(None, site["id"])
        assert "occupancy-alerts" in webhook.topics


async def test_a_rotation_keeps_the_old_secret_valid(tmp_path, monkeypatch):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        old = here.config().webhook.read_secrets()[0]
        (here.folder / "secrets/old").write_text("x\n")
        (here.folder / "secrets/old").chmod(0o600)
        both = {"MIST_COLLECTOR__WEBHOOK__SECRET_FILES": "[secrets/webhook-secret, secrets/old]"}
        await registration.register(here.config(**both), wish(rotate=True))
        fresh, kept = here.config(**both).webhook.read_secrets()
        assert kept == old != fresh
        assert here.webhooks()[0]["secret"] == fresh.decode()
        assert (here.folder / "secrets/webhook-secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"topics": ("nonsense",)}, "Mist offers no topic nonsense"),
        ({"org": "Nowhere"}, "there is no organisation Nowhere; there are: Example Org 1"),
        ({"site": "Nowhere"}, "there is no site Nowhere"),
        ({"token_env": "NOT_SET"}, "NOT_SET is not set"),
        ({"url": "ftp://x/"}, "must begin with https://"),
        ({"url": "https://[x/"}, "is not an address"),
        ({"url": "https://user:secret@host/webhook"}, "no user name and no password"),
    ],
)
async def test_what_cannot_be_is_a_sentence(tmp_path, monkeypatch, asked, words):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        with pytest.raises(Fatal, match=words):
            await registration.register(here.config(), registration.Wish(**{"url": URL} | asked))
        assert here.webhooks() == []


async def test_a_token_that_may_only_read(tmp_path, monkeypatch):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        monkeypatch.setenv("ADMIN", "admin-token")
        here.cloud.permissions.tokens.add("admin-token")
        create = here.cloud.webhooks.create

        async def refused(self, method, path, content=None):
            raise Fatal("the token has no right", where=path, status=403)

        with monkeypatch.context() as patch:
            patch.setattr("collector.ingest.rest.client.WritingRestClient._call", _forbidding())
            with pytest.raises(Fatal, match="needs a token with write access"):
                await registration.register(here.config(), wish())
            before = (here.folder / "secrets/webhook-secret").read_text()
            with pytest.raises(Fatal, match="needs a token with write access"):
                await registration.register(here.config(), wish(rotate=True))
            assert (here.folder / "secrets/webhook-secret").read_text() == before
        await registration.register(here.config(), wish(token_env="ADMIN"))
        assert len(here.webhooks()) == 1
        assert create is not None


def _forbidding():
    from collector.ingest.rest.client import RestClient

    ask = RestClient._call

    async def call(self, url, where, parse, *, method="GET", **settings):
        if method != "GET":
            raise Fatal("the token has no right to read this", where=where, status=403)
        return await ask(self, url, where, parse, method=method, **settings)

    return call


async def test_show_and_remove(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        await registration.show(here.config(), wish())
        assert "org Example Org 1 has no webhook.\n" in capsys.readouterr().out
        await registration.register(here.config(), wish())
        await registration.show(here.config(), wish())
        said = capsys.readouterr().out
        assert f"* mist-collector  on   {URL}  signed" in said
        assert here.config().webhook.read_secrets()[0].decode() not in said
        await registration.remove(here.config(), wish(), ask=False)
        assert here.webhooks() == []
        with pytest.raises(Fatal, match="has no webhook called mist-collector"):
            await registration.remove(here.config(), wish(), ask=False)


async def registered_here(here):
    """A webhook that leads to this machine, and the configuration that listens there."""
    port = free_port()
    loaded = here.config(MIST_COLLECTOR__WEBHOOK__LISTEN=f"127.0.0.1:{port}")
    await registration.register(loaded, registration.Wish(url=f"http://127.0.0.1:{port}/webhook"))
    return loaded


async def test_a_ping_arrives_here_when_no_collector_runs(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        loaded = await registered_here(here)
        assert await webhook_ping.ping(loaded, wish(), 10.0) == 0
        assert "It arrived, signed with the right secret." in capsys.readouterr().out


async def test_a_ping_arrives_at_the_running_collector(tmp_path, monkeypatch, capsys):
    import asyncio

    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        ports = {
            "MIST_COLLECTOR__WEBHOOK__LISTEN": f"127.0.0.1:{free_port()}",
            "MIST_COLLECTOR__SERVER__LISTEN": f"127.0.0.1:{free_port()}",
        }
        loaded = here.config(**ports)
        await registration.register(loaded, registration.Wish(url=f"http://{loaded.webhook.listen}/webhook"))
        stop, started = asyncio.Event(), asyncio.Event()
        daemon = asyncio.ensure_future(wiring.run(loaded, stop=stop, started=lambda _: started.set()))
        await started.wait()
        try:
            assert await webhook_ping.ping(loaded, wish(), 10.0) == 0
            assert "at the running collector" in capsys.readouterr().out
            code = await examinations.examine(loaded, account=None, webhook_url=None)
            said = capsys.readouterr().out
            assert code == 0, said
            assert "leads to the collector, seen from here" in said
        finally:
            stop.set()
            await daemon


async def test_a_ping_that_does_not_arrive_is_explained(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        await registration.register(here.config(), registration.Wish(url=f"http://127.0.0.1:{free_port()}/webhook"))
        assert await webhook_ping.ping(here.config(), wish(), 0.5) == 1
        said = capsys.readouterr().err
        assert "no ping arrived within 0.5 s" in said
        assert "Mist's log of deliveries: failure" in said


async def test_a_port_that_another_program_holds(tmp_path, monkeypatch):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            loaded = here.config(MIST_COLLECTOR__WEBHOOK__LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
            await registration.register(loaded, wish())
            with pytest.raises(Fatal, match="no collector lets itself be asked"):
                await webhook_ping.ping(loaded, wish(), 1.0)


async def test_doctor_tells_what_is_wrong_with_it(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        elsewhere = here.config(MIST_COLLECTOR__WEBHOOK__LISTEN="192.0.2.1:9734")
        assert await examinations.examine(elsewhere, account=None, webhook_url=None) == 2
        assert "FAIL  cannot listen on 192.0.2.1:9734: this host does not have that address" in capsys.readouterr().out
        await examinations.examine(here.config(), account=None, webhook_url=None)
        assert "no webhook of its organisations posts to /webhook" in capsys.readouterr().out
        loaded = await registered_here(here)
        (webhook,) = here.cloud.webhooks.owned(here.org_id, None)
        for change, words in (
            ({"secret": "another"}, "has another secret than webhook.secret_files"),
            ({"secret": ""}, "has no secret, so every delivery is refused"),
            ({"enabled": False}, "is switched off at Mist"),
            ({"topics": ["alarms"]}, "does not send device-updowns, device-events"),
            ({"url": f"http://127.0.0.1:{free_port()}/webhook"}, "cannot be reached from here"),
            ({"url": f"{here.cloud.control_url}/webhook"}, "answers 404, which is not the collector"),
        ):
            webhook.update(change, 0.0)
            await examinations.examine(loaded, account=None, webhook_url=None)
            assert words in capsys.readouterr().out, words
