"""Passes everything from ingest to the feeds that use it, and owns the store.

The router knows feeds by the interface `Feed` alone. To add a feed, add one line to `FeedRouter.__init__`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from collector.catalog.event_rules import WEBHOOK
from collector.catalog.object_tables import OBJECTS
from collector.error_log import ErrorLog
from collector.errors import Rejected
from collector.feeds.asset_feed import AssetFeed
from collector.feeds.change_feed import ChangeFeed
from collector.feeds.client_feed import ClientFeed
from collector.feeds.device_feed import DeviceFeed
from collector.feeds.event_emitter import EventEmitter
from collector.feeds.event_feed import EventFeed
from collector.feeds.event_places import EventPlaces
from collector.feeds.feed import TopicEvent, combined
from collector.feeds.inline_names import InlineNames
from collector.feeds.mist_edge_feed import MistEdgeFeed
from collector.feeds.object_feed import ObjectFeed
from collector.metrics.counter_table import counter_tables
from collector.metrics.store import Store
from collector.mist import channels
from collector.mist.directories import Directories
from collector.mist.identity import NIL_ID
from collector.mist.shard import Shard

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from collector.event import Event, OnEvent
    from collector.feeds.feed import ChannelHandler, Feed, TopicHandler
    from collector.metrics.compiler import ObjectKind
    from collector.mist.directory import Changes

UNKNOWN_OBJECT: Final = Rejected("unknown_object")
FOREIGN_SHARD: Final = Rejected("foreign_shard")
INTERNAL_ERROR: Final = "internal_error"


class FeedRouter:
    """All feeds and their store.

    Args:
        directories: The inventories.
        now: The monotonic clock.
        unix_time: The time in Unix seconds, for events of the stream and findings.
        is_live: Returns whether the channel of a path is subscribed and delivers messages.
        on_event: Receives each event after verification, deduplication and shard check; None for no events.
        wants_topic: Returns whether `on_event` receives the events of a webhook topic; all by default.
        inline_names: Whether every series has labels with the names of its site and device.
        max_clients: Maximum number of clients with rows of their own; 0 for none.
        max_assets: Maximum number of assets with rows of their own; 0 for none.
        named_assets: MAC addresses of assets with rows in any case.
        shard: The part of the sites that this process collects.

    Attributes:
        store: The store with the rows of all feeds.
        directories: The inventories.
        feeds: The feeds, in the order in which they handle an event.
    """

    def __init__(
        self,
        directories: Directories | None = None,
        *,
        now: Callable[[], float] = lambda: 0.0,
        unix_time: Callable[[], float] = lambda: 0.0,
        is_live: Callable[[str], bool] = lambda _: True,
        on_event: OnEvent | None = None,
        wants_topic: Callable[[str], bool] = lambda _: True,
        inline_names: bool = False,
        max_clients: int = 0,
        max_assets: int = 0,
        named_assets: Collection[str] = (),
        shard: Shard | None = None,
    ) -> None:
        self._shard = shard or Shard()
        self.store = store = Store()
        self.directories = directories = directories or Directories()
        self._now = now
        self._names = InlineNames(directories) if inline_names else None
        if self._names is not None:
            store.extra_labels = self._names
        self._error_log = ErrorLog()
        self._errors: Counter[str] = Counter()  # by feed
        self._rejected: Counter[tuple[str, str]] = Counter()  # of handlers of topics, by topic and reason
        self._places = EventPlaces(directories, now)
        self._wants_topic = wants_topic
        self._emitter = EventEmitter(
            on_event, directories, name_of=self.name_of, unix_time=unix_time, error_log=self._error_log
        )
        objects = ObjectFeed(store, directories, OBJECTS)
        self.devices = DeviceFeed(store, directories, is_live, objects.lists_of, self._emitter)
        self.feeds: tuple[Feed, ...] = (
            EventFeed(store, directories, self._places),
            self.devices,
            objects,
            MistEdgeFeed(self.devices, directories),
            ClientFeed(store, directories, max_individuals=max_clients),
            AssetFeed(store, directories, max_individuals=max_assets, named=named_assets),
            ChangeFeed(store, directories, self.devices, self._emitter),
        )
        self._connect()

    def _connect(self) -> None:
        self._channels = {carries: opener for feed in self.feeds for carries, opener in feed.channels.items()}
        self._rest = combined(handler for feed in self.feeds for handler in feed.rest.items())

    def join(self, feed: Feed) -> None:
        """Add a feed of another package."""
        self.feeds = (*self.feeds, feed)
        self._connect()

    # Channels

    def open_channel(self, path: str) -> ChannelHandler | None:
        """Return the handler of a channel, or None if no feed uses it."""
        match = channels.match(path)
        opener = self._channels.get(match.channel.carries) if match else None
        return opener(match) if match and opener else None

    # Topics

    def open_topic(self, name: str) -> Callable[[dict[str, Any], float], Rejected | None]:
        """Return the handler of a topic, known or not; it takes an event and its time of receipt in Unix seconds."""
        handlers = [handler for feed in self.feeds if (handler := feed.topic(name)) is not None]
        emits = self._wants_topic(name)

        def apply(payload: dict[str, Any], unix: float) -> Rejected | None:
            if self._shard and not self._owns(payload):
                return FOREIGN_SHARD  # webhooks are delivered to every shard
            if emits:
                self._emitter.webhook(name, payload, unix)
            event = TopicEvent(name, payload, *self._places.of(payload), unix, self._now())
            for handler in handlers:
                self._handle(handler, event)
            return None

        return apply

    def events_of(self, topic: str, payload: dict[str, Any], unix: float) -> list[Event]:
        """Return the events of a webhook payload; none if it belongs to another shard.

        Args:
            topic: The topic as delivered.
            payload: The event as delivered.
            unix: Time of receipt in Unix seconds.
        """
        if self._shard and not self._owns(payload):
            return []
        return self._emitter.of_webhook(topic, payload, unix)

    def _handle(self, handler: TopicHandler, event: TopicEvent) -> None:
        rejected = handler(event)
        if rejected is not None:
            self._rejected[WEBHOOK + event.topic, rejected.reason] += 1

    def admit_types(self, topic: str, types: Iterable[str]) -> None:
        """Admit event types of a topic ("": topics) from the lists of Mist; they are counted by name from now on."""
        names = list(types)
        for feed in self.feeds:
            feed.admit_types(topic, names)

    # REST

    def rest_object(self, kind: str, payload: dict[str, Any], ids: Mapping[str, str]) -> Rejected | None:
        """Apply an object of a REST answer.

        Args:
            kind: Kind of the object.
            payload: The object.
            ids: IDs of the request.
        """
        if self._shard and not self._owns(payload, ids.get("site_id", ""), ids.get("org_id", "")):
            return FOREIGN_SHARD
        apply = self._rest.get(kind)
        return apply(payload, ids, self._now()) if apply else UNKNOWN_OBJECT

    def rest_complete(self, kind: str, org_id: str, since: float) -> None:
        """Report that a poll of an org, started at monotonic `since`, returned every object of this kind."""
        for feed in self.feeds:
            feed.rest_complete(kind, org_id, since)

    def site_complete(self, kind: str, site_id: str, since: float) -> None:
        """Report that a poll of a site, started at monotonic `since`, returned every object of this kind."""
        for feed in self.feeds:
            feed.site_complete(kind, site_id, since)

    def set_poll_period(self, kind: str, period_s: float, account: str) -> None:
        """Report that an account polls this kind of REST object every `period_s` seconds."""
        for feed in self.feeds:
            feed.set_poll_period(kind, period_s, account)

    def _owns(self, payload: Mapping[str, Any], site_id: str = "", org_id: str = "") -> bool:
        """Return whether the object belongs to this shard, by its own IDs, else by those given."""
        site, org = payload.get("site_id"), payload.get("org_id")
        site = site if isinstance(site, str) and site != NIL_ID else ""
        return self._shard.owns(site or site_id, org if isinstance(org, str) and org else org_id)

    # Inventory and time

    def changed(self, changes: Changes) -> None:
        """Pass a change of the inventory to every feed. An error in one feed does not affect the others."""
        if self._shard:
            owned = tuple(org for org in changes.orgs_added if self._shard.owns("", org.id))
            changes = replace(changes, orgs_added=owned)
        self._places.changed(changes)
        for feed in self.feeds:
            try:
                feed.changed(changes)
            except Exception as error:  # noqa: BLE001 - a bug in one feed; logged and counted
                self._failed(feed, "changed", error)
        if self._names is not None:
            self._names.changed(changes, {kind.row_index for kind in self.kinds()}, self.store.counter_tables)

    def sweep(self) -> Iterator[int]:
        """End rows past their time to live. Yields after each step of about a millisecond.

        An error in one feed does not affect the others.
        """
        for feed in self.feeds:
            try:
                yield from feed.sweep(self._now())
            except Exception as error:  # noqa: BLE001 - as above
                self._failed(feed, "sweep", error)

    def _failed(self, feed: Feed, operation: str, error: Exception) -> None:
        self._errors[feed.name] += 1
        self._error_log.log("feed_failed", error, feed=feed.name, operation=operation)

    # Description and counters

    def kinds(self) -> Iterator[ObjectKind]:
        """Yield every object kind."""
        for feed in self.feeds:
            yield from feed.kinds()

    def name_of(self, kind: str, identity: str) -> str:
        """Return the name of a map or zone; empty if unknown."""
        return next((name for feed in self.feeds if (name := feed.name_of(kind, identity))), "")

    def refused_labels(self) -> dict[str, int]:
        """Return how often a label value became `other` because of a limit, by label.

        Combinations of labels beyond the limit of rows are counted under the name of the first family of the table.
        """
        refused: Counter[str] = Counter()
        for feed in self.feeds:
            refused.update(feed.refused_labels())
        refused.update({table.family: table.refused for table in counter_tables(self.store)})
        return dict(refused)

    def rejected_parts(self) -> dict[tuple[str, str], int]:
        """Return how many parts of applied payloads were rejected, by object and reason."""
        rejected = Counter(self._rejected)
        for feed in self.feeds:
            rejected.update(feed.rejected_parts())
        return dict(rejected)

    def errors(self) -> dict[str, int]:
        """Return the unexpected errors by feed, outside of payloads; those of building events are under `events`."""
        errors = Counter({feed.name: 0 for feed in self.feeds} | self._errors)
        errors["events"] += self._emitter.errors
        return dict(errors)
