"""The command line: help, version, unknown commands, imports, output that cannot be written, completion."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer._completion_shared import get_completion_script

import collector
from collector.cli import exits, main, webhook
from collector.errors import ListenError
from tests.support import programs
from tests.unit.cli.conftest import GOLDEN, VALID_CONFIG
from tests.unit.cli.test_check_config import INVALID
from tests.unit.cli.test_run import FAILING

PAGES = [
    [], *([command.name] for command in main.COMMANDS),
    *(["webhook", command.name or command.callback.__name__] for command in webhook.app.registered_commands),
]  # fmt: skip


@pytest.mark.parametrize("words", PAGES, ids=lambda words: "-".join(words) or "all")
def test_help(words, golden, monkeypatch, invoke):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERMINAL_WIDTH", "100")
    text = invoke(*words, "--help").stdout
    golden(f"help-{'-'.join(words) or 'all'}", text)
    assert "xit code" in text or words[0] in ("catalog", "schema", "webhook"), "state the exit codes"


def test_every_expected_output_is_used():
    names = {f"help-{'-'.join(words) or 'all'}" for words in PAGES} | {f"bad-{name}" for name in (*INVALID, *FAILING)}
    assert {file.stem for file in GOLDEN.iterdir()} == names


def test_version(invoke):
    assert invoke("--version").stdout == f"mist-collector {collector.__version__}\n"


def test_the_exit_codes_of_the_help(invoke):
    text = " ".join(invoke("--help").stdout.split())
    assert f"Exit codes: {exits.OK} success; {exits.FAILED} transient error" in text
    assert f"; {exits.USAGE} operator action required" in text
    assert f"; {exits.BROKEN_PIPE} the reader of the output closed the pipe." in text


def test_the_list_of_commands_imports_none_of_them():
    code = "import sys; from collector.cli.main import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pydantic", "aiohttp", "websockets", "structlog", "yaml", "orjson", "rich", "numpy"}
    assert (heavy | {f"collector.cli.{command.module}" for command in main.COMMANDS}).isdisjoint(loaded)


@pytest.mark.parametrize(
    "arguments", [["run"], ["check-config"], ["nonsense"], ["run", "--log-level", "loud"], ["demo", "--aps", "0"]]
)
def test_an_invalid_command_line(invoke, arguments):
    invoke(*arguments, code=exits.USAGE)


def test_a_misspelled_command(invoke):
    assert "Did you mean 'doctor'?" in invoke("docter", code=exits.USAGE).stderr


USAGE_ERRORS = {
    "replay a directory": ["replay", "."],
    "replay of a file that is not a recording": ["replay", "token.jsonl.gz"],
    "replay of a missing file": ["replay", "nowhere.jsonl"],
    "record to a name without the suffix": ["record", "fleet.txt", "-c", "collector.yaml"],
    "tail of an invalid MAC": ["tail", "-c", "collector.yaml", "--mac", "nonsense"],
    "top of an invalid URL": ["top", "--url", "nonsense", "--once"],
    "an unknown scenario": [
        "simulate", "--scenario", "nonsense", "--api-port=0", "--stream-port=0", "--control-port=0",
    ],
    "an unknown scenario of the demo": [
        "demo", "--scenario=nonsense", "--no-prometheus", "--server-listen=127.0.0.1:0", "--webhook-listen=127.0.0.1:0",
    ],
    "a port of the simulator": ["simulate", "--api-port", "PORT"],
    "a port of the demo": ["demo", "--no-prometheus", "--server-listen", "127.0.0.1:PORT"],
    "an invalid webhook URL": ["doctor", "-c", "collector.yaml", "--webhook-url", "nonsense"],
    "an unknown account": ["doctor", "-c", "collector.yaml", "--account", "nonsense"],
    "an unknown option": ["run", "--log-levle", "debug"],
    "an unknown command": ["rnu"],
}  # fmt: skip


@pytest.mark.parametrize("case", USAGE_ERRORS)
def test_a_usage_error_is_a_message_and_exit_code_2(case, directory, execute):
    (directory / "collector.yaml").write_text(VALID_CONFIG)
    (directory / "token.jsonl.gz").write_text("not compressed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = execute(*(word.replace("PORT", port) for word in USAGE_ERRORS[case]))
    assert done.returncode == exits.USAGE
    assert done.stdout == "" or case == "an unknown account"  # doctor has checked the configuration before
    assert 0 < len(done.stderr.splitlines()) <= 4


def test_an_error_outside_a_command(monkeypatch, capsys):
    def run():
        raise ListenError("x:1", "no")

    monkeypatch.setattr(main, "load_command", lambda _name: main.get_command(_with_command(run)))
    with pytest.raises(SystemExit) as ended:
        main.app(["top"])
    assert ended.value.code == exits.USAGE
    assert capsys.readouterr().err.startswith("mist-collector: cannot listen on x:1: no")


def _with_command(function):
    app = main.typer.Typer(add_completion=False)
    app.command("top")(function)
    return app


# Output that cannot be written

FRAME = '{"event":"data","channel":"/sites/1/stats/devices","data":"{\\"mac\\":\\"020000000001\\",\\"uptime\\":5}"}\n'
OUTPUTS = [["catalog"], ["check-config", "collector.yaml"], ["replay", "frames.jsonl"], ["schema"]]


@pytest.fixture
def files(directory):
    (directory / "collector.yaml").write_text(VALID_CONFIG)
    (directory / "frames.jsonl").write_text(FRAME)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("words", [*OUTPUTS, ["--help"]], ids=" ".join)
def test_a_full_disk(words, files, execute):
    with Path("/dev/full").open("wb") as full:
        done = execute(*words, stdout=full)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        exits.FAILED, "mist-collector: the output cannot be written: No space left on device",
    )  # fmt: skip


@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_a_closed_pipe(words, files, execute):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = execute(*words, stdout=writer)
    finally:
        os.close(writer)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # the counts of replay
    assert (done.returncode, complaints) == (exits.BROKEN_PIPE, [])


# Completion

# How each shell loads the script, and prints what it would offer or call.
_ZSH = "autoload -U compinit && compinit -D -u && source ./completion && print $_comps[mist-collector]"
SHELLS = {
    "bash": ["bash", "--norc", "-c", "source ./completion && complete -p mist-collector"],
    "zsh": ["zsh", "-f", "-c", _ZSH],
    "fish": ["fish", "--no-config", "-c", "source ./completion; complete -C 'mist-collector webhook '"],
}  # fmt: skip
OFFERED = {"bash": "-F _mist_collector_completion", "zsh": "_mist_collector_completion", "fish": "register\t"}


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_loads_the_completion(shell, directory):
    if shell != "bash":
        programs.require(shell)
    (directory / "completion").write_text(
        get_completion_script(prog_name="mist-collector", complete_var="_MIST_COLLECTOR_COMPLETE", shell=shell)
    )
    environ = os.environ | {"HOME": str(directory), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(SHELLS[shell], cwd=directory, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert OFFERED[shell] in done.stdout


@pytest.mark.slow
def test_bash_completes_commands_and_options(directory):
    """As bash requests it: the words so far, and the index of the word to complete."""

    def offered(*words):
        environ = {
            "_MIST_COLLECTOR_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["mist-collector", *words]),
            "COMP_CWORD": str(len(words)),
        }
        program = shutil.which("mist-collector", path=str(Path(sys.executable).parent))
        done = subprocess.run(
            [program], env=os.environ | environ, capture_output=True, text=True, check=False, cwd=directory
        )
        return done.stdout.split()

    assert {"run", "doctor", "webhook"} <= set(offered(""))
    assert offered("do") == ["doctor"]
    assert "--url" in offered("webhook", "register", "--")
    assert "--account" in offered("doctor", "--acc")
