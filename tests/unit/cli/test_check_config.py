"""`check-config`: the summary of a valid configuration, and the faults of an invalid one, word for word."""

import os
import re

import pytest

from collector.cli import exits
from tests.unit.cli.conftest import VALID_CONFIG

INVALID = {
    "no-such-file": None,
    "empty-file": "",
    "binary-file": bytes(range(256)),
    "utf-16": VALID_CONFIG.encode("utf-16"),
    "utf-16-without-a-mark": VALID_CONFIG.encode("utf-16-le"),
    "twice": VALID_CONFIG + "server: {}\n",
    "tabs": "accounts:\n\t- name: main\n",
    "not-yaml": "accounts: [\n",
    "a-list": "- a\n",
    "unknown-key": VALID_CONFIG + "serverr: {}\n",
    "wrong-type": VALID_CONFIG + "inventory: {refresh_s: often}\n",
    "wrong-word": VALID_CONFIG.replace("emea01", "emea1"),
    "no-cloud": VALID_CONFIG.replace("cloud: emea01, ", ""),
    "token-in-place-of-its-name": VALID_CONFIG.replace(
        "token_file: token", "token_env: d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"
    ),
    "missing-secret": VALID_CONFIG.replace("token_file: token", "token_file: nowhere"),
    "empty-secret": VALID_CONFIG.replace("token_file: token", "token_file: empty"),
    "secret-is-a-folder": VALID_CONFIG.replace("token_file: token", "token_file: secrets"),
    "secret-is-a-pipe": VALID_CONFIG.replace("token_file: token", "token_file: pipe"),
    "secret-is-no-text": VALID_CONFIG.replace("token_file: token", "token_file: binary"),
    "secret-is-a-header": VALID_CONFIG.replace("token_file: token", "token_file: header"),
    "no-webhook-secret": VALID_CONFIG.replace("enabled: false", "enabled: true"),
    "ports-collide": VALID_CONFIG.replace(
        "{enabled: false}", '{allow_unsigned: true, listen: "127.0.0.1:9733"}'
    ).replace(":0", ":9733"),
    "ftp-instead-of-https": VALID_CONFIG.replace("cloud: emea01", 'api_url: "ftp://api.mist.com"'),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_file(name, directory, execute, golden):
    text = INVALID[name]
    if text is not None:
        (directory / "collector.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = execute("check-config", "collector.yaml")
    assert (done.returncode, done.stdout) == (exits.USAGE, "")
    text = done.stderr.replace(str(directory), "FOLDER")
    assert "d0d0d0" not in text
    golden(f"bad-{name}", text)


def test_a_valid_file(invoke, directory):
    file = directory / "collector.yaml"
    file.write_text(VALID_CONFIG.replace("{enabled: false}", "{allow_unsigned: true}"))
    result = invoke("check-config", file)
    assert result.stdout.splitlines() == [
        f"{file}: valid",
        f"  account main: emea01, token from {directory}/token, all organisations of the token",
        "  streams: devices, device_events",
        "  webhook: http://0.0.0.0:9734/webhook, unsigned deliveries accepted",
        "  metrics: http://127.0.0.1:0/metrics",
    ]
    assert result.stderr.startswith(f"{file}: warning: webhook.allow_unsigned: ")


def test_every_fault_is_reported(invoke, directory):
    file = directory / "collector.yaml"
    file.write_text("accounts: [{name: main, cloud: mars}]\nserver: {lisen: x}\n")
    result = invoke("check-config", file, code=exits.USAGE)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 5
    assert all(line.startswith(f"{file}: ") for line in lines)
    assert lines[0].startswith(f"{file}: accounts[0].cloud: 'mars' is not allowed (allowed: global01, ")
    assert lines[1] == f"{file}: server.lisen: unknown key (did you mean server.listen?)"
    assert lines[-1] == f"{file}: 4 faults"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_secret_without_read_permission(directory, execute):
    (directory / "token").chmod(0)
    (directory / "collector.yaml").write_text(VALID_CONFIG)
    done = execute("check-config", "collector.yaml")
    assert done.returncode == exits.USAGE
    assert "token cannot be read: Permission denied" in done.stderr


def test_a_secret_that_every_user_may_read(directory, execute):
    (directory / "token").chmod(0o644)
    (directory / "collector.yaml").write_text(VALID_CONFIG)
    done = execute("check-config", "collector.yaml")
    assert done.returncode == exits.OK
    assert re.search(r"warning: .*token is readable by every user of this machine \(use chmod o-r\)", done.stderr)
