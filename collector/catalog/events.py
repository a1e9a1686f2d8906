"""Webhook events: what is counted of each topic, and which topics say that a device is up or down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.metrics.model import Counter, Entity

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENTS = Entity(
    "webhook_events",
    labels=("org_id", "site_id", "topic", "type"),
    ttl_s=None,
    families=(
        Counter(
            "mist_webhook_events_total",
            None,
            "Events received by webhook, each once however often it was delivered.",
            reads=("topic", "type"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class TopicTable:
    """One topic.

    `type_field` names the field whose value is the label `type`; "" when its events have no types.
    `born` lists types whose counters start at zero for every site, because alerts rely on their first increment.
    `ups` tells, by the end of a type, whether a device is up (1) or down (0) after such an event.
    """

    name: str
    type_field: str = "type"
    born: tuple[str, ...] = ()
    ups: Mapping[str, float] = field(default_factory=dict)


_PREFIXES = ("AP", "SW", "GW")
_UPDOWN_TYPES = tuple(f"{p}_{what}" for p in _PREFIXES for what in ("CONNECTED", "DISCONNECTED", "RESTARTED"))
_UPS = {"_CONNECTED": 1.0, "_DISCONNECTED": 0.0}

TABLES = {
    table.name: table
    for table in (
        TopicTable("device-updowns", born=_UPDOWN_TYPES, ups=_UPS),
        TopicTable("device-events", ups=_UPS),
        TopicTable("ping", type_field=""),
    )
}

DEVICE_TYPES = {"AP": "ap", "SW": "switch", "GW": "gateway"}  # by the first part of an event's type
