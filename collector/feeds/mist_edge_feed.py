"""Mist Edges: their site, the order of their messages, and their end. Their rows are among those of all devices.

The statistics of a Mist Edge arrive on the channel of its org, of its site, or on both. Its site is the one in the
message (the nil ID means none), else the site of the channel, else the one known before.

The device inventory does not list Mist Edges. One ends with its site or org, or `MIST_EDGE_TTL_S` after the last
message or REST answer about it.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from collector.catalog import limits, mxedge
from collector.errors import Rejected
from collector.feeds.device_feed import (
    NO_IDENTITY,
    STALE,
    TOO_MANY_DEVICES,
    DeviceMessage,
    identity,
    last_seen_of,
    text,
)
from collector.feeds.feed import Feed
from collector.feeds.object_feed import TTL_PERIODS
from collector.feeds.payloads import one_or_many
from collector.mist.identity import NIL_ID, mac_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from collector.feeds.device_feed import DeviceFeed
    from collector.feeds.feed import ChannelHandler
    from collector.metrics.row_index import ObjectRows
    from collector.mist.channels import Match
    from collector.mist.directories import Directories
    from collector.mist.directory import Changes

SWEEP_STEP: Final = 5000  # devices per step, most of which are not Mist Edges
MIST_EDGE_TTL_S: Final = 86_400.0


class MistEdgeFeed(Feed):
    """All Mist Edges.

    Args:
        devices: The feed with their rows.
        directories: The inventories.
    """

    name = "mist_edges"

    def __init__(self, devices: DeviceFeed, directories: Directories) -> None:
        self._devices = devices
        self._directories = directories
        self._kind = devices.kinds_by_name[mxedge.KIND]
        self._read = attrgetter(*map(self._kind.attribute, ("mac", "org_id", "site_id", "status")))
        self._read_id = attrgetter(self._kind.attribute("id"))
        self._tables = [(table, ttl_s) for table in devices.tables_of(self._kind) if (ttl_s := table.ttl_s) is not None]
        self._periods_s: dict[str, float] = {}  # of the poll, by account
        self._macs: dict[str, str] = {}  # ID of a Mist Edge -> its MAC address
        self.channels = {"mxedge": self._channel}
        self.rest = {"mxedge": self._statistics}

    def _channel(self, match: Match) -> ChannelHandler:
        """Return the handler of the channel of an org or a site."""

        def message(payload: object, now: float) -> Rejected | None:
            return self._message(payload, match.ids, now)

        return one_or_many(message, self._kind.decoder.reject)

    def _message(self, payload: object, ids: Mapping[str, str], now: float) -> Rejected | None:
        decoded = self._decode(payload)
        if isinstance(decoded, Rejected):
            return decoded
        edge, site_id = decoded
        known = self._devices.row_index.objects.get(edge.mac)
        if known is not None and last_seen_of(edge.struct, self._kind) < self._devices.last_seen(known):
            return STALE  # the message on the other channel was newer; counters must not decrease
        rows = self._rows_of(edge, site_id, ids)
        if isinstance(rows, Rejected):
            return rows
        self._devices.write(self._kind, edge.struct, rows, edge.status, now)
        return None

    def _statistics(self, payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        """Apply the statistics of a Mist Edge from REST."""
        decoded = self._decode(payload)
        if isinstance(decoded, Rejected):
            return decoded
        edge, site_id = decoded
        rows = self._rows_of(edge, site_id, ids)
        return rows if isinstance(rows, Rejected) else self._devices.apply_rest(edge, rows, payload, now)

    def _decode(self, payload: object) -> tuple[DeviceMessage, str | None] | Rejected:
        """Return the message and the site in it: "" for no site, None if the message does not contain a site."""
        struct = self._kind.decode(payload)
        if isinstance(struct, Rejected):
            return struct
        mac_text, org_id, site_id, status = self._read(struct)
        mac = self._key(mac_of(mac_text), identity(self._read_id(struct)))
        if not mac:
            return NO_IDENTITY
        message = DeviceMessage(struct, mxedge.KIND, mac, identity(org_id), text(status), is_record=False)
        return message, "" if site_id == NIL_ID else identity(site_id) or None

    def _key(self, mac: str | None, edge_id: str) -> str:
        """Return the key of a Mist Edge: its MAC address, or its ID while no message contained the address.

        A disconnected Mist Edge has no `mac`. Its ID may contain the address; otherwise an earlier message does.
        """
        mac = mac or mac_of(edge_id)
        if mac is None:
            return self._macs.get(edge_id, edge_id)
        if edge_id and mac_of(edge_id) is None and edge_id not in self._macs and len(self._macs) < limits.DEVICES:
            self._macs[edge_id] = mac
            self._devices.remove(edge_id)  # its rows before the first message with the address
        return mac

    def _rows_of(self, edge: DeviceMessage, site_id: str | None, ids: Mapping[str, str]) -> ObjectRows | Rejected:
        known = self._devices.row_index.objects.get(edge.mac)
        if known is None and self._devices.is_full(edge.mac):
            return TOO_MANY_DEVICES
        org_before, site_before = known.labels[:2] if known is not None else ("", "")
        if site_id is None:
            site_id = ids.get("site_id") or site_before
        site = self._directories.site(site_id)
        org_id = edge.org_id or ids.get("org_id") or (site.org_id if site else org_before)
        return self._kind.object_rows(edge.mac, (org_id, site_id, edge.mac, mxedge.KIND))

    def set_poll_period(self, kind: str, period_s: float, account: str) -> None:
        """Handle a change of the period at which an account polls Mist Edges, in seconds."""
        if kind in self.rest:
            self._periods_s[account] = period_s
            self._set_ttl(is_polled=True)

    def _set_ttl(self, *, is_polled: bool) -> None:
        """Set the time to live of measurements: that of the tables, for polled ones at least `TTL_PERIODS` periods."""
        polled_s = TTL_PERIODS * max(self._periods_s.values(), default=0.0) if is_polled else 0.0
        for table, ttl_s in self._tables:
            table.ttl_s = max(ttl_s, polled_s)

    def changed(self, changes: Changes) -> None:
        """End the Mist Edges of removed orgs; those of a removed site end with its other devices."""
        gone = {org.id for org in changes.orgs_removed}
        edges = self._devices.row_index.objects.items() if gone else ()
        for mac in [mac for mac, rows in edges if rows.labels[3] == mxedge.KIND and rows.labels[0] in gone]:
            self._devices.remove(mac)

    def sweep(self, now: float) -> Iterator[int]:
        """End Mist Edges past their time to live."""
        known = self._devices.row_index.objects
        macs = list(known)
        streamed: list[bool] = []
        for first in range(0, len(macs), SWEEP_STEP):
            step = ((mac, known[mac]) for mac in macs[first : first + SWEEP_STEP] if mac in known)
            edges = [(mac, rows) for mac, rows in step if rows.labels[3] == mxedge.KIND]
            streamed += [self._devices.is_streamed(rows) for _, rows in edges]
            expired = [mac for mac, rows in edges if self._devices.updated_at(rows) < now - MIST_EDGE_TTL_S]
            for mac in expired:
                self._devices.remove(mac)
            yield len(expired)
        self._set_ttl(is_polled=not (streamed and all(streamed)))
