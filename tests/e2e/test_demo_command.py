"""`mist-collector demo` as a user runs it: it shows something, and it ends, leaving nothing behind."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

DEMO = [sys.executable, "-m", "collector", "demo", "--server-listen", "127.0.0.1:0", "--webhook-listen", "127.0.0.1:0"]
SMALL = ["--sites", "1", "--aps", "2", "--cadence-s", "1"]


def get(url):
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - an address that our own process printed
        return answer.read()


class Demo:
    """A running demonstration and what it said where to look."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*DEMO, *SMALL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.places = {}
        for line in self.process.stdout:
            if line.startswith("  "):
                self.places[line[2:14].strip()] = line[14:].split()[0]
            elif self.places:
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()

    def end(self, number=None):
        if number is not None:
            self.process.send_signal(number)
        told, complaints = self.process.communicate(timeout=60)
        return self.process.returncode, told, complaints


def test_it_shows_the_fleet_and_ends_by_itself():
    with Demo("--seconds", "1", "--no-prometheus") as demo:
        shown = get(demo.places["Metrics"])
        assert {kind for kind in (b"ap", b"switch", b"gateway") if b'device_type="%b"' % kind in shown} == {
            b"ap",
            b"switch",
            b"gateway",
        }
        assert b"mist-collector" in get(demo.places["Status page"])
        assert demo.places["Prometheus"] == "none:"
        code, told, complaints = demo.end()
    assert (code, complaints) == (0, "")
    assert "samples in" in told
    assert told.endswith("Everything is ended.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_clean(number):
    with Demo("--no-prometheus") as demo:
        code, told, complaints = demo.end(number)
        assert (code, complaints) == (0, "")
        with pytest.raises(OSError, match="refused"):
            get(demo.places["Metrics"])
    assert told.endswith("Everything is ended.\n")


def test_a_daemon_that_dies_is_told_and_ends_it():
    with Demo("--no-prometheus") as demo:
        children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children")
        if not children.exists():
            pytest.skip("this kernel does not list the children of a process")
        (daemon,) = children.read_text().split()
        os.kill(int(daemon), signal.SIGKILL)
        code, _, complaints = demo.end()
    assert code == 1
    assert complaints == "mist-collector: the daemon ended with exit code -9; what it said stands above\n"
