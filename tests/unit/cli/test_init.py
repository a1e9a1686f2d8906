"""`init`: from a token to files that work, with the right modes."""

import os

import pytest
import typer
from typer.testing import CliRunner

from collector import config
from collector.cli import exits, first_steps, main, template
from collector.errors import ConfigError, Fatal
from collector.mist import clouds
from collector.simulator.fleet import FleetPlan
from tests.support.terminal import desk


async def test_it_writes_what_works_and_shows_no_secret(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path / "etc", monkeypatch) as here:
        await here.init()
        said = capsys.readouterr().out
        loaded = here.config()
        assert loaded.accounts[0].read_token() == here.cloud.options.token
        assert loaded.warnings == ()
        (secret,) = loaded.webhook.read_secrets()
        assert len(secret) >= 32
        assert loaded.streams.clients
        modes = {path.name: path.stat().st_mode & 0o777 for path in here.folder.rglob("*")}
        assert modes == {"collector.yaml": 0o644, "secrets": 0o700, "mist-token": 0o600, "webhook-secret": 0o600}
        for hidden in (here.cloud.options.token, secret.decode()):
            assert hidden not in said
            assert hidden not in here.file.read_text()
        assert "Example Org 1: 2 sites, 4 access points, 2 switches" in said
        assert f"mist-collector doctor --config {here.file}" in said
        assert not any(call.startswith(("POST", "PUT", "DELETE")) for call in here.cloud.ledger.calls)


async def test_it_writes_over_nothing(tmp_path, monkeypatch):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init()
        before = {path: path.read_bytes() for path in here.folder.rglob("*") if path.is_file()}
        with pytest.raises(ConfigError, match="is there already"):
            await here.init()
        assert {path: path.read_bytes() for path in before} == before
        await here.init(force=True, webhook=False)
        assert not here.config().webhook.enabled


async def test_orgs_and_sites_are_narrowed(tmp_path, monkeypatch):
    async with desk(tmp_path, monkeypatch, plan=FleetPlan(orgs=2, sites=1, aps=1)) as here:
        first, second = here.cloud.fleet.orgs()
        await here.init(orgs=(second["name"],), sites=("Tok*", 'say "hi"'), webhook=False)
        (account,) = here.config().accounts
        assert account.orgs == [second["id"]]
        assert account.sites.include == ["Tok*", 'say "hi"']
        with pytest.raises(ConfigError, match=f"no organisation Nowhere.*{first['name']}"):
            await here.init(orgs=("Nowhere",), force=True)


async def test_a_token_that_is_refused_is_a_sentence(tmp_path, monkeypatch):
    async with desk(tmp_path / "etc", monkeypatch) as here:
        monkeypatch.setenv(first_steps.TOKEN_VARIABLE, "a-token-of-another-cloud")
        with pytest.raises(Fatal, match="not accepted: wrong, revoked, expired, or of another cloud"):
            await here.init()
        assert not here.folder.exists()


async def test_without_a_token_and_without_questions_it_says_so(tmp_path, monkeypatch):
    async with desk(tmp_path, monkeypatch) as here:
        monkeypatch.delenv(first_steps.TOKEN_VARIABLE)
        with pytest.raises(ConfigError, match="MIST_API_TOKEN: holds no API token"):
            await here.init()


async def test_what_is_not_said_is_asked(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        monkeypatch.delenv(first_steps.TOKEN_VARIABLE)
        asked = []

        def prompt(question, **_options):
            asked.append(question)
            return "wrong" if len(asked) == 1 else here.cloud.options.token

        def confirm(question, **_options):
            asked.append(question)
            return False

        monkeypatch.setattr(typer, "prompt", prompt)
        monkeypatch.setattr(typer, "confirm", confirm)
        await here.init(ask=True)
        assert len(asked) == 3
        assert asked[0] == asked[1] == "API token (not shown; read access is enough)"
        assert "Try again" in capsys.readouterr().err
        assert not here.config().webhook.enabled


@pytest.mark.parametrize(("folder", "words"), [("file", "is not a folder"), ("file/etc", "is not a folder")])
async def test_a_place_that_cannot_be_written_is_told_before_anything_is_asked(tmp_path, folder, words):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match=words):
        await first_steps.take(first_steps.Wish(directory=tmp_path / folder, ask=False))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_of_somebody_else_is_told_before_anything_is_asked(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="may not be written"):
        await first_steps.take(first_steps.Wish(directory=tmp_path / "etc", ask=False))


def test_nobody_who_could_answer_is_told_how_to_do_without(tmp_path):
    result = CliRunner().invoke(main.app, ["init", "--directory", str(tmp_path / "etc")], input="")
    assert result.exit_code == exits.USAGE
    assert "nobody answers; give --cloud, MIST_API_TOKEN and --yes instead" in result.stderr


@pytest.mark.parametrize(
    ("wish", "words"), [({"cloud": "mars"}, "mars is not a Mist cloud"), ({}, "--cloud: is missing")]
)
async def test_an_unknown_cloud_is_a_sentence(tmp_path, wish, words):
    with pytest.raises(ConfigError, match=words):
        await first_steps.take(first_steps.Wish(directory=tmp_path, ask=False, **wish))


@pytest.mark.parametrize("cloud", [*clouds.CLOUDS.values(), clouds.from_api_url("https://api.mist.example")])
def test_the_template_is_a_good_configuration(tmp_path, cloud):
    file = tmp_path / "collector.yaml"
    (tmp_path / "secrets").mkdir()
    for name in (template.TOKEN, template.SECRET):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text("x\n")
    file.write_text(template.configuration(cloud, ["2818e386-8dec-2562-9ede-5b8a0fbbdc71"], ["Café *"], webhook=True))
    loaded = config.load(file, {})
    assert loaded.accounts[0].sites.include == ["Café *"]
