"""What only REST knows: every listing that is asked for again and again, one row each, the most important first.

To ask for something new, add a row here, its switch and period in the `polls` configuration and its table in
`collector.catalog`. Paths and parameters are those of Mist's API description as the package `mistapi` 0.64 has it.

Order is rank: when the hour's calls do not suffice, the last row is stretched first. Rows that need a call a site or a
device (`spare`) live on what the others leave, and are left out when that is too little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from collector.mist.identity import NIL_ID, mac_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from collector.mist.directory import Directory


class Style(StrEnum):
    """How a listing is answered."""

    ONE = "one"  # a single object
    PAGES = "pages"  # a list a page, counted in headers
    SEARCH = "search"  # {"results": [...], "next": "..."}
    NUMBERED = "numbered"  # {"results": [...], "total": n, "page": n}


class Per(StrEnum):
    """What one listing is asked of."""

    ORG = "org"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Poll:
    """One row of the table.

    name      names the poll in metrics and on the status page
    path      below /api/v1, with `{org_id}` or `{site_id}`
    style     how it is answered; `limit` entries a page
    kind      of the objects it gives, for the catalogue; `kinds` by the type of their device where that decides
    every_s   seconds from one round to the next, unless configured otherwise or too dear
    key       of the `polls` configuration, both of the switch and of the period
    query     what to ask for
    per       whether it is asked of every org or of every site
    site_path the same listing of one site, for orgs of which the token reads single sites only; "" when there is none
    site_field the field of an object that holds the id of its site
    detail    a path with `{mac}` that gives the measurements of a listed object; "" when the listing has them
    ids       what is handed on beside the ids of org and site
    objects   how many objects to expect of each device type (or "org", "site"), before the first round has told
    spare     lives on what the polls that need not be spare leave of the budget
    located   asked only where positions are wanted; its first round begins at once, for channels wait for it
    """

    name: str
    path: str
    style: Style
    kind: str
    every_s: float = 300.0
    key: str = ""
    query: Mapping[str, str | int | bool] = field(default_factory=dict)
    per: Per = Per.ORG
    limit: int = 1000
    site_path: str = ""
    site_field: str = "site_id"
    detail: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, float] = field(default_factory=dict)
    spare: bool = False
    located: bool = False

    @property
    def switch(self) -> str:
        """The key of the `polls` configuration."""
        return self.key or self.name


def _drawn(name: str, what: str, kind: str, each: float) -> Poll:
    """What is drawn at a site: maps, and zones on them. No list of an org has it."""
    path = f"/sites/{{site_id}}/{what}"
    return Poll(
        name,
        path,
        Style.PAGES,
        kind,
        every_s=600.0,
        key="maps",
        per=Per.SITE,
        site_path=path,
        objects={"site": each},
        located=True,
    )


def _sle(service: str) -> Poll:
    """Service levels of every site over the last hour; ratios, as two independent users of the API saw them."""
    return Poll(
        f"sle_{service}",
        "/orgs/{org_id}/insights/sites-sle",
        Style.NUMBERED,
        "site_sle",
        every_s=900.0,
        key="sle",
        query={"sle": service, "duration": "1h"},
        ids={"service": service},
        objects={"site": 1},
    )


# Peers and tunnels are asked for the last ten minutes: what no gateway told of in that time is not known any more,
# and the day that Mist would look back by default would show peers long gone. Alarms may be open for days.
_LATELY: Final = {"duration": "10m"}

POLLS: Final[tuple[Poll, ...]] = (
    _drawn("maps", "maps", "map", 3),
    _drawn("zone_definitions", "zones", "zone_definition", 10),
    Poll(
        "alarms",
        "/orgs/{org_id}/alarms/search",
        Style.SEARCH,
        "alarm",
        query={"duration": "7d"},
        site_path="/sites/{site_id}/alarms/search",
        objects={"site": 1},
    ),
    Poll(
        "silent_devices",
        "/orgs/{org_id}/stats/devices",
        Style.PAGES,
        "device",
        query={"type": "all", "status": "disconnected"},
        limit=250,  # some kilobytes each: parsed in a few milliseconds
        site_path="/sites/{site_id}/stats/devices",
        objects={"ap": 0.03, "switch": 0.03, "gateway": 0.03},
    ),
    Poll(
        "ports",
        "/orgs/{org_id}/stats/ports/search",
        Style.SEARCH,
        "",
        kinds={"switch": "switch_port", "gateway": "gateway_port"},
        query={"device_type": "all"},
        site_path="/sites/{site_id}/stats/ports/search",
        objects={"switch": 40, "gateway": 10},
    ),
    Poll(
        "wan_tunnels",
        "/orgs/{org_id}/stats/tunnels/search",
        Style.SEARCH,
        "wan_tunnel",
        query={"type": "wan", **_LATELY},
        objects={"gateway": 2},
    ),
    Poll(
        "vpn_peers",
        "/orgs/{org_id}/stats/vpn_peers/search",
        Style.SEARCH,
        "vpn_peer",
        query=_LATELY,
        objects={"gateway": 4},
    ),
    Poll(
        "bgp_peers",
        "/orgs/{org_id}/stats/bgp_peers/search",
        Style.SEARCH,
        "bgp_peer",
        query=_LATELY,
        site_path="/sites/{site_id}/stats/bgp_peers/search",
        objects={"gateway": 3},
    ),
    Poll(
        "mxedges",
        "/orgs/{org_id}/stats/mxedges",
        Style.PAGES,
        "mxedge",
        query={"for_site": "any"},
        site_path="/sites/{site_id}/stats/mxedges",
        objects={"org": 4},
    ),
    Poll(
        "mxtunnels",
        "/orgs/{org_id}/stats/tunnels/search",
        Style.SEARCH,
        "mxtunnel",
        query={"type": "wxtunnel", **_LATELY},
        objects={"ap": 0.1},
    ),
    Poll("org_stats", "/orgs/{org_id}/stats", Style.ONE, "org_stats", objects={"org": 1}),
    Poll(
        "site_stats",
        "/orgs/{org_id}/stats/sites",
        Style.PAGES,
        "site_stats",
        site_field="id",
        objects={"site": 1},
    ),
    *(_sle(service) for service in ("wifi", "wired", "wan")),
    Poll(
        "assets",
        "/orgs/{org_id}/stats/assets",
        Style.PAGES,
        "asset",
        site_path="/sites/{site_id}/stats/assets",
        objects={"site": 5},
    ),
    Poll(
        "other_devices",
        "/orgs/{org_id}/otherdevices",
        Style.PAGES,
        "other_device",
        every_s=600.0,
        detail="/orgs/{org_id}/stats/otherdevices/{mac}",
        objects={"gateway": 0.05},
        spare=True,
    ),
    Poll(
        "zones",
        "/sites/{site_id}/stats/zones",
        Style.PAGES,
        "zone",
        per=Per.SITE,
        site_path="/sites/{site_id}/stats/zones",
        objects={"site": 5},
        spare=True,
    ),
    Poll(
        "rssizones",
        "/sites/{site_id}/stats/rssizones",
        Style.PAGES,
        "rssizone",
        per=Per.SITE,
        site_path="/sites/{site_id}/stats/rssizones",
        objects={"site": 2},
        spare=True,
        located=True,
    ),
)


@dataclass(frozen=True, slots=True)
class TypeList:
    """A list of words that Mist publishes: the types of the events of a topic; of the topics themselves: topic ""."""

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
    """The words of a constant list: the `key` of each entry, or the entry itself where it is text."""
    entries = answer if isinstance(answer, list) else ()
    words = (entry.get("key") if isinstance(entry, dict) else entry for entry in entries)
    return tuple(word for word in words if isinstance(word, str) and word)


def site_of(poll: Poll, payload: Mapping[str, object], directory: Directory) -> str:
    """The id of the site that an object belongs to: as it says, else as the inventory has its device; "" for none."""
    site_id = payload.get(poll.site_field)
    if isinstance(site_id, str) and site_id:
        return "" if site_id == NIL_ID else site_id
    device = directory.devices.get(mac_of(payload.get("mac")) or "")
    return device.site_id if device else ""


def kind_of(poll: Poll, payload: Mapping[str, object], directory: Directory) -> str:
    """The kind of an object: the poll's, or by its device's type as it says, else as the inventory says; "" unknown."""
    if not poll.kinds:
        return poll.kind
    for name in ("device_type", "type"):
        said = payload.get(name)
        if isinstance(said, str) and said in poll.kinds:
            return poll.kinds[said]
    device = directory.devices.get(mac_of(payload.get("mac")) or "")
    return poll.kinds.get(device.type, "") if device else ""


def calls_expected(poll: Poll, census: Mapping[str, int], owners: int) -> int:
    """Calls of one round over `owners` orgs or sites, guessed; `census` counts devices by type, "org" and "site"."""
    objects = sum(each * census.get(name, 0) for name, each in poll.objects.items())
    pages = math.ceil(objects / poll.limit)
    return max(owners, pages) + (math.ceil(objects) if poll.detail else 0)
