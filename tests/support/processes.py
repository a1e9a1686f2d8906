"""Real processes of the end-to-end tests: started, asked over HTTP with a deadline, ended, and never left behind."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message
    from pathlib import Path

COLLECTOR = (sys.executable, "-m", "collector")
WITHIN_S = 30.0  # a deadline only ends a test that has failed


def eventually(condition: Callable[[], Any], what: str, *, within_s: float = WITHIN_S, every_s: float = 0.05) -> Any:
    """Ask again and again until the answer is true, and return it; refused connections are "not yet"."""
    until = time.monotonic() + within_s
    while True:
        answer: Any = None
        with contextlib.suppress(OSError):
            answer = condition()
        if answer:
            return answer
        assert time.monotonic() < until, f"not within {within_s:g} s: {what}; last answer: {answer!r}"
        time.sleep(every_s)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one HTTP request."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        """The body, of an answer that must be a success."""
        assert self.status == HTTPStatus.OK, f"{self.status}: {self.text}"
        return json.loads(self.body)


def ask(url: str, *, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """Send one request, with `body` as JSON; OSError where nobody listens."""
    where = urlsplit(url)
    text = None if body is None else json.dumps(body)
    connection = http.client.HTTPConnection(where.netloc, timeout=WITHIN_S)
    with contextlib.closing(connection):
        connection.request(method, f"{where.path or '/'}?{where.query}", text, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


class Running:
    """A process with its output in files; a context manager that ends it whatever happens."""

    def __init__(self, command: list[str] | tuple[str, ...], directory: Path, name: str, **environ: str) -> None:
        self.directory = directory
        self.name = name
        self._command = command
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        out, err = (self.directory / f"{self.name}.{stream}" for stream in ("out", "err"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=os.environ | self._environ,
                cwd=self.directory,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def said(self, stream: str = "err") -> str:
        """What it wrote so far to "out" or "err"."""
        return (self.directory / f"{self.name}.{stream}").read_text(errors="replace")

    def tells(self, pattern: str, stream: str = "err") -> str:
        """Wait until it writes a line that holds `pattern`; return the first group."""

        def told() -> re.Match[str] | None:
            found = re.search(pattern, self.said(stream))
            assert found or self.process.poll() is None, f"{self.name} ended: {self.said()}"
            return found

        return eventually(told, f"{self.name} says {pattern}").group(1)

    def end(self, number: signal.Signals = signal.SIGTERM, *, within_s: float = WITHIN_S) -> tuple[int, float]:
        """Send a signal and wait for the end; returns the exit code and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(within_s)
        return code, time.monotonic() - began


class Simulator(Running):
    """`mist-collector simulate` on free ports."""

    TOKEN = "sim-token"
    authorized: ClassVar = {"Authorization": f"Token {TOKEN}"}

    def __init__(self, directory: Path, **flags: object) -> None:
        ports = {"api_port": 0, "stream_port": 0, "control_port": 0}
        options = [f"--{name.replace('_', '-')}={value}" for name, value in (ports | flags).items()]
        super().__init__([*COLLECTOR, "simulate", *options], directory, "simulator")
        self.api_url = self.stream_url = self.control_url = ""

    def __enter__(self) -> Self:
        super().__enter__()
        self.control_url = self.tells(r"control (\S+)", "out")
        self.api_url, self.stream_url = (self.tells(rf"{name} (\S+)", "out") for name in ("api", "stream"))
        return self

    def ask(self, path: str) -> Any:
        """GET of the control endpoint."""
        return ask(f"{self.control_url}{path}").json()

    def tell(self, path: str, **body: object) -> Any:
        """POST to the control endpoint."""
        return ask(f"{self.control_url}{path}", method="POST", body=body).json()

    def rest(self, path: str) -> Any:
        """GET of the API."""
        return ask(f"{self.api_url}/api/v1{path}", headers=self.authorized).json()

    def make_webhook(self, owner: str, url: str, secret: str, topics: list[str]) -> None:
        """Configure a webhook of `owner`: /orgs/:id or /sites/:id."""
        wish = {"name": "e2e", "url": url, "secret": secret, "topics": topics}
        ask(f"{self.api_url}/api/v1{owner}/webhooks", method="POST", body=wish, headers=self.authorized).json()


class Daemon(Running):
    """`mist-collector run` against a cloud; its log is JSON lines on stderr."""

    TOKEN, SECRET = Simulator.TOKEN, "e2e-webhook-secret"

    def __init__(self, directory: Path, *, api_url: str, stream_url: str, **sections: object) -> None:
        for name, secret in (("token", self.TOKEN), ("webhook-secret", self.SECRET)):
            (directory / name).touch(mode=0o600)
            (directory / name).write_text(f"{secret}\n")
        account = {"name": "e2e", "api_url": api_url, "stream_url": stream_url, "token_file": "token"}
        configuration = {
            "accounts": [account],
            "server": {"listen": "127.0.0.1:0"},
            "webhook": {"listen": "127.0.0.1:0", "secret_files": ["webhook-secret"]},
        } | sections
        (directory / "collector.yaml").write_text(json.dumps(configuration))  # JSON is YAML
        super().__init__([*COLLECTOR, "run", "--config", "collector.yaml"], directory, "daemon")
        self.url = self.webhook_url = ""

    def started(self) -> Self:
        """Wait until both listeners are open."""
        metrics, webhook = (self.tells(rf'"{name}": ?([0-9]+)') for name in ("metrics", "webhook"))
        self.url, self.webhook_url = f"http://127.0.0.1:{metrics}", f"http://127.0.0.1:{webhook}/webhook"
        return self

    def ready(self) -> Self:
        """Wait until it says that it is ready."""
        self.started()
        eventually(lambda: not self.why_not_ready(), "the daemon is ready")
        return self

    def why_not_ready(self) -> str:
        """The reasons of /-/ready, "" when there are none."""
        answer = ask(f"{self.url}/-/ready")
        return "" if answer.status == HTTPStatus.OK else answer.text

    def metrics(self) -> str:
        return ask(f"{self.url}/metrics").text


class Prometheus(Running):
    """A Prometheus that scrapes its targets once a second."""

    def __init__(self, program: str, directory: Path, *targets: str, features: str = "") -> None:
        static = [{"targets": [target.removeprefix("http://") for target in targets]}]
        scrape = {"job_name": "collector", "static_configs": static}
        configuration = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
        (directory / "prometheus.yml").write_text(json.dumps(configuration))
        command = [program, "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--log.format=json"]
        if features:
            command.append(f"--enable-feature={features}")
        super().__init__([*command, "--web.listen-address=127.0.0.1:0"], directory, "prometheus")
        self.url = ""

    def __enter__(self) -> Self:
        super().__enter__()
        self.url = f"http://127.0.0.1:{self.tells(r'Listening on.*127[.]0[.]0[.]1:([0-9]+)')}"
        eventually(lambda: ask(f"{self.url}/-/ready").status == HTTPStatus.OK, "Prometheus has started")
        return self

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        answer = ask(f"{self.url}/api/v1/query?{urlencode({'query': expression})}").json()
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    def has_scraped_since(self, unix: float) -> bool:
        """Whether a scrape that succeeded began after `unix`; `timestamp` tells that of a bare selector only."""
        return any(float(row["value"][1]) > unix for row in self.query("timestamp(up) * up"))
