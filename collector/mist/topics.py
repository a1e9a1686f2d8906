"""Every webhook topic, and what makes two of its events the same event: one row each.

Mist gives a delivery no number. It repeats deliveries, and an organisation's and a site's webhook on one topic bring
every event twice. An event is therefore known by its content: by the fields that identify it where the topic has such
fields, else by the whole of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import orjson

from collector.mist.channels import Scope
from collector.mist.identity import mac_of
from collector.mist.times import epoch_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of the table.

    `identity`: the fields that together identify an event; () = the whole event. An event that lacks one of them
    (or has it empty) is taken whole too.
    `scope`: ORG = sent by organisation and site webhooks, so perhaps twice; SITE = by site webhooks only; NONE =
    sent by Mist itself on request.
    `mac_in`: where the event carries the MAC called "mac" in `identity`, the first that holds one counts.
    `told_apart_by`: fields that may be absent, but tell apart events of the same identity.
    `revised_by`: fields that tell apart the revisions (`update: true`) of one event.
    """

    name: str
    identity: tuple[str, ...] = ()
    scope: Scope = Scope.ORG
    mac_in: tuple[str, ...] = ("mac",)
    told_apart_by: tuple[str, ...] = ()
    revised_by: tuple[str, ...] = ()


_DEVICE: Final = ("mac", "type", "timestamp")
_DEVICE_MAC: Final = ("mac", "ap")  # older access point events have `ap` only
_SESSION: Final = ("session_id", "type", "timestamp")

TOPICS: Final[dict[str, Topic]] = {
    topic.name: topic
    for topic in (
        # An update repeats the id on purpose, and so does "resolved" after "open" (Marvis), not always with `update`.
        Topic("alarms", ("id",), told_apart_by=("type", "status"), revised_by=("timestamp", "last_seen", "count")),
        Topic("audits", ("id",)),
        # Timestamps count whole seconds, and a switch that loses a line card reports all its ports, an access point
        # both its bands, within one. Without these two fields all but the first would pass for duplicates.
        Topic("device-events", _DEVICE, mac_in=_DEVICE_MAC, told_apart_by=("port_id", "band")),
        Topic("device-updowns", _DEVICE, mac_in=_DEVICE_MAC),
        Topic("mxedge-events"),
        Topic("client-join"),
        Topic("client-sessions", ("mac", "ap", "disconnect")),
        Topic("client-info"),
        Topic("client-latency", scope=Scope.SITE),
        Topic("site-sle", scope=Scope.SITE),
        Topic("minis-application"),
        Topic("minis-reachability"),
        Topic("minis-network"),  # seen once, on a third party's page
        Topic("nac-events", _SESSION),
        Topic("nac-accounting", _SESSION),
        Topic("guest-authorizations"),
        Topic("occupancy-alerts", scope=Scope.SITE),
        Topic("location", scope=Scope.SITE),
        Topic("location-client", scope=Scope.SITE),
        Topic("location-unclient", scope=Scope.SITE),
        Topic("location-asset", scope=Scope.SITE),
        Topic("location-sdk", scope=Scope.SITE),
        Topic("location-centrak", scope=Scope.SITE),
        Topic("zone", scope=Scope.SITE),
        Topic("rssizone", scope=Scope.SITE),
        Topic("vbeacon", scope=Scope.SITE),
        Topic("asset-raw", scope=Scope.SITE),  # deprecated since 2024-06-30, not gone
        Topic("asset-raw-rssi", scope=Scope.SITE),
        Topic("discovered-raw-rssi", scope=Scope.SITE),
        Topic("filtered-asset-rssi", scope=Scope.SITE),
        Topic("wifi-conn-raw", scope=Scope.SITE),
        Topic("wifi-unconn-raw", scope=Scope.SITE),
        Topic("sdkclient-scan-data", scope=Scope.SITE),
        Topic("ping", scope=Scope.NONE),
    )
}

_FOR_SITE: Final = "for_site"  # who the copy is for; may be all that differs between the two copies of an event
_TIMES: Final = frozenset({"timestamp", "last_seen", "disconnect"})
_MACS: Final = frozenset({"mac", "ap"})


def identity_of(topic_name: str, event: dict[str, Any]) -> int:
    """Return a 64-bit hash that is equal for copies of one event, whatever their key order; never raises.

    Copies are equal although one writes its MAC with colons or under `ap`, or its time in milliseconds. An event of
    an unknown topic is taken whole. The value holds within this process only (Python salts its hashes).
    """
    return hash(_identity(topic_name, event))


def event_id(topic_name: str, event: dict[str, Any]) -> str:
    """Return 32 hexadecimal digits that are equal for copies of one event, in every process; never raises."""
    return blake2b(_identity(topic_name, event), digest_size=16).hexdigest()


def _identity(topic_name: str, event: dict[str, Any]) -> bytes:
    """Return what identifies an event, as canonical JSON."""
    topic = TOPICS.get(topic_name)
    named = _named(topic, event) if topic else None
    if named is None:
        return canonical([topic_name, {name: event[name] for name in event if name != _FOR_SITE}])
    return canonical([topic_name, *named])


def _named(topic: Topic, event: dict[str, Any]) -> list[object] | None:
    """The values that identify `event`; None when it has to be taken whole."""
    values = [_value(topic, event, name) for name in topic.identity]
    if not values or None in values or "" in values:
        return None
    values += [event.get(name) for name in topic.told_apart_by]
    if event.get("update"):
        values += [_value(topic, event, name) for name in topic.revised_by]
    return values


def _value(topic: Topic, event: dict[str, Any], name: str) -> object:
    """One field, in its one notation where it is a MAC or a time that can be read, else as it came."""
    value = event.get(name)
    if name in _TIMES:
        return epoch_s(value) or value
    if name not in _MACS:
        return value
    places = topic.mac_in if name == "mac" else (name,)
    macs = (mac_of(event.get(place)) for place in places)
    return next((mac for mac in macs if mac), value)


def canonical(value: object) -> bytes:
    """Return JSON that is equal for equal values, whatever their key order; never raises for a parsed payload."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # more than 254 levels deep, or not from JSON at all
        return orjson.dumps(sorted(_leaves(value)))


def _leaves(root: object) -> Iterator[tuple[str, str]]:
    """Every leaf and empty container below `root`, with a hash of the way to it; no recursion, whatever the depth."""
    open_nodes: list[tuple[str, object]] = [("", root)]
    while open_nodes:
        way, node = open_nodes.pop()
        if isinstance(node, dict) and node:
            open_nodes += [(_step(way, name), child) for name, child in node.items()]
        elif isinstance(node, list) and node:
            open_nodes += [(_step(way, at), child) for at, child in enumerate(node)]
        else:
            yield way, repr(node).encode("utf-8", "backslashreplace").decode()


def _step(way: str, key: object) -> str:
    return blake2b(repr((way, key)).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
