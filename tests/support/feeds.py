"""Helpers for tests of feeds: deliver events, read the series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.metrics.text_format import render_all

if TYPE_CHECKING:
    from collector.feeds.router import FeedRouter

AT = 1_700_000_000
PLACE = {"org_id": "o", "site_id": "s"}
HERE = 'org_id="o",site_id="s"'


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def series(router: FeedRouter, prefix: str = "") -> dict[str, float]:
    """Return series -> value, of the families with this prefix."""
    lines = render_all(router.store).decode().split("\n")
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith(prefix) and line[:1] not in {"#", ""})
    return {name: float(value) for name, value in pairs}


def send(router: FeedRouter, topic: str, *events: dict[str, Any], now: float = 0.0) -> None:
    """Deliver webhook events of org "o" and site "s", unless they name others."""
    apply = router.open_topic(topic)
    assert [apply({**PLACE, **event}, now) for event in events] == [None] * len(events)


def sweep(router: FeedRouter) -> int:
    """Sweep all feeds; return the number of ended rows."""
    return sum(router.sweep())
