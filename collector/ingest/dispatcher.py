"""The way from a parsed frame or a webhook event to the store, with the books kept.

For frames and for the events of each topic, `received = applied + sum(dropped)` holds after every call. A frame is
one unit, even if its payload is a list; a control frame of the stream counts as applied. A webhook body that cannot
be read counts as one event of the topic "other".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import structlog

from collector.error_log import generated_line, origin_of
from collector.errors import Rejected
from collector.mist.delivery import parse_delivery
from collector.mist.envelope import Data
from collector.mist.topics import TOPICS, identity_of
from collector.status import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.mist.deduplicator import Deduplicator
    from collector.mist.envelope import Event

Apply = Callable[[object, float], Rejected | None]  # (payload, monotonic seconds)
Given = tuple[Apply, object]  # the handler of a channel, and a payload of that channel
ApplyEvent = Callable[[dict[str, Any], float], Rejected | None]  # (event, unix seconds)

OTHER: Final = "other"  # the topic under which what has no known topic is booked: keeps the label bounded
_MAX_BUGS: Final = 100  # distinct bugs that get a log line; more of them would say nothing new
_UNSUBSCRIBED: Final = Rejected("unsubscribed_channel")
_LOG: Final = structlog.get_logger()


def _unsubscribed(_payload: object, _now: float) -> Rejected:
    return _UNSUBSCRIBED


class Dispatcher:
    """Knows the handler of each channel and topic, and books what happens to each frame and event.

    `open_channel` resolves a channel to its handler, None when nothing of it is measured; `open_topic` does so for any
    topic. `frames` and `events` (by topic, filled here) are the books. Handlers are synchronous and should return
    `Rejected` rather than raise; a handler that raises has a bug, which costs its frame and one line of log.
    """

    def __init__(
        self,
        *,
        open_channel: Callable[[str], Apply | None],
        open_topic: Callable[[str], ApplyEvent],
        duplicates: Deduplicator,
        frames: Counts,
        events: dict[str, Counts],
    ) -> None:
        self._open_channel = open_channel
        self._open_topic = open_topic
        self._duplicates = duplicates
        self._frames = frames
        self._events = events
        self._channels: dict[str, Apply] = {}
        self._topics: dict[str, ApplyEvent] = {}
        self._bugs: set[tuple[str, str, str]] = set()

    # Stream

    def subscribe(self, channel: str) -> None:
        """Resolve the handler of `channel`, once for all its frames."""
        apply = self._open_channel(channel)
        if apply is not None:
            self._channels[channel] = apply

    def unsubscribe(self, channel: str) -> None:
        """Forget `channel`; frames of it that are still under way are dropped as "unsubscribed_channel"."""
        self._channels.pop(channel, None)

    def event(self, event: Event | Rejected, now: float) -> None:
        """Take what a frame was, at monotonic `now`. Never raises."""
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
        """Return what applies the payloads of `channel`, good until `unsubscribe`."""
        return self._channels.get(channel, _unsubscribed)

    def take(self, data: Sequence[Given], now: float) -> None:
        """Take the payloads of data frames, at monotonic `now`, and book them. Never raises."""
        frames, applied = self._frames, 0
        for apply, payload in data:
            try:
                rejected = apply(payload, now)
            except Exception as error:  # noqa: BLE001 - a bug in one handler must not stop the stream; it is counted
                rejected = self._bug(error, channel=self._channel_of(apply))
            if rejected is None:
                applied += 1
            else:
                frames.drop(rejected.reason)
        frames.received += len(data)
        frames.applied += applied

    # Webhook

    def delivery(self, body: bytes, now: float) -> Rejected | None:
        """Take a verified webhook body, at unix time `now`; Rejected when it holds no readable list of events.

        All of its events are applied or dropped when this returns. Never raises.
        """
        delivery = parse_delivery(body)
        if isinstance(delivery, Rejected):
            self._book(OTHER, delivery)
            return delivery
        topic = delivery.topic
        booked_as = topic if topic in TOPICS else OTHER
        for event in delivery.events:
            self._book(booked_as, self._apply(topic, event, booked_as, now))
        return None

    def _apply(self, topic: str, event: object, booked_as: str, now: float) -> Rejected | None:
        """Apply one event, unless it was seen before. All unknown topics share one memory of what was seen."""
        if not isinstance(event, dict):
            return Rejected("not_an_object")
        try:
            if self._duplicates.seen(booked_as, identity_of(topic, event), now):
                return Rejected("duplicate")
            return self._handler(topic)(event, now)
        except Exception as error:  # noqa: BLE001 - as above
            return self._bug(error, topic=booked_as)

    def _handler(self, topic: str) -> ApplyEvent:
        """Resolve a known topic once; an unknown one each time, for there may be any number of them."""
        apply = self._topics.get(topic)
        if apply is None:
            apply = self._open_topic(topic)
            if topic in TOPICS:
                self._topics[topic] = apply
        return apply

    def _book(self, topic: str, rejected: Rejected | None) -> None:
        account = self._events.setdefault(topic, Counts())
        account.received += 1
        if rejected is None:
            account.applied += 1
        else:
            account.drop(rejected.reason)

    def _channel_of(self, apply: Apply) -> str:
        return next((channel for channel, known in self._channels.items() if known is apply), "")

    def _bug(self, error: Exception, **source: str) -> Rejected:
        """Log an exception of a handler once, without its message and payload, which may hold personal data.

        Args:
            error: the exception.
            source: the channel or topic that was being applied, for the log line.
        """
        where, generated = origin_of(error), generated_line(error)
        facts = {} if generated is None else {"object": generated.kind, "line": generated.text}
        bug = (type(error).__name__, where, facts.get("line", ""))
        if bug not in self._bugs and len(self._bugs) < _MAX_BUGS:
            self._bugs.add(bug)
            _LOG.error("handler_failed", error=bug[0], where=where, **source, **facts)
        return Rejected("internal_error")
