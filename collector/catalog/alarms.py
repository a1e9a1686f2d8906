"""Open alarms: the gauge, and how the state of an alarm is read from its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.catalog.event_rules import SITE_LABELS, WEBHOOK
from collector.metrics.model import Entity, Gauge
from collector.metrics.values import flag
from collector.mist.times import epoch_s

if TYPE_CHECKING:
    from collector.catalog.event_rules import Part

OPEN_ALARMS = Entity(
    "open_alarms",
    of=WEBHOOK,
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
    """Return whether the alarm is open; None if it has no status. Unknown states, which Marvis uses, are open."""
    status = alarm.get("status")
    if isinstance(status, str) and status:
        return status.lower() not in _CLOSED
    return False if epoch_s(alarm.get("resolved_time")) else None


def is_acknowledged(alarm: Part) -> bool:
    """Return whether an administrator acknowledged the alarm."""
    return flag(alarm.get("acked")) is True


def updated_at(alarm: Part) -> float:
    """Return the time of the state of the alarm in Unix seconds: the latest of its times; 0 if it has none."""
    return max(epoch_s(alarm.get(name)) or 0.0 for name in ("timestamp", "last_seen", "resolved_time"))
