"""The catalogue as one object: payloads and events go in, the store's rows follow.

Everything that ingest hands over arrives here and is passed to the feed that knows it: channels by what they carry,
topics by name, REST objects by kind. A new feed is one line in `FeedRouter.__init__`.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from collector.catalog.object_tables import OBJECTS
from collector.errors import Rejected
from collector.feeds.asset_feed import AssetFeed
from collector.feeds.change_feed import ChangeFeed
from collector.feeds.client_feed import ClientFeed
from collector.feeds.device_feed import DeviceFeed
from collector.feeds.event_feed import EventFeed
from collector.feeds.feed import all_of
from collector.feeds.inline_names import InlineNames
from collector.feeds.mist_edge_feed import MistEdgeFeed
from collector.feeds.object_feed import ObjectFeed
from collector.metrics.store import Store
from collector.mist import channels
from collector.mist.directories import Directories
from collector.mist.identity import NIL_ID
from collector.mist.shard import Shard

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from collector.feeds.feed import Apply, ApplyEvent, Feed, PositionFeed
    from collector.metrics.compiler import ObjectKind
    from collector.mist.directory import Changes

UNKNOWN_OBJECT = Rejected("unknown_object")
FOREIGN_SHARD = Rejected("foreign_shard")


class FeedRouter:
    """Owns the store. `is_live(path)` tells whether a channel is up and speaks; `now` is the monotonic clock.

    `shard` is the part of the sites served here.
    `max_clients` and `max_assets` are how many single ones get rows of their own: none, unless an operator chose so.
    `named_assets` are MACs of assets that do in any case.
    """

    def __init__(
        self,
        directories: Directories | None = None,
        *,
        now: Callable[[], float] = lambda: 0.0,
        unix_time: Callable[[], float] = time.time,
        is_live: Callable[[str], bool] = lambda _: True,
        inline_names: bool = False,
        max_clients: int = 0,
        max_assets: int = 0,
        named_assets: Collection[str] = (),
        shard: Shard | None = None,
    ) -> None:
        self._shard = shard or Shard()
        self.store = Store(unix_time)
        self.directories = directories or Directories()
        self._now = now
        self._names = InlineNames(self.directories) if inline_names else None
        if self._names is not None:
            self.store.extra_labels = self._names
        objects = self.objects = ObjectFeed(self.store, self.directories, OBJECTS)
        self.devices = DeviceFeed(self.store, self.directories, is_live, objects.lists_of)
        self.events = EventFeed(self.store, self.directories, self.devices, now)
        self.clients = ClientFeed(self.store, self.directories, max_individuals=max_clients)
        self.assets = AssetFeed(self.store, self.directories, max_individuals=max_assets, named=named_assets)
        self.changes = ChangeFeed(self.store, self.directories, self.devices)
        self.feeds: tuple[Feed, ...] = (
            self.devices,
            self.events,
            objects,
            MistEdgeFeed(self.devices, self.directories),
            self.clients,
            self.assets,
            self.changes,
        )
        self._site_complete: list[Callable[[str, str, float], None]] = []
        self._connect()

    def _connect(self) -> None:
        self._channels = {carries: make for feed in self.feeds for carries, make in feed.channels.items()}
        self._rest = all_of(pair for feed in self.feeds for pair in feed.rest.items())

    def join(self, feed: PositionFeed) -> None:
        """Add the feed of positions, which lives outside the catalogue because it computes."""
        self.feeds = (*self.feeds, feed)
        self._connect()
        self.events.positions = feed.event
        self._site_complete.append(feed.complete)

    def open_channel(self, path: str) -> Apply | None:
        """The handler of a channel, or None when nothing on it is measured."""
        found = channels.match(path)
        make = self._channels.get(found.channel.carries) if found else None
        return make(found) if make and found else None

    def open_topic(self, name: str) -> ApplyEvent:
        """The handler of a topic, also of one that nobody knows."""
        apply = self.events.topic(name)
        return self._own_events(apply) if self._shard else apply

    def _own_events(self, apply: ApplyEvent) -> ApplyEvent:
        """Webhooks reach every shard: each takes the events of its own sites and organizations."""

        def apply_own(event: dict[str, Any], unix: float) -> Rejected | None:
            return apply(event, unix) if self._owns(event) else FOREIGN_SHARD

        return apply_own

    def _owns(self, payload: Mapping[str, Any], site_id: str = "", org_id: str = "") -> bool:
        site, org = payload.get("site_id"), payload.get("org_id")
        site = site if isinstance(site, str) and site != NIL_ID else ""
        return self._shard.owns(site or site_id, org if isinstance(org, str) and org else org_id)

    def admit_types(self, topic: str, types: Iterable[str]) -> None:
        """The event types that Mist lists for a topic ("": the topics themselves), shown by name from now on."""
        self.events.admit_types(topic, types)

    def rest_object(self, kind: str, payload: dict[str, Any], ids: Mapping[str, str]) -> Rejected | None:
        """An object as REST gave it; `ids` says where it was asked for."""
        if self._shard and not self._owns(payload, ids.get("site_id", ""), ids.get("org_id", "")):
            return FOREIGN_SHARD
        apply = self._rest.get(kind)
        return apply(payload, ids, self._now()) if apply else UNKNOWN_OBJECT

    def rest_complete(self, kind: str, org_id: str, began: float) -> None:
        """Every object of this kind in this org was told since monotonic `began`: what was not is no more."""
        if kind == "alarm":
            self.events.complete_alarms(org_id, began)

    def site_complete(self, kind: str, site_id: str, began: float) -> None:
        """The same of a site."""
        for complete in self._site_complete:
            complete(kind, site_id, began)

    def set_poll_period(self, kind: str, period_s: float, by: str) -> None:
        """REST tells of this kind of object every `period_s`, in the name of an account (`by`)."""
        self.objects.set_poll_period(kind, period_s, by)
        self.assets.set_poll_period(kind, period_s, by)

    def changed(self, changes: Changes) -> None:
        """The inventory changed: series of what is gone end, counters of what is new begin at zero."""
        if self._shard:
            owned = tuple(org for org in changes.orgs_added if self._shard.owns("", org.id))
            changes = replace(changes, orgs_added=owned)
        for feed in self.feeds:
            feed.changed(changes)
        if self._names is not None:
            self._names.changed(changes, {kind.row_index for kind in self.kinds()}, self.store.counter_tables)

    def sweep(self) -> Iterator[int]:
        """End what nobody spoke of within its time to live; yields after each step, so that others get their turn."""
        for feed in self.feeds:
            yield from feed.sweep(self._now())

    def kinds(self) -> Iterator[ObjectKind]:
        """Every object kind."""
        for feed in self.feeds:
            yield from feed.kinds()

    def refused_labels(self) -> dict[str, int]:
        """How often a label value became `other` because its cap was reached, by label."""
        refused = Counter(self.events.refused_labels())
        for feed in (self.clients, self.assets, self.changes):
            refused.update(feed.refused_labels())
        return dict(refused)

    def rejected_parts(self) -> dict[tuple[str, str], int]:
        """Fields left out of payloads otherwise applied, by object and reason."""
        rejected = Counter(self.events.rejected_parts())
        for kind in self.kinds():
            rejected.update({(kind.name, reason): count for reason, count in kind.decoder.rejected.items()})
        return dict(rejected)
