"""`mist-collector demo` as a process: its components run, and it ends without leaving any of them."""

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
    """A running demo and the addresses that it printed."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*DEMO, *SMALL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addresses = {}
        for line in self.process.stdout:
            if line.startswith("  "):
                self.addresses[line[2:14].strip()] = line[14:].split()[0]
            elif self.addresses:
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
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output, errors


def test_it_exposes_the_fleet_and_stops_after_its_time():
    with Demo("--seconds", "1", "--no-prometheus") as demo:
        metrics = get(demo.addresses["Metrics"])
        assert not [kind for kind in (b"ap", b"switch", b"gateway") if b'device_type="%b"' % kind not in metrics]
        assert b"mist-collector" in get(demo.addresses["Status page"])
        assert demo.addresses["Prometheus"] == "not"
        code, output, errors = demo.end()
    assert (code, errors) == (0, "")
    assert "samples in" in output
    assert output.endswith("All components are stopped.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it(number):
    with Demo("--no-prometheus") as demo:
        code, output, errors = demo.end(number)
        assert (code, errors) == (0, "")
        with pytest.raises(OSError, match="refused"):
            get(demo.addresses["Metrics"])
    assert output.endswith("All components are stopped.\n")


def test_a_daemon_that_is_killed_ends_it_with_an_error():
    with Demo("--no-prometheus") as demo:
        children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children")
        if not children.exists():
            pytest.skip("this kernel does not list the children of a process")
        (daemon,) = children.read_text().split()
        os.kill(int(daemon), signal.SIGKILL)
        code, _, errors = demo.end()
    assert code == 1
    assert errors == "mist-collector: the daemon ended with exit code -9; see its messages above\n"
