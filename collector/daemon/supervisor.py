"""Supervision of long-lived tasks: a task that raises is logged, counted and restarted with backoff, alone.

Only cancellation and the exceptions that end the interpreter (`KeyboardInterrupt`, `SystemExit`) pass. After start-up,
therefore, no exception in a task ends the process or disturbs another task.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collector.backoff import backoff_s
from collector.error_log import ErrorLog
from collector.status import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from collector.clock import Clock

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
RECOVERED_AFTER_S: Final = 120.0  # a task that has run this long since its last failure has recovered
UNHEALTHY_AFTER_S: Final = 600.0  # of repeated failures; from then on /-/healthy answers 503
TASKS: Final = (
    "account", "backfill", "inventory", "maps", "poll", "polls", "pool", "reload", "settle", "stream", "sweep",
    "systemd", "token", "type_lists", "web_files",
)  # fmt: skip
_MAX_ERROR_LENGTH: Final = 200


@dataclass(slots=True)
class _Run:
    """One supervised coroutine. Times are monotonic seconds."""

    status: TaskStatus
    failures: int = 0  # in a row
    failing_since: float = 0.0
    failed_at: float = 0.0

    def fail(self, started_at: float, now: float) -> None:
        if not self.failures or now - started_at >= RECOVERED_AFTER_S:
            self.failures = 0
            self.failing_since = now
        self.failures += 1
        self.failed_at = now

    def failing_s(self, now: float) -> float:
        """Return how long it has been failing; 0 when it runs well."""
        recovered = not self.failures or now - self.failed_at >= RECOVERED_AFTER_S + LONGEST_PAUSE_S
        return 0.0 if recovered else now - self.failing_since


class Supervisor:
    """Implements `concurrency.Supervise`.

    Attributes:
        tasks: status by task name, for metrics and the status page. Every name of `TASKS` is there from the start, so
            that its counter begins at zero.
    """

    def __init__(self, clock: Clock, *, draw: Callable[[], float] = random.random) -> None:
        self.tasks = {name: TaskStatus(name) for name in TASKS}
        self._clock = clock
        self._draw = draw
        self._errors = ErrorLog()
        self._runs: dict[int, _Run] = {}

    async def __call__(self, name: str, run: Callable[[], Awaitable[object]]) -> None:
        """Await `run()`; when it raises, log, count, wait and await it again. See `concurrency.Supervise`."""
        supervised = _Run(self.tasks.setdefault(name, TaskStatus(name)))
        self._runs[id(supervised)] = supervised
        try:
            while True:
                started_at = self._clock.now()
                try:
                    await run()
                except Exception as error:  # noqa: BLE001 - whatever it is, it ends this attempt and nothing else
                    await self._clock.sleep(self._failed(supervised, error, started_at))
                else:
                    return
        finally:
            del self._runs[id(supervised)]

    def _failed(self, supervised: _Run, error: Exception, started_at: float) -> float:
        """Note a failure and return the pause before the restart, in seconds."""
        now, status = self._clock.now(), supervised.status
        supervised.fail(started_at, now)
        status.restarts += 1
        status.last_restart_at = now
        status.last_error = f"{type(error).__name__}: {error}"[:_MAX_ERROR_LENGTH]
        pause_s = backoff_s(supervised.failures, self._draw(), first_s=FIRST_PAUSE_S, ceiling_s=LONGEST_PAUSE_S)
        self._errors.log("task_failed", error, task=status.name, restart_in_s=round(pause_s, 1))
        return pause_s

    def failing(self) -> list[str]:
        """Return a sentence for each task name that has been failing for longer than `UNHEALTHY_AFTER_S`."""
        now = self._clock.now()
        longest_s: dict[str, float] = {}
        for supervised in self._runs.values():
            name = supervised.status.name
            longest_s[name] = max(longest_s.get(name, 0.0), supervised.failing_s(now))
        return [
            f"task {name} has been failing for {seconds:.0f} s ({self.tasks[name].last_error})"
            for name, seconds in sorted(longest_s.items())
            if seconds >= UNHEALTHY_AFTER_S
        ]
