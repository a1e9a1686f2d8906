"""`run`: options, signals, and how errors at start-up are reported."""

import asyncio
import os
import signal
import socket
import sys
import types

import pytest
from structlog.testing import capture_logs

from collector import config
from collector.cli import exits, run
from collector.errors import ConfigError, Fault, ListenError, Retryable
from tests.unit.cli.conftest import VALID_CONFIG

UNSIGNED = VALID_CONFIG.replace("{enabled: false}", "{allow_unsigned: true}")
FAILING = {
    "port-taken": VALID_CONFIG,
    "no-such-address": VALID_CONFIG.replace("127.0.0.1", "192.0.2.1"),
    "no-such-name": VALID_CONFIG.replace("127.0.0.1", "no-such-host.invalid"),
}


@pytest.fixture
def file(directory, monkeypatch):
    monkeypatch.setattr("collector.log.configure", lambda *_: None)
    path = directory / "collector.yaml"
    path.write_text(UNSIGNED)
    return path


@pytest.fixture
def daemon(monkeypatch):
    """A replacement of `collector.daemon.wiring` whose behaviour a test sets."""
    module = types.ModuleType("collector.daemon.wiring")
    module.calls = []

    async def run(config, *, stop, notifier, source, log_dropped):
        module.calls.append(config)
        module.source = source
        await module.behaviour(stop)

    module.run = run
    monkeypatch.setitem(sys.modules, "collector.daemon.wiring", module)
    return module


def raising(error):
    async def behaviour(_stop):
        raise error

    return behaviour


def test_the_configuration_is_passed_on(invoke, file, daemon):
    daemon.behaviour = lambda _stop: asyncio.sleep(0)
    invoke("run", "--config", file, "--log-format", "console", "--log-level", "error")
    assert daemon.calls[0].accounts[0].name == "main"


def test_a_missing_file(invoke, tmp_path):
    assert "cannot be read: No such file" in invoke("run", "--config", tmp_path / "no", code=exits.USAGE).stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_daemon(file, daemon, number):
    async def behaviour(stop):
        os.kill(os.getpid(), number)
        await stop.wait()

    daemon.behaviour = behaviour
    await run.run_until_signal(config.load(file, {}), lambda: None, lambda _: None)
    assert len(daemon.calls) == 1


async def test_sighup_requests_a_reload(file, daemon):
    async def behaviour(_stop):
        signal.raise_signal(signal.SIGHUP)
        await daemon.source.requested.wait()

    daemon.behaviour = behaviour
    again = config.load(file, {})
    await run.run_until_signal(config.load(file, {}), lambda: again, lambda _: None)
    assert daemon.source.load() is again


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ListenError("0.0.0.0:9733", "the port is already taken"), "cannot listen on 0.0.0.0:9733: the port"),
        (ConfigError("file", [Fault("accounts[0]", "no")]), "file: accounts[0]: no"),
        (ExceptionGroup("x", [ExceptionGroup("y", [Retryable("a"), ListenError("b", "c")])]), "cannot listen on b: c"),
    ],
)
def test_an_expected_error_is_a_message(invoke, file, daemon, error, message):
    daemon.behaviour = raising(error)
    assert message in invoke("run", "--config", file, code=exits.USAGE).stderr


@pytest.mark.parametrize("error", [KeyError("a bug"), ExceptionGroup("x", [Retryable("a"), KeyError("a bug")])])
def test_a_bug_is_logged_and_exits_1(invoke, file, daemon, error):
    daemon.behaviour = raising(error)
    with capture_logs() as logged:
        assert invoke("run", "--config", file, code=exits.FAILED).output == ""
    assert [entry["event"] for entry in logged] == ["configuration_warning", "collector_failed"]


@pytest.mark.parametrize("name", FAILING)
def test_an_address_that_cannot_be_bound(name, directory, execute, golden):
    (directory / "collector.yaml").write_text(FAILING[name])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environ = {"MIST_COLLECTOR__SERVER__LISTEN": f"127.0.0.1:{port}"} if name == "port-taken" else {}
        done = execute("run", "--config", "collector.yaml", **environ)
    assert (done.returncode, done.stdout) == (exits.USAGE, "")
    golden(f"bad-{name}", done.stderr.replace(str(port), "PORT"))
