"""Every WebSocket channel of the Mist cloud: one row each.

To subscribe to a new channel, add a row here and its table in `collector.catalog`. The rows that carry nothing for
metrics are utilities on request; they stand here so that a recorded frame of theirs is recognised, not "unknown".
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
    """What a channel or topic is opened for."""

    SITE = "site"
    ORG = "org"
    MAP = "map"
    NONE = "none"


ON_CHANGE: Final = math.inf  # no cadence: silence on the channel means nothing


@dataclass(frozen=True, slots=True)
class Channel:
    """One row of the table.

    `template` is the path with its ids in braces and is also the bounded name of the channel in labels.
    `carries` names the object in a payload, for the catalogue; "" when there is nothing to measure.
    `every_s` is how often an object speaks, in seconds; `ON_CHANGE` when it speaks only of events.
    `stream` is the key of the `streams` configuration that switches the channel on; "" when it is never subscribed.
    """

    template: str
    scope: Scope
    carries: str = ""
    every_s: float = ON_CHANGE
    stream: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A path recognised: its row, and its ids by their names in the template."""

    channel: Channel
    ids: dict[str, str]


# Cadence as live consumers saw it: devices every 20-30 s, clients some tens of seconds, maps some seconds. For Mist
# Edges and insights no source gives a rate: 60 s is an assumption.
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
    """Recognise a channel path; None for one that is unknown or malformed. One pass of one expression."""
    found = _EXPRESSION.fullmatch(path)
    if found is None or found.lastindex is None:
        return None
    # The group that closed last is the alternative itself; its ids are the groups that opened after it.
    alternative = found.lastindex
    channel, names = _ALTERNATIVES[alternative]
    return Match(channel, {name: found[alternative + 1 + at] for at, name in enumerate(names)})


def fits(identity: str) -> bool:
    """Whether an id can stand in a path. Mist's do; a cloud that answers rubbish may name others."""
    return _IS_ID(identity) is not None


def path(channel: Channel, **ids: str) -> str:
    """Return the path of `channel` for exactly its ids; the inverse of `match`.

    Raises ValueError when an id is missing, superfluous or could not stand in a path.
    """
    names = _PLACEHOLDER.findall(channel.template)
    if set(names) != ids.keys():
        raise ValueError(f"{channel.template} takes the ids {names}, not {sorted(ids)}")
    for name, value in ids.items():
        if not fits(value):
            raise ValueError(f"{name} {value!r} cannot stand in a channel path")
    return channel.template.format(**ids)


def _compile() -> tuple[re.Pattern[str], dict[int, tuple[Channel, list[str]]]]:
    """All templates as one expression, and its alternatives by the number of their group."""
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
