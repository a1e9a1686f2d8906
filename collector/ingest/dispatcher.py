"""Dispatches stream frames and webhook events to the handlers that apply them, and counts the outcome.

For frames and for the events of each topic, `received = applied + sum(dropped)` holds after every call. A frame is one
unit, even if its payload is a list; a control frame of the stream counts as applied. A webhook body that cannot be read
counts as one event of the topic "other".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from collector.concurrency import SLICE_S, Slices
from collector.error_log import generated_line, origin_of, source_line
from collector.errors import HistoryUnavailable, Rejected
from collector.mist.delivery import read_delivery
from collector.mist.envelope import Data
from collector.mist.topics import TOPICS, identity_of
from collector.status import Counts

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from collector.event import Event as NormalizedEvent
    from collector.event import OnEvent
    from collector.event_query import EventStore
    from collector.mist.deduplicator import Deduplicator
    from collector.mist.envelope import StreamMessage

Apply = Callable[[object, float], Rejected | None]  # (payload, monotonic seconds)
HandlerAndPayload = tuple[Apply, object]
ApplyEvent = Callable[[dict[str, Any], float], Rejected | None]  # (event, unix seconds)

OTHER: Final = "other"  # counts the events of all unknown topics, so that the label stays bounded
MAX_RECORDED: Final = 200  # delivered events that are stored at once
HISTORY_UNAVAILABLE: Final = Rejected("history_unavailable")
_MAX_LOGGED_ERRORS: Final = 100  # distinct ones
_UNSUBSCRIBED: Final = Rejected("unsubscribed_channel")
_DUPLICATE: Final = Rejected("duplicate")
_NOT_AN_OBJECT: Final = Rejected("not_an_object")
_LOG: Final = structlog.get_logger()


def _unsubscribed(_payload: object, _now: float) -> Rejected:
    return _UNSUBSCRIBED


class Recorder(NamedTuple):
    """Stores the events of deliveries before they are applied.

    Attributes:
        events_of: Returns the normalised events of an event as delivered: (topic, event, Unix time of receipt).
        history: Stores them, and recognizes duplicates, also of earlier processes.
        on_event: Receives each event that is not a duplicate.
    """

    events_of: Callable[[str, dict[str, Any], float], Sequence[NormalizedEvent]]
    history: EventStore
    on_event: OnEvent

    async def record(self, deliveries: Sequence[Sequence[NormalizedEvent]]) -> list[bool]:
        """Store events; return for each delivered event whether all of it was stored before.

        Raises:
            HistoryUnavailable: They cannot be stored, and are to be delivered again.
        """
        events = [event for delivered in deliveries for event in delivered]
        outcomes = await self.history.append(events) if events else []
        for event, outcome in zip(events, outcomes, strict=True):
            if outcome != "duplicate":
                self.on_event(event)
        rest = iter(outcomes)
        own = [[next(rest) for _ in delivered] for delivered in deliveries]
        return [bool(parts) and all(part == "duplicate" for part in parts) for parts in own]


class Dispatcher:
    """Holds the handler of each channel and topic, and counts what happens to each frame and event.

    Handlers are synchronous and should return `Rejected` rather than raise. A handler that raises has a bug, which
    costs its frame or event, and one log line for each distinct error.

    Args:
        open_channel: returns the handler of a channel; None when nothing of it is measured.
        open_topic: returns the handler of a topic, known or not.
        duplicates: which events were seen.
        frames: counts frames.
        events: counts events by topic.
        recorder: stores webhook events before they are applied; None for no history.
        timer: clock by which a delivery is cut into slices.
    """

    def __init__(
        self,
        *,
        open_channel: Callable[[str], Apply | None],
        open_topic: Callable[[str], ApplyEvent],
        duplicates: Deduplicator,
        frames: Counts,
        events: dict[str, Counts],
        recorder: Recorder | None = None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._open_channel = open_channel
        self._open_topic = open_topic
        self._duplicates = duplicates
        self._frames = frames
        self._events = events
        self._recorder = recorder
        self._timer = timer
        self._channels: dict[str, Apply] = {}
        self._topics: dict[str, ApplyEvent] = {}
        self._logged_errors: set[tuple[str, str, str]] = set()
        self._delivering = asyncio.Lock()  # fair: the first to wait is the first to get it

    # Stream

    def subscribe(self, channel: str) -> None:
        """Determine the handler of `channel`, once for all its frames."""
        apply = self._open_channel(channel)
        if apply is not None:
            self._channels[channel] = apply

    def unsubscribe(self, channel: str) -> None:
        """Forget `channel`; frames of it that still arrive are dropped as "unsubscribed_channel"."""
        self._channels.pop(channel, None)

    def event(self, event: StreamMessage | Rejected, now: float) -> None:
        """Count one parsed frame, and apply its payload if it is a data frame. Never raises. `now` is monotonic."""
        frames = self._frames
        if type(event) is Data:
            self.take(((self.handler(event.channel), event.payload),), now)
            return
        frames.received += 1
        if isinstance(event, Rejected):
            frames.drop(event.reason)
        else:
            frames.applied += 1

    def handler(self, channel: str) -> Apply:
        """Return the handler of `channel`, valid until `unsubscribe`."""
        return self._channels.get(channel, _unsubscribed)

    def take(self, data: Sequence[HandlerAndPayload], now: float) -> None:
        """Apply and count the payloads of data frames. Never raises. `now` is monotonic."""
        frames, applied = self._frames, 0
        for apply, payload in data:
            try:
                rejected = apply(payload, now)
            except Exception as error:  # noqa: BLE001 - a bug in one handler must not stop the stream; it is counted
                rejected = self._internal_error(error, channel=self._channel_of(apply))
            if rejected is None:
                applied += 1
            else:
                frames.drop(rejected.reason)
        frames.received += len(data)
        frames.applied += applied

    def _channel_of(self, handler: Apply) -> str:
        return next((channel for channel, apply in self._channels.items() if apply is handler), "")

    # Webhook

    async def deliver(self, body: bytes, now: float) -> Rejected | None:
        """Store, apply and count the events of a verified webhook body, in slices of `SLICE_S`.

        Deliveries are applied one after the other in the order in which they were received, so that the events of a
        device keep their order. All events are applied or dropped when this returns; when it is cancelled, the events
        that remain are neither counted nor applied.

        Args:
            body: the raw body.
            now: Unix time.

        Returns:
            Rejected when the body contains no list of events that can be read, see `read_delivery`; or as
            "history_unavailable" when events cannot be stored: neither these nor later ones are counted or applied.
        """
        if self._recorder is not None:
            return await self._record_delivery(self._recorder, body, now)
        async with self._delivering:
            parts = _Parts(self._apply_delivery(body, now))
            for _ in parts:
                await asyncio.sleep(0)
        return parts.outcome

    async def _record_delivery(self, recorder: Recorder, body: bytes, now: float) -> Rejected | None:
        """Store some events, then apply them, and so on. While they are stored, other deliveries proceed."""
        reader = read_delivery(body)
        if isinstance(reader, Rejected):
            self._count(OTHER, reader)
            return reader
        topic = reader.topic
        counted_as = topic if topic in TOPICS else OTHER
        is_kept = recorder.history.keeps(topic)
        delivered = iter(reader)
        while events := list(islice(delivered, MAX_RECORDED)):
            async with self._delivering:
                slices = Slices(self._timer)
                normalized: list[Sequence[NormalizedEvent]] = []
                for event in events:
                    normalized.append(
                        recorder.events_of(topic, event, now) if is_kept and isinstance(event, dict) else ()
                    )
                    await slices.pause()
            try:
                known = await recorder.record(normalized)
            except HistoryUnavailable:
                return HISTORY_UNAVAILABLE
            async with self._delivering:
                slices = Slices(self._timer)
                for event, is_known in zip(events, known, strict=True):
                    outcome = _DUPLICATE if is_known else self._apply_event(topic, event, counted_as, now)
                    self._count(counted_as, outcome)
                    await slices.pause()
        return None

    def delivery(self, body: bytes, now: float) -> Rejected | None:
        """Apply and count the events of a body without yielding to the event loop, for replays."""
        parts = _Parts(self._apply_delivery(body, now))
        for _ in parts:
            pass
        return parts.outcome

    def _apply_delivery(self, body: bytes, now: float) -> Generator[None, None, Rejected | None]:
        """Apply the events of a body; yields after each slice."""
        timer, slice_ends = self._timer, self._timer() + SLICE_S
        reader = read_delivery(body)
        if isinstance(reader, Rejected):
            counts = self._events.setdefault(OTHER, Counts())
            counts.received += 1
            counts.drop(reader.reason)
            return reader
        if not reader.count:
            return None
        topic = reader.topic
        counted_as = topic if topic in TOPICS else OTHER
        counts = self._events.setdefault(counted_as, Counts())
        for event in reader:
            rejected = self._apply_event(topic, event, counted_as, now)
            counts.received += 1
            if rejected is None:
                counts.applied += 1
            else:
                counts.drop(rejected.reason)
            if timer() >= slice_ends:
                yield
                slice_ends = timer() + SLICE_S
        return None

    def _apply_event(self, topic: str, event: object, counted_as: str, now: float) -> Rejected | None:
        """Apply one event, unless it was seen before. All unknown topics share one memory of duplicates."""
        if not isinstance(event, dict):
            return event if isinstance(event, Rejected) else _NOT_AN_OBJECT
        try:
            if self._duplicates.seen(counted_as, identity_of(topic, event), now):
                return _DUPLICATE
            return self._topic_handler(topic)(event, now)
        except Exception as error:  # noqa: BLE001 - as above
            return self._internal_error(error, topic=counted_as)

    def _count(self, topic: str, rejected: Rejected | None) -> None:
        counts = self._events.setdefault(topic, Counts())
        counts.received += 1
        if rejected is None:
            counts.applied += 1
        else:
            counts.drop(rejected.reason)

    def _topic_handler(self, topic: str) -> ApplyEvent:
        """Return the handler of a topic. Unknown ones are not kept: their number is unbounded."""
        apply = self._topics.get(topic)
        if apply is None:
            apply = self._open_topic(topic)
            if topic in TOPICS:
                self._topics[topic] = apply
        return apply

    def _internal_error(self, error: Exception, **subject: str) -> Rejected:
        """Log an exception of a handler once; without its message and payload, which may contain secrets.

        If it was raised within generated code, the line is logged, and the object kind that it is generated for.
        """
        where, generated = origin_of(error), generated_line(error)
        facts = {} if generated is None else {"object": generated.kind, "generated": generated.text}
        known = (type(error).__name__, where, facts.get("generated", ""))
        if known not in self._logged_errors and len(self._logged_errors) < _MAX_LOGGED_ERRORS:
            self._logged_errors.add(known)
            _LOG.error("handler_failed", error=known[0], where=where, source=source_line(error), **subject, **facts)
        return Rejected("internal_error")


class _Parts:
    """Iterates over the slices of a delivery; `outcome` is what the generator returned."""

    def __init__(self, slices: Generator[None, None, Rejected | None]) -> None:
        self.outcome: Rejected | None = None
        self._slices = slices

    def __iter__(self) -> Iterator[None]:
        self.outcome = yield from self._slices
