"""Trouble and churn at random, from a seed: each deed is one thing that happens to a collector in its life."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support.processes import ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.support.processes import Daemon, Simulator


class Trouble:
    """Knows the deeds; `next` does one of them and says which."""

    def __init__(self, rng: Random, cloud: Simulator, daemon: Daemon) -> None:
        self._rng = rng
        self._cloud = cloud
        self.daemon = daemon
        self._deeds: list[Callable[[], object]] = [
            self.stream_down,
            self.half_open,
            self.rights_lost,
            self.handshakes_refused,
            self.acks_dropped,
            self.rest_failing,
            self.rubbish,
            self.reload,
            self.bad_reload,
            self.device_replaced,
            self.site_replaced,
            self.device_reboots,
            self.webhook_abuse,
            self.slow_scraper,
            self.token_rotated,
        ]
        self._made: deque[str] = deque()
        self._slow: list[socket.socket] = []

    def next(self) -> str:
        """Do one; returns its name."""
        deed = self._rng.choice(self._deeds)
        deed()
        return deed.__name__

    def heal(self) -> None:
        """End what would not end by itself."""
        ask(f"{self._cloud.control_url}/faults", method="DELETE")
        for plug in self._slow:
            plug.close()

    # the cloud

    def _fault(self, kind: str, **more: Any) -> None:
        ask(f"{self._cloud.control_url}/faults", method="POST", body={"kind": kind} | more)

    def stream_down(self) -> None:
        code = self._rng.choice([None, 1000, 1001, 1011, 1012])
        self._fault("stream_down", seconds=self._rng.uniform(0.5, 8), **({} if code is None else {"code": code}))

    def half_open(self) -> None:
        self._fault("half_open", seconds=self._rng.uniform(5, 25))

    def rights_lost(self) -> None:
        self._fault("revoke_site", site_id=self._site(), seconds=self._rng.uniform(2, 20))

    def handshakes_refused(self) -> None:
        self._fault("handshake_status", status=self._rng.choice([500, 502, 503, 429]), count=2, seconds=20)
        self._fault("stream_down", seconds=1)

    def acks_dropped(self) -> None:
        self._fault("drop_acks", count=3, seconds=20)
        self._fault("stream_down", seconds=1)

    def rest_failing(self) -> None:
        self._fault("rest_status", status=self._rng.choice([500, 502, 503, 429]), seconds=self._rng.uniform(2, 20))

    def rubbish(self) -> None:
        ask(f"{self._cloud.control_url}/malformed", method="POST", body={"count": 42})

    # the fleet

    def _org(self) -> dict[str, Any]:
        return self._rng.choice(self._cloud.ask("/fleet"))

    def _site(self) -> str:
        return self._rng.choice(self._org()["sites"])["id"]

    def _act(self, action: str, **more: Any) -> Any:
        return ask(f"{self._cloud.control_url}/fleet/actions", method="POST", body={"action": action} | more).json()

    def device_replaced(self) -> None:
        device = self._rng.choice(self._org()["devices"])
        self._act("remove_device", mac=device["mac"])
        self._act("add_device", site_id=device["site_id"], kind="ap")

    def device_reboots(self) -> None:
        self._act("reboot", mac=self._rng.choice(self._org()["devices"])["mac"])

    def site_replaced(self) -> None:
        """As many go as come: what then grows is not the world."""
        self.add_site()
        self._act("remove_site", site_id=self._made.popleft())

    def add_site(self) -> None:
        """To be called beforehand: one of the sites that later go."""
        made = self._act("add_site")
        self._made.append(made["result"] if isinstance(made, dict) and "result" in made else made)

    # the operator, and strangers

    def reload(self) -> None:
        self.daemon.process.send_signal(signal.SIGHUP)

    def bad_reload(self) -> None:
        file = self.daemon.directory / "collector.yaml"
        good = file.read_text()
        file.write_text(json.dumps(json.loads(good) | {"unknown": 1}))
        self.daemon.process.send_signal(signal.SIGHUP)
        self._wait_for_refusal()
        file.write_text(good)

    def _wait_for_refusal(self) -> None:
        before = self.daemon.said().count("reload_failed")
        for _ in range(200):
            if self.daemon.said().count("reload_failed") > before:
                return
            ask(f"{self.daemon.url}/-/healthy")

    def token_rotated(self) -> None:
        file = self.daemon.directory / "token"
        file.write_text(file.read_text().strip() + "\n")  # the same one: nothing may happen

    def webhook_abuse(self) -> None:
        where = urlsplit(self.daemon.webhook_url)
        for body, headers in (
            (b"{}", {}),
            (b"{}", {"X-Mist-Signature-v2": "0" * 64}),
            (b"x" * 100_000, {"Content-Encoding": "gzip"}),
        ):
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection(where.netloc, timeout=10)
                connection.request("POST", where.path, body, headers)
                connection.getresponse().read()
                connection.close()
        for _ in range(50):
            with contextlib.suppress(OSError):
                self._slow.append(socket.create_connection((where.hostname, where.port), timeout=10))
        self._forget_slow()

    def slow_scraper(self) -> None:
        where = urlsplit(self.daemon.url)
        plug = socket.create_connection((where.hostname, where.port), timeout=10)
        plug.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        self._slow.append(plug)
        self._forget_slow()

    def _forget_slow(self) -> None:
        while len(self._slow) > 60:
            self._slow.pop(0).close()
