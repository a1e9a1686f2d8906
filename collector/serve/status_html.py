"""The HTML of the status page: most important sections first, worst rows on top of each table."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

from collector.serve import humanize, markup, status_polls
from collector.serve.markup import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collector.serve.status_page import StatusPage
    from collector.status import ConnectionStatus, Counts, RestStatus, SubscriptionStatus

MAX_CHANNELS = 500  # rows; with more channels, the worst are shown
MAX_FAMILIES = 1000
REFRESH_S = 30
_WORST = ("refused", "unanswered", "sent", "waiting", "up")
_STYLES = {"up": "good", "open": "good", "refused": "bad", "unanswered": "bad", "waiting": "wait", "sent": "wait"}
_NAVIGATION = "".join(
    f'<a href="{target}">{name}</a>'
    for name, target in (
        ("Accounts", "#accounts"), ("Connections", "#connections"), ("Channels", "#channels"), ("Polls", "#polls"),
        ("Tasks", "#tasks"), ("Messages", "#messages"), ("Events", "#events"), ("Series", "#series"),
        ("/metrics", "/metrics"),
    )
)  # fmt: skip


def render(page: StatusPage) -> str:
    """Return the HTML document."""
    sections = (_head, _accounts, _connections, _channels, _polls, _tasks, _messages, _events, _series)
    return markup.page("mist-collector", "".join(part(page) for part in sections), refresh_s=REFRESH_S)


def _head(page: StatusPage) -> str:
    running = f"Version {page.version}, running for {humanize.seconds(page.now - page.started_at)}"
    as_of = f"as of {humanize.moment(page.unix)}, refreshed every {REFRESH_S} s"
    if page.not_ready:
        state = markup.paragraph("Not ready:", "bad") + "".join(map(markup.paragraph, page.not_ready))
    else:
        state = markup.paragraph("Ready.", "good")
    about = markup.paragraph(f"{running}; {as_of}.", "soft")
    pages = '<a href="events">Event list</a>' + ('<a href="floors">Floors</a>' if page.floors else "")
    return f"<h1>mist-collector</h1>{state}{about}<nav>{_NAVIGATION}{pages}</nav>"


def _number(value: int) -> Cell:
    return Cell(humanize.count(value), "n")


def _state(state: str) -> Cell:
    return Cell(state, _STYLES.get(state, ""))


def _accounts(page: StatusPage) -> str:
    heads = ("Account", "Cloud", "#Orgs", "#Sites", "#Devices", "#REST calls this hour", "Inventory", "Last REST error")
    rest = {status.account: status for status in page.rest}
    rows = [
        [
            Cell(line.name),
            Cell(line.cloud),
            *map(_number, (line.orgs, line.sites, line.devices)),
            *_rest(rest.get(line.name), page.now),
        ]
        for line in page.accounts
    ]
    return markup.section("accounts", "Accounts", markup.table(heads, rows))


def _rest(status: RestStatus | None, now: float) -> list[Cell]:
    if status is None:
        return [Cell("", "n"), Cell("never"), Cell("")]
    spent = status.budget_used >= status.budget_limit
    budget = f"{humanize.count(status.budget_used)} of {humanize.count(status.budget_limit)}"
    failures = f", {humanize.count(status.inventory_failures)} failed" if status.inventory_failures else ""
    return [
        Cell(budget, "n bad" if spent else "n"),
        Cell(f"{humanize.ago(status.inventory_at, now)}{failures}"),
        Cell(status.last_error),
    ]


def _connections(page: StatusPage) -> str:
    heads = (
        "Connection",
        "State",
        "Open since",
        "Last message",
        "#Channels up",
        "#Frames",
        "#Received",
        "Disconnects",
        "Last disconnect",
    )
    rows = [_connection(connection, page.now) for connection in page.connections]
    return markup.section("connections", "Connections", markup.table(heads, rows))


def _connection(connection: ConnectionStatus, now: float) -> list[Cell]:
    waiting = connection.next_attempt_at
    state = connection.state
    retry = f", next attempt in {humanize.seconds(waiting - now)}" if waiting is not None and state == "waiting" else ""
    opened = humanize.ago(connection.opened_at, now) if state == "open" else ""
    up = sum(subscription.state == "up" for subscription in connection.subscriptions.values())
    return [
        Cell(connection.name),
        Cell(f"{state}{retry}", _STYLES.get(state, "")),
        Cell(opened),
        Cell(humanize.ago(connection.last_message_at, now)),
        Cell(f"{humanize.count(up)} of {humanize.count(len(connection.subscriptions))}", "n"),
        _number(connection.frames),
        Cell(humanize.size(connection.bytes), "n"),
        Cell(humanize.tally(connection.disconnects)),
        Cell(connection.last_disconnect),
    ]


def _channels(page: StatusPage) -> str:
    every = [
        (connection.name, subscription)
        for connection in page.connections
        for subscription in connection.subscriptions.values()
    ]
    kinds = _kinds(subscription for _, subscription in every)
    heads = ("Channel", "Connection", "State", "Last message", "#Messages", "#Disconnects", "Detail")
    worst = heapq.nsmallest(MAX_CHANNELS, every, key=lambda item: _badness(item[1]))
    rows = [_channel(name, subscription, page.now) for name, subscription in worst]
    shown = f"The worst {len(worst)} of {humanize.count(len(every))}:" if len(worst) < len(every) else "Worst first:"
    note = markup.paragraph(shown, "soft") if every else ""
    return markup.section("channels", "Channels", kinds, note, markup.table(heads, rows) if every else "")


def _kinds(subscriptions: Iterable[SubscriptionStatus]) -> str:
    states: dict[str, Counter[str]] = {}
    for subscription in subscriptions:
        states.setdefault(subscription.kind or "other", Counter())[subscription.state] += 1
    heads = ("Kind", *(f"#{state}" for state in reversed(_WORST)))
    rows = [
        [Cell(kind, "id"), *(_number(counts[state]) for state in reversed(_WORST))]
        for kind, counts in sorted(states.items())
    ]
    return markup.table(heads, rows)


def _badness(subscription: SubscriptionStatus) -> tuple[int, float, int]:
    """Return a sort key, worst first: by state, then the oldest last message, then the most disconnects."""
    rank = _WORST.index(subscription.state) if subscription.state in _WORST else 0
    last = subscription.last_message_at
    return rank, float("-inf") if last is None else last, -subscription.disconnects


def _channel(connection: str, subscription: SubscriptionStatus, now: float) -> list[Cell]:
    return [
        Cell(subscription.channel, "id"),
        Cell(connection),
        _state(subscription.state),
        Cell(humanize.ago(subscription.last_message_at, now)),
        _number(subscription.frames),
        _number(subscription.disconnects),
        Cell(subscription.detail),
    ]


def _polls(page: StatusPage) -> str:
    return status_polls.section(page.polls, page.now)


def _tasks(page: StatusPage) -> str:
    """Return the supervised tasks that were restarted, the most recent first."""
    restarted = sorted((one for one in page.tasks if one.restarts), key=lambda one: -(one.last_restart_at or 0.0))
    if not restarted:
        return markup.section("tasks", "Tasks", markup.paragraph("No task was restarted.", "soft"))
    rows = [
        [
            Cell(one.name),
            _number(one.restarts),
            Cell(humanize.ago(one.last_restart_at, page.now)),
            Cell(one.last_error),
        ]
        for one in restarted
    ]
    return markup.section("tasks", "Tasks", markup.table(("Task", "#Restarts", "Last restart", "Last error"), rows))


def _messages(page: StatusPage) -> str:
    """Return received, applied and dropped messages; received = applied + dropped."""
    heads = ("Input", "#Received", "#Applied", "#Dropped", "Drop reasons")
    inputs = (("stream frames", page.frames), ("webhook events", page.events))
    rows = [_counts(name, counts) for name, counts in inputs if counts is not None]
    return markup.section("messages", "Messages", markup.table(heads, rows), _webhook(page))


def _counts(name: str, counts: Counts) -> list[Cell]:
    dropped = sum(counts.dropped.values())
    numbers = map(_number, (counts.received, counts.applied, dropped))
    return [Cell(name), *numbers, Cell(humanize.tally(counts.dropped))]


def _webhook(page: StatusPage) -> str:
    webhook = page.webhook
    if webhook is None:
        return markup.paragraph("The webhook listener is disabled.", "soft")
    accepted = f"Webhook deliveries: {humanize.count(webhook.answers.get(200, 0))} accepted"
    last = f"last {humanize.ago(webhook.last_accepted_at, page.now)}"
    if not webhook.refused:
        return markup.paragraph(f"{accepted}, {last}; none rejected.")
    rejected = f"rejected: {humanize.tally(webhook.refused)}, last {humanize.ago(webhook.last_refused_at, page.now)}"
    return markup.paragraph(f"{accepted}, {last}; {rejected}.")


def _events(page: StatusPage) -> str:
    rows = [
        [Cell(humanize.moment(event.at), "n"), Cell(event.topic), Cell(event.what), Cell(event.where)]
        for event in page.last_events
    ]
    return markup.section("events", "Last events", markup.table(("#Time", "Topic", "Type", "Site"), rows))


def _series(page: StatusPage) -> str:
    total = sum(page.series.values())
    largest = sorted(page.series.items(), key=lambda item: (-item[1], item[0]))[:MAX_FAMILIES]
    rows = [[Cell(family, "id"), _number(samples)] for family, samples in largest]
    title = f"Series: {humanize.count(total)} in {humanize.count(len(page.series))} families"
    return markup.section("series", title, markup.table(("Family", "#Samples"), rows))
