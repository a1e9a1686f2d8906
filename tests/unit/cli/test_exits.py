"""Exit codes and error reports."""

import errno
import os

import pytest

from collector.cli import exits
from collector.errors import CollectorError, ConfigError, Fatal, Fault, ListenError, Retryable, UsageError


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UsageError("--mac x: no"), exits.USAGE, "--mac x: no"),
        (Fatal("rejected"), exits.USAGE, "rejected"),
        (Retryable("away"), exits.FAILED, "away"),
        (CollectorError("full"), exits.FAILED, "full"),
        (ConfigError("file", [Fault("accounts[0]", "no")]), exits.USAGE, "file: accounts[0]: no"),
        (
            ListenError("0.0.0.0:9733", "the port is already in use"),
            exits.USAGE,
            "the port is already in use (is a collector running already? Otherwise choose another address in the",
        ),
        (Fatal("not accepted", status=401), exits.USAGE, "create a new token, or correct `cloud`"),
        (
            ExceptionGroup("x", [ExceptionGroup("y", [Retryable("a"), ListenError("b", "c")])]),
            exits.USAGE,
            "cannot listen on b: c",
        ),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), exits.FAILED, "the output cannot be written: No space left"),
    ],
)
def test_an_expected_error_is_a_message_and_an_exit_code(error, code, message, capsys):
    assert exits.exit_for(error).exit_code == code
    printed = capsys.readouterr().err
    assert printed.startswith("mist-collector: ")
    assert message in printed


def test_a_closed_pipe_is_not_reported(capsys):
    assert exits.exit_for(BrokenPipeError(errno.EPIPE, "Broken pipe")).exit_code == exits.BROKEN_PIPE
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "error", [KeyError("a bug"), ExceptionGroup("x", [Retryable("a"), KeyError("a bug")]), OSError(errno.EBADF, "x")]
)
def test_a_bug_is_not_an_expected_error(error, capsys):
    assert exits.exit_for(error) is None
    assert capsys.readouterr().err == ""


def test_stderr_that_cannot_be_written(monkeypatch):
    def fail(*_arguments, **_options):
        raise BrokenPipeError

    monkeypatch.setattr(exits, "echo", fail)
    assert exits.exit_for(Retryable("away")).exit_code == exits.FAILED


def test_ctrl_c_is_a_normal_end():
    async def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(exits.typer.Exit) as ended:
        exits.run_or_exit(interrupted())
    assert ended.value.exit_code == exits.OK


@pytest.mark.parametrize(("number", "type_"), [(errno.ENOSPC, CollectorError), (errno.EACCES, UsageError)])
def test_the_error_of_a_file_that_cannot_be_written(number, type_):
    error = exits.write_error("a/b", OSError(number, os.strerror(number)))
    assert type(error) is type_
    assert str(error) == f"a/b cannot be written: {os.strerror(number)}"
