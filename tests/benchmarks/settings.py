"""How thorough a run is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """`scale` shrinks counts of series, devices and rows: 1 for figures, far less to see that everything runs."""

    repeat: int = 5
    turn_s: float = 1.0
    scale: float = 1.0

    def count(self, full: int, least: int = 1) -> int:
        """A count at this scale."""
        return max(least, round(full * self.scale))


QUICK = Settings(repeat=1, turn_s=0.05, scale=0.005)
