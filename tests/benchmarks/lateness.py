"""How late the event loop is: what a timer due every millisecond experiences."""

from __future__ import annotations

import asyncio
import gc
import time

EVERY_S = 0.001


class Lateness:
    """Watches the running loop from `watch` to `watched`.

    Wall time is what other work on the loop feels, other processes' turns on the CPU included; CPU time of the loop's
    thread between two looks is what the loop itself did, so it holds on a busy machine. Pauses of the garbage
    collector are a part of both and told apart, too.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._wall_s = self._cpu_s = self._gc_s = self._gc_began = 0.0

    def watch(self) -> None:
        """Begin anew."""
        self._wall_s = self._cpu_s = self._gc_s = 0.0
        self._task = asyncio.get_running_loop().create_task(self._look())
        gc.callbacks.append(self._collected)

    def watched(self) -> dict[str, float]:
        """Stop; the longest stalls, in milliseconds."""
        assert self._task is not None
        self._task.cancel()
        gc.callbacks.remove(self._collected)
        return {"wall_ms": self._wall_s * 1e3, "cpu_ms": self._cpu_s * 1e3, "gc_ms": self._gc_s * 1e3}

    async def _look(self) -> None:
        while True:
            wall, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(EVERY_S)
            self._wall_s = max(self._wall_s, time.perf_counter() - wall - EVERY_S)
            self._cpu_s = max(self._cpu_s, time.thread_time() - cpu)

    def _collected(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._gc_began = time.thread_time()
        else:
            self._gc_s = max(self._gc_s, time.thread_time() - self._gc_began)
