"""The subscriptions of one WebSocket connection, as a machine without I/O and without a clock.

Mist takes one channel a message and answers each with `channel_subscribed` or `subscribe_failed`. It promises no
order and no answer; a connection may carry 2000 channels. These are the rules:

- At most `window` questions are on their way at a time, so that 1500 channels are asked for at the pace of the
  answers, not in one burst.
- Data on a channel that was asked for is as good as its acknowledgement.
- A question without an answer within `ack_timeout_s` is asked once more; after that the channel is *unanswered*.
  A refused or unanswered channel is asked again every `retry_refused_s`, quietly: rights may be regained. Neither
  disturbs the other channels or the connection.
- Only when no channel was ever answered on this connection, it is broken (`ack_timeout`).
- A ping goes out every `ping_every_s`; without its pong within `pong_within_s` the connection is broken
  (`pong_timeout`): a half-open link is found within the sum of the two.
- Channels that are up but say nothing for `silent_after_s`, all of them together, are a frozen feed (`silent`).
  Answers about refused channels do not count as speech.
- `channel_unsubscribed` that nobody asked for is a refusal: Mist took the channel away.

The states are one table, `_TABLE`; what it does not list cannot happen, and raises.

How to drive it: call `opened(now)` after the handshake, then `receive(frame, now)` and `ponged(now)` as things
arrive. After any call, and when `deadline()` comes, call `tick(now)`, then send what `to_send()` returns. A machine
lives as long as one connection; the next connection gets a new one. Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final

import orjson

from collector.mist.envelope import Data, Subscribed, SubscribeFailed, Unsubscribed, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from collector.errors import Rejected
    from collector.mist.envelope import Event


class State(StrEnum):
    """Where one channel stands."""

    WAITING = "waiting"  # not asked for yet: the window is full, or the connection not open
    SENT = "sent"  # asked for once
    RESENT = "resent"  # asked for a second time
    UP = "up"
    REFUSED = "refused"
    UNANSWERED = "unanswered"  # asked twice in vain


class Cause(Enum):
    """What can happen to one channel."""

    ASK = "ask"  # its question is sent
    ANSWER = "answer"  # acknowledged, or data came
    REFUSAL = "refusal"
    TIMEOUT = "timeout"  # its question is older than ack_timeout_s


_TABLE: Final[dict[State, dict[Cause, State]]] = {
    # What arrives before we ask belongs to an earlier subscription of the same name: it proves nothing.
    State.WAITING: {Cause.ASK: State.SENT, Cause.ANSWER: State.WAITING, Cause.REFUSAL: State.WAITING},
    State.SENT: {Cause.ANSWER: State.UP, Cause.REFUSAL: State.REFUSED, Cause.TIMEOUT: State.RESENT},
    State.RESENT: {Cause.ANSWER: State.UP, Cause.REFUSAL: State.REFUSED, Cause.TIMEOUT: State.UNANSWERED},
    State.UP: {Cause.ANSWER: State.UP, Cause.REFUSAL: State.REFUSED},
    # A quiet retry changes nothing until it is answered, so that `settled` does not flicker.
    State.REFUSED: {
        Cause.ASK: State.REFUSED,
        Cause.ANSWER: State.UP,
        Cause.REFUSAL: State.REFUSED,
        Cause.TIMEOUT: State.REFUSED,
    },
    State.UNANSWERED: {
        Cause.ASK: State.UNANSWERED,
        Cause.ANSWER: State.UP,
        Cause.REFUSAL: State.REFUSED,
        Cause.TIMEOUT: State.UNANSWERED,
    },
}
_UNSETTLED: Final = frozenset({State.WAITING, State.SENT, State.RESENT})
_RETRIED: Final = frozenset({State.REFUSED, State.UNANSWERED})
_TAKEN_AWAY: Final = "unsubscribed by Mist"


@dataclass(frozen=True, slots=True)
class Send:
    """One thing to put on the wire: `text` as a text frame, or, when it is `PING`, a ping frame."""

    text: str


PING: Final = Send("")


@dataclass(frozen=True, slots=True)
class Broken:
    """The connection is of no more use; `reason` is pong_timeout, ack_timeout or silent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """A channel came to another state; `detail` is what Mist said when it refused."""

    channel: str
    state: State
    detail: str = ""


def _always(_channel: str) -> bool:
    return True


class Session:
    """The machine. `is_periodic(channel)` tells whether a channel speaks by itself: only such can make a feed silent."""

    def __init__(
        self,
        channels: Iterable[str],
        *,
        ack_timeout_s: float = 10.0,
        ping_every_s: float = 60.0,
        pong_within_s: float = 45.0,
        window: int = 100,
        retry_refused_s: float = 300.0,
        silent_after_s: float = 300.0,
        is_periodic: Callable[[str], bool] = _always,
    ) -> None:
        self.subscriptions: dict[str, State] = {}
        self.changes: list[Change] = []  # read it empty with `take_changes`
        self._ack_timeout_s = ack_timeout_s
        self._ping_every_s = ping_every_s
        self._pong_within_s = pong_within_s
        self._window = window
        self._retry_refused_s = retry_refused_s
        self._silent_after_s = silent_after_s
        self._talks = is_periodic

        self._open = False
        self._now = 0.0  # the last time we were told
        self._outbox: list[Send] = []
        # Each of these three is a queue whose members can also leave from the middle. All entries of one have the
        # same delay, so that the order of insertion is the order of the deadlines.
        self._queue: dict[str, None] = {}  # to be asked for
        self._asked: dict[str, float] = {}  # asked for -> when we stop waiting for the answer
        self._retries: dict[str, float] = {}  # refused or unanswered -> when it is asked for again
        self._leaving: set[str] = set()  # unsubscribed by us, not acknowledged yet
        self._unsettled = 0
        self._talking = 0  # channels that are up and talk
        self._answered = False  # did any channel ever get an answer
        self.last_message_at = 0.0  # when data or an answer last came; who does not pass data to `receive` sets it
        self._ping_at = 0.0
        self._pinged_at: float | None = None  # of the ping that has no pong yet
        for channel in channels:
            self.subscribe(channel)

    # What is wanted

    def subscribe(self, channel: str) -> None:
        """Want `channel`; it is asked for when the window has room. Wanting it twice is the same as once."""
        if channel in self.subscriptions:
            return
        self.subscriptions[channel] = State.WAITING
        self._unsettled += 1
        self._queue[channel] = None

    def unsubscribe(self, channel: str) -> None:
        """Want `channel` no more; it is forgotten at once, what still arrives for it is the caller's to drop."""
        state = self.subscriptions.pop(channel, None)
        if state is None:
            return
        self._tally(channel, state, -1)
        self._queue.pop(channel, None)
        self._retries.pop(channel, None)
        asked = self._asked.pop(channel, None) is not None
        if asked or state in {State.UP, State.UNANSWERED}:
            self._outbox.append(Send(_message("unsubscribe", channel)))
            self._leaving.add(channel)

    @property
    def settled(self) -> bool:
        """Whether the connection is open and every channel is up, refused or unanswered."""
        return self._open and self._unsettled == 0

    # Receiving

    def opened(self, now: float) -> None:
        """Begin: the handshake succeeded."""
        if self._open:
            raise RuntimeError("a session serves one connection")
        self._open = True
        self._now = self.last_message_at = now
        self._ping_at = now + self._ping_every_s

    def receive(self, frame: bytes | memoryview | str, now: float) -> Event | Rejected:
        """Take one frame; returns what it was, data included. Never raises for what a frame holds."""
        event = parse(frame)
        self._now = now
        if type(event) is Data:
            self.last_message_at = now
            if self.subscriptions.get(event.channel) is not State.UP:  # the rule has one exception a channel
                self._happened(event.channel, Cause.ANSWER)
        elif type(event) is Subscribed:
            self.last_message_at = now
            self._happened(event.channel, Cause.ANSWER)
        elif type(event) is SubscribeFailed:
            self._happened(event.channel, Cause.REFUSAL, event.detail)
        elif type(event) is Unsubscribed:
            self._withdrawn(event.channel)
        return event

    def ponged(self, now: float) -> None:
        """Take a pong."""
        self._now = now
        self._pinged_at = None

    # Sending

    def to_send(self) -> list[Send]:
        """Give what has to go out now, in this order; it counts as sent at the time of the last call with a time."""
        while self._open and self._queue and len(self._asked) < self._window:
            channel = next(iter(self._queue))
            del self._queue[channel]
            self._move(channel, Cause.ASK)
            self._ask(channel)
        outbox, self._outbox = self._outbox, []
        return outbox

    def take_changes(self) -> list[Change]:
        """Give the changes since the last call."""
        changes, self.changes = self.changes, []
        return changes

    # Time

    def deadline(self) -> float | None:
        """Give the time of the next `tick` that can have an effect; None: nothing will happen by itself."""
        if not self._open:
            return None
        if self._outbox or (self._queue and len(self._asked) < self._window):
            return self._now
        pinged_at = self._pinged_at
        times = [self._ping_at if pinged_at is None else self._pong_due(pinged_at)]
        times += (next(iter(queue.values())) for queue in (self._asked, self._retries) if queue)
        if self._talking:
            times.append(self.last_message_at + self._silent_after_s)
        return min(times)

    def tick(self, now: float) -> Broken | None:
        """Let time pass; an answer tells why the connection has to be closed."""
        self._now = now
        if not self._open:
            return None
        if self._pinged_at is not None and now >= self._pong_due(self._pinged_at):
            return Broken("pong_timeout")
        if not self._expire_questions(now):
            return Broken("ack_timeout")
        if self._talking and now >= self.last_message_at + self._silent_after_s:
            return Broken("silent")
        self._requeue(now)
        if self._pinged_at is None and now >= self._ping_at:
            self._pinged_at = now
            self._ping_at = now + self._ping_every_s
            self._outbox.append(PING)
        return None

    def _pong_due(self, pinged_at: float) -> float:
        """When a pong is overdue. What speaks is alive: its pong stands behind the data that has not been read yet."""
        return max(pinged_at, self.last_message_at) + self._pong_within_s

    def _expire_questions(self, now: float) -> bool:
        """Ask overdue questions again, or give them up; False when the connection never answered any."""
        while self._asked:
            channel, until = next(iter(self._asked.items()))
            if until > now:
                break
            if self.subscriptions[channel] is State.RESENT and not self._answered:
                return False
            del self._asked[channel]
            if self._move(channel, Cause.TIMEOUT) is State.RESENT:
                self._ask(channel)
        return True

    def _requeue(self, now: float) -> None:
        """Put what was refused or unanswered long enough ago back into the queue."""
        while self._retries:
            channel, at = next(iter(self._retries.items()))
            if at > now:
                break
            del self._retries[channel]
            self._queue[channel] = None

    # The table at work

    def _ask(self, channel: str) -> None:
        self._asked[channel] = self._now + self._ack_timeout_s
        self._outbox.append(Send(_message("subscribe", channel)))

    def _happened(self, channel: str, cause: Cause, detail: str = "") -> None:
        """Take an answer about `channel`; one about a channel we do not want says nothing."""
        state = self.subscriptions.get(channel)
        if state is None or state is State.WAITING:
            return
        self._answered = True
        self._asked.pop(channel, None)
        self._queue.pop(channel, None)  # a retry that is no longer needed
        self._move(channel, cause, detail)

    def _withdrawn(self, channel: str) -> None:
        if channel in self._leaving:
            self._leaving.remove(channel)
        else:
            self._happened(channel, Cause.REFUSAL, _TAKEN_AWAY)

    def _move(self, channel: str, cause: Cause, detail: str = "") -> State:
        """Follow the table; keeps the tallies, plans the retry and tells of the change."""
        old = self.subscriptions[channel]
        new = _TABLE[old].get(cause)
        if new is None:
            raise RuntimeError(f"{cause.value} cannot happen to a channel that is {old}")
        if new in _RETRIED and cause is not Cause.ASK:
            self._retries.pop(channel, None)
            self._retries[channel] = self._now + self._retry_refused_s
        elif new is State.UP:
            self._retries.pop(channel, None)
        if new is not old:
            self.subscriptions[channel] = new
            self._tally(channel, old, -1)
            self._tally(channel, new, +1)
            self.changes.append(Change(channel, new, detail))
        return new

    def _tally(self, channel: str, state: State, by: int) -> None:
        if state in _UNSETTLED:
            self._unsettled += by
        elif state is State.UP and self._talks(channel):
            self._talking += by


def _message(verb: str, channel: str) -> str:
    return orjson.dumps({verb: channel}).decode()
