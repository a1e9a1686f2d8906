"""The status report: everything that the status page and `systemctl status` show, read from the status records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import collector
from collector.mist import clouds
from collector.serve.status_page import EventLine, StatusPage
from collector.status import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from collector.clock import Clock
    from collector.config import Config
    from collector.daemon.account import AccountRun
    from collector.daemon.readiness import Readiness
    from collector.events.recent import RecentEvents
    from collector.feeds.router import FeedRouter
    from collector.status import ConnectionStatus, PollStatus, RestStatus, TaskStatus, WebhookStatus


class StatusReport:
    """Builds the records of the status page from the live status records."""

    def __init__(
        self,
        *,
        accounts: Sequence[AccountRun],
        config: Callable[[], Config],
        readiness: Readiness,
        feeds: FeedRouter,
        rest: Sequence[RestStatus],
        polls: Sequence[PollStatus],
        connections: Sequence[ConnectionStatus],
        frames: Counts,
        events: Mapping[str, Counts],
        tasks: Mapping[str, TaskStatus],
        recent: RecentEvents,
        webhook: WebhookStatus | None,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._config = config
        self._readiness = readiness
        self._feeds = feeds
        self._rest = rest
        self._polls = polls
        self._connections = connections
        self._frames = frames
        self._events = events
        self._tasks = tasks
        self._recent = recent
        self._webhook = webhook
        self._clock = clock
        self._started_at = clock.now()

    def summary(self) -> str:
        """Return the state in one line, for `systemctl status`."""
        channels = [one.state for connection in self._connections for one in connection.subscriptions.values()]
        up = f"{channels.count('up')} of {len(channels)} channels up, {self._frames.received} frames"
        return "; ".join([up, *(f"not ready: {reason}" for reason in self._readiness.reasons()[:1])])

    def page(self) -> StatusPage:
        """Return the records of the status page."""
        config = self._config()
        return StatusPage(
            now=self._clock.now(),
            unix=self._clock.time(),
            started_at=self._started_at,
            version=collector.__version__,
            not_ready=self._readiness.reasons(),
            accounts=[account.summary() for account in self._accounts],
            rest=self._rest,
            polls=self._polls,
            tasks=list(self._tasks.values()),
            connections=self._connections,
            frames=self._frames,
            events=total(self._events),
            webhook=self._webhook,
            series=self._feeds.store.series_by_family(),
            floors=config.location.floor_page and config.locates,
            last_events=[
                EventLine(event.received, event.topic, event.type, event.site_name or event.site_id)
                for event in self._recent.newest_first
            ],
        )

    def portals(self) -> dict[str, str]:
        """Return the address of Mist's portal by organization ID; under "" that of the others if there is only one."""
        known = [(account, clouds.portal_of(account.cloud)) for account in self._accounts]
        portals = {org_id: portal for account, portal in known for org_id in account.directory.orgs if portal}
        addresses = {portal for _, portal in known}
        return {**portals, "": addresses.pop()} if len(addresses) == 1 and "" not in addresses else portals


def total(counts: Mapping[str, Counts]) -> Counts:
    """Return the sum over all topics."""
    dropped: dict[str, int] = {}
    for one in counts.values():
        for reason, count in one.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    received, applied = sum(one.received for one in counts.values()), sum(one.applied for one in counts.values())
    return Counts(received, applied, dropped)
