"""The normalised event: one record for webhook topics, change channels and findings of the collector.

A base module: feeds produce events; the history, the outputs and the pages consume them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

Scalar: TypeAlias = str | int | float | bool
Source: TypeAlias = Literal["webhook", "stream", "collector"]
Severity: TypeAlias = Literal["info", "warning", "critical"]
Status: TypeAlias = Literal["", "open", "cleared"]

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
COLLECTOR: Final = "collector"  # topic and source of findings of the collector


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event after signature verification, deduplication and shard check. Every string is limited in length.

    Attributes:
        id: Identity of the event, equal for every delivery of it, also in another process: 32 hexadecimal digits.
        time: Time of the event in Unix seconds; the time of receipt if the payload has none.
        received: Time of receipt in Unix seconds; 0 in a replay.
        source: The input that the event came from.
        topic: Webhook topic, what the change channel carries, or "collector".
        type: Event type of Mist; empty if the topic has no types.
        severity: Severity, from the payload or from the type.
        status: Whether the event opens or clears a condition; empty for an event that does neither.
        org_id: ID of the organization; empty if unknown.
        site_id: ID of the site; empty for an event without a site.
        site_name: Name of the site; empty if unknown.
        device_mac: MAC address of the device as 12 lowercase hexadecimal digits; empty for an event without a device.
        device_name: Name of the device; empty if unknown.
        device_type: "ap", "switch", "gateway", "mxedge" or another type of Mist; empty if unknown.
        text: One line for an operator.
        fields: Scalars of the payload by dotted path; elements of lists have their index in the path.
    """

    id: str
    time: float
    received: float
    topic: str
    source: Source = "webhook"
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
    fields: dict[str, Scalar] = {}


OnEvent: TypeAlias = "Callable[[Event], None]"
