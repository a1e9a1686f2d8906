"""What the command line says, word for word: the help of each command, and the answer to bad input.

`pytest tests/unit/cli --update-golden` writes the expected texts anew; read the difference before you commit it.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer._completion_shared import get_completion_script
from typer.testing import CliRunner

from collector.cli import main, webhook
from tests.support import programs

SAID = Path(__file__).parent / "said"
PAGES = [
    [], *([command.name] for command in main.COMMANDS), ["webhook"],
    *(["webhook", command.name or command.callback.__name__] for command in webhook.app.registered_commands),
]  # fmt: skip
GOOD = """\
accounts:
  - {name: main, cloud: emea01, token_file: token}
webhook: {enabled: false}
server: {listen: "127.0.0.1:0"}
"""


def compare(name, text, pytestconfig):
    file = SAID / f"{name}.txt"
    if pytestconfig.getoption("--update-golden", default=False):
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"no {file.name}: write it with --update-golden"
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", PAGES, ids=lambda words: "-".join(words) or "all")
def test_help(words, pytestconfig, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERMINAL_WIDTH", "100")
    result = CliRunner().invoke(main.app, [*words, "--help"])
    assert result.exit_code == 0
    compare(f"help-{'-'.join(words) or 'all'}", result.stdout, pytestconfig)
    if words and words != ["webhook"]:
        assert "xit code" in result.stdout or words[0] in ("catalog", "schema"), "say the exit codes"


def test_no_text_is_left_over():
    expected = {f"help-{'-'.join(words) or 'all'}.txt" for words in PAGES} | {f"bad-{name}.txt" for name in BAD}
    assert {file.name for file in SAID.iterdir()} == expected


# Bad input: one clear message that says what to do, exit code 2, no traceback

BAD = {
    "no-such-file": (None, "check-config"),
    "empty-file": ("", "check-config"),
    "binary-file": (bytes(range(256)), "check-config"),
    "utf-16": (GOOD.encode("utf-16"), "check-config"),
    "utf-16-without-a-mark": (GOOD.encode("utf-16-le"), "check-config"),
    "twice": (GOOD + "server: {}\n", "check-config"),
    "tabs": ("accounts:\n\t- name: main\n", "check-config"),
    "not-yaml": ("accounts: [\n", "check-config"),
    "a-list": ("- a\n", "check-config"),
    "unknown-key": (GOOD + "serverr: {}\n", "check-config"),
    "wrong-type": (GOOD + "inventory: {refresh_s: often}\n", "check-config"),
    "wrong-word": (GOOD.replace("emea01", "emea1"), "check-config"),
    "no-cloud": (GOOD.replace("cloud: emea01, ", ""), "check-config"),
    "token-in-place-of-its-name": (
        GOOD.replace("token_file: token", "token_env: d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"), "check-config",
    ),
    "missing-secret": (GOOD.replace("token_file: token", "token_file: nowhere"), "check-config"),
    "empty-secret": (GOOD.replace("token_file: token", "token_file: empty"), "check-config"),
    "secret-is-a-folder": (GOOD.replace("token_file: token", "token_file: secrets"), "check-config"),
    "secret-is-a-pipe": (GOOD.replace("token_file: token", "token_file: pipe"), "check-config"),
    "secret-is-no-text": (GOOD.replace("token_file: token", "token_file: binary"), "check-config"),
    "secret-is-a-header": (GOOD.replace("token_file: token", "token_file: header"), "check-config"),
    "no-webhook-secret": (GOOD.replace("enabled: false", "enabled: true"), "check-config"),
    "ports-collide": (
        GOOD.replace("{enabled: false}", '{allow_unsigned: true, listen: "127.0.0.1:9733"}').replace(":0", ":9733"),
        "check-config",
    ),
    "port-taken": (GOOD, "run"),
    "no-such-address": (GOOD.replace("127.0.0.1", "192.0.2.1"), "run"),
    "no-such-name": (GOOD.replace("127.0.0.1", "no-such-host.invalid"), "run"),
    "ftp-instead-of-https": (GOOD.replace("cloud: emea01", 'api_url: "ftp://api.mist.com"'), "check-config"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secrets").mkdir()
    os.mkfifo(tmp_path / "pipe")
    texts = {"token": b"a-token\n", "empty": b"", "binary": b"\0\1\2", "header": b"Authorization: Token d0d0d0\n"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def said(folder, *words, **environ):
    command = [sys.executable, "-m", "collector", *words]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_sentence_and_exit_code_2(name, folder, pytestconfig):
    text, command = BAD[name]
    if text is not None:
        (folder / "collector.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environ = {"MIST_COLLECTOR__SERVER__LISTEN": f"127.0.0.1:{port}"} if name == "port-taken" else {}
        options = ["--config"] if command == "run" else []
        done = said(folder, command, *options, "collector.yaml", **environ)
    assert (done.returncode, done.stdout) == (2, "")
    told = done.stderr.replace(str(folder), "FOLDER").replace(str(port), "PORT")
    assert "d0d0d0" not in told
    compare(f"bad-{name}", told, pytestconfig)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_secret_that_may_not_be_read(folder):
    (folder / "token").chmod(0)
    (folder / "collector.yaml").write_text(GOOD)
    done = said(folder, "check-config", "collector.yaml")
    assert done.returncode == 2
    assert "token cannot be read: Permission denied" in done.stderr


@pytest.mark.slow
def test_a_secret_that_everybody_may_read_is_warned_of(folder):
    (folder / "token").chmod(0o644)
    (folder / "collector.yaml").write_text(GOOD)
    done = said(folder, "check-config", "collector.yaml")
    assert done.returncode == 0
    assert re.search(r"warning: .*token may be read by every user of this machine \(chmod o-r, or 0600\)", done.stderr)


# What a command line asks for and there is not

ASKED = {
    "replay a folder": ["replay", "."],
    "replay what is no recording": ["replay", "token.jsonl.gz"],
    "replay nothing": ["replay", "nowhere.jsonl"],
    "top of no address": ["top", "--url", "nonsense", "--once"],
    "a scenario": ["simulate", "--scenario", "nonsense", "--api-port=0", "--stream-port=0", "--control-port=0"],
    "a scenario of the demo": [
        "demo", "--scenario=nonsense", "--no-prometheus", "--server-listen=127.0.0.1:0", "--webhook-listen=127.0.0.1:0",
    ],
    "a port of the simulator": ["simulate", "--api-port", "PORT"],
    "a port of the demo": ["demo", "--no-prometheus", "--server-listen", "127.0.0.1:PORT"],
    "a webhook's address": ["doctor", "-c", "collector.yaml", "--webhook-url", "nonsense"],
    "an option": ["run", "--log-levle", "debug"],
    "a command": ["rnu"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("asked", ASKED)
def test_what_there_is_not_is_a_sentence_and_exit_code_2(asked, folder):
    (folder / "collector.yaml").write_text(GOOD)
    (folder / "token.jsonl.gz").write_text("not packed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = said(folder, *(word.replace("PORT", port) for word in ASKED[asked]))
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) <= 4


FRAME = '{"event":"data","channel":"/sites/1/stats/devices","data":"{\\"mac\\":\\"020000000001\\",\\"uptime\\":5}"}\n'


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("words", [["catalog"], ["check-config", "collector.yaml"], ["replay", "frames.jsonl"]])
def test_a_full_disk_is_a_sentence_and_exit_code_1(words, folder):
    (folder / "collector.yaml").write_text(GOOD)
    (folder / "frames.jsonl").write_text(FRAME)
    command = [sys.executable, "-m", "collector", *words]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1, "mist-collector: the output cannot be written: No space left on device",
    )  # fmt: skip
    assert "Traceback" not in done.stderr


# Completion

# How each shell loads the script, and says what it would offer or call.
_ZSH = "autoload -U compinit && compinit -D -u && source ./completion && print $_comps[mist-collector]"
SHELLS = {
    "bash": ["bash", "--norc", "-c", "source ./completion && complete -p mist-collector"],
    "zsh": ["zsh", "-f", "-c", _ZSH],
    "fish": ["fish", "--no-config", "-c", "source ./completion; complete -C 'mist-collector webhook '"],
}  # fmt: skip
OFFERED = {"bash": "-F _mist_collector_completion", "zsh": "_mist_collector_completion", "fish": "register\t"}


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_loads_the_completion(shell, folder):
    if shell != "bash":
        programs.require(shell)
    (folder / "completion").write_text(
        get_completion_script(prog_name="mist-collector", complete_var="_MIST_COLLECTOR_COMPLETE", shell=shell)
    )
    environ = os.environ | {"HOME": str(folder), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(SHELLS[shell], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert OFFERED[shell] in done.stdout


@pytest.mark.slow
def test_bash_completes_commands_and_options(folder):
    """As bash asks for it: the words so far, and which of them is being typed."""

    def offered(*words):
        environ = {
            "_MIST_COLLECTOR_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["mist-collector", *words]),
            "COMP_CWORD": str(len(words)),
        }
        program = shutil.which("mist-collector", path=str(Path(sys.executable).parent))
        done = subprocess.run(
            [program], env=os.environ | environ, capture_output=True, text=True, check=False, cwd=folder
        )
        return done.stdout.split()

    assert {"run", "doctor", "webhook"} <= set(offered(""))
    assert offered("do") == ["doctor"]
    assert "--url" in offered("webhook", "register", "--")


def test_the_exit_codes_are_those_of_the_help():
    text = " ".join(CliRunner().invoke(main.app, ["--help"]).stdout.split())
    assert "0 it went well; 1 it failed" in text
    assert "2 somebody has to act" in text
    assert json.dumps([main.FAILED, main.USAGE]) == "[1, 2]"
