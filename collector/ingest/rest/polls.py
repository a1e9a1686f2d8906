"""Polls: reads data that is available only through REST periodically, within a share of the hourly calls.

Each poll runs at its own period, with its own start and with jitter, its calls spread over the period; a scrape never
triggers a call. The calls of a round determine how often the next rounds may be (see `poll_plan`). A round that fails
removes nothing: objects that are not read again end one and a half periods after the round that was due, and the feeds
learn each change of the period. `PollStatus` shows everything.

A page of 1,000 ports (0.9 MB) is parsed in 1.4 ms; objects are handled in batches, with other tasks in between.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote

import structlog

from collector.backoff import backoff_s
from collector.concurrency import unsupervised
from collector.errors import Fatal, Rejected, RemoteError
from collector.ingest.rest.answers import is_token_rejected
from collector.ingest.rest.objects import ContainedHandler
from collector.ingest.rest.poll_plan import Demand, allocate
from collector.mist.channels import Scope, fits
from collector.mist.identity import mac_of
from collector.mist.polls import TYPE_LISTS, Pagination, calls_expected, kind_of, site_of, types_in
from collector.status import PollStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from collector.clock import Clock
    from collector.concurrency import Supervise
    from collector.ingest.rest.client import RestClient
    from collector.ingest.rest.objects import HandleObject
    from collector.ingest.rest.poll_plan import Allocation
    from collector.mist.directory import Directory
    from collector.mist.polls import Poll

log = structlog.get_logger(__name__)

BATCH: Final = 50  # objects handled before other tasks run
PAGE_PAUSE_S: Final = 1.0  # between two pages, so that a long listing is not a burst
JITTER: Final = 0.1  # of the period, in both directions
START_WITHIN_S: Final = 20.0  # the first rounds are spread over this time
SPREAD: Final = 0.8  # of the period, at most, over which the calls of a round are spread
MAX_TARGET_PAUSE_S: Final = 10.0  # between two targets
FIRST_TARGET_PAUSE_S: Final = 1.0  # the same in the first round of a poll that subscriptions wait for,
FIRST_TARGETS: Final = 2000  # up to this many targets; with more it is longer: two such rounds must leave calls
MIN_ROUND_PAUSE_S: Final = 1.0
MAX_FAILURES_IN_A_ROW: Final = 3  # targets; the cloud has a problem then, and the round ends
INVENTORY_CHECK_S: Final = 1.0  # how often to check whether the inventory has been read
TYPES_REFRESH_S: Final = 86_400.0
TYPES_FIRST_RETRY_S, TYPES_MAX_RETRY_S = 60.0, 3600.0

UNWATCHED_SITE: Final = Rejected("unwatched_site")
UNKNOWN_KIND: Final = Rejected("unknown_device_type")
ODD_ID: Final = Rejected("odd_id")

OnTypes = Callable[[str, tuple[str, ...]], None]  # topic ("" for the topics themselves), names


@dataclass(frozen=True, kw_only=True, slots=True)
class PollHooks:
    """Where the results of polls go.

    Attributes:
        handle: takes an object; `ids` are those of its org and site ("" for none) and the poll's own.
        on_period: called with a kind of object and the period of its poll in seconds, at each round.
        on_complete: called with a kind, an org id and a monotonic time: every object of the kind in the org was handled
            since then.
        on_site_complete: the same for a site.
    """

    handle: HandleObject
    on_period: Callable[[str, float], None] = lambda _kind, _period_s: None
    on_complete: Callable[[str, str, float], None] = lambda _kind, _org_id, _began_at: None
    on_site_complete: Callable[[str, str, float], None] = lambda _kind, _site_id, _began_at: None


@dataclass(frozen=True, slots=True)
class PollTarget:
    """An org or a site that a listing is read for; `site_id` is empty for an org."""

    path: str
    org_id: str
    site_id: str = ""


def targets_of(poll: Poll, directory: Directory, site_only_orgs: Collection[str]) -> list[PollTarget]:
    """Return the orgs or sites that a poll reads.

    Of the orgs in `site_only_orgs` the token can read single sites only: their sites are read if the poll permits it.
    """
    found: list[PollTarget] = []
    for org_id in directory.orgs:
        if poll.scope is Scope.ORG and org_id not in site_only_orgs:
            found.append(PollTarget(poll.path.format(org_id=quote(org_id, safe="")), org_id))
        elif poll.site_path:
            found += (
                PollTarget(poll.site_path.format(site_id=quote(site.id, safe="")), org_id, site.id)
                for site in directory.sites.values()
                if site.org_id == org_id
            )
    return found


class PollReader:
    """Reads a listing of a target and handles its objects; the poll's status counts what became of them."""

    def __init__(self, rest: RestClient, directory: Directory, handle: HandleObject, clock: Clock) -> None:
        self._rest = rest
        self._directory = directory
        self._handle = ContainedHandler(handle, rest.status.account)
        self._clock = clock

    async def read(self, poll: Poll, target: PollTarget, status: PollStatus) -> int:
        """Return the number of objects. RemoteError is raised after the objects before it were handled."""
        count = 0
        with self._rest.boundary(target.path):
            async for payload in self._entries(poll, target, status):
                count += 1
                self._count(status, self._apply(poll, target, payload))
                if count % poll.limit == 0:
                    await self._clock.sleep(PAGE_PAUSE_S)
                elif count % BATCH == 0:
                    await self._clock.sleep(0)
        return count

    async def _entries(self, poll: Poll, target: PollTarget, status: PollStatus) -> AsyncIterator[dict[str, object]]:
        def called() -> None:
            status.calls += 1

        query: dict[str, Any] = dict(poll.query)
        if poll.pagination is Pagination.NONE:
            answer = await self._rest.get(target.path, on_call=called, **query)
            if isinstance(answer, dict):
                yield answer
            return
        listing = {
            Pagination.HEADERS: self._rest.pages,
            Pagination.BODY: self._rest.numbered,
            Pagination.LINKS: self._rest.search,
        }[poll.pagination]
        async for entry in listing(target.path, limit=poll.limit, on_call=called, **query):
            yield await self._with_details(poll, target, entry, called) if poll.detail_path else entry

    async def _with_details(
        self, poll: Poll, target: PollTarget, entry: dict[str, object], called: Callable[[], None]
    ) -> dict[str, object]:
        """Return the entry with its measurements; alone where the cloud has none for it."""
        mac = mac_of(entry.get("mac"))
        if mac is None:
            return entry
        try:
            path = poll.detail_path.format(org_id=quote(target.org_id, safe=""), mac=mac)
            details = await self._rest.get(path, on_call=called)
        except Fatal as error:
            if is_token_rejected(error):
                raise
            return entry
        return {**entry, **details} if isinstance(details, dict) else entry

    @staticmethod
    def _count(status: PollStatus, rejected: Rejected | None) -> None:
        status.object_counts.received += 1
        if rejected is None:
            status.object_counts.applied += 1
        else:
            status.object_counts.drop(rejected.reason)

    def _apply(self, poll: Poll, target: PollTarget, payload: dict[str, object]) -> Rejected | None:
        site_id = site_of(poll, payload, self._directory) or target.site_id
        if site_id and site_id not in self._directory.sites:
            return UNWATCHED_SITE
        kind = kind_of(poll, payload, self._directory)
        if not kind:
            return UNKNOWN_KIND
        if poll.for_location and not fits(str(payload.get("id", ""))):
            return ODD_ID  # of a map or of what is drawn on it: no channel path can contain it
        return self._handle(kind, payload, {"org_id": target.org_id, "site_id": site_id, **poll.ids})


class PollState:
    """One poll, and what is known of its rounds."""

    def __init__(self, poll: Poll, status: PollStatus) -> None:
        self.poll = poll
        self.status = status
        self.kinds = tuple(poll.kinds.values()) or (poll.kind,)
        self.is_failing = False  # logged
        self.calls: int | None = None  # in the last good round

    def demand(self, census: Mapping[str, int], targets: int) -> Demand:
        """Return what the poll needs for `targets` orgs or sites; `census` counts devices by type, "org" and "site"."""
        calls = calls_expected(self.poll, census, targets) if self.calls is None else max(self.calls, targets)
        return Demand(self.poll.name, calls, self.status.every_s, self.poll.best_effort)


class RoundResult:
    """The result of one round over `targets` orgs or sites."""

    def __init__(self, targets: int) -> None:
        self.targets = targets
        self.objects = 0
        self.errors: list[RemoteError] = []  # a retry may succeed
        self.refusals: list[Fatal] = []

    @property
    def is_failed(self) -> bool:
        """Whether something is missing that a retry may read, or every target was refused."""
        return bool(self.errors) or len(self.refusals) == self.targets

    @property
    def reason(self) -> str:
        """What is missing and why; "" when nothing is."""
        errors = [*self.errors, *self.refusals]
        if not errors:
            return ""
        share = f"{len(errors)} of {self.targets}: " if self.targets > 1 else ""
        return f"{share}{errors[0]}"


class Polling:
    """All polls of one account.

    Args:
        rest: the client.
        directory: the known orgs, sites and devices.
        polls: by priority.
        hooks: where the results go.
        every_s: configured period of each poll, by name.
        budget_share: share of the hour's calls for all polls together.
        clock: for pauses.
        statuses: gets one record for each poll.
        site_only_orgs: returns the ids of orgs of which the token can read single sites only.
        supervise: runs each poll as a task named `poll`: one that raises does not affect the others.
        rng: for jitter.
    """

    def __init__(
        self,
        rest: RestClient,
        directory: Directory,
        polls: Sequence[Poll],
        hooks: PollHooks,
        *,
        every_s: Mapping[str, float],
        budget_share: float,
        clock: Clock,
        statuses: list[PollStatus],
        site_only_orgs: Callable[[], Collection[str]] = tuple,
        supervise: Supervise = unsupervised,
        rng: random.Random | None = None,
    ) -> None:
        self._rest = rest
        self._directory = directory
        self._hooks = hooks
        self._share = budget_share
        self._clock = clock
        self._site_only_orgs = site_only_orgs
        self._supervise = supervise
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._reader = PollReader(rest, directory, hooks.handle, clock)
        account = rest.status.account
        self._states = [PollState(poll, PollStatus(account, poll.name, every_s[poll.name])) for poll in polls]
        self.statuses = [state.status for state in self._states]
        statuses.extend(self.statuses)

    async def run(self) -> None:
        """Poll until cancelled; start when the inventory contains an org."""
        while not self._directory.orgs:
            await self._clock.sleep(INVENTORY_CHECK_S)
        async with asyncio.TaskGroup() as group:
            for place, state in enumerate(self._states):
                share = 0.0 if state.poll.for_location else (place + self._rng.random()) / len(self._states)
                repeat = partial(self._repeat, state, START_WITHIN_S * share)
                group.create_task(self._supervise("poll", repeat), name=f"poll {state.poll.name}")

    async def _repeat(self, state: PollState, first_pause_s: float) -> NoReturn:
        await self._clock.sleep(first_pause_s)
        while True:
            began_at = self._clock.now()
            if self._update_period(state).period_s is not None:
                try:
                    await self._run_round(state)
                except Exception as error:
                    self._fail(state, f"internal error: {type(error).__name__}; see the log")
                    raise
                self._update_period(state)  # the calls of a round are known better now
            period_s = state.status.period_s or state.status.every_s
            until = began_at + period_s * self._rng.uniform(1 - JITTER, 1 + JITTER)
            await self._clock.sleep(max(until - self._clock.now(), MIN_ROUND_PAUSE_S))

    # The period

    def _update_period(self, state: PollState) -> Allocation:
        """Compute, show and return what the budget permits now."""
        per_hour = self._rest.budget.per_hour(self._clock.time(), self._share)
        allocation = allocate(self._demands(), per_hour)[state.poll.name]
        state.status.period_s = allocation.period_s
        if allocation.period_s is None:
            self._skip(state, allocation.reason)
        else:
            for kind in state.kinds:
                self._hooks.on_period(kind, allocation.period_s)
        return allocation

    def _demands(self) -> list[Demand]:
        """Return what every poll needs: the calls of its last good round, before it an estimate."""
        known = self._directory
        is_unknown = any(state.calls is None for state in self._states)
        census = Counter(device.type for device in known.devices.values()) if is_unknown else Counter[str]()
        census.update(org=len(known.orgs), site=len(known.sites))
        return [state.demand(census, len(self._targets(state.poll))) for state in self._states]

    def _targets(self, poll: Poll) -> list[PollTarget]:
        return targets_of(poll, self._directory, self._site_only_orgs())

    # One round

    async def _run_round(self, state: PollState) -> None:
        status, began_at, calls_before = state.status, self._clock.now(), state.status.calls
        targets = self._targets(state.poll)
        status.state = "asking"
        result = await self._read_all(state, targets, began_at)
        status.duration_s = self._clock.now() - began_at
        status.round_calls = status.calls - calls_before
        if not targets:
            self._skip(state, "no targets: the token can read single sites only, and no site has such a listing")
        elif result.is_failed:
            self._fail(state, result.reason)
        else:
            self._succeed(state, result)

    async def _read_all(self, state: PollState, targets: Sequence[PollTarget], began_at: float) -> RoundResult:
        result, in_a_row = RoundResult(len(targets)), 0
        is_awaited = state.poll.for_location and state.calls is None
        pause_s = target_pause_s(len(targets), state.status.period_s or 0.0, is_awaited=is_awaited)
        for place, target in enumerate(targets):
            if place:
                await self._clock.sleep(pause_s)
            try:
                result.objects += await self._reader.read(state.poll, target, state.status)
            except RemoteError as error:
                if isinstance(error, Fatal) and not is_token_rejected(error):
                    result.refusals.append(error)
                    continue
                result.errors.append(error)
                in_a_row += 1
                if in_a_row >= MAX_FAILURES_IN_A_ROW or is_token_rejected(error):
                    break
            else:
                in_a_row = 0
                self._complete(state, target, began_at)
        return result

    def _complete(self, state: PollState, target: PollTarget, began_at: float) -> None:
        for kind in state.kinds:
            if target.site_id:
                self._hooks.on_site_complete(kind, target.site_id, began_at)
            else:
                self._hooks.on_complete(kind, target.org_id, began_at)

    # Its status

    def _succeed(self, state: PollState, result: RoundResult) -> None:
        status = state.status
        if state.is_failing:
            log.info("poll_recovered", account=status.account, poll=status.poll, objects=result.objects)
        state.is_failing = False
        status.state, status.reason = "good", result.reason
        status.good += 1
        state.calls = status.round_calls
        status.objects = result.objects
        status.last_good_at = self._clock.now()

    def _fail(self, state: PollState, reason: str) -> None:
        state.status.failed += 1
        self._show(state, "failed", "poll_failed", reason)

    def _skip(self, state: PollState, reason: str) -> None:
        self._show(state, "left out", "poll_left_out", reason)

    def _show(self, state: PollState, word: str, event: str, reason: str) -> None:
        """Show a failure in the status; log it when it begins."""
        status = state.status
        if not state.is_failing or status.state not in {word, "asking"}:
            log.warning(event, account=status.account, poll=status.poll, reason=reason)
        state.is_failing = True
        status.state, status.reason = word, reason


def target_pause_s(targets: int, period_s: float, *, is_awaited: bool) -> float:
    """Return the pause between two of `targets` targets, in seconds; shorter in a round that subscriptions wait for."""
    first_s = FIRST_TARGET_PAUSE_S * max(1.0, targets / FIRST_TARGETS)
    return min(first_s if is_awaited else MAX_TARGET_PAUSE_S, SPREAD * period_s / max(1, targets))


class TypeLists:
    """Reads the event types and topics that Mist publishes, at start and once a day, and passes them to `on_types`.

    A list that cannot be read is logged and retried with backoff; one that this cloud does not have waits for the next
    day.
    """

    def __init__(self, rest: RestClient, on_types: OnTypes, clock: Clock, *, rng: random.Random | None = None) -> None:
        self._rest = rest
        self._on_types = on_types
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._failures = 0  # readings in a row

    async def run(self) -> NoReturn:
        """Read until cancelled."""
        while True:
            await self.read()
            pause_s = TYPES_REFRESH_S
            if self._failures:
                pause_s = backoff_s(
                    self._failures, self._rng.random(), first_s=TYPES_FIRST_RETRY_S, ceiling_s=TYPES_MAX_RETRY_S
                )
            await self._clock.sleep(pause_s)

    async def read(self) -> None:
        """Read every list once."""
        errors: list[RemoteError] = []
        for one in TYPE_LISTS:
            try:
                with self._rest.boundary(one.path):
                    self._on_types(one.topic, types_in(await self._rest.get(one.path)))
            except RemoteError as error:
                errors.append(error)
                if is_token_rejected(error):
                    break
        account = self._rest.status.account
        is_incomplete = any(not isinstance(error, Fatal) or is_token_rejected(error) for error in errors)
        if errors and not self._failures:
            log.warning("type_lists_failed", account=account, error=str(errors[0]), errors=len(errors))
        if self._failures and not errors:
            log.info("type_lists_recovered", account=account)
        self._failures = self._failures + 1 if is_incomplete else 0
