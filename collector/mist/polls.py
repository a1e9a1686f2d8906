"""The polls: every listing that only REST provides, one row each, by priority.

To poll something new, add a row here, its switch and period in the `polls` configuration and its table in
`collector.catalog`. Paths and parameters are those of Mist's API description as the package `mistapi` 0.64 contains it.

When the hour's calls are not enough, the period of the last row is stretched first. Rows that need a call per site or
per device (`best_effort`) get only the calls that the others leave, and are skipped when those are too few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from collector.mist.channels import Scope
from collector.mist.identity import NIL_ID, mac_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from collector.mist.directory import Directory


class Pagination(StrEnum):
    """How the answer of a listing is divided into pages."""

    NONE = "none"  # a single object
    HEADERS = "headers"  # a list per page; the counts are in headers
    LINKS = "links"  # {"results": [...], "next": "..."}
    BODY = "body"  # {"results": [...], "total": n, "page": n}


@dataclass(frozen=True, slots=True)
class Poll:
    """One row of the table.

    Attributes:
        name: names the poll in metrics and on the status page.
        path: below /api/v1, with `{org_id}` or `{site_id}`.
        pagination: of the answer.
        kind: of its objects, for the feeds; "" when `kinds` gives it.
        key: of the `polls` configuration, both of the switch and of the period; the name by default.
        query: parameters of the call.
        scope: whether it is read for every org or for every site.
        limit: entries per page.
        site_path: the same listing of one site, for orgs of which the token can read single sites only; "" when there
            is none.
        site_field: the field of an object that contains the id of its site.
        detail_path: with `{mac}`, returns the measurements of a listed object; "" when the listing contains them.
        kinds: kind by the type of the device, where that decides.
        ids: added to the ids of org and site that the feeds get.
        expected_objects: number of objects to expect per device of a type (or per "org", "site"), for the first round.
        best_effort: gets only calls that other polls leave.
        for_location: enabled only where positions are; its first round starts at once, because subscriptions wait for
            it.
    """

    name: str
    path: str
    pagination: Pagination
    kind: str
    key: str = ""
    query: Mapping[str, str | int | bool] = field(default_factory=dict)
    scope: Scope = Scope.ORG
    limit: int = 1000
    site_path: str = ""
    site_field: str = "site_id"
    detail_path: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    expected_objects: Mapping[str, float] = field(default_factory=dict)
    best_effort: bool = False
    for_location: bool = False

    @property
    def switch(self) -> str:
        """The key of the `polls` configuration."""
        return self.key or self.name


def _map_objects(name: str, listing: str, kind: str, per_site: float) -> Poll:
    """Return the poll of maps, or of zones on them: no org has such a listing."""
    path = f"/sites/{{site_id}}/{listing}"
    return Poll(
        name,
        path,
        Pagination.HEADERS,
        kind,
        key="maps",
        scope=Scope.SITE,
        site_path=path,
        expected_objects={"site": per_site},
        for_location=True,
    )


def _sle(service: str) -> Poll:
    """Return the poll of the service levels of every site over the last hour; two other API users confirm ratios."""
    return Poll(
        f"sle_{service}",
        "/orgs/{org_id}/insights/sites-sle",
        Pagination.BODY,
        "site_sle",
        key="sle",
        query={"sle": service, "duration": "1h"},
        ids={"service": service},
        expected_objects={"site": 1},
    )


# Peers and tunnels are read for the last ten minutes: one that no gateway reported in that time is unknown, and Mist's
# default of a day would list peers that no longer exist. Alarms may be open for days.
_RECENT: Final = {"duration": "10m"}

POLLS: Final[tuple[Poll, ...]] = (
    _map_objects("maps", "maps", "map", 3),
    _map_objects("zone_definitions", "zones", "zone_definition", 10),
    Poll(
        "alarms",
        "/orgs/{org_id}/alarms/search",
        Pagination.LINKS,
        "alarm",
        query={"duration": "7d"},
        site_path="/sites/{site_id}/alarms/search",
        expected_objects={"site": 1},
    ),
    Poll(
        "silent_devices",
        "/orgs/{org_id}/stats/devices",
        Pagination.HEADERS,
        "device",
        query={"type": "all", "status": "disconnected"},
        limit=250,  # some kilobytes each: parsed in a few milliseconds
        site_path="/sites/{site_id}/stats/devices",
        expected_objects={"ap": 0.03, "switch": 0.03, "gateway": 0.03},
    ),
    Poll(
        "ports",
        "/orgs/{org_id}/stats/ports/search",
        Pagination.LINKS,
        "",
        kinds={"switch": "switch_port", "gateway": "gateway_port"},
        query={"device_type": "all"},
        site_path="/sites/{site_id}/stats/ports/search",
        expected_objects={"switch": 40, "gateway": 10},
    ),
    Poll(
        "wan_tunnels",
        "/orgs/{org_id}/stats/tunnels/search",
        Pagination.LINKS,
        "wan_tunnel",
        query={"type": "wan", **_RECENT},
        expected_objects={"gateway": 2},
    ),
    Poll(
        "vpn_peers",
        "/orgs/{org_id}/stats/vpn_peers/search",
        Pagination.LINKS,
        "vpn_peer",
        query=_RECENT,
        expected_objects={"gateway": 4},
    ),
    Poll(
        "bgp_peers",
        "/orgs/{org_id}/stats/bgp_peers/search",
        Pagination.LINKS,
        "bgp_peer",
        query=_RECENT,
        site_path="/sites/{site_id}/stats/bgp_peers/search",
        expected_objects={"gateway": 3},
    ),
    Poll(
        "mxedges",
        "/orgs/{org_id}/stats/mxedges",
        Pagination.HEADERS,
        "mxedge",
        query={"for_site": "any"},
        site_path="/sites/{site_id}/stats/mxedges",
        expected_objects={"org": 4},
    ),
    Poll(
        "mxtunnels",
        "/orgs/{org_id}/stats/tunnels/search",
        Pagination.LINKS,
        "mxtunnel",
        query={"type": "wxtunnel", **_RECENT},
        expected_objects={"ap": 0.1},
    ),
    Poll("org_stats", "/orgs/{org_id}/stats", Pagination.NONE, "org_stats", expected_objects={"org": 1}),
    Poll(
        "site_stats",
        "/orgs/{org_id}/stats/sites",
        Pagination.HEADERS,
        "site_stats",
        site_field="id",
        expected_objects={"site": 1},
    ),
    *(_sle(service) for service in ("wifi", "wired", "wan")),
    Poll(
        "assets",
        "/orgs/{org_id}/stats/assets",
        Pagination.HEADERS,
        "asset",
        site_path="/sites/{site_id}/stats/assets",
        expected_objects={"site": 5},
    ),
    Poll(
        "other_devices",
        "/orgs/{org_id}/otherdevices",
        Pagination.HEADERS,
        "other_device",
        detail_path="/orgs/{org_id}/stats/otherdevices/{mac}",
        expected_objects={"gateway": 0.05},
        best_effort=True,
    ),
    Poll(
        "zones",
        "/sites/{site_id}/stats/zones",
        Pagination.HEADERS,
        "zone",
        scope=Scope.SITE,
        site_path="/sites/{site_id}/stats/zones",
        expected_objects={"site": 5},
        best_effort=True,
    ),
    Poll(
        "rssizones",
        "/sites/{site_id}/stats/rssizones",
        Pagination.HEADERS,
        "rssizone",
        scope=Scope.SITE,
        site_path="/sites/{site_id}/stats/rssizones",
        expected_objects={"site": 2},
        best_effort=True,
        for_location=True,
    ),
)


@dataclass(frozen=True, slots=True)
class TypeList:
    """A list of names that Mist publishes: the event types of a topic, or the topics themselves (topic "")."""

    path: str
    topic: str


TYPE_LISTS: Final = (
    TypeList("/const/webhook_topics", ""),
    TypeList("/const/alarm_defs", "alarms"),
    TypeList("/const/device_events", "device-events"),
    TypeList("/const/mxedge_events", "mxedge-events"),
    TypeList("/const/nac_events", "nac-events"),
    TypeList("/const/client_events", "client-events"),
)


def types_in(answer: object) -> tuple[str, ...]:
    """Return the names in a constant list: the `key` of each entry, or the entry itself where it is a string."""
    entries = answer if isinstance(answer, list) else ()
    names = (entry.get("key") if isinstance(entry, dict) else entry for entry in entries)
    return tuple(name for name in names if isinstance(name, str) and name)


def site_of(poll: Poll, payload: Mapping[str, object], directory: Directory) -> str:
    """Return the id of the site of an object: its own field, else the site of its device; "" for none."""
    site_id = payload.get(poll.site_field)
    if isinstance(site_id, str) and site_id:
        return "" if site_id == NIL_ID else site_id
    device = directory.devices.get(mac_of(payload.get("mac")) or "")
    return device.site_id if device else ""


def kind_of(poll: Poll, payload: Mapping[str, object], directory: Directory) -> str:
    """Return the kind of an object: the poll's, or by the type of its device; "" when that is unknown.

    The type is that in the object, else that in the inventory.
    """
    if not poll.kinds:
        return poll.kind
    for name in ("device_type", "type"):
        device_type = payload.get(name)
        if isinstance(device_type, str) and device_type in poll.kinds:
            return poll.kinds[device_type]
    device = directory.devices.get(mac_of(payload.get("mac")) or "")
    return poll.kinds.get(device.type, "") if device else ""


def calls_expected(poll: Poll, census: Mapping[str, int], targets: int) -> int:
    """Return the estimated calls of one round over `targets` orgs or sites.

    Args:
        poll: the poll.
        census: number of devices by type, and of orgs ("org") and sites ("site").
        targets: number of orgs or sites that it is read for.
    """
    objects = sum(each * census.get(name, 0) for name, each in poll.expected_objects.items())
    pages = math.ceil(objects / poll.limit)
    return max(targets, pages) + (math.ceil(objects) if poll.detail_path else 0)
