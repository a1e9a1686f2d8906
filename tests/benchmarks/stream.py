"""Benches of the stream: frames from a socket of another process into the store.

The daemon and the baselines are connected to one server, which writes to one of them at a time, turn by turn. What a
turn costs is the CPU time of the reading process divided by the frames it took.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.benchmarks import agreement
from tests.benchmarks.certificate import make_certificate
from tests.benchmarks.children import Child
from tests.benchmarks.results import LESS, SHARE, Target, result

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.results import Result
    from tests.benchmarks.settings import Settings

UNIT = "us CPU a frame"
DEVICES = 50
ROUNDS = 3
SITES = 3
RATE = 1000.0
LOOK_S = 0.01
REST_S = 0.05
PATIENCE_S = 180.0
FEW, MANY = 200, 20_000
KINDS_OF_MAP = 5  # channels of each map


def device_frame(settings: Settings) -> list[Result]:
    """A 7 KB AP frame, flooded."""
    with Arena("ap", settings.count(DEVICES, 4), afternoon=True) as arena:
        costs = arena.race(("daemon", "naive", "read_only"), settings, arena.flood(settings))
        arena.agree()
    return [
        costs.beside("device_frame", "naive", Target(LESS, 12)),
        costs.beside("device_frame", "read_only", Target(SHARE, 0.8)),
    ]


def device_frame_tls(settings: Settings) -> list[Result]:
    """The same over TLS."""
    with Arena("ap", settings.count(DEVICES, 4), afternoon=True, tls=True) as arena:
        costs = arena.race(("daemon", "read_only"), settings, arena.flood(settings))
    return [costs.beside("device_frame_tls", "read_only", Target(SHARE, 0.8))]


def device_frame_paced(settings: Settings) -> list[Result]:
    """The same, one frame a millisecond: the process wakes for each."""
    with Arena("ap", settings.count(DEVICES, 4), afternoon=True) as arena:
        costs = arena.race(("daemon", "naive"), settings, arena.pace(settings))
    return [costs.beside("device_frame_paced", "naive", Target(LESS, 6))]


def mixed_fleet(settings: Settings) -> list[Result]:
    """Everything that devices say, as the simulator mixes it; naive sets the same fields."""
    with Arena("mixed", settings.count(SITES), afternoon=False) as arena:
        costs = arena.race(("daemon", "naive"), settings, arena.flood(settings))
        arena.agree()
    return [costs.beside("mixed_fleet", "naive", Target(LESS, 10))]


def growth(settings: Settings) -> list[Result]:
    """A frame among 20,000 devices, and among 200."""
    many = max(settings.count(MANY), FEW + 1)
    with ExitStack() as stack:
        few, full = (stack.enter_context(Arena("ap", number, rounds=1)) for number in (FEW, many))
        values, baselines, n = [], [], 0
        for arena in (few, full):
            arena.start("daemon")
            arena.measure("daemon", arena.once)  # every device has been heard once
        for _ in range(settings.repeat):
            baselines.append(few.measure("daemon", few.flood(settings))[0])
            cost, taken = full.measure("daemon", full.once)
            values.append(cost)
            n += taken
    return [result("growth", "200 devices", UNIT, values, baselines, Target(SHARE, 1.15), n)]


class Costs:
    """What the turns of a race cost, by runner."""

    def __init__(self) -> None:
        self.of: dict[str, list[float]] = {}
        self.frames: Counter[str] = Counter()

    def add(self, role: str, cost: float, frames: int) -> None:
        self.of.setdefault(role, []).append(cost)
        self.frames[role] += frames

    def beside(self, bench: str, baseline: str, target: Target) -> Result:
        return result(bench, baseline, UNIT, self.of["daemon"], self.of[baseline], target, self.frames["daemon"])


def at_rest(client: Child) -> dict[str, Any]:
    """Return what a client has taken, once no frame of an earlier turn is under way to it."""
    before = client.ask("taken")
    while True:
        time.sleep(REST_S)
        now: dict[str, Any] = client.ask("taken")
        if now["frames"] == before["frames"]:
            return now
        before = now


class Arena:
    """A server with its frames, and the clients that read them."""

    def __init__(
        self, kind: str, devices: int, *, rounds: int = ROUNDS, afternoon: bool = False, tls: bool = False
    ) -> None:
        self._kind = kind
        self._devices = devices
        self._rounds = rounds
        self._afternoon = afternoon
        self._tls = tls
        self._stack = ExitStack()
        self._clients: dict[str, Child] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._environ: dict[str, str] = {}
            trusted, pair = None, None
            if self._tls:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                trusted, pair = make_certificate(folder, "127.0.0.1")
                self._environ = {"SSL_CERT_FILE": str(trusted)}
            self.cloud = stack.enter_context(
                Child(
                    "cloud",
                    kind=self._kind,
                    devices=self._devices,
                    rounds=self._rounds,
                    certificate=str(pair) if pair else None,
                )
            )
            self.addresses: dict[str, Any] = self.cloud.ask("addresses")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)

    def start(self, role: str, **more: Any) -> Child:
        """Let a client connect and subscribe to everything."""
        where, located = self.addresses, self._kind.startswith("positions")
        settings = {
            "daemon": {"api_url": where["api_url"], "stream_url": where["stream_url"], "located": located},
            "naive": {
                "stream_url": where["stream_url"],
                "channels": where["channels"],
                "org_id": where["org_id"],
                "afternoon": self._afternoon,
                "zones": where["zones"] if located else None,
            },
            "read_only": {"stream_url": where["stream_url"], "channels": where["channels"]},
        }[role]
        client = self._stack.enter_context(Child(role, environ=self._environ, **settings, **more))
        if role == "daemon":
            wait_for(lambda: not client.ask("not_ready"))
            if located:
                wait_for(lambda: client.ask("channels_up") >= KINDS_OF_MAP * where["maps"] + SITES)
        else:
            client.ask("taken")
        self._clients[role] = client
        return client

    def flood(self, settings: Settings) -> Callable[[str], int]:
        """Write as fast as the client reads, for one turn."""
        return lambda role: self.cloud.ask("flood", to=role, seconds=settings.turn_s)

    def pace(self, settings: Settings) -> Callable[[str], int]:
        """Write a frame a millisecond, for two turns: there are few of them."""
        return lambda role: self.cloud.ask("pace", to=role, rate=RATE, seconds=2 * settings.turn_s)

    def once(self, role: str) -> int:
        """Write every frame once."""
        return self.cloud.ask("once", to=role)

    def measure(self, role: str, push: Callable[[str], int]) -> tuple[float, int]:
        """One turn: microseconds of CPU a frame, and frames."""
        client = self._clients[role]
        before = at_rest(client)
        pushed = push(role)
        after = wait_for(lambda: (now := client.ask("taken"))["frames"] >= before["frames"] + pushed and now)
        dropped = {k: n for k, n in after["dropped"].items() if n != before["dropped"].get(k, 0)}
        if dropped.keys() == {"unsubscribed_channel"}:
            sys.stderr.write(f" (dropped {dropped})")  # a channel of which nothing is measured costs next to nothing
            dropped = {}
        if dropped or after["frames"] != before["frames"] + pushed:
            raise RuntimeError(
                f"{role} took {after['frames'] - before['frames']} frames of {pushed}, dropped {dropped}"
            )
        return (after["spent_s"] - before["spent_s"]) / pushed * 1e6, pushed

    def race(self, roles: tuple[str, ...], settings: Settings, push: Callable[[str], int]) -> Costs:
        """All in turn, `settings.repeat` times; before that every frame once, so that nobody meets a new device."""
        costs = Costs()
        for role in roles:
            self.start(role)
            self.measure(role, self.once)
        for _ in range(settings.repeat):
            for role in roles:
                costs.add(role, *self.measure(role, push))
        return costs

    def agree(self) -> int:
        """The daemon and naive have the same samples after the same last frame of each device."""
        self.cloud.ask("hold")
        for role in ("daemon", "naive"):
            self.measure(role, self.once)
        ours, theirs = (self._clients[role].ask("exposition") for role in ("daemon", "naive"))
        return agreement.check(ours, theirs)


def wait_for(condition: Callable[[], Any]) -> Any:
    """Ask again and again; returns the first true answer. TimeoutError after three minutes."""
    until = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > until:
            raise TimeoutError("the other side does not get there")
        time.sleep(LOOK_S)
    return found
