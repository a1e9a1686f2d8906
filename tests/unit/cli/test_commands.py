"""The command line as a user meets it: exit codes, where words go, and never a traceback."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import types

import pytest
import typer.testing
from structlog.testing import capture_logs

import collector
from collector import config
from collector.cli import demo, main, run
from collector.errors import ConfigError, Fault, ListenError, Retryable
from collector.listener.address import ListenAddress
from collector.simulator.flags import SimulateOptions

GOOD = """
accounts:
  - {name: main, cloud: emea01, token_file: token}
webhook: {allow_unsigned: true}
server: {listen: "127.0.0.1:0"}
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "token").write_text("a-token\n")
    (tmp_path / "token").chmod(0o600)
    path = tmp_path / "collector.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def invoke(monkeypatch):
    """Run the command line in this process; the log stays out of it."""
    monkeypatch.setattr("collector.log.configure", lambda *_: None)
    runner = typer.testing.CliRunner()

    def invoke(*arguments, code=0):
        result = runner.invoke(main.app, [str(argument) for argument in arguments])
        assert result.exit_code == code, (result.output, result.exception)
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def daemon(monkeypatch):
    """A stand-in for `collector.daemon.wiring`; a test says what its run does."""
    app = types.ModuleType("collector.daemon.wiring")
    app.calls = []

    async def run(config, *, stop, notifier, source, log_dropped):
        app.calls.append(config)
        app.source = source
        await app.behaviour(stop)

    app.run = run
    monkeypatch.setitem(sys.modules, "collector.daemon.wiring", app)
    return app


def raising(error):
    async def behaviour(_stop):
        raise error

    return behaviour


def test_version_and_help(invoke):
    assert invoke("--version").stdout == f"mist-collector {collector.__version__}\n"
    top = invoke("--help").stdout
    for command in main.COMMANDS:
        assert command.name in top
        assert "Usage: " in invoke(command.name, "--help").stdout
    for name in ("run", "check-config", "demo", "simulate"):
        assert "xit code" in invoke(name, "--help").stdout


def test_help_imports_none_of_the_heavy_parts():
    code = "import sys, collector.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"pydantic", "aiohttp", "websockets", "structlog", "yaml", "orjson", "rich"}.isdisjoint(loaded)


def test_check_config_sums_up_a_good_file(invoke, file):
    result = invoke("check-config", file)
    assert result.stdout.splitlines() == [
        f"{file}: good",
        f"  account main: emea01, token from {file.parent}/token, every organisation of the token",
        "  streams: devices, device_events",
        "  webhook: http://0.0.0.0:9734/webhook, unsigned deliveries accepted",
        "  metrics: http://127.0.0.1:0/metrics",
    ]
    assert result.stderr.startswith(f"{file}: warning: webhook.allow_unsigned: ")


def test_check_config_names_every_fault(invoke, file):
    file.write_text("accounts: [{name: main, cloud: mars}]\nserver: {lisen: x}\n")
    result = invoke("check-config", file, code=2)
    assert result.stdout == ""
    told = result.stderr.splitlines()
    assert len(told) == 5
    assert all(line.startswith(f"{file}: ") for line in told)
    assert told[0].startswith(f"{file}: accounts[0].cloud: 'mars' is not allowed (allowed: global01, ")
    assert told[1] == f"{file}: server.lisen: unknown key (did you mean server.listen?)"
    assert told[-1] == f"{file}: 4 faults"


@pytest.mark.parametrize("command", [["check-config"], ["run", "--config"]])
def test_a_missing_file_is_a_sentence(invoke, tmp_path, command):
    assert "cannot be read: No such file" in invoke(*command, tmp_path / "nope", code=2).stderr


@pytest.mark.parametrize(
    "arguments", [["run"], ["check-config"], ["nonsense"], ["run", "--log-level", "loud"], ["demo", "--aps", "0"]]
)
def test_a_wrong_command_line_exits_2(invoke, arguments):
    invoke(*arguments, code=2)


def test_the_schema_is_json(invoke):
    assert json.loads(invoke("schema").stdout) == config.json_schema()


def test_run_hands_the_configuration_on_and_ends_with_0(invoke, file, daemon):
    daemon.behaviour = lambda _stop: asyncio.sleep(0)
    invoke("run", "--config", file, "--log-format", "console", "--log-level", "error")
    assert daemon.calls[0].accounts[0].name == "main"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_daemon(file, daemon, number):
    async def behaviour(stop):
        os.kill(os.getpid(), number)
        await stop.wait()

    daemon.behaviour = behaviour
    await run.run_until_signal(config.load(file, {}), lambda: None, lambda _: None)
    assert len(daemon.calls) == 1


async def test_a_hangup_asks_for_the_file_again_and_stops_nothing(file, daemon):
    async def behaviour(_stop):
        signal.raise_signal(signal.SIGHUP)
        await daemon.source.requested.wait()

    daemon.behaviour = behaviour
    again = config.load(file, {})
    await run.run_until_signal(config.load(file, {}), lambda: again, lambda _: None)
    assert daemon.source.load() is again


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ListenError("0.0.0.0:9733", "the port is already in use"), 2, "cannot listen on 0.0.0.0:9733: the port"),
        (ConfigError("file", [Fault("accounts[0]", "no")]), 2, "file: accounts[0]: no"),
        (
            ExceptionGroup("x", [ExceptionGroup("y", [Retryable("a"), ListenError("b", "c")])]),
            2,
            "cannot listen on b: c",
        ),
    ],
)
def test_an_error_of_ours_is_a_sentence(invoke, file, daemon, error, code, words):  # noqa: PLR0917 - fixtures and a row
    daemon.behaviour = raising(error)
    assert words in invoke("run", "--config", file, code=code).stderr


@pytest.mark.parametrize("error", [KeyError("a bug"), ExceptionGroup("x", [Retryable("a"), KeyError("a bug")])])
def test_a_bug_is_logged_and_exits_1(invoke, file, daemon, error):
    daemon.behaviour = raising(error)
    with capture_logs() as logged:
        assert invoke("run", "--config", file, code=1).output == ""
    assert [entry["event"] for entry in logged] == ["configuration_warning", "collector_failed"]


def test_main_turns_our_errors_into_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(main, "app", lambda: (_ for _ in ()).throw(ListenError("x:1", "no")))
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "mist-collector: cannot listen on x:1: no\n"


def test_the_flags_of_simulate_are_the_options_of_the_simulator(invoke, monkeypatch):
    seen = []
    monkeypatch.setattr("collector.simulator.command.run", lambda options: seen.append(options) or 0)
    invoke("simulate")
    invoke("simulate", "--sites", "7", "--objects", "--scenario", "noise", "--scenario", "rubbish", "--speed", "2.5")
    assert seen[0] == SimulateOptions()
    assert seen[1] == SimulateOptions(sites=7, objects=True, scenarios=("noise", "rubbish"), speed=2.5)


def test_the_flags_of_demo_are_its_plan(invoke, monkeypatch):
    seen = []

    async def run(plan):
        seen.append(plan)

    monkeypatch.setattr("collector.cli.show.run", run)
    invoke("demo", "--no-prometheus", "--server-listen", "[::1]:1", "--scenario", "noise@1")
    assert seen == [demo.Plan(prometheus=False, server_listen=ListenAddress("::1", 1), scenarios=("noise@1",))]
    told = invoke("demo", "--webhook-listen", "nowhere", code=2).stderr
    assert "'--webhook-listen': nowhere must be host:port, e.g. 127.0.0.1:9733" in told


def test_simulate_says_where_it_is(invoke):
    ports = [f"--{name}-port=0" for name in ("api", "stream", "control")]
    told = invoke("simulate", *ports, "--seconds", "0.01", "--aps", "1", "--sites", "1").stdout.split()
    assert told[0::2] == ["api", "stream", "control"]


def test_simulate_refuses_nonsense_with_a_sentence(invoke):
    invoke("simulate", "--cadence-s", "0", code=2)
