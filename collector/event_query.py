"""Queries of the event history: what is asked for, what is returned, and the interface of every kind of history.

A base module: the operator's listener asks, the history answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from collector.event import Event

MAX_LIMIT: Final = 1000  # events of one page
DEFAULT_LIMIT: Final = 100
MAX_VALUES: Final = 20  # of one filter
MAX_WHERE: Final = 10
MAX_CHARS: Final = 1000  # of one value
_encode: Final = msgspec.json.Encoder().encode

Outcome: TypeAlias = Literal["new", "duplicate", "excluded", "unstored"]
"""What became of an event: stored; stored before; its topic is not kept; it could not be stored."""
CounterKey: TypeAlias = tuple[str, tuple[str, ...]]
"""Name and label values of a counter."""
Increments: TypeAlias = "Sequence[tuple[CounterKey, float]]"
"""What one event adds to counters."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted. Conditions are combined by AND, several values of one condition by OR; case is ignored.

    Attributes:
        since: First time of the events, in Unix seconds.
        until: Last time of the events, in Unix seconds.
        topics: Topics.
        types: Event types.
        severities: Severities.
        statuses: "open" or "cleared".
        sites: Sites, by ID or name.
        devices: Devices, by MAC address or name.
        where: Pairs of a path in `Event.fields` and its value, combined by AND. Indexes of lists may be left out.
        text: Words that the text, the site or the device contain, combined by AND; a `*` at the end matches a prefix.
    """

    since: float | None = None
    until: float | None = None
    topics: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    text: str = ""


class StoredEvent(NamedTuple):
    """An event of the history. `seq` increases in the order in which events were stored."""

    seq: int
    event: Event


def json_of(stored: StoredEvent) -> bytes:
    """Return an event as JSON: `seq`, and the fields of `Event`."""
    return b'{"seq":%d,' % stored.seq + _encode(stored.event)[1:]


class EventPage(NamedTuple):
    """Events, the newest first, in the order in which they were stored.

    `after` is the cursor of the next page; None at the end. A page may contain fewer events than asked for, and even
    none, when the search reached its limit of examined events; the cursor continues it.
    """

    events: list[StoredEvent]
    after: int | None


class Total(NamedTuple):
    """Value of a counter, and the Unix time at which it was 0."""

    value: float
    created: float


@dataclass(slots=True)
class HistoryStatus:
    """Counts and state of a history, for metrics.

    Attributes:
        outcomes: Appended events by outcome.
        errors: Failed writes by reason.
        queries: Completed queries.
        deleted: Events deleted by retention.
        slow_followers: Followers that were disconnected because they did not read.
        followers: Present number of followers.
        queued: Events that wait to be stored.
        available: Whether the last write succeeded.
        size_bytes: Size of the used part of the file.
        oldest: Unix time of receipt of the oldest event; 0 without events.
        events: Number of stored events, approximately: deleted ones within a range are included.
    """

    outcomes: dict[Outcome, int] = field(
        default_factory=lambda: {"new": 0, "duplicate": 0, "excluded": 0, "unstored": 0}
    )
    errors: dict[str, int] = field(default_factory=dict)
    queries: int = 0
    deleted: int = 0
    slow_followers: int = 0
    followers: int = 0
    queued: int = 0
    available: bool = True
    size_bytes: int = 0
    oldest: float = 0.0
    events: int = 0


class EventFollower(Protocol):
    """Receives the events that match a filter, as they are stored, until it is closed."""

    def __aiter__(self) -> AsyncIterator[list[StoredEvent]]:
        """Yield lists of events, oldest first; ends when the follower is closed or too slow."""

    async def next(self, timeout_s: float) -> list[StoredEvent] | None:
        """Return the next events; an empty list after `timeout_s` seconds, None at the end."""

    def close(self) -> None:
        """End the follower."""


class EventSource(Protocol):
    """What can be asked: the interface of a history for readers."""

    async def query(
        self, filter_: EventFilter, *, limit: int = DEFAULT_LIMIT, after: int | None = None, newer_than: int = 0
    ) -> EventPage:
        """Return events, the newest first.

        Args:
            filter_: Which events.
            limit: Maximum number of events.
            after: Cursor of the previous page.
            newer_than: Only events with a greater `seq`.

        Raises:
            HistoryUnavailable: The history cannot be read, or too many queries are waiting.
        """

    def follow(self, filter_: EventFilter) -> EventFollower:
        """Return a follower. Raises HistoryUnavailable if there are too many."""


class EventLog(Protocol):
    """The interface of a history for outputs: events in the order in which they were stored, and durable cursors.

    The cursor of an output is the `seq` of the last event that it has handled. Sequence numbers are consecutive; a gap
    after a cursor means that retention deleted events.
    """

    @property
    def newest(self) -> int:
        """The `seq` of the newest event; 0 if there was none yet."""

    async def read(self, after: int, limit: int) -> list[StoredEvent]:
        """Return the events with a greater `seq`, the oldest first: at most `limit`, fewer if they are large.

        Raises:
            HistoryUnavailable: The history cannot be read.
        """

    async def wait(self, after: int) -> None:
        """Return when there is an event with a greater `seq`."""

    def cursor(self, output: str) -> int | None:
        """Return the cursor of an output; None if it has none."""

    def save_cursor(self, output: str, seq: int) -> None:
        """Set the cursor of an output. A durable history stores it within about a second."""

    def keep_cursors(self, outputs: Collection[str]) -> None:
        """Remove the cursors of all other outputs."""


class EventStore(EventSource, Protocol):
    """The interface of a history for the input of events."""

    @property
    def status(self) -> HistoryStatus:
        """Counts and state."""

    def keeps(self, topic: str) -> bool:
        """Return whether events of a topic are stored."""

    async def append(self, events: Sequence[Event], increments: Sequence[Increments] = ()) -> list[Outcome]:
        """Store events durably, unless they are stored already.

        Args:
            events: Events, which may have been stored before: `Event.id` identifies them.
            increments: For each event, what it adds to counters unless it is a duplicate; committed with the event.

        Returns:
            The outcome of each event.

        Raises:
            HistoryUnavailable: They cannot be stored and `on_error` is "refuse".
        """

    def totals(self) -> Mapping[CounterKey, Total]:
        """Return the counters as of the start of the process."""
