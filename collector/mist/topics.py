"""The webhook topics, one row each: the fields that identify an event, for deduplication.

A delivery has no id. Mist repeats deliveries, and when both an organisation and a site have a webhook for one topic,
every event arrives twice. So an event is identified by its content: by its identifying fields where the topic has such
fields, otherwise by all of its fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from collector.mist.channels import Scope
from collector.mist.identity import mac_of
from collector.mist.times import epoch_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final


@dataclass(frozen=True, slots=True)
class WebhookTopic:
    """One row of the table.

    Attributes:
        name: as in the payload.
        identity: the fields that together identify an event; () = all fields, as for an event in which one of them is
            absent or empty.
        scope: ORG = sent by webhooks of organisations and of sites, so possibly twice; SITE = by webhooks of sites
            only; NONE = sent by Mist on request.
        mac_fields: the fields that may carry the MAC address called "mac" in `identity`; the first that has one counts.
        optional_identity: fields that may be absent, and distinguish events whose `identity` is equal.
        revision: fields that distinguish the revisions (`update: true`) of one event.
    """

    name: str
    identity: tuple[str, ...] = ()
    scope: Scope = Scope.ORG
    mac_fields: tuple[str, ...] = ("mac",)
    optional_identity: tuple[str, ...] = ()
    revision: tuple[str, ...] = ()


_DEVICE: Final = ("mac", "type", "timestamp")
_DEVICE_MAC: Final = ("mac", "ap")  # older access point events have `ap` only
_ALARM_REVISION: Final = ("timestamp", "last_seen", "count")
_SESSION: Final = ("session_id", "type", "timestamp")

TOPICS: Final[dict[str, WebhookTopic]] = {
    topic.name: topic
    for topic in (
        # An update has the id of its alarm, and so has "resolved" after "open" (Marvis), not always with `update`.
        WebhookTopic("alarms", ("id",), optional_identity=("type", "status"), revision=_ALARM_REVISION),
        WebhookTopic("audits", ("id",)),
        # Timestamps are whole seconds. A switch that loses a line card reports all its ports within one second, an
        # access point both its bands: without these two fields all but the first would be duplicates.
        WebhookTopic("device-events", _DEVICE, mac_fields=_DEVICE_MAC, optional_identity=("port_id", "band")),
        WebhookTopic("device-updowns", _DEVICE, mac_fields=_DEVICE_MAC),
        WebhookTopic("mxedge-events"),
        WebhookTopic("client-join"),
        WebhookTopic("client-sessions", ("mac", "ap", "disconnect")),
        WebhookTopic("client-info"),
        WebhookTopic("client-latency", scope=Scope.SITE),
        WebhookTopic("site-sle", scope=Scope.SITE),
        WebhookTopic("minis-application"),
        WebhookTopic("minis-reachability"),
        WebhookTopic("minis-network"),  # known from one third-party page only
        WebhookTopic("nac-events", _SESSION),
        WebhookTopic("nac-accounting", _SESSION),
        WebhookTopic("guest-authorizations"),
        WebhookTopic("occupancy-alerts", scope=Scope.SITE),
        WebhookTopic("location", scope=Scope.SITE),
        WebhookTopic("location-client", scope=Scope.SITE),
        WebhookTopic("location-unclient", scope=Scope.SITE),
        WebhookTopic("location-asset", scope=Scope.SITE),
        WebhookTopic("location-sdk", scope=Scope.SITE),
        WebhookTopic("location-centrak", scope=Scope.SITE),
        WebhookTopic("zone", scope=Scope.SITE),
        WebhookTopic("rssizone", scope=Scope.SITE),
        WebhookTopic("vbeacon", scope=Scope.SITE),
        WebhookTopic("asset-raw", scope=Scope.SITE),  # deprecated since 2024-06-30, still sent
        WebhookTopic("asset-raw-rssi", scope=Scope.SITE),
        WebhookTopic("discovered-raw-rssi", scope=Scope.SITE),
        WebhookTopic("filtered-asset-rssi", scope=Scope.SITE),
        WebhookTopic("wifi-conn-raw", scope=Scope.SITE),
        WebhookTopic("wifi-unconn-raw", scope=Scope.SITE),
        WebhookTopic("sdkclient-scan-data", scope=Scope.SITE),
        WebhookTopic("ping", scope=Scope.NONE),
    )
}

_FOR_SITE: Final = "for_site"  # may be the only difference between the two copies of an event
_TIMES: Final = frozenset({"timestamp", "last_seen", "disconnect"})
_MACS: Final = frozenset({"mac", "ap"})


def identity_of(topic_name: str, event: dict[str, Any]) -> int:
    """Return a 64-bit hash that is equal for copies of one event. Never raises.

    Key order, the notation of a MAC address (colons, under `ap`) and the unit of a time (seconds, milliseconds) make no
    difference. An event of an unknown topic is identified by all of its fields. The hash is valid within this process
    only: Python salts its hashes.
    """
    topic = TOPICS.get(topic_name)
    values = _identity(topic, event) if topic else None
    if values is None:
        return _hash([topic_name, {name: event[name] for name in event if name != _FOR_SITE}])
    return _hash([topic_name, *values])


def _identity(topic: WebhookTopic, event: dict[str, Any]) -> list[object] | None:
    """Return the values that identify `event`; None when all of its fields do."""
    values = [_value(topic, event, name) for name in topic.identity]
    if not values or None in values or "" in values:
        return None
    values += [event.get(name) for name in topic.optional_identity]
    if event.get("update"):
        values += [_value(topic, event, name) for name in topic.revision]
    return values


def _value(topic: WebhookTopic, event: dict[str, Any], name: str) -> object:
    """Return one field: a MAC address or a time in its canonical notation, anything else unchanged."""
    value = event.get(name)
    if name in _TIMES:
        return epoch_s(value) or value
    if name not in _MACS:
        return value
    fields = topic.mac_fields if name == "mac" else (name,)
    macs = (mac_of(event.get(field)) for field in fields)
    return next((mac for mac in macs if mac), value)


def _hash(key: list[object]) -> int:
    try:
        return hash(orjson.dumps(key, option=orjson.OPT_SORT_KEYS))
    except TypeError:  # nested deeper than 254 levels, or not JSON
        return hash(frozenset(_leaves(key)))


def _leaves(root: object) -> Iterator[tuple[int, str]]:
    """Yield every leaf and empty container below `root`, with a hash of its path. Not recursive."""
    open_nodes: list[tuple[int, object]] = [(0, root)]
    while open_nodes:
        path, node = open_nodes.pop()
        if isinstance(node, dict) and node:
            open_nodes += [(hash((path, name)), child) for name, child in node.items()]
        elif isinstance(node, list) and node:
            open_nodes += [(hash((path, index)), child) for index, child in enumerate(node)]
        else:
            yield path, repr(node)
