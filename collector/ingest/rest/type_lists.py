"""The words that Mist publishes, read once at start and once a day: which event types and topics there are."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import structlog

from collector.errors import Fatal, RemoteError
from collector.ingest.rest.retries import backoff_s
from collector.mist.polls import TYPE_LISTS, types_in

if TYPE_CHECKING:
    from collector.clock import Clock
    from collector.ingest.rest.client import Rest

log = structlog.get_logger(__name__)

EVERY_S = 86_400.0
FIRST_RETRY_S, LAST_RETRY_S = 60.0, 3600.0

OnTypes = Callable[[str, tuple[str, ...]], None]  # topic ("" for the topics themselves), its words


class TypeLists:
    """Hands the words of each list to `on_types`. A list that cannot be had is told in the log and tried again."""

    def __init__(self, rest: Rest, on_types: OnTypes, clock: Clock, *, rng: random.Random | None = None) -> None:
        self._rest = rest
        self._on_types = on_types
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._failures = 0  # readings in a row

    async def run(self) -> NoReturn:
        """Read at once, then once a day; sooner, with back-off, after a failure."""
        while True:
            await self.read()
            pause_s = EVERY_S
            if self._failures:
                pause_s = backoff_s(self._failures, self._rng, first_s=FIRST_RETRY_S, cap_s=LAST_RETRY_S)
            await self._clock.sleep(pause_s)

    async def read(self) -> None:
        """Read every list once."""
        faults: list[RemoteError] = []
        for one in TYPE_LISTS:
            try:
                words = types_in(await self._rest.get(one.path))
            except RemoteError as error:
                faults.append(error)
            else:
                self._on_types(one.topic, words)
        account = self._rest.status.account
        lasting = [fault for fault in faults if not isinstance(fault, Fatal)]  # an older cloud may lack a list
        if faults and not self._failures:
            log.warning("type_lists_failed", account=account, error=str(faults[0]), faults=len(faults))
        if self._failures and not faults:
            log.info("type_lists_recovered", account=account)
        self._failures = self._failures + 1 if lasting else 0
