"""No secret comes out of a running daemon, whatever is asked and whatever goes wrong; none out of its objects."""

import base64
import json
import signal
import traceback
from pathlib import Path

import bcrypt
import pytest

from collector import config
from collector.config import web_file
from collector.daemon.reload import operator_access, webhook_policy
from collector.errors import ConfigError
from collector.listener.basic_auth import BasicAuth
from collector.mist import signature
from tests.support.processes import Daemon, Simulator, ask, eventually

pytestmark = pytest.mark.e2e

TOKEN = "tOkEn0123456789abcdefSecretOfTheTests"  # as long as those of Mist
WEBHOOK = "webhook secret, quite a long one"
PASSWORD = "the password of the operator"
WRONG_TOKEN = "wr0ngTokenThatNobodyTakes0123456789ab"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
SECRETS = {"token": TOKEN, "webhook": WEBHOOK, "password": PASSWORD, "hash": HASH, "wrong token": WRONG_TOKEN}
ALICE = "Basic " + base64.b64encode(f"alice:{PASSWORD}".encode()).decode()


def leaks(text):
    """The names of the secrets that a text holds, in any of their clothes."""
    return [
        name
        for name, secret in SECRETS.items()
        for shape in (secret, json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode(), repr(secret)[1:-1])
        if shape in text
    ]


class SecretDaemon(Daemon):
    TOKEN, SECRET = TOKEN, WEBHOOK


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "web-config.yml").write_text(f"basic_auth_users: {{alice: '{HASH}'}}\n")
    sections = {
        "log": {"level": "debug"},
        "server": {"listen": "127.0.0.1:0", "web_config_file": "web-config.yml", "allow_reload": True},
    }
    flags = {"sites": 1, "aps": 2, "cadence_s": 2, "token": TOKEN}
    with (
        Simulator(tmp_path_factory.mktemp("cloud"), **flags) as cloud,
        SecretDaemon(folder, api_url=cloud.api_url, stream_url=cloud.stream_url, **sections) as daemon,
    ):
        daemon.ready()
        provoke(daemon, cloud)
        yield daemon


def provoke(daemon, cloud):
    """Let go wrong what can go wrong with secrets at hand."""
    body = b'{"topic": "ping", "events": [{}]}'
    for secret in (WEBHOOK, "another"):
        ask_raw(daemon.webhook_url, body, {signature.HEADER: signature.sign(body, secret.encode())})
    ask_raw(daemon.webhook_url, body, {"Authorization": f"Token {TOKEN}", "X-Secret": WEBHOOK})
    for header in (ALICE, "Basic " + base64.b64encode(b"alice:guess").decode()):
        ask(f"{daemon.url}/metrics", headers={"Authorization": header})
    cloud.tell("/faults", kind="handshake_status", status=401, count=2)
    cloud.tell("/faults", kind="stream_down", seconds=0.5)
    (daemon.directory / "token").write_text(f"{WRONG_TOKEN}\n")  # which the cloud refuses
    (daemon.directory / "web-config.yml").write_text(f"basic_auth_users: {{alice: '{PASSWORD}'}}\n")
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: "reload_failed" in daemon.said(), "the bad file is refused")
    (daemon.directory / "web-config.yml").write_text(f"basic_auth_users: {{alice: '{HASH}'}}\n")
    eventually(lambda: "stream_disconnected" in daemon.said(), "the stream broke")


def ask_raw(url, body, headers):
    import http.client
    from urllib.parse import urlsplit

    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=20)
    connection.request("POST", where.path, body, headers)
    connection.getresponse().read()
    connection.close()


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready", "/none"])
def test_no_page_tells_a_secret(daemon, path):
    answer = ask(daemon.url + path, headers={"Authorization": ALICE})
    assert answer.status in (200, 404, 503)
    assert leaks(answer.text + str(answer.headers)) == []


def test_the_log_at_debug_level_tells_none(daemon):
    said = daemon.said("err") + daemon.said("out")
    assert "reload_failed" in said
    assert "webhook_refused" in said
    assert leaks(said) == []


def test_the_process_shows_none_on_its_command_line_or_in_its_environment(daemon):
    process = Path(f"/proc/{daemon.process.pid}")
    for name in ("cmdline", "environ", "comm", "status"):
        assert leaks((process / name).read_bytes().decode("utf-8", "replace")) == [], name


@pytest.fixture
def loaded(tmp_path):
    for name, text in (("token", TOKEN), ("secret", WEBHOOK)):
        (tmp_path / name).write_text(text)
    (tmp_path / "web-config.yml").write_text(f"basic_auth_users: {{alice: '{HASH}'}}\n")
    file = tmp_path / "collector.yaml"
    file.write_text(
        json.dumps(
            {
                "accounts": [{"name": "a", "cloud": "emea01", "token_file": "token"}],
                "webhook": {"secret_files": ["secret"]},
                "server": {"web_config_file": "web-config.yml"},
            }
        )
    )
    return config.load(file, {})


def test_no_object_prints_one(loaded):
    loaded.accounts[0].read_token()
    loaded.webhook.read_secrets()
    access = operator_access(loaded.server)
    shown = [loaded, loaded.accounts[0], loaded.webhook, access, access.web, BasicAuth(access.web.users)]
    shown += [webhook_policy(loaded.webhook), loaded.accounts[0]._token, *loaded.webhook._secrets]
    for thing in shown:
        assert leaks(repr(thing) + str(thing)) == [], type(thing)
    assert leaks(loaded.model_dump_json() + str(loaded.model_dump())) == []


def test_no_error_holds_one(tmp_path):
    for name, content in (("two-lines", f"{TOKEN}\n{TOKEN}\n"), ("spaces", f"{TOKEN} {TOKEN}")):
        (tmp_path / name).write_text(content)
    documents = [
        {"accounts": [{"name": "a", "cloud": "emea01", "token_file": name}]} for name in ("two-lines", "spaces", TOKEN)
    ]
    documents += [
        {"accounts": [{"name": "a", "cloud": "emea01", "token_env": TOKEN}]},
        {"accounts": [{"name": "a", "cloud": TOKEN}]},
        {"accounts": [{"name": "a", "api_url": f"https://user:{TOKEN}@host/"}]},
        {"accounts": [{"name": "a", "cloud": "emea01", "token": TOKEN}]},
        {"webhook": {"secret_files": [f"{TOKEN}"], "path": TOKEN}},
    ]
    for document in documents:
        file = tmp_path / "collector.yaml"
        file.write_text(json.dumps(document))
        with pytest.raises(ConfigError) as raised:
            config.load(file, {"MIST_API_TOKEN": TOKEN})
        text = "".join(traceback.format_exception(raised.value)) + repr(raised.value.faults)
        assert leaks(text) == [], document


def test_a_bad_hash_is_not_repeated(tmp_path):
    file = tmp_path / "web-config.yml"
    file.write_text(f"basic_auth_users: {{alice: '{PASSWORD}'}}\n")
    with pytest.raises(ConfigError) as raised:
        web_file.load(file)
    assert leaks("".join(traceback.format_exception(raised.value))) == []
