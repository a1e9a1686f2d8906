"""Records of the collector's own state: ingest fills them; metrics and pages read them.

They contain numbers and states and no behaviour but counting, so that neither side depends on the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Counts of one input; received = applied + sum(dropped.values()) at all times.

    The unit is a frame for streams, an event for webhooks.
    """

    received: int = 0
    applied: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count units, already counted as received, as dropped for `reason`."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count


@dataclass(slots=True)
class SubscriptionStatus:
    """One channel of one connection. Times are monotonic seconds, None for never."""

    channel: str
    kind: str = ""  # template of the channel, e.g. /sites/{site_id}/stats/devices
    state: str = "waiting"  # waiting | sent | up | refused | unanswered
    detail: str = ""  # Mist's reason for a rejection
    frames: int = 0
    last_message_at: float | None = None
    up_since: float | None = None
    disconnects: int = 0


@dataclass(slots=True)
class ConnectionStatus:
    """One WebSocket connection and its channels."""

    name: str  # account and index: "main/0"
    account: str = ""
    state: str = "idle"  # idle | connecting | open | waiting
    opened_at: float | None = None
    last_message_at: float | None = None
    alive_at: float = 0.0  # last activity of its task beside frames: an attempt, an answer, a disconnect
    connects: int = 0
    disconnects: dict[str, int] = field(default_factory=dict)  # by reason
    last_disconnect: str = ""
    next_attempt_at: float | None = None
    other_frames: int = 0  # control frames, and data of channels that are no longer subscribed
    bytes: int = 0
    subscriptions: dict[str, SubscriptionStatus] = field(default_factory=dict)  # by channel

    @property
    def frames(self) -> int:
        """Number of frames received."""
        return self.other_frames + sum(subscription.frames for subscription in self.subscriptions.values())

    def drop(self, channel: str) -> None:
        """Remove a channel; its frames remain counted."""
        gone = self.subscriptions.pop(channel, None)
        self.other_frames += gone.frames if gone is not None else 0

    def disconnected(self, reason: str, why: str) -> None:
        """Count one disconnect of the connection and of every channel that was up."""
        self.disconnects[reason] = self.disconnects.get(reason, 0) + 1
        self.last_disconnect = why
        for subscription in self.subscriptions.values():
            if subscription.state == "up":
                subscription.disconnects += 1

    def succeed(self, other: ConnectionStatus) -> None:
        """Add the counts of the connection that this one replaces."""
        self.connects += other.connects
        self.other_frames += other.other_frames
        self.bytes += other.bytes
        self.last_message_at = max(self.last_message_at or 0.0, other.last_message_at or 0.0) or None
        for reason, count in other.disconnects.items():
            self.disconnects[reason] = self.disconnects.get(reason, 0) + count
        for channel, before in other.subscriptions.items():
            subscription = self.subscriptions.get(channel)
            if subscription is None:
                self.other_frames += before.frames
            else:
                subscription.frames += before.frames
                subscription.disconnects += before.disconnects
                subscription.last_message_at = subscription.last_message_at or before.last_message_at


@dataclass(slots=True)
class RestStatus:
    """The REST client of one account."""

    account: str
    calls: dict[str, int] = field(default_factory=dict)  # by outcome: ok, retry, rate_limited, refused, malformed
    budget_limit: int = 5000  # calls per hour that a token has
    budget_used: int = 0  # calls since the last full hour
    inventory_at: float | None = None  # time of the last complete inventory, monotonic
    inventory_failures: int = 0
    last_error: str = ""


@dataclass(slots=True)
class PollStatus:
    """One REST poll of one account. Times are monotonic seconds.

    A round queries every org (or site) once. `object_counts` counts the received, applied and dropped objects of all
    rounds.
    """

    account: str
    poll: str
    every_s: float  # configured interval
    period_s: float | None = None  # interval that the budget allows; None: not polled, or not known yet
    state: str = "waiting"  # waiting | asking | good | failed | left out
    reason: str = ""  # why it failed or is left out
    good: int = 0  # complete rounds
    failed: int = 0  # incomplete rounds
    last_good_at: float | None = None
    duration_s: float | None = None  # of the last round
    objects: int | None = None  # in the last good round
    calls: int = 0  # total, including retries
    round_calls: int | None = None  # in the last round
    object_counts: Counts = field(default_factory=Counts)


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
    closed: dict[str, int] = field(default_factory=dict)  # connections closed by the listener, by reason
    refused: dict[str, int] = field(default_factory=dict)  # requests, by reason: wrong_password, cross_site, ...


@dataclass(slots=True)
class ReloadStatus:
    """The configuration in use and the outcome of the last reload. Times are monotonic seconds."""

    good: int = 0  # reloads
    refused: int = 0
    last_good_at: float | None = None  # when the configuration in use was read
    faults: tuple[str, ...] = ()  # of the last reload; empty if it succeeded


@dataclass(slots=True)
class WebhookStatus:
    """The webhook endpoint, by request; `Counts` counts their events. Times are monotonic seconds."""

    answers: dict[int, int] = field(default_factory=dict)  # by HTTP status
    refused: dict[str, int] = field(default_factory=dict)  # by reason: missing, mismatch, not_json, too_large, ...
    bytes: int = 0  # of completely received bodies
    last_accepted_at: float | None = None
    last_refused_at: float | None = None
    last_refused_reason: str = ""
    connections: int = 0  # open now
    closed: dict[str, int] = field(default_factory=dict)  # connections closed by the listener, by reason

    def answered(self, status: int, now: float, reason: str = "") -> None:
        """Count one answer at monotonic `now`; `reason` is empty if the delivery was accepted."""
        self.answers[status] = self.answers.get(status, 0) + 1
        if not reason:
            self.last_accepted_at = now
            return
        self.refused[reason] = self.refused.get(reason, 0) + 1
        self.last_refused_at = now
        self.last_refused_reason = reason
