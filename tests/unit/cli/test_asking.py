"""Ctrl-C at a question, at a real terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from collector.cli import exits

WITHIN_S = 60.0


def heard(terminal, words):
    """Listen until it says `words`."""
    said, until = b"", time.monotonic() + WITHIN_S
    while words not in said:
        ready, _, _ = select.select([terminal], [], [], max(0.0, until - time.monotonic()))
        assert ready, f"no {words!r} in {said!r}"
        said += os.read(terminal, 4096)


def waits(process):
    """Let it come to rest: a key that is pressed between the question and the reading is not what is asked about."""
    before, until = "", time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        state, spent = fields[0], " ".join(fields[11:13])
        if state == "S" and spent == before:
            return
        before = spent
        time.sleep(0.2)
    raise AssertionError("it does not come to rest")


def test_ctrl_c_at_a_question_ends_at_once(tmp_path):
    ours, theirs = pty.openpty()
    environ = {key: value for key, value in os.environ.items() if key != "MIST_API_TOKEN"}
    command = [sys.executable, "-m", "collector", "init", "--directory", str(tmp_path / "etc")]
    with subprocess.Popen(command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        heard(ours, b"[global01]: ")
        waits(process)
        process.send_signal(signal.SIGINT)
        heard(ours, b"Nothing is written.")
        assert process.wait(30) == exits.OK
    os.close(ours)
    os.close(theirs)
    assert not (tmp_path / "etc").exists()
