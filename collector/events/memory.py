"""The event history in memory, for read-only systems: a bounded buffer. Counters begin at 0 with the process."""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import islice
from typing import TYPE_CHECKING, Final, Self

from collector.concurrency import Slices
from collector.event_query import DEFAULT_LIMIT, MAX_LIMIT, EventPage, HistoryStatus, StoredEvent
from collector.events.codec import MAX_PAGE_BYTES, size_of
from collector.events.followers import Followers
from collector.events.history import TopicFilter
from collector.events.query import Matcher
from collector.events.tail import TailedLog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from collector.event import Event
    from collector.event_query import CounterKey, EventFilter, EventFollower, Increments, Outcome, Total
    from collector.events.identities import Identities

MAX_EVENTS: Final = 20_000
MAX_IDS: Final = 100_000  # known for deduplication
MAX_BYTES: Final = 64 << 20  # of all events, as `size_of` estimates it


class MemoryHistory(TailedLog):
    """Keeps the last events; the same interface as `History`.

    Args:
        excluded_topics: Patterns of topics that are not kept.
        identities: Replaces personal data; None keeps it.
        first_seq: Sequence numbers are greater. Clients compare them with those of an earlier process.
        max_events: Number of events; fewer are kept if they take more than `MAX_BYTES`.
    """

    def __init__(
        self,
        excluded_topics: Sequence[str] = (),
        *,
        identities: Identities | None = None,
        first_seq: int = 0,
        max_events: int = MAX_EVENTS,
    ) -> None:
        self._topics = TopicFilter(excluded_topics)
        self._identities = identities
        self._max_events = max_events
        self._events = deque[StoredEvent]()
        self._sizes = deque[int]()
        self._bytes = 0
        self._ids = OrderedDict[str, None]()
        self._last_seq = first_seq
        self._status = HistoryStatus()
        self._followers = Followers(self._status)
        super().__init__(first_seq)

    @property
    def status(self) -> HistoryStatus:
        """Counts and state."""
        return self._status

    def keeps(self, topic: str) -> bool:
        """Return whether events of a topic are stored."""
        return not self._topics.excludes(topic)

    def totals(self) -> Mapping[CounterKey, Total]:
        """Return no counters: they begin at 0."""
        return {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._followers.close()

    async def append(self, events: Sequence[Event], increments: Sequence[Increments] = ()) -> list[Outcome]:
        """Keep events; see `EventStore.append`."""
        del increments
        outcomes: list[Outcome] = []
        new: list[StoredEvent] = []
        slices = Slices()
        for event in events:
            outcomes.append(self._keep(event, new))
            if slices.is_over:
                self._publish(new)  # before others append: a follower receives ascending numbers
                new = []
                await slices.pause()
        self._publish(new)
        for outcome in outcomes:
            self._status.outcomes[outcome] += 1
        self._status.events = len(self._events)
        self._status.oldest = self._events[0].event.received if self._events else 0.0
        return outcomes

    def _publish(self, new: Sequence[StoredEvent]) -> None:
        self._tail.add(new)
        self._followers.publish(new)

    def _keep(self, event: Event, new: list[StoredEvent]) -> Outcome:
        if self._topics.excludes(event.topic):
            return "excluded"
        if event.id in self._ids:
            return "duplicate"
        self._ids[event.id] = None
        if len(self._ids) > MAX_IDS:
            self._ids.popitem(last=False)
        self._last_seq += 1
        stored = StoredEvent(self._last_seq, event if self._identities is None else self._identities.apply(event))
        self._add(stored)
        new.append(stored)
        return "new"

    def _add(self, stored: StoredEvent) -> None:
        """Keep an event, and forget the oldest ones beyond the limits."""
        size = size_of(stored.event)
        self._events.append(stored)
        self._sizes.append(size)
        self._bytes += size
        while len(self._events) > self._max_events or self._bytes > MAX_BYTES:
            self._events.popleft()
            self._bytes -= self._sizes.popleft()

    async def query(
        self, filter_: EventFilter, *, limit: int = DEFAULT_LIMIT, after: int | None = None, newer_than: int = 0
    ) -> EventPage:
        """Return events, the newest first; see `EventSource.query`."""
        matcher, limit = self._matcher(filter_), min(limit, MAX_LIMIT)
        below = self._last_seq + 1 if after is None else after
        candidates = [one for one in reversed(self._events) if newer_than < one.seq < below]
        found: list[StoredEvent] = []
        self._status.queries += 1
        slices, size = Slices(), 0
        for number, one in enumerate(candidates):
            if len(found) >= limit or size >= MAX_PAGE_BYTES:
                return EventPage(found, candidates[number - 1].seq if number else below)
            if matcher.matches(one.event):
                found.append(one)
                size += size_of(one.event)
            await slices.pause()
        return EventPage(found, None)

    def follow(self, filter_: EventFilter) -> EventFollower:
        """Return a follower; see `EventSource.follow`."""
        return self._followers.add(self._matcher(filter_))

    def _matcher(self, filter_: EventFilter) -> Matcher:
        return Matcher(filter_, self._identities.hash_value if self._identities is not None else None)

    async def read(self, after: int, limit: int) -> list[StoredEvent]:
        """Return events, the oldest first; see `EventLog.read`."""
        recent = self._tail.after(after, limit)
        if recent is None:
            first = max(0, after + 1 - self._events[0].seq) if self._events else 0
            recent = list(islice(self._events, first, first + limit))
        return recent
