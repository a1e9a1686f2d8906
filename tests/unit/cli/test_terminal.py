"""Output, prompts and progress, at a terminal and without one."""

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collector import redaction
from collector.cli import exits, terminal

TIMEOUT_S = 60.0


def read_until(descriptor, expected):
    """Read the output of a terminal until it contains `expected`."""
    output, deadline = b"", time.monotonic() + TIMEOUT_S
    while expected not in output:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"no {expected!r} in {output!r}"
        output += os.read(descriptor, 4096)


def wait_until_idle(process):
    """Wait until a process sleeps and uses no CPU: it reads its input then."""
    before, deadline = "", time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        state, cpu = fields[0], " ".join(fields[11:13])
        if state == "S" and cpu == before:
            return
        before = cpu
        time.sleep(0.2)
    raise AssertionError("the process is not idle")


@pytest.mark.slow
def test_ctrl_c_at_a_prompt_ends_the_command(tmp_path):
    ours, theirs = pty.openpty()
    environ = {key: value for key, value in os.environ.items() if key != "MIST_API_TOKEN"}
    command = [sys.executable, "-m", "collector", "init", "--directory", str(tmp_path / "etc")]
    with subprocess.Popen(command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        read_until(ours, b"[global01]: ")
        wait_until_idle(process)
        process.send_signal(signal.SIGINT)
        read_until(ours, b"Aborted; no file was written.")
        assert process.wait(30) == exits.OK
    os.close(ours)
    os.close(theirs)
    assert not (tmp_path / "etc").exists()


def test_echo_masks_registered_secrets_and_escapes_control_characters(capsys, monkeypatch):
    monkeypatch.setattr(redaction, "_hidden", {})
    redaction.hide("a-registered-secret")
    terminal.echo("echoed a-registered-secret \x1b[2J\x07\nnext\tline")
    assert capsys.readouterr().out == "echoed *** \\x1b[2J\\x07\nnext\tline\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("Café", "Café"), ("a\nb", "a\\nb"), ("\x9b31m", "\\x9b31m"), ("\u202e", "\\u202e")],
)
def test_printable(text, expected):
    assert terminal.printable(text) == expected


@pytest.fixture
def stderr_terminal(monkeypatch):
    """Set whether stderr is a terminal."""

    def set_terminal(*, yes):
        monkeypatch.setattr("sys.stderr.isatty", lambda: yes, raising=False)
        monkeypatch.setattr(terminal, "_PROGRESS_INTERVAL_S", 0.0)

    return set_terminal


@pytest.mark.parametrize("yes", [True, False])
async def test_waiting_shows_a_message_on_a_terminal_and_erases_it(stderr_terminal, capsys, yes):
    stderr_terminal(yes=yes)
    calls = iter(range(1000))
    async with terminal.waiting(lambda: f"{next(calls)} calls"):
        for _ in range(5):
            await asyncio.sleep(0)
    output = capsys.readouterr().err
    assert ("0 calls, 0 s" in output, "1 calls, 0 s" in output) == (yes, yes)
    assert output.endswith("\r\x1b[K") == yes
    assert yes or output == ""


@pytest.mark.parametrize("yes", [True, False])
def test_a_progress_bar_while_a_file_is_read(stderr_terminal, capsys, tmp_path, yes):
    file = tmp_path / "fleet.jsonl.gz"
    file.write_bytes(b"x" * 100)
    stderr_terminal(yes=yes)
    with terminal.reading(file) as on_position:
        for position in (10, 10, 100):
            on_position(position)
    output = capsys.readouterr().err
    assert ("fleet.jsonl.gz" in output, output == "") == (yes, not yes)
