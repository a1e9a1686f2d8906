"""One listing asked of one org or site: whom to ask, every entry to its end, each object handed on.

A page of a thousand ports (0.9 MB) is parsed in 1.4 ms, so pages are taken whole; objects are handed on a batch at a
time, with a turn for other work between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import structlog

from collector.errors import Fatal, Rejected
from collector.ingest.rest.backfill import BATCH
from collector.mist.channels import fits
from collector.mist.identity import mac_of
from collector.mist.polls import Per, Style, kind_of, site_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from collector.clock import Clock
    from collector.ingest.rest.client import Rest
    from collector.mist.directory import Directory
    from collector.mist.polls import Poll
    from collector.status import PollStatus

    HandOn = Callable[[str, dict[str, object], dict[str, str]], Rejected | None]

log = structlog.get_logger(__name__)

UNWATCHED_SITE = Rejected("unwatched_site")
UNKNOWN_KIND = Rejected("unknown_device_type")
ODD_ID = Rejected("odd_id")
INTERNAL_ERROR = Rejected("internal_error")
PAGE_PAUSE_S = 1.0  # between two pages: a long listing is no burst


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a listing is asked of; `site_id` is empty for an org."""

    path: str
    org_id: str
    site_id: str = ""


def owners(poll: Poll, directory: Directory, closed_orgs: Collection[str]) -> list[Owner]:
    """Return whom to ask: every org or every site.

    Of the orgs in `closed_orgs` the token may read single sites only: there the sites are asked, if that can be done.
    """
    found: list[Owner] = []
    for org_id in directory.orgs:
        if poll.per is Per.ORG and org_id not in closed_orgs:
            found.append(Owner(poll.path.format(org_id=quote(org_id, safe="")), org_id))
        elif poll.site_path:
            found += (
                Owner(poll.site_path.format(site_id=quote(site.id, safe="")), org_id, site.id)
                for site in directory.sites.values()
                if site.org_id == org_id
            )
    return found


class Asker:
    """Asks a listing of an owner and hands its objects on; what becomes of them is kept in the poll's books."""

    def __init__(self, rest: Rest, directory: Directory, hand_on: HandOn, clock: Clock) -> None:
        self._rest = rest
        self._directory = directory
        self._hand_on = hand_on
        self._clock = clock
        self._broken_kinds: set[str] = set()  # of payload, told in the log

    async def ask(self, poll: Poll, owner: Owner, status: PollStatus) -> int:
        """Return how many objects came. Raises RemoteError after having handed on what came before."""
        count = 0
        async for payload in self._entries(poll, owner, status):
            count += 1
            self._take(poll, owner, status, payload)
            if count % poll.limit == 0:
                await self._clock.sleep(PAGE_PAUSE_S)
            elif count % BATCH == 0:
                await self._clock.sleep(0)
        return count

    async def _entries(self, poll: Poll, owner: Owner, status: PollStatus) -> AsyncIterator[dict[str, object]]:
        def called() -> None:
            status.calls += 1

        query: dict[str, Any] = dict(poll.query)
        if poll.style is Style.ONE:
            answer = await self._rest.get(owner.path, on_call=called, **query)
            if isinstance(answer, dict):
                yield answer
            return
        listed = {Style.PAGES: self._rest.pages, Style.SEARCH: self._rest.search, Style.NUMBERED: self._rest.numbered}
        async for entry in listed[poll.style](owner.path, limit=poll.limit, on_call=called, **query):
            yield await self._detailed(poll, owner, entry, called) if poll.detail else entry

    async def _detailed(
        self, poll: Poll, owner: Owner, entry: dict[str, object], called: Callable[[], None]
    ) -> dict[str, object]:
        """Return the entry with its measurements; alone where the cloud has none of it."""
        mac = mac_of(entry.get("mac"))
        if mac is None:
            return entry
        try:
            path = poll.detail.format(org_id=quote(owner.org_id, safe=""), mac=mac)
            measured = await self._rest.get(path, on_call=called)
        except Fatal:
            return entry
        return {**entry, **measured} if isinstance(measured, dict) else entry

    def _take(self, poll: Poll, owner: Owner, status: PollStatus, payload: dict[str, object]) -> None:
        status.books.received += 1
        rejected = self._apply(poll, owner, payload)
        if rejected is None:
            status.books.applied += 1
        else:
            status.books.drop(rejected.reason)

    def _apply(self, poll: Poll, owner: Owner, payload: dict[str, object]) -> Rejected | None:
        site_id = site_of(poll, payload, self._directory) or owner.site_id
        if site_id and site_id not in self._directory.sites:
            return UNWATCHED_SITE
        kind = kind_of(poll, payload, self._directory)
        if not kind:
            return UNKNOWN_KIND
        if poll.located and not fits(str(payload.get("id", ""))):
            return ODD_ID  # of a map or of what is drawn on it: no channel can have it in its path
        ids = {"org_id": owner.org_id, "site_id": site_id, **poll.ids}
        try:
            return self._hand_on(kind, payload, ids)
        except Exception:
            # One odd object must not end the reading of all others; told once a kind, with its traceback.
            if kind not in self._broken_kinds:
                self._broken_kinds.add(kind)
                log.exception("poll_payload_failed", account=self._rest.status.account, kind=kind, **ids)
            return INTERNAL_ERROR
