"""The subscriptions of one WebSocket connection as a state machine, without I/O and without a clock.

Mist takes one channel per message and answers each with `channel_subscribed` or `subscribe_failed`. Neither the order
of the answers nor an answer is guaranteed. A connection carries up to 2000 channels. The rules:

- At most `window` requests are unanswered at a time, so that 1500 channels are requested at the rate of the answers
  and not in one burst.
- Data on a requested channel confirms the subscription, like an acknowledgement.
- A request without an answer within `ack_timeout_s` is repeated once; then the channel is `unanswered`. A refused or
  unanswered channel is requested again every `retry_refused_s`, because rights may be granted later. Neither affects
  the other channels or the connection.
- If no request of a connection is answered, the connection has failed (`ack_timeout`).
- A ping is sent every `ping_every_s`. Without its pong within `pong_within_s` the connection has failed
  (`pong_timeout`): a half-open connection is detected within the sum of the two.
- If all periodic channels that are up deliver no message for `silent_after_s`, the connection has failed (`silent`).
  Answers about refused channels do not count as messages.
- `channel_unsubscribed` without a request is a refusal: Mist ended the subscription.

The states of a channel are one table, `_TRANSITIONS`; any other transition raises RuntimeError.

Usage: call `opened(now)` after the handshake, then `receive(message, now)` for each parsed frame (`data_received(now)`
where it applies) and `pong_received(now)` for each pong. After any call, and at `deadline()`, call `tick(now)`, then
send what `to_send()` returns. A session belongs to one connection. Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final

import orjson

from collector.mist.envelope import Data, Subscribed, SubscribeFailed, Unsubscribed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from collector.errors import Rejected
    from collector.mist.envelope import StreamMessage


class SubscriptionState(StrEnum):
    """The state of one channel. The values are label values."""

    WAITING = "waiting"  # not requested yet: the window is full, or the connection is not open
    SENT = "sent"  # requested once
    RESENT = "resent"  # requested a second time
    UP = "up"
    REFUSED = "refused"
    UNANSWERED = "unanswered"  # requested twice without an answer


class SubscriptionTrigger(Enum):
    """What changes the state of one channel."""

    REQUEST = "request"  # the request is sent
    CONFIRMATION = "confirmation"  # an acknowledgement, or data
    REFUSAL = "refusal"
    TIMEOUT = "timeout"  # the request is older than ack_timeout_s


_State = SubscriptionState
_Trigger = SubscriptionTrigger
_TRANSITIONS: Final[dict[_State, dict[_Trigger, _State]]] = {
    _State.WAITING: {_Trigger.REQUEST: _State.SENT},
    _State.SENT: {
        _Trigger.CONFIRMATION: _State.UP,
        _Trigger.REFUSAL: _State.REFUSED,
        _Trigger.TIMEOUT: _State.RESENT,
    },
    _State.RESENT: {
        _Trigger.CONFIRMATION: _State.UP,
        _Trigger.REFUSAL: _State.REFUSED,
        _Trigger.TIMEOUT: _State.UNANSWERED,
    },
    _State.UP: {_Trigger.CONFIRMATION: _State.UP, _Trigger.REFUSAL: _State.REFUSED},
    # A repeated request does not change the state until it is answered, so that `settled` stays true meanwhile.
    _State.REFUSED: {
        _Trigger.REQUEST: _State.REFUSED,
        _Trigger.CONFIRMATION: _State.UP,
        _Trigger.REFUSAL: _State.REFUSED,
        _Trigger.TIMEOUT: _State.REFUSED,
    },
    _State.UNANSWERED: {
        _Trigger.REQUEST: _State.UNANSWERED,
        _Trigger.CONFIRMATION: _State.UP,
        _Trigger.REFUSAL: _State.REFUSED,
        _Trigger.TIMEOUT: _State.UNANSWERED,
    },
}
_UNSETTLED: Final = frozenset({_State.WAITING, _State.SENT, _State.RESENT})
_RETRIED: Final = frozenset({_State.REFUSED, _State.UNANSWERED})
_ENDED_BY_MIST: Final = "unsubscribed by Mist"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One thing to send: `text` as a text frame, or a ping frame when it is `PING`."""

    text: str


PING: Final = OutgoingMessage("")


@dataclass(frozen=True, slots=True)
class SessionFailure:
    """The connection has to be closed; `reason` is pong_timeout, ack_timeout or silent."""

    reason: str


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """A channel changed its state; `detail` is Mist's text for a refusal, not bounded in length."""

    channel: str
    state: SubscriptionState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The time limits of a session, in seconds, and its window.

    Attributes:
        ack_timeout_s: how long to wait for the answer to a request.
        ping_every_s: interval between two pings.
        pong_within_s: how long to wait for a pong, from the ping or from the last message.
        window: most requests without an answer.
        retry_refused_s: interval between requests of a refused or unanswered channel.
        silent_after_s: how long the periodic channels may deliver no message, all of them together.
    """

    ack_timeout_s: float = 10.0
    ping_every_s: float = 60.0
    pong_within_s: float = 45.0
    window: int = 100
    retry_refused_s: float = 300.0
    silent_after_s: float = 300.0


def _every_channel(_channel: str) -> bool:
    return True


class Session:
    """The state machine of one connection.

    Args:
        channels: the channels to subscribe to from the beginning.
        settings: time limits; `use` replaces them.
        is_periodic: returns whether messages of a channel arrive periodically. The others may be silent for any time.
    """

    def __init__(
        self,
        channels: Iterable[str],
        settings: SessionSettings | None = None,
        *,
        is_periodic: Callable[[str], bool] = _every_channel,
    ) -> None:
        self.subscriptions: dict[str, SubscriptionState] = {}
        self.changes: list[SubscriptionChange] = []  # `take_changes` empties it
        self._settings = settings or SessionSettings()
        self._is_periodic = is_periodic

        self._open = False
        self._now = 0.0  # the time of the last call
        self._outbox: list[OutgoingMessage] = []
        # These three are queues from which any member can be removed. All entries of one queue have the same delay, so
        # that the order of insertion is the order of the deadlines.
        self._to_request: dict[str, None] = {}
        self._unanswered: dict[str, float] = {}  # channel -> deadline of the answer
        self._retries: dict[str, float] = {}  # refused or unanswered channel -> time of the next request
        self._unsubscribing: set[str] = set()  # unsubscribed here, not acknowledged yet
        self._unsettled = 0  # channels that wait for their first answer
        self._periodic_up = 0  # periodic channels that are up
        self._any_answer = False
        self._last_message_at = 0.0  # data or an acknowledgement
        self._ping_at = 0.0
        self._pinged_at: float | None = None  # of the ping that has no pong yet
        for channel in channels:
            self.subscribe(channel)

    # Subscriptions

    def subscribe(self, channel: str) -> None:
        """Add `channel`; it is requested as soon as the window permits. No effect when it is present."""
        if channel in self.subscriptions:
            return
        self.subscriptions[channel] = SubscriptionState.WAITING
        self._unsettled += 1
        self._to_request[channel] = None

    def unsubscribe(self, channel: str) -> None:
        """Remove `channel` at once. Data of it may still arrive; the caller has to drop it."""
        state = self.subscriptions.pop(channel, None)
        if state is None:
            return
        self._count(channel, state, -1)
        self._to_request.pop(channel, None)
        self._retries.pop(channel, None)
        requested = self._unanswered.pop(channel, None) is not None
        if requested or state in {SubscriptionState.UP, SubscriptionState.UNANSWERED}:
            self._outbox.append(OutgoingMessage(_request("unsubscribe", channel)))
            self._unsubscribing.add(channel)

    def use(self, settings: SessionSettings) -> None:
        """Replace the settings; deadlines that are set already move by the difference."""
        delta_s = settings.ack_timeout_s - self._settings.ack_timeout_s
        self._unanswered = {channel: until + delta_s for channel, until in self._unanswered.items()}
        delta_s = settings.retry_refused_s - self._settings.retry_refused_s
        self._retries = {channel: at + delta_s for channel, at in self._retries.items()}
        self._ping_at += settings.ping_every_s - self._settings.ping_every_s
        self._settings = settings

    @property
    def settled(self) -> bool:
        """Whether the connection is open and every channel is up, refused or unanswered."""
        return self._open and self._unsettled == 0

    # Receiving

    def opened(self, now: float) -> None:
        """Start: the handshake succeeded."""
        if self._open:
            raise RuntimeError("a session belongs to one connection")
        self._open = True
        self._now = self._last_message_at = now
        self._ping_at = now + self._settings.ping_every_s

    def receive(self, message: StreamMessage | Rejected, now: float) -> None:
        """Handle one message. `Rejected` has no effect."""
        self._now = now
        if type(message) is Data:
            self._last_message_at = now
            if self.subscriptions.get(message.channel) is not SubscriptionState.UP:
                self._answered(message.channel, SubscriptionTrigger.CONFIRMATION)
        elif type(message) is Subscribed:
            self._last_message_at = now
            self._answered(message.channel, SubscriptionTrigger.CONFIRMATION)
        elif type(message) is SubscribeFailed:
            self._answered(message.channel, SubscriptionTrigger.REFUSAL, message.detail)
        elif type(message) is Unsubscribed:
            self._unsubscribed(message.channel)

    def data_received(self, now: float) -> None:
        """Handle any number of data messages, all of channels that are up: the fast path of `receive`.

        Data on a channel that is up changes no state but the time of the last message, so one call is sufficient for
        all messages that arrived together.
        """
        self._now = self._last_message_at = now

    def pong_received(self, now: float) -> None:
        """Handle a pong."""
        self._now = now
        self._pinged_at = None

    # Sending

    def to_send(self) -> list[OutgoingMessage]:
        """Return what has to be sent now, in order. It counts as sent at the time of the last call that had a time."""
        while self._open and self._to_request and len(self._unanswered) < self._settings.window:
            channel = next(iter(self._to_request))
            del self._to_request[channel]
            self._move(channel, SubscriptionTrigger.REQUEST)
            self._request(channel)
        outbox, self._outbox = self._outbox, []
        return outbox

    def take_changes(self) -> list[SubscriptionChange]:
        """Return the changes since the last call."""
        changes, self.changes = self.changes, []
        return changes

    # Time

    def deadline(self) -> float | None:
        """Return the time at which `tick` is due, None while only a call of another method can have an effect."""
        if not self._open:
            return None
        if self._outbox or (self._to_request and len(self._unanswered) < self._settings.window):
            return self._now
        pinged_at = self._pinged_at
        times = [self._ping_at if pinged_at is None else self._pong_due(pinged_at)]
        times += (next(iter(queue.values())) for queue in (self._unanswered, self._retries) if queue)
        if self._periodic_up:
            times.append(self._last_message_at + self._settings.silent_after_s)
        return min(times)

    def tick(self, now: float) -> SessionFailure | None:
        """Handle what is due at `now`; a result means that the connection has to be closed."""
        self._now = now
        if not self._open:
            return None
        if self._pinged_at is not None and now >= self._pong_due(self._pinged_at):
            return SessionFailure("pong_timeout")
        if not self._expire_requests(now):
            return SessionFailure("ack_timeout")
        if self._periodic_up and now >= self._last_message_at + self._settings.silent_after_s:
            return SessionFailure("silent")
        self._queue_retries(now)
        if self._pinged_at is None and now >= self._ping_at:
            self._pinged_at = now
            self._ping_at = now + self._settings.ping_every_s
            self._outbox.append(PING)
        return None

    def _pong_due(self, pinged_at: float) -> float:
        """Return when a pong is overdue. It may be queued behind data, so each message extends the time."""
        return max(pinged_at, self._last_message_at) + self._settings.pong_within_s

    def _expire_requests(self, now: float) -> bool:
        """Repeat overdue requests, or give them up; False when no request of the connection was ever answered."""
        while self._unanswered:
            channel, until = next(iter(self._unanswered.items()))
            if until > now:
                break
            if self.subscriptions[channel] is SubscriptionState.RESENT and not self._any_answer:
                return False
            del self._unanswered[channel]
            if self._move(channel, SubscriptionTrigger.TIMEOUT) is SubscriptionState.RESENT:
                self._request(channel)
        return True

    def _queue_retries(self, now: float) -> None:
        while self._retries:
            channel, at = next(iter(self._retries.items()))
            if at > now:
                break
            del self._retries[channel]
            self._to_request[channel] = None

    # Transitions

    def _request(self, channel: str) -> None:
        self._unanswered[channel] = self._now + self._settings.ack_timeout_s
        self._outbox.append(OutgoingMessage(_request("subscribe", channel)))

    def _answered(self, channel: str, trigger: SubscriptionTrigger, detail: str = "") -> None:
        """Handle an answer about `channel`, unless the channel was not requested.

        An answer that arrives before the request belongs to an earlier subscription of the same name.
        """
        state = self.subscriptions.get(channel)
        if state is None or state is SubscriptionState.WAITING:
            return
        self._any_answer = True
        self._unanswered.pop(channel, None)
        self._to_request.pop(channel, None)  # a retry is no longer needed
        self._move(channel, trigger, detail)

    def _unsubscribed(self, channel: str) -> None:
        if channel in self._unsubscribing:
            self._unsubscribing.remove(channel)
        else:
            self._answered(channel, SubscriptionTrigger.REFUSAL, _ENDED_BY_MIST)

    def _move(self, channel: str, trigger: SubscriptionTrigger, detail: str = "") -> SubscriptionState:
        """Apply the table: update the counters, schedule a retry, record the change. Returns the new state."""
        old = self.subscriptions[channel]
        new = _TRANSITIONS[old].get(trigger)
        if new is None:
            raise RuntimeError(f"no transition from {old} by {trigger.value}")
        if new in _RETRIED and trigger is not SubscriptionTrigger.REQUEST:
            self._retries.pop(channel, None)
            self._retries[channel] = self._now + self._settings.retry_refused_s
        elif new is SubscriptionState.UP:
            self._retries.pop(channel, None)
        if new is not old:
            self.subscriptions[channel] = new
            self._count(channel, old, -1)
            self._count(channel, new, +1)
            self.changes.append(SubscriptionChange(channel, new, detail))
        return new

    def _count(self, channel: str, state: SubscriptionState, by: int) -> None:
        if state in _UNSETTLED:
            self._unsettled += by
        elif state is SubscriptionState.UP and self._is_periodic(channel):
            self._periodic_up += by


def _request(verb: str, channel: str) -> str:
    return orjson.dumps({verb: channel}).decode()
