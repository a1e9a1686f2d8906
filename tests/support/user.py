"""A user who runs the commands of the documentation, each as a process."""

import contextlib
import os
import random
import socket
import subprocess
import time

from tests.support.processes import COLLECTOR

_MAX_LINES = 60  # of a command's output in the transcript


def free_address():
    """Return an address to listen on, below the ephemeral ports, so that no connection takes it meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return f"127.0.0.1:{port}"


class User:
    """A user with a terminal in an empty directory."""

    def __init__(self, directory, cloud):
        self.directory = directory
        self.cloud = cloud
        self.metrics, self.webhook = free_address(), free_address()
        self.environ = {
            "MIST_COLLECTOR_CONFIG": "etc/collector.yaml",
            "MIST_COLLECTOR__SERVER__LISTEN": self.metrics,
            "MIST_COLLECTOR__WEBHOOK__LISTEN": self.webhook,
        }
        self.transcript = []

    def run(self, *arguments, code=0, answers="", **environ):
        """Run a command with input for its prompts; return its output on stdout and stderr."""
        start = time.monotonic()
        done = subprocess.run(
            [*COLLECTOR, *map(str, arguments)],
            cwd=self.directory, env=os.environ | self.environ | environ, capture_output=True, text=True, check=False,
            input=answers, timeout=150,
        )  # fmt: skip
        output = done.stdout + done.stderr
        elapsed_s = time.monotonic() - start
        self.transcript.append(f"$ mist-collector {' '.join(map(str, arguments))}   # {elapsed_s:.1f} s")
        lines = output.splitlines()
        long = len(lines) >= _MAX_LINES
        self.transcript += [*lines[:5], f"... {len(lines) - 6} lines", lines[-1]] if long else lines
        assert done.returncode == code, "\n".join(self.transcript)
        assert "Traceback" not in output
        return output
