"""What is to happen, in the order of time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import TypeAlias

Action: TypeAlias = Callable[[float], None]


class Agenda:
    """A heap of actions; each is called with the unix time that it was put down for.

    Equal times keep the order in which they were put down, so a run is the same whatever the steps it is made in.
    """

    def __init__(self, start: float) -> None:
        self.now = start
        self._order = itertools.count()
        self._entries: list[tuple[float, int, Action]] = []

    def put(self, at: float, action: Action) -> None:
        """Have `action` called at the unix time `at`, or as soon as possible when that has passed."""
        heapq.heappush(self._entries, (max(at, self.now), next(self._order), action))

    def run(self, until: float) -> None:
        """Call everything that is due up to and including `until`, also what those calls put down."""
        entries = self._entries
        while entries and entries[0][0] <= until:
            self.now, _, action = heapq.heappop(entries)
            action(self.now)
        self.now = max(self.now, until)
