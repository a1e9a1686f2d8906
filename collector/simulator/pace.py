"""The time of the simulated world: a clock's time, accelerated, paused, or moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.clock import Clock


class Pace:
    """Unix time of the simulated world: it begins at `start` and runs `speed` times as fast as `clock`."""

    def __init__(self, clock: Clock, start: float, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._lived = start
        self._since: float | None = clock.now()

    @property
    def paused(self) -> bool:
        """Whether the world stands still."""
        return self._since is None

    def now(self) -> float:
        """Return the unix time of the simulated world."""
        if self._since is None:
            return self._lived
        return self._lived + (self._clock.now() - self._since) * self._speed

    def pause(self) -> None:
        """Let the world stand still."""
        self._lived = self.now()
        self._since = None

    def resume(self) -> None:
        """Let the world go on from where it stands."""
        if self._since is None:
            self._since = self._clock.now()

    def skip(self, seconds: float) -> None:
        """Move the world on by `seconds`, also while it is paused."""
        self._lived += seconds
