"""The WebSocket channels of the Mist cloud, one row each.

To subscribe to another channel, add a row here and a table in `collector.catalog`. Rows without an object are utilities
that a user starts in Mist's portal: the collector does not subscribe to them, but recognizes their recorded frames.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final


class Scope(StrEnum):
    """The kind of object that a channel or topic belongs to."""

    SITE = "site"
    ORG = "org"
    MAP = "map"
    NONE = "none"


ON_CHANGE: Final = math.inf  # a message per event: any time without messages is normal


@dataclass(frozen=True, slots=True)
class Channel:
    """One row of the table.

    Attributes:
        template: the path with its ids in braces. Also the label value of the channel.
        scope: what the channel exists once for.
        carries: the object in a payload, as the catalogue names it; "" for a channel without metrics.
        period_s: the interval between two messages about one object, in seconds, or `ON_CHANGE`.
        stream: the key of the `streams` configuration that enables the channel; "" for one that is never subscribed.
    """

    template: str
    scope: Scope
    carries: str = ""
    period_s: float = ON_CHANGE
    stream: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A channel path: its row, and its ids by their names in the template."""

    channel: Channel
    ids: dict[str, str]


# Periods as observed by live consumers: devices 20-30 s, clients some tens of seconds, maps some seconds. For Mist
# Edges and insights no source gives a period: 60 s is an assumption.
CHANNELS: Final[tuple[Channel, ...]] = (
    Channel("/sites/{site_id}/stats/devices", Scope.SITE, "device", 30.0, "devices"),
    Channel("/sites/{site_id}/stats/clients", Scope.SITE, "client", 60.0, "clients"),
    Channel("/sites/{site_id}/stats/mxedges", Scope.SITE, "mxedge", 60.0, "mxedges"),
    Channel("/orgs/{org_id}/stats/mxedges", Scope.ORG, "mxedge", 60.0, "mxedges"),
    Channel("/orgs/{org_id}/insights/summary", Scope.ORG, "insights", 60.0, "org_insights"),
    Channel("/sites/{site_id}/stats/maps/{map_id}/clients", Scope.MAP, "map_client", 5.0, "location"),
    Channel(
        "/sites/{site_id}/stats/maps/{map_id}/unconnected_clients",
        Scope.MAP,
        "map_unconnected_client",
        5.0,
        "location",
    ),
    Channel("/sites/{site_id}/stats/maps/{map_id}/sdkclients", Scope.MAP, "map_sdkclient", 5.0, "location"),
    Channel("/sites/{site_id}/stats/maps/{map_id}/assets", Scope.MAP, "map_asset", 5.0, "location"),
    Channel(
        "/sites/{site_id}/stats/maps/{map_id}/discovered_assets",
        Scope.MAP,
        "map_discovered_asset",
        5.0,
        "location",
    ),
    Channel("/sites/{site_id}/devices", Scope.SITE, "device_event", stream="device_events"),
    Channel("/sites/{site_id}/mxedges", Scope.SITE, "mxedge_event", stream="device_events"),
    Channel("/orgs/{org_id}/mxedges", Scope.ORG, "mxedge_event", stream="device_events"),
    Channel("/orgs/{org_id}/otherdevices/sync", Scope.ORG, "otherdevice_sync", stream="device_events"),
    Channel("/sites/{site_id}/devices/{device_id}/cmd", Scope.SITE),
    Channel("/sites/{site_id}/pcaps", Scope.SITE),
    Channel("/orgs/{org_id}/pcaps", Scope.ORG),
    Channel("/sites/{site_id}/clients/{mac}/diag", Scope.SITE),
    Channel("/sites/{site_id}/sdkclients/{sdkclient_id}/diag", Scope.SITE),
    Channel("/sites/{site_id}/assets/{asset_id}/diag", Scope.SITE),
    Channel("/sites/{site_id}/analyze_spectrum", Scope.SITE),
    Channel("/sites/{site_id}/devices/{device_id}/zigbee_join", Scope.SITE),
    Channel("/orgs/{org_id}/mist_nac/test_idp", Scope.ORG),
    Channel("/test", Scope.NONE),
)

_ID: Final = "[0-9A-Za-z_:.-]{1,64}"  # UUIDs and MACs, never a slash, blank or brace
_IS_ID: Final = re.compile(_ID).fullmatch
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def match(path: str) -> Match | None:
    """Return the row and the ids of a channel path, None when it is unknown or malformed. One regular expression."""
    found = _EXPRESSION.fullmatch(path)
    if found is None or found.lastindex is None:
        return None
    # The group that closed last is the alternative; its ids are the groups that opened after it.
    alternative = found.lastindex
    channel, names = _ALTERNATIVES[alternative]
    return Match(channel, {name: found[alternative + 1 + at] for at, name in enumerate(names)})


def is_periodic(text: str) -> bool:
    """Return whether messages of the channel with this path arrive periodically, so that their absence is a fault.

    Channels of events may be silent for weeks, and those of a map while the floor is empty. An unknown channel counts
    as periodic.
    """
    found = match(text)
    return found is None or (found.channel.period_s != ON_CHANGE and found.channel.scope is not Scope.MAP)


def fits(identity: str) -> bool:
    """Return whether an id is valid in a channel path: 1 to 64 characters of UUIDs, MAC addresses and names."""
    return _IS_ID(identity) is not None


def path(channel: Channel, **ids: str) -> str:
    """Return the path of `channel` with `ids`; the inverse of `match`.

    Raises:
        ValueError: an id is missing, superfluous or not valid in a path.
    """
    names = _PLACEHOLDER.findall(channel.template)
    if set(names) != ids.keys():
        raise ValueError(f"{channel.template} takes the ids {names}, not {sorted(ids)}")
    for name, value in ids.items():
        if not fits(value):
            raise ValueError(f"{name} {value!r} is not valid in a channel path")
    return channel.template.format(**ids)


def _compile() -> tuple[re.Pattern[str], dict[int, tuple[Channel, list[str]]]]:
    """Return all templates as one expression, and its alternatives by group number."""
    alternatives: dict[int, tuple[Channel, list[str]]] = {}
    patterns: list[str] = []
    group = 1
    for channel in CHANNELS:
        names = _PLACEHOLDER.findall(channel.template)
        alternatives[group] = (channel, names)
        patterns.append(f"({_PLACEHOLDER.sub(f'({_ID})', channel.template)})")
        group += 1 + len(names)
    return re.compile("|".join(patterns)), alternatives


_EXPRESSION, _ALTERNATIVES = _compile()
