"""What is done to the daemon itself: scrapers, clocks, descriptors, and its end at any moment."""

import asyncio
import contextlib
import json
import os
import resource
import socket
from pathlib import Path

import aiohttp
import pytest

from collector import config
from collector.config.model import PollsConfig
from collector.daemon import wiring
from collector.listener import acceptor
from collector.simulator.fleet import FleetPlan
from tests.support import samples
from tests.support.clock import ManualClock
from tests.support.house import keeping_house
from tests.support.misbehaving import MisbehavingCloud, until
from tests.support.rest_cloud import Reply, RestCloud
from tests.support.streaming import real_turns

REFUSED = "mist_collector_server_refused_total"
CLOSED = "mist_collector_server_connections_closed_total"
ORG = "11111111-1111-1111-1111-111111111111"
SITE = "22222222-2222-2222-2222-222222222222"


@pytest.fixture
async def house(tmp_path):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        await house.live(60)
        yield house


async def scraper(house, *, small=False):
    """A connection that has asked for /metrics; with a small window it takes little at a time."""
    plug = socket.socket()
    if small:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plug.settimeout(0)
    await asyncio.get_running_loop().sock_connect(plug, ("127.0.0.1", house.daemon.operator.port))
    reader, writer = await asyncio.open_connection(sock=plug, limit=4096)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return reader, writer


@pytest.mark.fault(
    "Scrapes",
    "A scraper reads its response slowly",
    held="It receives the complete exposition. The stream continues and other scrapes are served.",
)
async def test_a_slow_scraper(house, fault):
    reader, writer = await scraper(house, small=True)
    slow = [await reader.read(2000)]
    await house.live(60)
    assert await house.differences() == []
    while part := await reader.read(2000):
        slow.append(part)
    text = b"".join(slow)
    assert text.startswith(b"HTTP/1.1 200 ")
    assert text.endswith(b"0\r\n\r\n")
    writer.close()
    fault.told(await house.samples(), "mist_collector_server_connections")


@pytest.mark.fault(
    "Scrapes",
    "Scrapers send requests and do not read the responses",
    held=(
        "Eight requests are held; further scrapes get 503. The stream continues. Scrapes succeed again after the "
        "scrapers disconnect."
    ),
)
async def test_stuck_scrapers(tmp_path, fault):
    async with keeping_house(tmp_path, plan=FleetPlan(sites=4, aps=60, clients_per_ap=2)) as house:
        await house.settled()
        await house.live(60)
        stuck = [await scraper(house, small=True) for _ in range(8)]
        status = 200
        async with asyncio.timeout(20.0):
            while status == 200:
                status, _ = await house.get("/metrics")
        assert status == 503
        assert (await house.get("/-/healthy"))[0] == 200
        received = house.daemon.frames.received
        await house.live(60)
        assert house.daemon.frames.received > received
        for _, writer in stuck:
            writer.transport.abort()
        while status != 200:
            status, _ = await house.get("/metrics")
            await real_turns()
        fault.told(await house.samples(), REFUSED, reason="too_many_scrapes")
        fault.answered(503)


@pytest.mark.fault(
    "Scrapes",
    "1,000 concurrent scrapes",
    held="Each is answered or rejected; none hangs. All values are correct afterwards.",
)
async def test_a_thousand_scrapers(house, fault):
    async def one():
        try:
            reader, writer = await scraper(house)
            first = await reader.readline()
            while await reader.read(65536):
                pass
        except ConnectionError:
            return 0
        writer.close()
        return int(first.split()[1]) if first else 0

    answers = await asyncio.gather(*(one() for _ in range(1000)))
    assert set(answers) <= {200, 503, 0}
    assert answers.count(200) >= 8
    found = await house.samples()
    fault.told(found, CLOSED, reason="too_many")
    fault.told(found, REFUSED, reason="too_many_scrapes")
    await house.live(60)
    assert await house.differences() == []


@pytest.mark.fault(
    "Daemon",
    "The wall clock jumps: one hour forward, or two hours back",
    held="No series expires and no connection closes, because timeouts do not use the wall clock. Values stay correct.",
)
@pytest.mark.parametrize("seconds", [3600.0, -7200.0])
async def test_the_wall_clock_jumps(house, seconds, fault):
    before = len(await house.samples())
    house.clock.jump(seconds)
    await house.pass_time(20)
    assert await house.differences() == []
    assert len(await house.samples()) == before
    house.clock.jump(-seconds)
    await house.live(60)
    assert await house.differences() == []
    assert (house.connects(), house.disconnects()) == (1, {})
    assert await house.post("device-events", {"type": "AP_RESTARTED", "mac": "5c5b35000001", "timestamp": 1}) == 200
    fault.told(await house.samples(), "mist_collector_connection_up")


@pytest.mark.fault(
    "Daemon",
    "The running process has no file descriptors left",
    held=(
        "Open connections (stream, scrapes) continue. New connections wait and are served when descriptors are "
        "available again."
    ),
)
async def test_no_descriptor_is_left(house, fault, monkeypatch):
    monkeypatch.setattr(acceptor, "RETRY_S", 0.01)
    loop = asyncio.get_running_loop()
    assert await house.differences() == []  # the scraper's connection stays open
    held, waiting = [], [socket.socket() for _ in range(20)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_highest_descriptor() + 1, hard))
    try:
        _take_what_is_left(held)
        for plug in waiting:
            plug.settimeout(0)
            await loop.sock_connect(plug, ("127.0.0.1", house.daemon.webhook.port))
        await until(lambda: house.daemon.webhook_status.closed.get("no_descriptors", 0) >= 3)
        await house.live(60)
        found = await house.samples()
        assert samples.total(found, "mist_collector_connection_up") == 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)
    body = json.dumps({"topic": "ping", "events": [{"n": 1}]}).encode()
    head = b"POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    for plug in waiting:
        await loop.sock_sendall(plug, head + body)
        assert (await loop.sock_recv(plug, 100)).startswith(b"HTTP/1.1 200 ")
        plug.close()
    assert await house.differences() == []
    fault.told(found, "mist_collector_webhook_connections_closed_total", reason="no_descriptors")
    assert sum(line["event"] == "no_descriptors" for line in fault.lines) <= 2
    fault.logged("no_descriptors")


def _take_what_is_left(held):
    with contextlib.suppress(OSError):
        while True:
            held.append(os.dup(0))


def _highest_descriptor():
    return max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())


@pytest.mark.fault(
    "Daemon",
    "An organisation without sites",
    held="The collector becomes ready. A site that is added later is subscribed.",
)
async def test_an_empty_org(tmp_path, fault):
    async with keeping_house(tmp_path, plan=FleetPlan(sites=0, aps=0), inventory={"refresh_s": 60}) as house:
        await house.until(house.daemon.accounts.running[0].inventory.ready.is_set, step_s=1.0)
        await house.until(lambda: not [state for state in house.states().values() if state in ("waiting", "sent")])
        assert await house.why_not_ready() == []
        new = await house.cloud.act("add_site")
        began = house.clock.now()
        await house.until(lambda: house.state_of(new) == "up", step_s=1.0)
        fault.right_after(house.clock.now() - began, 70)
        fault.told(await house.samples(), "mist_collector_inventory_last_success_timestamp_seconds")


# Ends


class Stage:
    """A cloud that goes no further than a stage of the start, and how to see that it is reached."""

    def __init__(self, name):
        self.name = name
        self.stream = MisbehavingCloud()
        self.rest = RestCloud()

    async def __aenter__(self):
        await self.stream.__aenter__()
        await self.rest.__aenter__()
        self._answer()
        return self

    async def __aexit__(self, *exc):
        await self.rest.__aexit__(*exc)
        await self.stream.__aexit__(*exc)

    def _answer(self):
        rest = self.rest
        rest.answer("/self", {"privileges": [{"scope": "org", "org_id": ORG, "role": "read", "name": "o"}]})
        rest.answer(f"/orgs/{ORG}", {"id": ORG, "name": "o"})
        rest.listing(f"/orgs/{ORG}/sites", [{"id": SITE, "org_id": ORG, "name": "s"}])
        rest.listing(f"/orgs/{ORG}/inventory", [])
        rest.listing(f"/orgs/{ORG}/stats/devices", [])
        if self.name == "inventory":
            rest.answer(f"/orgs/{ORG}/sites", Reply(hangs=True))
        elif self.name == "refused":
            rest.answer("/self", Reply({}, status=401))
        elif self.name == "handshake":
            self.stream.mute_handshakes = True
        elif self.name == "subscribing":
            self.stream.mute_acks = True

    def reached(self, daemon):
        if self.name == "listening":
            return True
        if self.name == "inventory":
            return f"/orgs/{ORG}/sites" in self.rest.paths()
        if self.name == "refused":
            return daemon.rest[0].calls.get("refused")
        if self.name == "handshake":
            return self.stream.handshakes
        if self.name == "subscribing":
            return self.stream.messages
        return daemon.connections and {s.state for c in daemon.connections for s in c.subscriptions.values()} == {"up"}


STAGES = ("listening", "inventory", "refused", "handshake", "subscribing", "settled")


@pytest.mark.fault(
    "Daemon",
    "SIGTERM at each stage of startup: listening, reading the inventory, token rejected, handshake, "
    "subscribing, settled",
    held=(
        "The collector shuts down and leaves no task and no stream connection. A scrape before the signal is answered."
    ),
)
@pytest.mark.parametrize("name", STAGES)
async def test_told_to_stop_at_every_stage(tmp_path, name, fault):
    async with Stage(name) as stage:
        (tmp_path / "token").write_text("sesame")
        file = tmp_path / "collector.yaml"
        file.write_text(json.dumps(configuration(stage)))
        stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
        clock = ManualClock()
        before = asyncio.all_tasks()
        task = asyncio.ensure_future(
            wiring.run(config.load(file, {}), stop=stop, clock=clock, started=started.set_result)
        )
        daemon = await started
        async with asyncio.timeout(20):
            while not stage.reached(daemon):
                await clock.advance(0.2)
                await real_turns()
        where = f"http://127.0.0.1:{daemon.operator.port}/metrics"
        async with aiohttp.ClientSession() as http, http.get(where) as answer:
            assert answer.status == 200
            found = samples.of_text(await answer.text())
        stop.set()
        async with asyncio.timeout(10):
            await task
        await until(lambda: not stage.stream.connections)
        left = asyncio.all_tasks() - before
        assert [t for t in left if "collector/" in str(t.get_coro())] == []
        fault.logged("stopped")
        fault.told(found, "mist_collector_config_last_reload_successful")


def configuration(stage):
    account = {"name": "main", "api_url": stage.rest.url, "stream_url": stage.stream.url, "token_file": "token"}
    return {
        "accounts": [account],
        "server": {"listen": "127.0.0.1:0"},
        "webhook": {"listen": "127.0.0.1:0", "allow_unsigned": True},
        "polls": {name: False for name, switch in PollsConfig() if isinstance(switch, bool)},
        "stream": {"open_every_s": 0},
    }


@pytest.mark.fault(
    "Webhooks",
    "SIGTERM while a delivery is being received",
    held="The delivery is read completely, counted and answered with 200.",
)
async def test_a_delivery_under_way_at_the_end(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        body = json.dumps({"topic": "ping", "events": [{"n": number} for number in range(100)]}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", house.daemon.webhook.port)
        writer.write(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:500])
        await until(lambda: house.daemon.webhook.body_bytes)
        house.stop.set()
        await until(lambda: fault.lines[-1]["event"] == "stopping" and not house.daemon.connections[0].opened_at)
        writer.write(body[500:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        assert house.daemon.events["ping"].applied == 100
        writer.close()
        fault.answered(200)
        fault.logged("stopping")
