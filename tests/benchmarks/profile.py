"""Where the time goes: stages of a frame's way, each timed alone, and cProfile of the daemon at work."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import orjson

from collector.clock import SystemClock
from collector.feeds.router import FeedRouter
from collector.ingest.dispatcher import Dispatcher
from collector.ingest.stream.connection import StreamConnection
from collector.mist.deduplicator import Deduplicator
from collector.mist.envelope import data_of, parse
from collector.simulator.frames import control_frame
from collector.status import ConnectionStatus, Counts
from tests.benchmarks import traffic
from tests.benchmarks.children import Child
from tests.benchmarks.store import cost_us
from tests.benchmarks.stream import DEVICES, ROUNDS, Arena, wait_for
from tests.benchmarks.webhook import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TURNS = 5
TURN_FRAMES = 3000
FLOOD_S = 3.0


def device_frame() -> str:
    """The stages of an AP's frame, then the daemon under a flood."""
    return f"{stages()}\n{flooded('ap', DEVICES)}"


def mixed_fleet() -> str:
    """The daemon under a flood of everything."""
    return flooded("mixed", 3)


def flooded(kind: str, devices: int) -> str:
    with Arena(kind, devices) as arena:
        daemon = arena.start("daemon")
        arena.measure("daemon", arena.once)
        daemon.ask("profile", on=True)
        pushed = arena.cloud.ask("flood", to="daemon", seconds=FLOOD_S)
        wait_for(lambda: daemon.ask("taken")["frames"] >= pushed)
        return daemon.ask("profile", on=False)


def webhook() -> str:
    """The daemon's webhook listener under deliveries."""
    with tempfile.TemporaryDirectory() as folder, Arena("ap", 20, rounds=1) as arena:
        secret_file = Path(folder) / "secret"
        secret_file.write_bytes(SECRET)
        secret_file.chmod(0o600)
        daemon = arena.start("daemon", secret_file=str(secret_file))
        with Child("poster", secret_file=str(secret_file)) as poster:
            port = daemon.ask("ports")["webhook"]
            poster.ask("post", port=port, number=300)
            daemon.ask("profile", on=True)
            poster.ask("post", port=port, number=3000)
            return daemon.ask("profile", on=False)


def stages(devices: int = DEVICES) -> str:
    """Microseconds of CPU a frame, stage by stage, in this process (so with warm caches)."""
    frames = traffic.access_points(devices, ROUNDS).frames
    catalog = FeedRouter()
    intake = Dispatcher(
        open_channel=catalog.open_channel,
        open_topic=catalog.open_topic,
        duplicates=Deduplicator(),
        frames=Counts(),
        events={},
    )
    stream = stream_of(intake, {orjson.loads(frame)["channel"] for frame in frames})
    events = [parse(frame) for frame in frames]
    payloads = [event.payload for event in events]
    kind = catalog.devices.kinds_by_name["ap"]
    costs = {"orjson.loads of the frame": each(orjson.loads, frames), "envelope.parse": each(parse, frames)}
    costs["envelope.data_of"] = each(data_of, frames)
    costs["StreamConnection._on_frames, all of it"] = each(lambda frame: stream._on_frames((frame,)), frames)
    costs["Intake.event"] = each(lambda event: intake.event(event, 1.0), events)
    handlers = [(catalog.open_channel(event.channel), event.payload) for event in events]
    costs["  handler of the channel"] = each(lambda pair: pair[0](pair[1], 1.0), handlers)
    costs["    ObjectKind.decode"] = each(kind.decode, payloads)
    decoded = [(kind.decode(text), catalog.devices.row_index.objects[orjson.loads(text)["mac"]]) for text in payloads]
    costs["    ObjectKind.write"] = each(lambda pair: kind.write(pair[0], pair[1], 2.0), decoded)
    costs["orjson.loads of the payload"] = each(orjson.loads, payloads)
    size = sum(map(len, frames)) / len(frames)
    return f"{size:.0f} bytes a frame; us CPU\n" + "".join(f"{name:<30}{cost:8.2f}\n" for name, cost in costs.items())


def stream_of(intake: Dispatcher, channels: set[str]) -> StreamConnection:
    """A stream connection in the state connected and subscribed."""

    async def turn() -> None: ...

    stream = StreamConnection(
        url="ws://unused",
        token=lambda: "",
        connect=None,  # type: ignore[arg-type]  # never connects
        sink=intake,
        status=ConnectionStatus("profile", "profile"),
        clock=SystemClock(),
        rng=lambda: 0.5,
        turn=turn,
    )
    for channel in channels:
        intake.subscribe(channel)
        stream.subscribe(channel)
    stream._session.opened(0.0)
    stream._session.to_send()
    for channel in channels:
        stream._on_frames((control_frame("channel_subscribed", channel),))
    return stream


def each(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """The median cost of `work` an item."""
    rounds = max(1, TURN_FRAMES // len(items))

    def turn() -> None:
        for item in items:
            work(item)

    turn()
    return median(cost_us(turn, rounds) / len(items) for _ in itertools.repeat(None, TURNS))


PROFILES: dict[str, Callable[[], str]] = {
    "device_frame": device_frame,
    "mixed_fleet": mixed_fleet,
    "webhook": webhook,
}
