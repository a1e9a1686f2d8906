"""Somebody at a terminal, who does what the documents say."""

import contextlib
import os
import random
import socket
import subprocess
import time

from tests.support.processes import COLLECTOR

_LONG = 60  # lines of a command that are shown whole


def free_address():
    """An address to listen on, below the ports that outgoing connections take: nobody takes it meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return f"127.0.0.1:{port}"


class Person:
    """Somebody at a terminal, in an empty folder."""

    def __init__(self, folder, cloud):
        self.folder = folder
        self.cloud = cloud
        self.metrics, self.webhook = free_address(), free_address()
        self.environ = {
            "MIST_COLLECTOR_CONFIG": "etc/collector.yaml",
            "MIST_COLLECTOR__SERVER__LISTEN": self.metrics,
            "MIST_COLLECTOR__WEBHOOK__LISTEN": self.webhook,
        }
        self.transcript = []

    def does(self, *words, code=0, answers="", **environ):
        """Run a command, with what is typed at its questions; its words on stdout and stderr."""
        began = time.monotonic()
        done = subprocess.run(
            [*COLLECTOR, *map(str, words)],
            cwd=self.folder, env=os.environ | self.environ | environ, capture_output=True, text=True, check=False,
            input=answers, timeout=150,
        )  # fmt: skip
        said = done.stdout + done.stderr
        self.transcript.append(f"$ mist-collector {' '.join(map(str, words))}   # {time.monotonic() - began:.1f} s")
        lines = said.splitlines()
        self.transcript += lines if len(lines) < _LONG else [*lines[:5], f"... {len(lines) - 6} lines", lines[-1]]
        assert done.returncode == code, "\n".join(self.transcript)
        assert "Traceback" not in said
        return said
