"""The log output fails in every way: lines are lost and counted, the daemon goes on."""

import os
import resource
import signal
import socket
import subprocess
import time

import pytest

from tests.support import samples
from tests.support.processes import COLLECTOR, Daemon, Simulator, ask, eventually

DROPPED = "mist_collector_log_lines_dropped_total"


class Logging(Daemon):
    """A daemon whose stderr is `stderr`; its ports are read from the operating system, not from the log."""

    def __init__(self, directory, cloud, port, stderr, **popen):
        self._stderr = stderr
        self._popen = popen
        super().__init__(
            directory,
            api_url=cloud.api_url,
            stream_url=cloud.stream_url,
            server={"listen": f"127.0.0.1:{port}"},
            webhook={"enabled": False},
            log={"level": "debug"},
        )
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self):
        command = [*COLLECTOR, "run", "--config", "collector.yaml"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=self._stderr, cwd=self.directory, **self._popen
        )
        return self

    def dropped(self):
        return sum(samples.by_label(samples.of_text(self.metrics()), DROPPED, "reason").values())


def free_port():
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        return plug.getsockname()[1]


def limited():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.fixture
def cloud(tmp_path):
    (tmp_path / "cloud").mkdir()
    with Simulator(tmp_path / "cloud", sites=1, aps=2, cadence_s=1) as cloud:
        yield cloud


def make_noise(daemon, times=200):
    """A reload is logged, and with a broken configuration it is logged as an error with its faults."""
    for _ in range(times):
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.005)


@pytest.mark.parametrize("kind", ["broken pipe", "full pipe", "full device", "file size limit"])
@pytest.mark.fault(
    "Daemon",
    "stderr is a broken pipe, a full pipe, a full device or over the file size limit",
    held="Log lines are dropped and counted; the daemon continues, answers scrapes and ends in order.",
)
def test_a_failing_log_output_costs_only_log_lines(cloud, tmp_path, kind, fault):
    reader, writer = os.pipe()
    stderr, popen = writer, {}
    if kind == "broken pipe":
        os.close(reader)
    elif kind == "full pipe":
        os.set_blocking(writer, False)
        while True:
            try:
                os.write(writer, b"x" * 4096)
            except BlockingIOError:
                break
        os.set_blocking(writer, True)
    elif kind == "full device":
        stderr = os.open("/dev/full", os.O_WRONLY)
    else:
        stderr = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
        popen = {"preexec_fn": limited}
    with Logging(tmp_path, cloud, free_port(), stderr, **popen) as daemon:
        eventually(lambda: ask(f"{daemon.url}/-/ready").status == 200, "the daemon is ready")
        make_noise(daemon)
        frames = samples.total(samples.of_text(daemon.metrics()), "mist_collector_stream_frames_received_total")
        if kind != "full pipe":  # its queue takes the lines until 8 MiB wait
            eventually(lambda: daemon.dropped() > 0, "dropped lines are counted")
        fault.told(samples.of_text(daemon.metrics()), DROPPED, at_least=0)
        eventually(
            lambda: (
                samples.total(samples.of_text(daemon.metrics()), "mist_collector_stream_frames_received_total") > frames
            ),
            "frames are still applied",
        )
        code, _ = daemon.end()
    assert code == 0
