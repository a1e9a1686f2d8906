"""The whole daemon in the test's process, against a fake cloud: real sockets between them, and time that obeys.

The cloud's world stands still until a test lets it live; the daemon's clock moves only when the test moves it. So an
hour of outage takes no time, and nothing depends on how fast the machine is.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from collector import config
from collector.config.model import PollsConfig
from collector.daemon import wiring
from collector.daemon.reload import ConfigSource
from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions
from tests.support import ap_oracle, samples
from tests.support.clock import ManualClock
from tests.support.misbehaving import until
from tests.support.streaming import real_turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from collector.daemon.wiring import Daemon
    from collector.ingest.stream.transport import Connect
    from tests.support.samples import Samples

PLAN = FleetPlan(sites=2, aps=3, clients_per_ap=2, reboots_per_device_day=0.0)
SLICE_S = 10.0  # cloud and daemon live in turns of this length
# Times that no step of the manual clock exceeds, where a test is not about them.
PATIENT = {"ack_timeout_s": 3600, "pong_within_s": 3600, "open_every_s": 0}


class House:
    """A running daemon, its cloud and its clock. Frames that a broken connection lost are not waited for."""

    def __init__(
        self,
        cloud: FakeCloud,
        clock: ManualClock,
        daemon: Daemon,
        http: aiohttp.ClientSession,
        *,
        file: Path,
        stop: asyncio.Event,
    ) -> None:
        self.cloud = cloud
        self.clock = clock
        self.daemon = daemon
        self.http = http
        self.file = file
        self.stop = stop
        self._lost = 0

    # What can be seen

    async def get(self, path: str) -> tuple[int, str]:
        """Ask the operator's listener."""
        async with self.http.get(f"http://127.0.0.1:{self.daemon.operator.port}{path}") as answer:
            return answer.status, await answer.text()

    async def samples(self) -> Samples:
        status, text = await self.get("/metrics")
        assert status == 200
        return samples.of_text(text)

    async def why_not_ready(self) -> list[str]:
        status, text = await self.get("/-/ready")
        assert (status == 200) == (text == "ready\n")
        return [] if status == 200 else text.splitlines()

    @property
    def sites(self) -> list[str]:
        (org,) = self.cloud.fleet.orgs()
        return [site["id"] for site in self.cloud.fleet.sites(org["id"])]

    def states(self) -> dict[str, str]:
        """State by channel, of every channel that is wanted."""
        return {c: s.state for status in self.daemon.connections for c, s in status.subscriptions.items()}

    def state_of(self, site_id: str) -> str:
        """The state of a site's device channel; "" when it is not wanted."""
        return self.states().get(f"/sites/{site_id}/stats/devices", "")

    def connects(self) -> int:
        return sum(status.connects for status in self.daemon.connections)

    def disconnects(self) -> dict[str, int]:
        """Breaks by reason, of all connections."""
        sums: dict[str, int] = {}
        for status in self.daemon.connections:
            for reason, count in status.disconnects.items():
                sums[reason] = sums.get(reason, 0) + count
        return sums

    def truth(self) -> Samples:
        """Every series that the access points must have, from the simulator's truth."""
        fleet = self.cloud.fleet
        inventory = {entry["mac"]: entry for org in fleet.orgs() for entry in fleet.inventory(org["id"])}
        expected: Samples = {}
        for mac in fleet.macs():
            expected |= ap_oracle.expected(fleet.truth(mac), inventory[mac])
        return expected

    async def differences(self, *, but: tuple[str, ...] = ()) -> list[str]:
        """What /metrics says otherwise than the truth; `but` are families that are not looked at."""

        def looked_at(found: Samples) -> Samples:
            return {key: value for key, value in found.items() if key[0] not in but}

        found = samples.named(await self.samples(), "mist_ap_", "mist_device_")
        return samples.differences(looked_at(self.truth()), looked_at(found))

    def readings(self) -> int:
        """How often the daemon has read the state of devices by REST."""
        return sum(count for call, count in self.cloud.ledger.calls.items() if "/stats/devices" in call)

    # What can be done

    async def post(self, topic: str, *events: object) -> int:
        """Deliver events to the webhook listener; returns the HTTP status."""
        assert self.daemon.webhook is not None
        body = json.dumps({"topic": topic, "events": events}).encode()
        async with self.http.post(f"http://127.0.0.1:{self.daemon.webhook.port}/webhook", data=body) as answer:
            return answer.status

    async def reload(self, **sections: object) -> list[str]:
        """Write these sections into the configuration file and have it read again; returns the faults."""
        configuration = json.loads(self.file.read_text())
        self.file.write_text(json.dumps(configuration | sections))
        return await self.daemon.reloader.reload()

    def section(self, name: str) -> Any:
        """A section of the file as it is now."""
        return json.loads(self.file.read_text()).get(name)

    async def until(self, condition: Callable[[], object], *, step_s: float = 0.0) -> None:
        """Let sockets work, and the daemon's clock move by `step_s` a time, until the condition holds."""
        async with asyncio.timeout(30.0):  # only ends a test that has failed
            while not condition():
                await self.clock.advance(step_s)
                await real_turns()

    async def until_true(self, *, but: tuple[str, ...] = ()) -> None:
        """Wait until /metrics tells the truth, which real sockets may still carry."""
        for _ in range(500):
            wrong = await self.differences(but=but)
            if not wrong:
                return
            await real_turns()
        raise AssertionError("\n".join(wrong[:50]))

    async def until_shown(self, condition: Callable[[Samples], object]) -> None:
        """Wait until /metrics shows what the condition asks for."""
        async with asyncio.timeout(30.0):  # only ends a test that has failed
            while not condition(await self.samples()):
                await real_turns()

    async def settled(self) -> None:
        """Every channel that is wanted has its answer."""
        await self.until(lambda: self.states() and set(self.states().values()) <= {"up", "refused", "unanswered"})

    async def live(self, seconds: float) -> None:
        """Let cloud and daemon live so long, in turns; afterwards the daemon has read all that was sent."""
        passed = 0.0
        while passed < seconds:
            step = min(SLICE_S, seconds - passed)
            await self.cloud.advance(step)
            await self.caught_up()
            await self.clock.advance(step)
            passed += step

    async def caught_up(self) -> None:
        sent = self.cloud.ledger.sent
        await until(lambda: self.daemon.frames.received + self._lost >= sum(sent.values()))

    def forget_what_was_lost(self) -> None:
        """A connection broke: what was under way will not come."""
        self._lost = sum(self.cloud.ledger.sent.values()) - self.daemon.frames.received

    async def pass_time(self, seconds: float, *, step_s: float = SLICE_S) -> None:
        """Let only the daemon's clock move, with turns for the sockets."""
        passed = 0.0
        while passed < seconds:
            await self.clock.advance(min(step_s, seconds - passed))
            await real_turns()
            passed += step_s


@asynccontextmanager
async def keeping_house(
    directory: Path,
    *,
    plan: FleetPlan = PLAN,
    before: Callable[[FakeCloud], Any] | None = None,
    inventory: dict[str, object] | None = None,
    polls: bool = False,
    sections: dict[str, object] | None = None,
    connect: Connect | None = None,
    **stream: object,
) -> AsyncIterator[House]:
    """Start a cloud and a daemon on it; on leaving, the daemon is told to stop and has to end clean.

    `before` may prepare the cloud; `stream` are keys of that section. The inventory is read again every hour, unless
    `inventory` says otherwise; without `polls` these are off, for what they tell would hide what is missing. `sections`
    are more of the configuration.
    """
    async with FakeCloud(CloudOptions(plan=plan, speed=0.0, tick_s=3600.0)) as cloud, aiohttp.ClientSession() as http:
        if before is not None:
            await before(cloud)
        clock, stop = ManualClock(unix=cloud.time.now()), asyncio.Event()
        file = _written(directory, cloud, inventory or {}, stream, sections or {}, polls=polls)
        loaded = config.load(file, {})
        source = ConfigSource(lambda: config.load(file, {}))
        started: asyncio.Future[Daemon] = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(
            wiring.run(loaded, stop=stop, clock=clock, started=started.set_result, source=source, connect=connect)
        )
        await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
        try:
            yield House(cloud, clock, await started if started.done() else await task, http, file=file, stop=stop)
        finally:
            stop.set()
            async with asyncio.timeout(30.0):
                await task
        await until(lambda: cloud.stream.clients == 0)


def _written(
    directory: Path,
    cloud: FakeCloud,
    inventory: dict[str, object],
    stream: dict[str, object],
    sections: dict[str, object],
    *,
    polls: bool,
) -> Path:
    token = directory / "token"
    token.touch(mode=0o600)
    token.write_text(f"{cloud.options.token}\n")
    account = {"name": "main", "api_url": cloud.api_url, "stream_url": cloud.stream_url, "token_file": "token"}
    configuration = {
        "accounts": [account],
        "server": {"listen": "127.0.0.1:0"},
        "webhook": {"listen": "127.0.0.1:0", "allow_unsigned": True},
        "inventory": {"refresh_s": 3600} | inventory,
        "polls": {} if polls else {name: False for name, switch in PollsConfig() if isinstance(switch, bool)},
        "stream": PATIENT | stream,
        **sections,
    }
    file = directory / "collector.yaml"
    file.write_text(json.dumps(configuration))  # JSON is YAML
    return file
