"""Open alarms: the gauge, and how the state of an alarm is read from its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.catalog.event_rules import SITE_LABELS
from collector.metrics.model import Entity, Gauge
from collector.metrics.values import flag
from collector.mist.times import epoch_s

if TYPE_CHECKING:
    from collector.catalog.event_rules import Part

OPEN_ALARMS = Entity(
    "open_alarms",
    labels=(*SITE_LABELS, "group", "severity"),
    ttl_s=None,
    families=(
        Gauge(
            "mist_alarms_open",
            None,
            "Number of open alarms (neither resolved nor acknowledged), from the Mist alarm search and alarm webhooks.",
        ),
    ),
)
_CLOSED = frozenset({"resolved", "closed", "cleared", "validated"})


def is_open(alarm: Part) -> bool | None:
    """Whether the alarm says that it is open; None when it does not say. Marvis knows more states than open, all open."""
    status = alarm.get("status")
    if isinstance(status, str) and status:
        return status.lower() not in _CLOSED
    return False if epoch_s(alarm.get("resolved_time")) else None


def is_acknowledged(alarm: Part) -> bool:
    """Whether somebody acknowledged it."""
    return flag(alarm.get("acked")) is True


def moment_of(alarm: Part) -> float:
    """When what is said of the alarm was so: the latest of its times; 0 when it has none."""
    return max(epoch_s(alarm.get(name)) or 0.0 for name in ("timestamp", "last_seen", "resolved_time"))
