"""The records of the status page; `status_html` renders them.

`daemon.status_report` fills them from the records of `collector.status`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector.status import ConnectionStatus, Counts, PollStatus, RestStatus, TaskStatus, WebhookStatus


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One configured account: its cloud and the size of its inventory."""

    name: str
    cloud: str  # the cloud's name, or the host of its REST address
    orgs: int = 0
    sites: int = 0
    devices: int = 0


@dataclass(frozen=True, slots=True)
class EventLine:
    """One recent webhook event, without personal data."""

    at: float  # Unix seconds at which it was applied
    topic: str
    what: str  # its type, e.g. AP_RESTARTED
    where: str = ""  # site or device


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Everything on the page. `now` is monotonic, `unix` is in seconds since the epoch."""

    now: float
    unix: float
    started_at: float  # monotonic
    version: str
    not_ready: Sequence[str] = ()  # reasons, as /-/ready returns them
    accounts: Sequence[AccountLine] = ()
    rest: Sequence[RestStatus] = ()
    polls: Sequence[PollStatus] = ()
    tasks: Sequence[TaskStatus] = ()
    connections: Sequence[ConnectionStatus] = ()
    frames: Counts | None = None
    events: Counts | None = None
    webhook: WebhookStatus | None = None  # None: the webhook listener is disabled
    series: Mapping[str, int] = field(default_factory=dict)  # samples by family
    last_events: Sequence[EventLine] = ()  # newest first
    floors: bool = False  # whether /floors exists
