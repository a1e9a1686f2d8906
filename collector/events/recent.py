"""The recent events, for the status page."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.event import Event

MAX_EVENTS: Final = 20


class RecentEvents:
    """Keeps the last events in memory. The strings of an event are limited, so this is at most a few megabytes."""

    def __init__(self, limit: int = MAX_EVENTS) -> None:
        self._events: deque[Event] = deque(maxlen=limit)

    def add(self, event: Event) -> None:
        """Keep an event; the oldest one is removed above the limit."""
        self._events.appendleft(event)

    @property
    def newest_first(self) -> Sequence[Event]:
        """The events, the newest first."""
        return tuple(self._events)
