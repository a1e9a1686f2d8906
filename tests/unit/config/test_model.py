"""The configuration file: every fault with its key and a remedy, all at once, and never a secret in it."""

import json
import os
import traceback

import pytest
import yaml

from collector import config
from collector.config import model
from collector.errors import ConfigError
from collector.listener.address import ListenAddress
from collector.mist.clouds import CLOUDS

TOKEN = "kx7Qm2tokentokentokentokentoken"
ORG = "2818e386-8dec-2562-9ede-5b8a0fbbdc71"
ENVIRON = {"MIST_API_TOKEN": TOKEN}
GOOD = """
accounts:
  - name: main
    cloud: emea01
webhook:
  secret_files: [webhook-secret]
"""


@pytest.fixture
def write(tmp_path):
    """Write a configuration file beside a good secret file and return its path."""
    secret = tmp_path / "webhook-secret"
    secret.write_text("the webhook secret\n")
    secret.chmod(0o600)
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)

    def write(text):
        path = tmp_path / "collector.yaml"
        path.write_bytes(text) if isinstance(text, bytes) else path.write_text(text)
        return path

    return write


def faults_of(path, environ=ENVIRON):
    with pytest.raises(ConfigError) as caught:
        config.load(path, environ)
    assert caught.value.file == str(path)
    return {fault.path: f"{fault.problem} | {fault.remedy}" for fault in caught.value.faults}


def changed(**values):
    """The good configuration with other values at top level."""
    return yaml.safe_dump(yaml.safe_load(GOOD) | values)


def account(**values):
    return changed(accounts=[{"name": "main", "cloud": "emea01"} | values])


def test_defaults_are_those_of_the_model(write):
    loaded = config.load(write(GOOD), ENVIRON)
    assert str(loaded.server.listen) == "0.0.0.0:9733"
    assert str(loaded.webhook.listen) == "0.0.0.0:9734"
    assert loaded.webhook.path == "/webhook"
    assert loaded.accounts[0].orgs == []
    assert loaded.stream.transport == "websockets"
    assert loaded.labels == "ids"
    assert loaded.warnings == ()


@pytest.mark.parametrize("value", ["websockets", "aiohttp"])
def test_the_transport_is_accepted_and_ignored_with_a_warning(write, value):
    loaded = config.load(write(changed(stream={"transport": value, "max_channels": 7})), ENVIRON)
    assert loaded.warnings == ("stream.transport: is ignored since 0.2.0: remove it",)
    assert loaded.stream.max_channels == 7


def test_cloud_names_are_those_of_mist():
    assert set(model.CloudName.__args__) == set(CLOUDS)


def test_a_whole_file(write):
    loaded = config.load(
        write(f"""
accounts:
  - name: eu
    cloud: emea01
    token_file: token
    orgs: [{ORG.upper()}]
    sites: {{include: ["HQ *"], exclude: [Lab]}}
  - name: lab
    api_url: http://127.0.0.1:8080/
    stream_url: ws://[::1]:8081/api-ws/v1/stream
streams: {{devices: true, location: {{clients: true}}}}
webhook: {{listen: "[::]:9734", path: /hooks/mist, secret_files: [webhook-secret], max_body_bytes: 2000000}}
server: {{listen: "localhost:9733"}}
inventory: {{refresh_s: 60}}
stream: {{transport: websockets, max_channels: 2000}}
labels: inline
log: {{level: debug, format: console}}
"""),
        ENVIRON,
    )
    assert loaded.accounts[0].orgs == [ORG]
    assert loaded.accounts[0].sites.include == ["HQ *"]
    assert loaded.accounts[1].api_url == "http://127.0.0.1:8080"
    assert loaded.streams.location.clients
    assert loaded.webhook.listen == ListenAddress("::", 9734)
    assert str(loaded.webhook.listen) == "[::]:9734"


def test_a_section_or_value_left_empty_is_the_default(write):
    loaded = config.load(write(GOOD + "server:\nstream:\n  transport:\nlog: {}\n"), ENVIRON)
    assert loaded.server.listen.port == 9733
    assert loaded.stream.transport == "websockets"


FAULTS = {
    # the file as a whole
    "empty": ("", "", "is empty | it needs at least: accounts"),
    "only comments": ("# nothing\n", "", "is empty"),
    "a list": ("- a\n", "", "contains a list, not a mapping"),
    "a word": ("accounts\n", "", "contains a single value, not a mapping"),
    "a tab": ("accounts:\n\t- name: x\n", "", "line 2, column 1: a tab is used for indentation"),
    "syntax": ("accounts: [\n", "", "line 2, column 1: "),
    "two documents": ("a: 1\n---\nb: 2\n", "", "contains several documents"),
    "a tag": ("accounts: !!python/object:os.system {}\n", "", "contains a YAML tag"),
    "not UTF-8": (b"accounts: \xff\n", "", "byte 11 is not UTF-8"),
    "a control character": (b"accounts: \x00\n", "", "character 11 is not text (code 0) | save the file as plain"),
    "UTF-16": ("accounts: []\n".encode("utf-16-le"), "", "character 2 is not text (code 0)"),
    "impossible date": ("accounts: 2023-13-45\n", "", "contains a value that YAML cannot parse"),
    "nested bomb": ("[" * 5000, "", "is nested too deeply"),
    # keys
    "unknown": (changed(sever={}), "sever", "unknown key | did you mean server?"),
    "unknown deep": (account(sites={"exclud": []}), "accounts[0].sites.exclud", "mean accounts[0].sites.exclude?"),
    "dash for underscore": (account(**{"token-file": "x"}), "accounts[0].token-file", "mean accounts[0].token_file?"),
    "elsewhere": (changed(listen="x"), "listen", "there is webhook.listen and server.listen"),
    "nothing like it": (changed(server={"zzz": 1}), "server.zzz", "unknown key | allowed here: listen"),
    "unknown and empty": (changed(zzz=None), "zzz", "unknown key"),
    "not text": (changed(server={1: 2}), "server[1]", "unknown key"),
    "twice": (GOOD + "webhook: {}\n", "webhook", "is set twice, in line 5 and in line 7 | keep one"),
    # values
    "no accounts": ("webhook: {enabled: false}", "accounts", "is missing"),
    "empty accounts": (changed(accounts=[]), "accounts", "is empty | it needs at least one entry"),
    "accounts no list": (changed(accounts={"name": "x"}), "accounts", "must be a list"),
    "account no mapping": (changed(accounts=["main"]), "accounts[0]", "must be a mapping | with the keys name, cloud"),
    "no name": (changed(accounts=[{"cloud": "emea01"}]), "accounts[0].name", "is missing"),
    "bad name": (account(name="two words"), "accounts[0].name", "is not a valid name"),
    "number as name": (account(name=7), "accounts[0].name", "must be text | put it in quotes"),
    "bad cloud": (account(cloud="emea1"), "accounts[0].cloud", "'emea1' is not allowed | did you mean emea01?"),
    "bad org": (account(orgs=["acme"]), "accounts[0].orgs[0]", "is not an organisation id"),
    "orgs no list": (account(orgs=ORG), "accounts[0].orgs", "must be a list"),
    "bad bool": (changed(streams={"devices": "maybe"}), "streams.devices", "must be true or false"),
    "bad int": (changed(stream={"max_channels": "many"}), "stream.max_channels", "must be a whole number"),
    "too many": (changed(stream={"max_channels": 2001}), "stream.max_channels", "must be at most 2000"),
    "zero": (changed(stream={"ping_every_s": 0}), "stream.ping_every_s", "must be greater than 0"),
    "infinite": (changed(inventory={"refresh_s": float("inf")}), "inventory.refresh_s", "must be a finite number"),
    "bad word": (changed(stream={"transport": "websocket"}), "stream.transport", "did you mean websockets?"),
    "bad path": (changed(webhook={"path": "hook", "allow_unsigned": True}), "webhook.path", "is not a valid path"),
    "listen port only": (changed(server={"listen": 9733}), "server.listen", "must be host:port"),
    "listen IPv6 bare": (changed(server={"listen": "::1:9733"}), "server.listen", "must be host:port"),
    "listen bad IPv6": (changed(server={"listen": "[1::2::3]:9733"}), "server.listen", "must be an IPv6 address"),
    "listen port too big": (changed(server={"listen": "x:70000"}), "server.listen", "between 0 and 65535"),
    # between keys
    "no cloud": (changed(accounts=[{"name": "x"}]), "accounts[0].cloud", "is missing | set the Mist cloud"),
    "both": (account(api_url="https://api.x"), "accounts[0].api_url", "is set together with cloud"),
    "stream alone": (account(stream_url="wss://x/"), "accounts[0].stream_url", "is set together with cloud"),
    "no stream": (account(cloud=None, api_url="https://x.y"), "accounts[0].stream_url", "is missing"),
    "same org": (account(orgs=[ORG, ORG]), "accounts[0].orgs[1]", "is listed twice"),
    "token twice": (account(token_file="token", token_env="X"), "accounts[0].token_env", "together with token_file"),
    "no token": (account(token_env="NOT_SET"), "accounts[0].token_env", "NOT_SET is not set"),
    "no token file": (account(token_file="nope"), "accounts[0].token_file", "nope cannot be read: No such file"),
    "token file a directory": (account(token_file="."), "accounts[0].token_file", "is not a file"),
    "no secret": (changed(webhook={}), "webhook.secret_files", "the webhook listener needs a secret unless"),
    "no secret file": (changed(webhook={"secret_files": ["nope"]}), "webhook.secret_files[0]", "cannot be read"),
    "same port": (changed(server={"listen": "127.0.0.1:9734"}), "webhook.listen", "collides with"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "path", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named(write, text, path, words):
    found = faults_of(write(text))
    assert list(found) == [path]
    assert words in found[path]


PLAIN = ["http://api.mist.com", "http://10.0.0.1", "http://localhost.evil.example", "http://127.0.0.1.evil.example"]
LOOPBACK = ["http://localhost:1", "http://127.3.4.5:1", "http://[::1]:1", "http://LOCALHOST:1"]


@pytest.mark.parametrize("url", PLAIN)
def test_plain_text_leaves_this_machine_never(write, url):
    stream = url.replace("http", "ws", 1)
    found = faults_of(write(account(cloud=None, api_url=url, stream_url=stream)))
    assert set(found) == {"accounts[0].api_url", "accounts[0].stream_url"}
    assert all("would send the token in clear text" in words for words in found.values())


@pytest.mark.parametrize("url", LOOPBACK)
def test_plain_text_within_this_machine(write, url):
    stream = url.replace("http", "ws", 1)
    loaded = config.load(write(account(cloud=None, api_url=url, stream_url=stream)), ENVIRON)
    assert loaded.accounts[0].api_url == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://api.x",
        "api.mist.com",
        "https://",
        "https://u:hunter2@x",
        "https://x/v1",
        "https://x?a=hunter2",
        "https://x:y",
    ],
)
def test_bad_addresses_are_refused_and_not_repeated(write, url):
    found = faults_of(write(account(cloud=None, api_url=url, stream_url="wss://x/")))
    assert list(found) == ["accounts[0].api_url"]
    assert "hunter2" not in str(found)


def test_every_fault_is_told_at_once(write):
    text = """
accounts:
  - {name: one, clod: emea01, token_file: nope}
  - {name: one, cloud: emea01, orgs: [x]}
  - main
  - {name: four, cloud: emea01, cloud: global01}
webhook: {listen: "0.0.0.0:9733", max_body_bytes: 1}
streams: {devices: 3}
extra: 1
"""
    assert set(faults_of(write(text))) == {
        "accounts[0].clod",
        "accounts[0].cloud",
        "accounts[0].token_file",
        "accounts[1].name",
        "accounts[1].orgs[0]",
        "accounts[2]",
        "accounts[3].cloud",
        "webhook.listen",
        "webhook.max_body_bytes",
        "webhook.secret_files",
        "streams.devices",
        "extra",
    }


def test_a_missing_or_unreadable_file(tmp_path):
    assert "No such file" in faults_of(tmp_path / "nope.yaml")[""]
    assert "Is a directory" in faults_of(tmp_path)[""]
    os.mkfifo(tmp_path / "fifo")
    assert "is empty" in faults_of(tmp_path / "fifo")[""]  # nobody writes into it: that is not waited for


def test_what_is_allowed_but_unwise_is_a_warning(write, tmp_path):
    (tmp_path / "token").chmod(0o644)
    (tmp_path / "webhook-secret").chmod(0o604)
    text = yaml.safe_load(GOOD)
    text["accounts"][0]["token_file"] = "token"
    text["webhook"]["allow_unsigned"] = True
    warnings = config.load(write(yaml.safe_dump(text)), ENVIRON).warnings
    keys = [warning.partition(":")[0] for warning in warnings]
    assert keys == ["accounts[0].token_file", "webhook.secret_files[0]", "webhook.allow_unsigned"]


def test_no_webhook_needs_no_secret_and_no_port(write):
    loaded = config.load(write(changed(webhook={"enabled": False, "listen": "0.0.0.0:9733"})), ENVIRON)
    assert not loaded.webhook.enabled
    assert config.load(write(changed(webhook={"allow_unsigned": True})), ENVIRON).webhook.read_secrets() == ()


# Overrides from the environment.


def with_environ(write, text=GOOD, **overrides):
    return config.load(write(text), ENVIRON | {f"MIST_COLLECTOR__{key}": value for key, value in overrides.items()})


def test_overrides_by_key_index_and_yaml(write):
    loaded = with_environ(
        write,
        SERVER__LISTEN="127.0.0.1:1",
        WEBHOOK__LISTEN="[::1]:2",
        STREAMS__LOCATION__ASSETS="true",
        INVENTORY__REFRESH_S="30",
        ACCOUNTS__0__NAME="1234",
        ACCOUNTS__0__ORGS=f"[{ORG}]",
        ACCOUNTS__1__NAME="second",
        ACCOUNTS__1__CLOUD="apac01",
        WEBHOOK__SECRET_FILES__0="token",
    )
    assert loaded.server.listen == ListenAddress("127.0.0.1", 1)
    assert loaded.webhook.listen == ListenAddress("::1", 2)
    assert loaded.streams.location.assets
    assert loaded.inventory.refresh_s == 30
    assert [account.name for account in loaded.accounts] == ["1234", "second"]
    assert loaded.accounts[0].orgs == [ORG]
    assert loaded.webhook.read_secrets() == (TOKEN.encode(),)


def test_overrides_outrank_only_what_they_name(write):
    loaded = with_environ(write, "server: {listen: 'x:1'}\n" + GOOD, ACCOUNTS="[{name: other, cloud: global01}]")
    assert loaded.accounts[0].name == "other"
    assert loaded.server.listen == ListenAddress("x", 1)


@pytest.mark.parametrize(
    ("key", "value", "path", "words"),
    [
        ("SERVER__LISTN", "x", "server.listn", "(set by MIST_COLLECTOR__SERVER__LISTN) | did you mean server.listen?"),
        ("SERVER__LISTEN", "x", "server.listen", "must be host:port (set by MIST_COLLECTOR__SERVER__LISTEN)"),
        ("SERVR__LISTEN", "x", "servr", "unknown key (set by MIST_COLLECTOR__SERVR__LISTEN) | did you mean server?"),
        ("ACCOUNTS__5__NAME", "x", "accounts[5].name", "the next free index of this list is 1 | for instance MIST_"),
        ("ACCOUNTS__NAME", "x", "accounts.name", "there is no mapping"),
        ("SERVER__0", "x", "server[0]", "there is none"),
        ("SERVER____LISTEN", "x", "server..listen", "a key is empty"),
        ("ACCOUNTS", "[", "accounts", "is not valid YAML"),
        ("ACCOUNTS", "[" * 5000, "accounts", "is not valid YAML"),
        ("ACCOUNTS", "[2023-13-45]", "accounts", "is not valid YAML"),
    ],
)  # fmt: skip
def test_a_fault_in_the_environment_names_the_variable(write, key, value, path, words):
    text = changed(server={"listen": "x:1"})
    found = faults_of(write(text), ENVIRON | {f"MIST_COLLECTOR__{key}": value})
    assert list(found) == [path]
    assert words in found[path]


# Secrets.


def test_the_token_is_read_each_time_without_its_line_break(write, tmp_path):
    loaded = config.load(write(account(token_file="token")), {})
    assert loaded.accounts[0].read_token() == TOKEN
    (tmp_path / "token").write_text("rotated\r\n")
    assert loaded.accounts[0].read_token() == "rotated"


@pytest.mark.parametrize("content", [None, "", "\n", "two\nlines\n"])
def test_while_a_file_is_being_rotated_the_last_good_secret_stays(write, tmp_path, content):
    loaded = config.load(write(GOOD), ENVIRON)
    assert loaded.webhook.read_secrets() == (b"the webhook secret",)
    (tmp_path / "webhook-secret").unlink()
    if content is not None:
        (tmp_path / "webhook-secret").write_text(content)
    assert loaded.webhook.read_secrets() == (b"the webhook secret",)


def test_the_token_of_the_environment_is_read_each_time(write):
    environ = dict(ENVIRON)
    loaded = config.load(write(GOOD), environ)
    environ["MIST_API_TOKEN"] = "rotated"
    assert loaded.accounts[0].read_token() == "rotated"
    del environ["MIST_API_TOKEN"]
    with pytest.raises(ConfigError, match="MIST_API_TOKEN is not set"):
        loaded.accounts[0].read_token()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("a\nb\n", "contains several lines"),
        ("x" * 5000, "is over 4096 bytes"),
        ("two words", "does not contain an API token"),
        ("umlaut-ä", "does not contain an API token"),
        (b"token\0token", "is not text"),
        (b"\x9f\x8e", "is not text"),
        ("token".encode("utf-16"), "is UTF-16 | save it as UTF-8"),
    ],
)
def test_an_unusable_token_file(write, tmp_path, content, words):
    (tmp_path / "token").write_bytes(content if isinstance(content, bytes) else content.encode())
    found = faults_of(write(account(token_file="token")))
    assert words in found["accounts[0].token_file"]
    assert content.strip() == "" or str(content) not in str(found)


def test_a_byte_order_mark_is_no_part_of_a_secret(write, tmp_path):
    (tmp_path / "token").write_bytes(b"\xef\xbb\xbf" + TOKEN.encode() + b"\r\n")
    assert config.load(write(account(token_file="token")), {}).accounts[0].read_token() == TOKEN


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_secret_file_of_somebody_else(write, tmp_path):
    (tmp_path / "token").chmod(0)
    assert "Permission denied" in faults_of(write(account(token_file="token")))["accounts[0].token_file"]


@pytest.mark.parametrize(
    "text",
    [
        account(token=TOKEN),
        account(token_env=TOKEN),
        account(token_file=TOKEN),
        account(cloud=TOKEN),
        account(orgs=[TOKEN]),
        account(api_url=f"https://x:{TOKEN}@api.mist.com"),
        changed(webhook={"secret_files": [TOKEN]}),
        f"accounts: {TOKEN}: x",
        f"accounts: *{TOKEN} x",
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(write, text):
    with pytest.raises(ConfigError) as caught:
        config.load(write(text), ENVIRON)
    told = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in told


def test_a_secret_never_prints_itself(write):
    loaded = config.load(write(account(token_file="token")), {"OTHER": TOKEN})
    loaded.accounts[0].read_token()
    loaded.webhook.read_secrets()
    private = [repr(section.__pydantic_private__) for section in (loaded.accounts[0], loaded.webhook)]
    shown = [repr(loaded), str(loaded), loaded.model_dump_json(), json.dumps(loaded.model_dump(mode="json")), *private]
    for text in shown:
        assert "the webhook secret" not in text
    for text in shown[:4]:
        assert TOKEN not in text


def test_the_schema_describes_every_key():
    schema = config.json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["labels"]["enum"] == ["ids", "inline"]
    for name, section in {"Config": schema, **schema["$defs"]}.items():
        for key, described in section["properties"].items():
            inner = schema["$defs"].get(described.get("$ref", "").rpartition("/")[2], {})
            assert described.get("description") or inner.get("description"), f"{name}.{key} says nothing"
    assert schema["$defs"]["ServerConfig"]["properties"]["listen"]["default"] == "0.0.0.0:9733"


def test_polls_are_switched_and_paced_one_by_one(write):
    polls = config.load(
        write(changed(polls={"ports": False, "every_s": {"zones": 900}, "budget_share": 0.1})),
        ENVIRON | {"MIST_COLLECTOR__POLLS__EVERY_S__ALARMS": "60"},
    ).polls
    assert (polls.ports, polls.alarms, polls.assets) == (False, True, False)
    assert (polls.every_s.zones, polls.every_s.alarms, polls.every_s.sle) == (900, 60, 900)
    assert polls.budget_share == 0.1


@pytest.mark.parametrize(
    ("polls", "path"),
    [
        ({"port": True}, "polls.port"),
        ({"ports": "often"}, "polls.ports"),
        ({"every_s": {"ports": 5}}, "polls.every_s.ports"),
        ({"every_s": {"sle_wifi": 300}}, "polls.every_s.sle_wifi"),
        ({"budget_share": 0.5}, "polls.budget_share"),
        ({"budget_share": 0}, "polls.budget_share"),
    ],
)
def test_a_poll_that_is_wrong_is_named(write, polls, path):
    assert path in faults_of(write(changed(polls=polls)))


def test_a_credential_of_systemd_goes_before_the_file(tmp_path):
    handed_over = tmp_path / "run"
    handed_over.mkdir()
    (handed_over / "secrets_mist-token").write_text("from-systemd\n")
    file = tmp_path / "collector.yaml"
    file.write_text("accounts: [{name: a, cloud: emea01, token_file: secrets/mist-token}]\nwebhook: {enabled: false}\n")
    loaded = config.load(file, {"CREDENTIALS_DIRECTORY": str(handed_over)})
    assert loaded.accounts[0].read_token() == "from-systemd"


def test_without_a_credential_the_file_is_read(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mist-token").write_text("from-the-file\n")
    (tmp_path / "secrets" / "mist-token").chmod(0o600)
    file = tmp_path / "collector.yaml"
    file.write_text("accounts: [{name: a, cloud: emea01, token_file: secrets/mist-token}]\nwebhook: {enabled: false}\n")
    for environ in ({}, {"CREDENTIALS_DIRECTORY": str(tmp_path)}):
        assert config.load(file, environ).accounts[0].read_token() == "from-the-file"
