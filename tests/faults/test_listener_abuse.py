"""Hostile clients of both listeners: floods of connections, guessed passwords, large bodies, and SIGTERM meanwhile.

The daemon is a process of its own, so that its memory and descriptors can be measured from outside.
"""

import base64
import contextlib
import http.client
import itertools
import json
import os
import resource
import signal
import socket
import ssl
import threading
import time
from pathlib import Path

import bcrypt
import pytest
import yaml

from collector.mist import signature
from tests.support import samples
from tests.support.certificates import Authority
from tests.support.processes import Daemon, eventually

REFUSED = "mist_collector_server_refused_total"
WEBHOOK_REFUSED = "mist_collector_webhook_refused_total"
EVENTS = "mist_collector_webhook_events"
FLOOD = 10_000
SOURCES = 100
HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(5)).decode()
WITHIN_S = 30.0  # a deadline only ends a test that has failed


def basic(password):
    return {"Authorization": "Basic " + base64.b64encode(f"prometheus:{password}".encode()).decode()}


class Attacked(Daemon):
    """A daemon without a reachable cloud, with a password, perhaps with TLS."""

    def __init__(self, directory, *, tls=False, **sections):
        web = {"basic_auth_users": {"prometheus": HASH}}
        self.client_tls = None
        if tls:
            authority = Authority(directory)
            authority.issue("127.0.0.1", file="server")
            self.client_tls = ssl.create_default_context(cafile=authority.file)
            web["tls_server_config"] = {"cert_file": "server.crt", "key_file": "server.key"}
        (directory / "web-config.yml").write_text(yaml.safe_dump(web))
        super().__init__(
            directory,
            api_url="http://127.0.0.1:9",
            stream_url="ws://127.0.0.1:9/api-ws/v1/stream",
            **{"server": {"listen": "127.0.0.1:0", "web_config_file": "web-config.yml"}} | sections,
        )

    def __enter__(self):
        super().__enter__()
        self.started()
        self.ports = {"server": int(self.url.rpartition(":")[2])}
        self.ports["webhook"] = int(self.webhook_url.rpartition(":")[2].partition("/")[0])
        return self

    @property
    def descriptors(self):
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def resident_bytes(self):
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def limit_descriptors(self, soft):
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (soft, hard))

    def connect(self, listener, source="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", self.ports[listener]), WITHIN_S, (source, 0))

    def get(self, path="/metrics", password="open sesame", source="127.0.0.1"):  # noqa: S107 - of this test
        if self.client_tls is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.ports["server"], WITHIN_S, (source, 0))
        else:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.ports["server"], timeout=WITHIN_S, source_address=(source, 0), context=self.client_tls
            )
        with contextlib.closing(connection):
            connection.request("GET", path, headers=basic(password))
            response = connection.getresponse()
            return response.status, response.read().decode()

    def scrape(self):
        status, text = self.get()
        assert status == 200
        return samples.of_text(text)

    def post(self, body, source="127.0.0.1"):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["webhook"], WITHIN_S, (source, 0))
        with contextlib.closing(connection):
            connection.request("POST", "/webhook", body, {signature.HEADER: signature.sign(body, self.SECRET.encode())})
            response = connection.getresponse()
            return response.status, response.read()

    def send_part_of_a_body(self, source, size, sent):
        """Send the headers of a body with a wrong signature, and a part of it."""
        client = self.connect("webhook", source)
        head = f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n{signature.HEADER}: {'0' * 64}\r\n\r\n"
        client.sendall(head.encode())
        with contextlib.suppress(ConnectionError):  # rejected before all of it was sent
            client.sendall(b"x" * sent)
        return client


def body_of(*events, topic="device-events"):
    return json.dumps({"topic": topic, "events": events}).encode()


@pytest.fixture
def many_descriptors():
    """Enough descriptors for a flood; the number of connections it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield min(FLOOD, hard - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.fault(
    "Scrapes",
    "10,000 connections that send nothing, to each listener, plain and over TLS",
    held=(
        "Connections are limited at accept, before TLS: 1,024 descriptors suffice and memory grows by less than 40 MB. "
        "Every scrape is answered."
    ),
)
@pytest.mark.parametrize("listener", ["server", "webhook", "tls"])
def test_ten_thousand_silent_connections(tmp_path, listener, many_descriptors, fault):
    name = "webhook" if listener == "webhook" else "server"
    with Attacked(tmp_path, tls=listener == "tls") as daemon, contextlib.ExitStack() as stack:
        daemon.limit_descriptors(1024)
        daemon.scrape()
        before = daemon.resident_bytes
        for number in range(many_descriptors):
            stack.enter_context(daemon.connect(name, f"127.0.{number % SOURCES}.2"))
            if number % 1000 == 999:
                daemon.scrape()
        found = daemon.scrape()
        open_ = samples.total(found, f"mist_collector_{name}_connections")
        assert open_ <= {"server": 256, "webhook": 512}[name]
        assert daemon.descriptors < 1024
        assert daemon.resident_bytes - before < 40_000_000
        fault.told(found, f"mist_collector_{name}_connections_closed_total", reason="evicted")


@pytest.mark.fault(
    "Webhooks",
    "Requests of unauthenticated sources are in flight on all connections that these may have",
    held="Places are reserved for sources that have sent a valid delivery: these are served, others are rejected.",
)
def test_places_are_reserved_for_authenticated_sources(tmp_path, fault):
    webhook = {"listen": "127.0.0.1:0", "secret_files": ["webhook-secret"], "max_connections": 16}

    def rejected(daemon):
        with daemon.connect("webhook", "127.0.0.9") as client, contextlib.suppress(ConnectionError):
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            if client.recv(1):  # in the place of a connection whose headers had not arrived: take it back
                stack.enter_context(daemon.send_part_of_a_body("127.0.0.14", 1000, 500))
                return False
        return True

    with Attacked(tmp_path, webhook=webhook) as daemon, contextlib.ExitStack() as stack:
        assert daemon.post(body_of({"n": 1}))[0] == 200
        for source, _ in itertools.product(range(10, 14), range(4)):
            stack.enter_context(daemon.send_part_of_a_body(f"127.0.0.{source}", 1000, 500))
        eventually(lambda: rejected(daemon), "all places of unauthenticated sources are in flight")
        assert daemon.post(body_of({"n": 2}))[0] == 200
        fault.told(daemon.scrape(), "mist_collector_webhook_connections_closed_total", reason="too_many")


@pytest.mark.fault(
    "Scrapes",
    "30 clients guess passwords, from the address of the scraper",
    held=(
        "Password checks of one source are limited, further guesses are answered 429. The scraper's credentials stay "
        "accepted: every scrape is answered 200."
    ),
)
def test_guessed_passwords(tmp_path, fault):
    scrapes, done = [], threading.Event()

    def guess(daemon, client):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.ports["server"], WITHIN_S)
        with contextlib.closing(connection):
            for number in range(250):
                connection.request("GET", "/metrics", headers=basic(f"{client} {number}"))
                connection.getresponse().read()

    def scrape(daemon):
        while not done.wait(0.01):
            scrapes.append(daemon.get()[0])

    with Attacked(tmp_path) as daemon:
        daemon.scrape()
        scraper = threading.Thread(target=scrape, args=(daemon,))
        guessers = [threading.Thread(target=guess, args=(daemon, client)) for client in range(30)]
        for thread in (scraper, *guessers):
            thread.start()
        for thread in guessers:
            thread.join()
        scrapes.append(daemon.get()[0])
        done.set()
        scraper.join()
        found = daemon.scrape()
    assert set(scrapes) == {200}
    assert samples.total(found, REFUSED, reason="wrong_password") < 100
    fault.told(found, REFUSED, at_least=7000, reason="too_many_attempts")
    fault.told(found, REFUSED, reason="wrong_password")
    fault.answered(401, 429)


# Large bodies


@pytest.mark.fault(
    "Webhooks",
    "Four bodies of the largest size with a wrong signature, none of them complete",
    held=(
        "Small bodies have memory of their own, and half of the memory for large ones is reserved for sources that "
        "have sent a valid delivery: their deliveries are accepted."
    ),
)
def test_large_bodies_do_not_use_all_memory(tmp_path, fault):
    with Attacked(tmp_path) as daemon, contextlib.ExitStack() as stack:
        assert daemon.post(body_of({"n": 0}))[0] == 200
        for source in (2, 2, 3, 4):
            stack.enter_context(daemon.send_part_of_a_body(f"127.0.0.{source}", 9_999_999, 9_999_998))
        eventually(lambda: samples.total(daemon.scrape(), WEBHOOK_REFUSED, reason="body_memory_full") >= 2, "rejected")
        assert daemon.post(body_of({"n": 1}), source="127.0.0.9")[0] == 200
        assert daemon.post(body_of({"n": 2, "text": "x" * 900_000}))[0] == 200
        found = daemon.scrape()
        assert samples.total(found, f"{EVENTS}_applied_total") == 3
        fault.told(found, WEBHOOK_REFUSED, at_least=2, reason="body_memory_full")
        fault.answered(503)


def alarms(*events):
    return b'{"topic":"alarms","events":[' + b",".join(events) + b"]}"


LARGE = {  # body, HTTP status, number of events counted, and the reason for which they are dropped
    "3.2 million empty events": (alarms(*[b"{}"] * 3_200_000), 413, 1, "too_many_values"),
    "480,000 empty events": (alarms(*[b"{}"] * 480_000), 413, 1, "too_many_events"),
    "one event with 480,000 values": (alarms(b"[" + b"1," * 480_000 + b"1]"), 200, 1, "event_too_large"),
    "100,000 levels": (alarms(b"[" * 100_000 + b"]" * 100_000), 400, 1, "too_deep"),
    "10,000 events": (alarms(*(b'{"id":"%d","text":"%b"}' % (n, b"x" * 900) for n in range(10_000))), 200, 10_000, ""),
}


@pytest.mark.fault(
    "Webhooks",
    "A signed body of 9.6 MB: with 3.2 million or 10,000 events, one huge event, 100,000 levels",
    held=(
        "The numbers of events and values are limited. The events are applied in slices of 2 ms, and health requests "
        "are answered meanwhile."
    ),
)
@pytest.mark.parametrize("name", LARGE)
def test_a_large_signed_body_does_not_block(tmp_path, name, fault):
    body, status, count, reason = LARGE[name]
    answers, latencies = [], []
    with Attacked(tmp_path) as daemon:
        posting = threading.Thread(target=lambda: answers.append(daemon.post(body)))
        posting.start()
        while not answers:
            began = time.monotonic()
            assert daemon.get("/-/healthy")[0] in (200, 503)
            latencies.append(time.monotonic() - began)
        posting.join()
        found = daemon.scrape()
    (answer,) = answers
    assert answer[0] == status
    assert max(latencies) < 5.0, "the event loop was blocked"
    assert samples.total(found, f"{EVENTS}_received_total") == count
    if not reason:
        fault.told(found, f"{EVENTS}_applied_total", at_least=count)
        return
    fault.told(found, f"{EVENTS}_dropped_total", reason=reason)
    fault.answered(status)


@pytest.mark.fault(
    "Webhooks",
    "Signed events with a `type` or `site_id` of 9.9 MB",
    held="They are dropped; memory grows by less than 60 MB.",
)
@pytest.mark.parametrize("field", ["type", "site_id"])
def test_huge_strings_are_not_kept(tmp_path, field, fault):
    with Attacked(tmp_path) as daemon:
        assert daemon.post(body_of({"type": "AP_RESTARTED", "mac": "5c5b35000001"}))[0] == 200
        before = daemon.resident_bytes
        for number in range(30):
            event = {"type": "AP_RESTARTED", "mac": f"{number:012x}", field: f"{number} {'x' * 9_900_000}"}
            assert daemon.post(body_of(event))[0] == 200
        assert daemon.resident_bytes - before < 60_000_000
        fault.told(daemon.scrape(), f"{EVENTS}_dropped_total", at_least=30, reason="event_too_large")


# The process


@pytest.mark.fault(
    "Daemon",
    "No file descriptors are left for connections over TLS",
    held="Open connections continue. New connections wait and are served when descriptors are available again.",
)
def test_no_descriptors_are_left_for_tls(tmp_path, fault):
    closed = "mist_collector_server_connections_closed_total"
    with Attacked(tmp_path, tls=True) as daemon, contextlib.ExitStack() as stack:
        kept = http.client.HTTPSConnection(
            "127.0.0.1", daemon.ports["server"], timeout=WITHIN_S, context=daemon.client_tls
        )
        stack.enter_context(contextlib.closing(kept))

        def scrape():
            kept.request("GET", "/metrics", headers=basic("open sesame"))
            return samples.of_text(kept.getresponse().read().decode())

        scrape()
        daemon.limit_descriptors(1)
        waiting = [stack.enter_context(daemon.connect("server")) for _ in range(20)]
        eventually(lambda: samples.total(scrape(), closed, reason="no_descriptors") >= 2, "accept failed twice")
        fault.told(scrape(), closed, reason="no_descriptors")
        daemon.limit_descriptors(1024)
        for plain in waiting:
            with daemon.client_tls.wrap_socket(plain, server_hostname="127.0.0.1") as client:
                client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(12) == b"HTTP/1.1 200"


def _silent(daemon):
    return [daemon.connect(listener) for listener in ("server", "webhook")]


def _half_a_head(daemon):
    clients = _silent(daemon)
    for client in clients:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost")
    return clients


def _half_a_body(daemon):
    return [daemon.send_part_of_a_body("127.0.0.1", 1000, 500), daemon.send_part_of_a_body("127.0.0.1", 10**6, 10**5)]


def _half_a_handshake(daemon):
    client = daemon.connect("server")
    client.sendall(b"\x16\x03\x01\x02\x00\x01")
    return [client]


def _slow_reader(daemon):
    """Request more than the buffers of the sockets hold, and read nothing; returns when the daemon cannot write."""
    client = daemon.connect("server")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    if daemon.client_tls is not None:
        client = daemon.client_tls.wrap_socket(client, server_hostname="127.0.0.1")
    authorization = basic("open sesame")["Authorization"]
    request = f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n".encode()
    client.settimeout(1.0)
    with contextlib.suppress(TimeoutError):
        client.sendall(request * 3000)
    eventually(lambda: _is_blocked(daemon, client), "the daemon waits for the client to read", every_s=0.0)
    return [client]


def _is_blocked(daemon, client):
    """Whether the kernel holds data for the client, and no more of it after half a second."""
    before = _unsent_bytes(daemon, client)
    time.sleep(0.5)
    return before == _unsent_bytes(daemon, client) > 0


def _unsent_bytes(daemon, client):
    ports = [f"{port:04X}" for port in (daemon.ports["server"], client.getsockname()[1])]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if [local.rpartition(":")[2], remote.rpartition(":")[2]] == ports:
            return int(queues.partition(":")[0], 16)
    return 0


STAGES = {
    "silent": (False, _silent),
    "headers": (False, _half_a_head),
    "body": (False, _half_a_body),
    "slow reader": (False, _slow_reader),
    "TLS: silent": (True, _silent),
    "TLS: handshake": (True, _half_a_handshake),
    "TLS: slow reader": (True, _slow_reader),
}


@pytest.mark.fault(
    "Daemon",
    "SIGTERM during a request: connected, headers, body, TLS handshake, a slow reader of /metrics",
    held="The process ends with exit code 0 within 3 s.",
)
@pytest.mark.parametrize("name", STAGES)
def test_sigterm_during_a_request(tmp_path, name, fault):
    tls, begin = STAGES[name]
    with Attacked(tmp_path, tls=tls) as daemon, contextlib.ExitStack() as stack:
        found = daemon.scrape()
        for client in begin(daemon):
            stack.enter_context(client)
        time.sleep(0.2)
        code, seconds = daemon.end(signal.SIGTERM)
    assert code == 0
    assert seconds < 3.0
    fault.told(found, "mist_collector_server_connections")
