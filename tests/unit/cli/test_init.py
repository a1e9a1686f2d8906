"""`init`: a valid configuration with the right permissions, from a token."""

import os

import pytest
import typer

from collector.cli import exits, init
from collector.errors import ConfigError, Fatal
from collector.simulator.fleet import FleetPlan
from tests.support.installation import installation


async def test_the_files_are_valid_and_no_secret_is_printed(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path / "etc", monkeypatch) as here:
        await here.init()
        output = capsys.readouterr().out
        loaded = here.config()
        assert loaded.accounts[0].read_token() == here.cloud.options.token
        assert loaded.warnings == ()
        (secret,) = loaded.webhook.read_secrets()
        assert len(secret) >= 32
        assert loaded.streams.clients
        modes = {path.name: path.stat().st_mode & 0o777 for path in here.directory.rglob("*")}
        assert modes == {"collector.yaml": 0o644, "secrets": 0o700, "mist-token": 0o600, "webhook-secret": 0o600}
        for hidden in (here.cloud.options.token, secret.decode()):
            assert hidden not in output
            assert hidden not in here.file.read_text()
        assert "Example Org 1: 2 sites, 4 access points, 2 switches" in output
        assert f"mist-collector doctor --config {here.file}" in output
        assert not any(call.startswith(("POST", "PUT", "DELETE")) for call in here.cloud.ledger.calls)


async def test_existing_files_are_not_overwritten(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        before = {path: path.read_bytes() for path in here.directory.rglob("*") if path.is_file()}
        with pytest.raises(ConfigError, match="the file exists"):
            await here.init()
        assert {path: path.read_bytes() for path in before} == before
        await here.init(force=True, webhook=False)
        assert not here.config().webhook.enabled


async def test_selected_organisations_and_sites(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch, plan=FleetPlan(orgs=2, sites=1, aps=1)) as here:
        first, second = here.cloud.fleet.orgs()
        await here.init(orgs=(second["name"],), sites=("Tok*", 'say "hi"'), webhook=False)
        (account,) = here.config().accounts
        assert account.orgs == [second["id"]]
        assert account.sites.include == ["Tok*", 'say "hi"']
        with pytest.raises(ConfigError, match=f"no access to an organisation Nowhere.*{first['name']}"):
            await here.init(orgs=("Nowhere",), force=True)


async def test_a_rejected_token(tmp_path, monkeypatch):
    async with installation(tmp_path / "etc", monkeypatch) as here:
        monkeypatch.setenv(init.TOKEN_VARIABLE, "a-token-of-another-cloud")
        with pytest.raises(Fatal, match="not accepted: wrong, revoked, expired, or of another cloud"):
            await here.init()
        assert not here.directory.exists()


@pytest.mark.parametrize("token", [None, "two words", "Überraschung"])
async def test_no_token_and_no_prompt(tmp_path, monkeypatch, token):
    async with installation(tmp_path, monkeypatch) as here:
        monkeypatch.delenv(init.TOKEN_VARIABLE)
        if token:
            monkeypatch.setenv(init.TOKEN_VARIABLE, token)
        with pytest.raises(ConfigError, match="MIST_API_TOKEN: does not contain an API token") as raised:
            await here.init()
        assert token is None or token not in str(raised.value)


async def test_prompts(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch) as here:
        monkeypatch.delenv(init.TOKEN_VARIABLE)
        questions = []

        def prompt(question, **_options):
            questions.append(question)
            return "wrong-token" if len(questions) == 1 else here.cloud.options.token

        def confirm(question, **_options):
            questions.append(question)
            return False

        monkeypatch.setattr(typer, "prompt", prompt)
        monkeypatch.setattr(typer, "confirm", confirm)
        await here.init(prompt=True)
        assert len(questions) == 3
        assert questions[0] == questions[1] == "API token (not echoed; read access is sufficient)"
        assert questions[2] == "Receive webhooks (events)?"
        assert "Try again" in capsys.readouterr().err
        assert not here.config().webhook.enabled


@pytest.mark.parametrize("directory", ["file", "file/etc"])
async def test_a_directory_that_is_a_file_is_reported_before_any_prompt(tmp_path, directory):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="file is not a directory"):
        await init.create_configuration(init.InitOptions(directory=tmp_path / directory, prompt=False))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_directory_without_write_permission_is_reported_before_any_prompt(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="no permission to write to"):
        await init.create_configuration(init.InitOptions(directory=tmp_path / "etc", prompt=False))


def test_stdin_that_is_not_a_terminal(tmp_path, invoke):
    result = invoke("init", "--directory", tmp_path / "etc", code=exits.USAGE, input="")
    assert "stdin is not a terminal; use --cloud, MIST_API_TOKEN and --yes" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"), [({"cloud": "mars"}, "mars is not a Mist cloud"), ({}, "--cloud: is missing")]
)
async def test_an_unknown_cloud(tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        await init.create_configuration(init.InitOptions(directory=tmp_path, prompt=False, **options))


def test_a_file_is_replaced_with_the_given_permissions(tmp_path):
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o666)
    init.write_file(file, "new\n", 0o600)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new\n", 0o600)
    assert list(tmp_path.iterdir()) == [file]
