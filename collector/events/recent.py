"""The recent events, for the status page."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from collector.catalog.event_texts import HIGH_RATE_TOPICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.event import Event

MAX_EVENTS: Final = 20


class RecentEvents:
    """Keeps the last events in memory. The strings of an event are limited, so this is at most a few megabytes."""

    def __init__(self, limit: int = MAX_EVENTS) -> None:
        self._events: deque[Event] = deque(maxlen=limit)

    @staticmethod
    def wants_topic(topic: str) -> bool:
        """Return whether events of a webhook topic are kept: not those that would replace all others within seconds."""
        return topic not in HIGH_RATE_TOPICS

    def add(self, event: Event) -> None:
        """Keep an event; the oldest one is removed above the limit."""
        self._events.appendleft(event)

    @property
    def newest_first(self) -> Sequence[Event]:
        """The events, the newest first."""
        return tuple(self._events)
