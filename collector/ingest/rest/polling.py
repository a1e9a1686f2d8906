"""Asks by REST for what the stream does not tell, again and again, within a share of the hour's calls.

Every poll goes round at its own pace, begun at its own moment and with jitter, its calls spread over the period; never
because somebody scrapes. What the calls of a round were the last time decides how often the next ones may be (see
`poll_plan`). A round that fails takes nothing away: the catalogue ends what was not told again for a period and a half
beyond the one due, and is told each time that the period changes. Everything shows in `PollStatus`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import structlog

from collector.errors import Fatal, RemoteError
from collector.ingest.rest.poll_plan import Want, grants
from collector.ingest.rest.poll_round import Asker, owners
from collector.mist.polls import calls_expected
from collector.status import PollStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from collector.clock import Clock
    from collector.ingest.rest.client import Rest
    from collector.ingest.rest.poll_plan import Grant
    from collector.ingest.rest.poll_round import HandOn, Owner
    from collector.mist.directory import Directory
    from collector.mist.polls import Poll

log = structlog.get_logger(__name__)

JITTER = 0.1  # of the period, either way
BEGIN_WITHIN_S = 20.0  # the first rounds are spread over so long
SPREAD = 0.8  # of the period, at most, over which the calls of a round to many owners are spread
LONGEST_OWNER_PAUSE_S = 10.0  # between two owners
FIRST_OWNER_PAUSE_S = 1.0  # the same in the first round of what channels wait for,
FIRST_OWNERS = 2000  # with so many owners; with more it is longer: two such rounds must leave calls for all else
SHORTEST_PAUSE_S = 1.0  # between two rounds
FAULTS_IN_A_ROW = 3  # owners that cannot be asked one after the other: the cloud is in trouble, the round ends
_UNREAD_S = 1.0  # how often to look whether the inventory has been read


@dataclass(frozen=True, kw_only=True, slots=True)
class PollHooks:
    """Where what polls bring goes.

    `hand_on(kind, payload, ids)` takes an object, ids being those of its org and site ("" for none) and the poll's own.
    `on_period(kind, period_s)` hears how often objects of a kind come. `on_complete(kind, org_id, began_at)` hears that
    every object of the kind in this org was handed on since monotonic `began_at`, `on_site_complete` of a site.
    """

    hand_on: HandOn
    on_period: Callable[[str, float], None] = lambda _kind, _period_s: None
    on_complete: Callable[[str, str, float], None] = lambda _kind, _org_id, _began_at: None
    on_site_complete: Callable[[str, str, float], None] = lambda _kind, _site_id, _began_at: None


class Polling:
    """All polls of one account. `polls` in the order of their rank, each with its period in `every_s` (by name).

    `closed_orgs` tells of which orgs the token reaches single sites only. `statuses` gets a record for each poll.
    """

    def __init__(
        self,
        rest: Rest,
        directory: Directory,
        polls: Sequence[Poll],
        hooks: PollHooks,
        *,
        every_s: Mapping[str, float],
        budget_share: float,
        clock: Clock,
        statuses: list[PollStatus],
        closed_orgs: Callable[[], Collection[str]] = tuple,
        rng: random.Random | None = None,
    ) -> None:
        self._rest = rest
        self._directory = directory
        self._hooks = hooks
        self._share = budget_share
        self._clock = clock
        self._closed_orgs = closed_orgs
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._asker = Asker(rest, directory, hooks.hand_on, clock)
        account = rest.status.account
        self._lines = [Line(poll, PollStatus(account, poll.name, every_s[poll.name])) for poll in polls]
        self.statuses = [line.status for line in self._lines]
        statuses.extend(self.statuses)

    async def run(self) -> None:
        """Begin once the inventory knows an org; then go on for ever."""
        while not self._directory.orgs:
            await self._clock.sleep(_UNREAD_S)
        async with asyncio.TaskGroup() as group:
            for place, line in enumerate(self._lines):
                share = 0.0 if line.poll.located else (place + self._rng.random()) / len(self._lines)
                group.create_task(self._keep(line, BEGIN_WITHIN_S * share), name=f"poll {line.poll.name}")

    async def _keep(self, line: Line, first_pause_s: float) -> NoReturn:
        await self._clock.sleep(first_pause_s)
        while True:
            began_at = self._clock.now()
            if self._granted(line).period_s is not None:
                await self._round(line)
                self._granted(line)  # anew: the calls of a round are known better now
            period_s = line.status.period_s or line.status.every_s
            until = began_at + period_s * self._rng.uniform(1 - JITTER, 1 + JITTER)
            await self._clock.sleep(max(until - self._clock.now(), SHORTEST_PAUSE_S))

    # how often

    def _granted(self, line: Line) -> Grant:
        """Work out what the budget grants now, and let it be seen."""
        per_hour = self._rest.budget.per_hour(self._clock.time(), self._share)
        grant = grants(self._wants(), per_hour)[line.poll.name]
        status = line.status
        status.period_s = grant.period_s
        if grant.period_s is None:
            self._left_out(line, grant.reason)
        else:
            for kind in line.kinds:
                self._hooks.on_period(kind, grant.period_s)
        return grant

    def _wants(self) -> list[Want]:
        """What every poll would like; its calls as the last good round took them, guessed before the first one."""
        known = self._directory
        unknown = any(line.calls is None for line in self._lines)
        census = Counter(device.type for device in known.devices.values()) if unknown else Counter[str]()
        census.update(org=len(known.orgs), site=len(known.sites))
        return [line.want(census, len(self._owners(line.poll))) for line in self._lines]

    def _owners(self, poll: Poll) -> list[Owner]:
        return owners(poll, self._directory, self._closed_orgs())

    # one round

    async def _round(self, line: Line) -> None:
        status, began_at, calls_before = line.status, self._clock.now(), line.status.calls
        asked = self._owners(line.poll)
        status.state = "asking"
        outcome = await self._ask_all(line, asked, began_at)
        status.duration_s = self._clock.now() - began_at
        status.round_calls = status.calls - calls_before
        if not asked:
            self._left_out(line, "nobody to ask: the token reads single sites, of which the cloud has no such list")
        elif outcome.failed:
            self._failed(line, outcome)
        else:
            self._succeeded(line, outcome)

    async def _ask_all(self, line: Line, asked: Sequence[Owner], began_at: float) -> Outcome:
        outcome, in_a_row = Outcome(len(asked)), 0
        pause_s = owner_pause_s(
            len(asked), line.status.period_s or 0.0, awaited=line.poll.located and line.calls is None
        )
        for place, owner in enumerate(asked):
            if place:
                await self._clock.sleep(pause_s)
            try:
                outcome.objects += await self._asker.ask(line.poll, owner, line.status)
            except Fatal as error:
                outcome.refused.append(error)
            except RemoteError as error:
                outcome.faults.append(error)
                in_a_row += 1
                if in_a_row >= FAULTS_IN_A_ROW:
                    break
            else:
                in_a_row = 0
                self._complete(line, owner, began_at)
        return outcome

    def _complete(self, line: Line, owner: Owner, began_at: float) -> None:
        for kind in line.kinds:
            if owner.site_id:
                self._hooks.on_site_complete(kind, owner.site_id, began_at)
            else:
                self._hooks.on_complete(kind, owner.org_id, began_at)

    # what is seen of it

    def _succeeded(self, line: Line, outcome: Outcome) -> None:
        status = line.status
        if line.troubled:
            log.info("poll_recovered", account=status.account, poll=status.poll, objects=outcome.objects)
        line.troubled = False
        status.state, status.reason = "good", outcome.reason
        status.good += 1
        line.calls = status.round_calls
        status.objects = outcome.objects
        status.last_good_at = self._clock.now()

    def _failed(self, line: Line, outcome: Outcome) -> None:
        status = line.status
        status.failed += 1
        self._trouble(line, "failed", "poll_failed", outcome.reason)

    def _left_out(self, line: Line, reason: str) -> None:
        self._trouble(line, "left out", "poll_left_out", reason)

    def _trouble(self, line: Line, state: str, event: str, reason: str) -> None:
        """Show the trouble; tell it in the log when it begins."""
        if not line.troubled or line.status.state not in {state, "asking"}:
            log.warning(event, account=line.status.account, poll=line.status.poll, reason=reason)
        line.troubled = True
        line.status.state, line.status.reason = state, reason


def owner_pause_s(owners: int, period_s: float, *, awaited: bool) -> float:
    """Seconds between two of so many owners; shorter in a round that channels wait for."""
    first_s = FIRST_OWNER_PAUSE_S * max(1.0, owners / FIRST_OWNERS)
    return min(first_s if awaited else LONGEST_OWNER_PAUSE_S, SPREAD * period_s / max(1, owners))


class Line:
    """One poll at work."""

    def __init__(self, poll: Poll, status: PollStatus) -> None:
        self.poll = poll
        self.status = status
        self.kinds = tuple(poll.kinds.values()) or (poll.kind,)
        self.troubled = False  # told in the log
        self.calls: int | None = None  # in the last good round

    def want(self, census: Mapping[str, int], asked: int) -> Want:
        """What it would like, with `asked` orgs or sites to ask."""
        calls = calls_expected(self.poll, census, asked) if self.calls is None else max(self.calls, asked)
        return Want(self.poll.name, calls, self.status.every_s, self.poll.spare)


class Outcome:
    """What one round over `asked` orgs or sites brought."""

    def __init__(self, asked: int) -> None:
        self.asked = asked
        self.objects = 0
        self.faults: list[RemoteError] = []  # may heal
        self.refused: list[Fatal] = []

    @property
    def failed(self) -> bool:
        """Whether something is missing that should be there, or everything was refused."""
        return bool(self.faults) or len(self.refused) == self.asked

    @property
    def reason(self) -> str:
        """What is missing, in words; "" when nothing is."""
        errors = [*self.faults, *self.refused]
        if not errors:
            return ""
        many = f"{len(errors)} of {self.asked}: " if self.asked > 1 else ""
        return f"{many}{errors[0]}"
