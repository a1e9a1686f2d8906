"""What the collector knows of its own health: plain records that ingest fills and serve shows.

They hold numbers and states, no behaviour but counting, so that neither side has to know the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """The book-keeping of one way in: received = applied + sum(dropped.values()), always.

    The unit is a frame on the stream, an event on the webhook side.

    """

    received: int = 0
    applied: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count units already received as dropped for `reason`."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count


@dataclass(slots=True)
class SubscriptionStatus:
    """One channel of one connection. Times are monotonic seconds, None when it never happened."""

    channel: str
    kind: str = ""  # the channel's template, e.g. /sites/{site_id}/stats/devices: bounded, fit for a label
    state: str = "waiting"  # waiting | sent | up | refused | unanswered
    detail: str = ""  # what Mist said when it refused
    frames: int = 0
    last_message_at: float | None = None
    up_since: float | None = None
    breaks: int = 0


@dataclass(slots=True)
class ConnectionStatus:
    """One WebSocket connection and its channels."""

    name: str  # account and index: "main/0"
    account: str = ""
    state: str = "idle"  # idle | connecting | open | waiting
    opened_at: float | None = None
    last_message_at: float | None = None
    alive_at: float = 0.0  # when its task last did something: an attempt, an answer, a break; frames are told above
    connects: int = 0
    breaks: dict[str, int] = field(default_factory=dict)  # by reason
    last_break: str = ""
    next_attempt_at: float | None = None
    other_frames: int = 0  # frames of no channel that is here: control frames, and data of channels that are gone
    bytes: int = 0
    subscriptions: dict[str, SubscriptionStatus] = field(default_factory=dict)  # by channel

    @property
    def frames(self) -> int:
        """All frames that came."""
        return self.other_frames + sum(subscription.frames for subscription in self.subscriptions.values())

    def drop(self, channel: str) -> None:
        """Forget a channel, but not its frames."""
        gone = self.subscriptions.pop(channel, None)
        self.other_frames += gone.frames if gone is not None else 0

    def broke(self, reason: str, why: str) -> None:
        """Count one break of this connection; every channel that was up breaks with it."""
        self.breaks[reason] = self.breaks.get(reason, 0) + 1
        self.last_break = why
        for subscription in self.subscriptions.values():
            if subscription.state == "up":
                subscription.breaks += 1

    def succeed(self, other: ConnectionStatus) -> None:
        """Go on with the counts of the connection that this one replaces."""
        self.connects += other.connects
        self.other_frames += other.other_frames
        self.bytes += other.bytes
        self.last_message_at = max(self.last_message_at or 0.0, other.last_message_at or 0.0) or None
        for reason, count in other.breaks.items():
            self.breaks[reason] = self.breaks.get(reason, 0) + count
        for channel, before in other.subscriptions.items():
            subscription = self.subscriptions.get(channel)
            if subscription is None:
                self.other_frames += before.frames
            else:
                subscription.frames += before.frames
                subscription.breaks += before.breaks
                subscription.last_message_at = subscription.last_message_at or before.last_message_at


@dataclass(slots=True)
class RestStatus:
    """The REST side of one account."""

    account: str
    calls: dict[str, int] = field(default_factory=dict)  # by outcome: ok, retry, rate_limited, refused
    budget_limit: int = 5000  # calls an hour that a token has
    budget_used: int = 0  # calls made since the last full hour, as counted here
    inventory_at: float | None = None  # monotonic time of the last complete inventory
    inventory_failures: int = 0
    last_error: str = ""


@dataclass(slots=True)
class PollStatus:
    """One listing that is asked for by REST again and again, of one account. Times are monotonic seconds.

    A round asks every org (or site) once. `books` counts the objects it gave, all rounds together.
    """

    account: str
    poll: str
    every_s: float  # from round to round, as configured
    period_s: float | None = None  # from round to round, as the budget allows; None: not at all, or not yet known
    state: str = "waiting"  # waiting | asking | good | failed | left out
    reason: str = ""  # why it failed or is left out
    good: int = 0  # rounds that brought everything
    failed: int = 0  # rounds that did not
    last_good_at: float | None = None
    duration_s: float | None = None  # of the last round
    objects: int | None = None  # in the last good round
    calls: int = 0  # made in all, retries included
    round_calls: int | None = None  # made in the last round
    books: Counts = field(default_factory=Counts)


@dataclass(slots=True)
class TaskStatus:
    """A supervised task, or several of one name. Times are monotonic seconds."""

    name: str
    restarts: int = 0  # after an exception
    last_restart_at: float | None = None
    last_error: str = ""  # type and message of the last exception


@dataclass(slots=True)
class ServerStatus:
    """The operator's listener."""

    connections: int = 0  # open now
    closed: dict[str, int] = field(default_factory=dict)  # connections that the door ended, by reason
    refused: dict[str, int] = field(default_factory=dict)  # requests, by reason: wrong_password, cross_site, ...


@dataclass(slots=True)
class ReloadStatus:
    """The configuration in use, and how the last attempt at another one went. Times are monotonic seconds."""

    good: int = 0  # reloads
    refused: int = 0
    last_good_at: float | None = None  # when what is in use was read
    faults: tuple[str, ...] = ()  # of the last attempt; none: it is in use


@dataclass(slots=True)
class WebhookStatus:
    """The webhook endpoint: whole requests, where `Counts` counts their events. Times are monotonic seconds."""

    answers: dict[int, int] = field(default_factory=dict)  # by HTTP status
    refused: dict[str, int] = field(default_factory=dict)  # by reason: missing, mismatch, not_json, too_large, ...
    bytes: int = 0  # of bodies read whole
    last_accepted_at: float | None = None
    last_refused_at: float | None = None
    last_refused_reason: str = ""
    connections: int = 0  # open now
    closed: dict[str, int] = field(default_factory=dict)  # connections that the door ended, by reason

    def answered(self, status: int, now: float, reason: str = "") -> None:
        """Count one answer at time `now`; `reason` is a fixed word, empty when the delivery was accepted."""
        self.answers[status] = self.answers.get(status, 0) + 1
        if not reason:
            self.last_accepted_at = now
            return
        self.refused[reason] = self.refused.get(reason, 0) + 1
        self.last_refused_at = now
        self.last_refused_reason = reason
