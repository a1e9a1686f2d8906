"""The subscribers of events: the recent events of the status page, and the outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collector.error_log import ErrorLog
from collector.events.outputs import OUTPUTS
from collector.events.recent import RecentEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.event import Event, OnEvent

_ERRORS: Final = ErrorLog()


class EventSubscribers:
    """Passes each event to all subscribers; an exception of one is logged once and does not affect the others.

    Attributes:
        recent: the recent events, for the status page.
    """

    def __init__(self, outputs: Mapping[str, Callable[[], OnEvent]] = OUTPUTS) -> None:
        self.recent = RecentEvents()
        self._outputs = {name: make() for name, make in outputs.items()}

    def wants_topic(self, topic: str) -> bool:
        """Return whether any subscriber uses the events of a webhook topic."""
        return bool(self._outputs) or self.recent.wants_topic(topic)

    def __call__(self, event: Event) -> None:
        """Pass an event on. Never raises."""
        if self.recent.wants_topic(event.topic):
            self.recent.add(event)
        for name, on_event in self._outputs.items():
            try:
                on_event(event)
            except Exception as error:  # noqa: BLE001 - an output must not cost the event its other subscribers
                _ERRORS.log("event_output_failed", error, output=name)
