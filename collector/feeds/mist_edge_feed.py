"""Mist Edges as devices: where one belongs, what order its messages have, and when it is gone.

An edge speaks on the channel of its org or of its site, perhaps on both, and is one device by its MAC. Its site is what
the message says (the nil id means none); where it says nothing, the channel's site, else the one known before.

The device inventory does not list Mist Edges. They end with their site or org, or when neither the stream nor REST has
spoken of them for a day.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from collector.catalog import mxedge
from collector.errors import Rejected
from collector.feeds.device_feed import NO_IDENTITY, STALE, Seen, last_seen_of, text
from collector.feeds.payloads import one_or_many
from collector.mist.identity import NIL_ID, mac_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from collector.feeds.device_feed import DeviceFeed
    from collector.feeds.feed import Apply
    from collector.metrics.compiler import ObjectKind
    from collector.metrics.model import Entity
    from collector.metrics.row_index import ObjectRows
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

SWEEP_STEP = 5000  # devices looked at, most of which are no edges
LOST_AFTER_S = 86_400.0


class MistEdgeFeed:
    """The feed of Mist Edges; their rows stand among those of all devices."""

    def __init__(self, devices: DeviceFeed, directories: Directories) -> None:
        self._devices = devices
        self._directories = directories
        self._kind = devices.kinds_by_name[mxedge.KIND]
        self._read = attrgetter(*map(self._kind.attribute, ("mac", "org_id", "site_id", "status")))
        self.channels = {"mxedge": self.channel}
        self.rest = {"mxedge": self.from_rest}

    def channel(self, match: Match) -> Apply:
        """The handler of an org's or a site's channel."""

        def message(payload: object, now: float) -> Rejected | None:
            return self._message(payload, match.ids, now)

        return one_or_many(message, self._kind.decoder.reject)

    def _message(self, payload: object, ids: Mapping[str, str], now: float) -> Rejected | None:
        seen = self._decode(payload)
        if isinstance(seen, Rejected):
            return seen
        edge, site_id = seen
        known = self._devices.roster.objects.get(edge.mac)
        if known is not None and last_seen_of(edge.struct, self._kind) < self._devices.last_seen(known):
            return STALE  # the other channel was quicker: its counters must not fall
        self._devices.write(self._kind, edge.struct, self._place(edge, site_id, ids), edge.status, now)
        return None

    def from_rest(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply an edge's statistics as REST gives them."""
        seen = self._decode(payload)
        if isinstance(seen, Rejected):
            return seen
        edge, site_id = seen
        return self._devices.told(edge, self._place(edge, site_id, ids), payload, now)

    def _decode(self, payload: object) -> tuple[Seen, str | None] | Rejected:
        """The edge, and the site it names: "" for none, None where it says nothing."""
        struct = self._kind.decode(payload)
        if isinstance(struct, Rejected):
            return struct
        mac_text, org_id, site_id, status = self._read(struct)
        mac = mac_of(mac_text)
        if mac is None:
            return NO_IDENTITY
        named = text(site_id) or None
        edge = Seen(struct, mxedge.KIND, mac, text(org_id), text(status), recorded=False)
        return edge, "" if named == NIL_ID else named

    def _place(self, edge: Seen, site_id: str | None, ids: Mapping[str, str]) -> ObjectRows:
        known = self._devices.roster.objects.get(edge.mac)
        org_before, site_before = known.labels[:2] if known is not None else ("", "")
        if site_id is None:
            site_id = ids.get("site_id") or site_before
        site = self._directories.site(site_id)
        org_id = edge.org_id or ids.get("org_id") or (site.org_id if site else org_before)
        return self._kind.object_rows(edge.mac, (org_id, site_id, edge.mac, mxedge.KIND))

    def kinds(self) -> tuple[ObjectKind, ...]:
        """None of its own: the devices have it."""
        return ()

    def tallies(self) -> tuple[Entity, ...]:
        """None: nothing is counted here."""
        return ()

    def changed(self, changes: Changes) -> None:
        """The edges of an org that is gone end; those of a site go with its other devices."""
        gone = {org.id for org in changes.orgs_removed}
        for mac in [mac for mac, place in self._edges() if place.labels[0] in gone] if gone else ():
            self._devices.roster.remove(mac)

    def sweep(self, now: float) -> Iterator[int]:
        """End the edges that nobody has spoken of for a day."""
        places = self._devices.roster.objects
        macs = list(places)
        for first in range(0, len(macs), SWEEP_STEP):
            step = ((mac, places[mac]) for mac in macs[first : first + SWEEP_STEP] if mac in places)
            lost = [mac for mac, place in step if self._lost(place, now)]
            for mac in lost:
                self._devices.roster.remove(mac)
            yield len(lost)

    def _lost(self, place: ObjectRows, now: float) -> bool:
        return place.labels[3] == mxedge.KIND and self._devices.heard_at(place) < now - LOST_AFTER_S

    def _edges(self) -> Iterator[tuple[str, ObjectRows]]:
        return (item for item in self._devices.roster.objects.items() if item[1].labels[3] == mxedge.KIND)
