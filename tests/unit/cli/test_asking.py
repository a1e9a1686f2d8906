"""Ctrl-C at a question, at a real terminal."""

import os
import pty
import signal
import subprocess
import sys

from collector.cli import exits


def heard(terminal, words):
    """Listen until it says `words`."""
    said = b""
    while words not in said:
        said += os.read(terminal, 4096)


def test_ctrl_c_at_a_question_ends_at_once(tmp_path):
    ours, theirs = pty.openpty()
    environ = {key: value for key, value in os.environ.items() if key != "MIST_API_TOKEN"}
    command = [sys.executable, "-m", "collector", "init", "--directory", str(tmp_path / "etc")]
    with subprocess.Popen(command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        heard(ours, b"[global01]: ")
        process.send_signal(signal.SIGINT)
        heard(ours, b"Nothing is written.")
        assert process.wait(30) == exits.OK
    os.close(ours)
    os.close(theirs)
    assert not (tmp_path / "etc").exists()
