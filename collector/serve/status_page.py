"""What the status page shows, as plain records; `status_html` writes them.

The composition root fills it from the records of `collector.status`, which it may pass on as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector.status import ConnectionStatus, Counts, PollStatus, RestStatus, WebhookStatus


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One configured account: where it lives and what its inventory holds."""

    name: str
    cloud: str  # the cloud's name, or the host of its REST address
    orgs: int = 0
    sites: int = 0
    devices: int = 0


@dataclass(frozen=True, slots=True)
class EventLine:
    """One of the last webhook events, in words that hold no personal data."""

    at: float  # unix seconds when it was applied
    topic: str
    what: str  # its type, e.g. AP_RESTARTED
    where: str = ""  # site or device


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Everything on the page. Records keep their own clocks: `now` is monotonic, `unix` is seconds since 1970."""

    now: float
    unix: float
    started_at: float  # monotonic
    version: str
    not_ready: Sequence[str] = ()  # reasons, as /-/ready gives them
    accounts: Sequence[AccountLine] = ()
    rest: Sequence[RestStatus] = ()
    polls: Sequence[PollStatus] = ()
    connections: Sequence[ConnectionStatus] = ()
    frames: Counts | None = None
    events: Counts | None = None
    webhook: WebhookStatus | None = None  # None: the webhook listener is off
    series: Mapping[str, int] = field(default_factory=dict)  # samples by family
    last_events: Sequence[EventLine] = ()  # the newest first
    floors: bool = False  # whether /floors is there
