"""The normalised event: one record for webhook topics, change channels and the collector's own findings.

It is a base module because feeds produce events, and the history, the outputs and the pages consume them, without
knowing each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Scalar: TypeAlias = "str | int | float | bool"
Severity: TypeAlias = Literal["info", "warning", "critical"]
Status: TypeAlias = Literal["", "open", "cleared"]

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event after verification, deduplication and the shard check.

    Attributes:
        id: identity of the event, equal for every repetition of it: 32 hexadecimal digits.
        time: when it happened, Unix seconds; the time of receipt when the payload does not state it.
        received: when the collector received it, Unix seconds.
        source: "webhook", "stream" or "collector".
        topic: webhook topic, what the change channel carries, or "collector" for the collector's own findings.
        type: Mist's event type, empty when the topic has none.
        severity: how urgent it is.
        status: whether it opens or clears a condition; empty for an event that does neither.
        org_id, site_id: ids from the payload, empty when it names none.
        site_name: from the inventory, empty when it is not known.
        device_mac: MAC address as 12 lowercase hexadecimal digits, empty when the event concerns no device.
        device_name: from the inventory or the payload, empty when it is not known.
        device_type: "ap", "switch", "gateway", "mxedge" or empty.
        text: one line for people.
        fields: every scalar of the payload by its dotted path.
    """

    id: str
    time: float
    received: float
    topic: str
    source: str = "webhook"
    type: str = ""
    severity: Severity = "info"
    status: Status = ""
    org_id: str = ""
    site_id: str = ""
    site_name: str = ""
    device_mac: str = ""
    device_name: str = ""
    device_type: str = ""
    text: str = ""
    fields: Mapping[str, Scalar] = field(default_factory=dict)


OnEvent: TypeAlias = "Callable[[Event], None]"
