"""What it costs to read a frame and do nothing with it: `python -m tests.benchmarks.readers`.

The library `websockets` alone, and the collector's transport on top of it, take turns at one server that floods them
with positions and with messages of access points. The result is microseconds of CPU per frame, of the cheapest turn.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from typing import TYPE_CHECKING

from websockets.asyncio.client import connect

from collector.clock import SystemClock
from collector.ingest.stream.websocket import WebSocketConnect
from tests.benchmarks.stream import Arena

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    OnFrames = Callable[[Sequence[object]], None]

KINDS = {"positions": 2000, "ap": 50}  # what is sent, and of how many


@contextlib.asynccontextmanager
async def library(url: str, token: str, on_frames: OnFrames) -> AsyncIterator[None]:
    """The library alone, as its documents say."""
    headers = {"Authorization": f"Token {token}"}
    async with connect(url, additional_headers=headers, compression=None, ping_interval=None, proxy=None) as socket:

        async def read() -> None:
            while True:
                on_frames((await socket.recv(decode=False),))

        async with reading(read):
            yield


@contextlib.asynccontextmanager
async def transport(url: str, token: str, on_frames: OnFrames) -> AsyncIterator[None]:
    """The collector's transport."""
    connection = await WebSocketConnect(SystemClock())(url, {"Authorization": f"Token {token}"})

    async def read() -> None:
        await connection.frames(on_frames, lambda: None)

    async with reading(read):
        yield
    await connection.close()


READERS = {"library": library, "collector": transport}


@contextlib.asynccontextmanager
async def reading(read: Callable[[], object]) -> AsyncIterator[None]:
    """Let the frames be read while the block runs."""
    task = asyncio.ensure_future(read())  # type: ignore[arg-type]
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def cost_us(arena: Arena, name: str, turns: int, seconds: float) -> float:
    """The cheapest turn of one reader."""
    taken, url = [0], arena.addresses["stream_url"]

    def on_frames(frames: Sequence[object]) -> None:
        taken[0] += len(frames)

    costs = []
    async with READERS[name](url, name, on_frames):
        for _ in range(turns):
            before, began = taken[0], time.process_time()
            pushed = await asyncio.to_thread(arena.cloud.ask, "flood", to=name, seconds=seconds)
            while taken[0] < before + pushed:  # noqa: ASYNC110 - an event a frame would be part of the cost
                await asyncio.sleep(0.005)
            costs.append((time.process_time() - began) / pushed * 1e6)
    return min(costs)


async def compare(turns: int = 5, seconds: float = 1.0, scale: float = 1.0) -> list[str]:
    """One line a kind of frame."""
    lines = []
    for kind, number in KINDS.items():
        with Arena(kind, max(60, round(number * scale)), rounds=1) as arena:
            found = {name: await cost_us(arena, name, turns, seconds) for name in READERS}
            told = ", ".join(f"{name} {cost:.2f}" for name, cost in found.items())
            lines.append(f"{kind}, {arena.addresses['frame_bytes']:.0f} bytes a frame: {told} us CPU a frame")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.readers", description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    sys.stdout.write("\n".join(asyncio.run(compare(turns=parser.parse_args().turns))) + "\n")
