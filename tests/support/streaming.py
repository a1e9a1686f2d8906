"""A pool under test with all that can be seen of it."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from collector.ingest.dispatcher import Dispatcher
from collector.ingest.stream.pool import Pool
from collector.mist.deduplicator import Deduplicator
from collector.mist.session import Session
from collector.status import ConnectionStatus, Counts
from tests.support.faults import of_status
from tests.support.misbehaving import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from collector.ingest.stream.transport import Connect
    from tests.support.clock import ManualClock
    from tests.support.samples import Samples


class Watched:
    """A pool of one account, its intake, its statuses, and every payload that reached a handler."""

    def __init__(
        self,
        url: str,
        connect: Connect,
        clock: ManualClock,
        *,
        token: Callable[[], str] = lambda: "sesame",
        max_channels: int = 1500,
        **session: float,
    ) -> None:
        self.clock = clock
        self.news: list[tuple[str, object]] = []
        self.frames = Counts()
        self.statuses: list[ConnectionStatus] = []
        self.pool = Pool(
            "main",
            url=url,
            token=token,
            connect=connect,
            intake=Dispatcher(
                open_channel=self._open,
                open_topic=lambda _topic: lambda _event, _now: None,
                duplicates=Deduplicator(),
                frames=self.frames,
                events={},
            ),
            clock=clock,
            statuses=self.statuses,
            max_channels=max_channels,
            rng=random.Random(7).random,
            new_session=partial(Session, **session),
        )

    def _open(self, channel: str) -> Callable[[object, float], None]:
        return lambda payload, _now: self.news.append((channel, payload))

    @property
    def connection(self) -> ConnectionStatus:
        (status,) = self.statuses
        return status

    def states(self) -> dict[str, str]:
        return {
            channel: subscription.state
            for status in self.statuses
            for channel, subscription in status.subscriptions.items()
        }

    def all_up(self) -> bool:
        return set(self.states().values()) == {"up"}

    def samples(self) -> Samples:
        """The collector's own metrics of this pool."""
        return of_status(connections=self.statuses, frames=self.frames)

    def pause_s(self) -> float:
        """Seconds that the one connection still waits for its next attempt."""
        assert self.connection.next_attempt_at is not None
        return self.connection.next_attempt_at - self.clock.now()

    def breaks(self) -> int:
        return sum(self.connection.breaks.values())

    async def next_break(self) -> float:
        """Let the pause pass and the next attempt break, too; returns the pause after that."""
        before = self.breaks()
        await self.clock.advance(self.pause_s())
        await self.pass_until(lambda: self.breaks() > before, step_s=0.05)  # the pace may ask for a little more
        return self.pause_s()

    def balanced(self) -> bool:
        return self.frames.received == self.frames.applied + sum(self.frames.dropped.values())

    async def pass_until(
        self, condition: Callable[[], object], *, limit_s: float = 1000.0, step_s: float = 1.0
    ) -> float:
        """Run the manual clock in steps, real sockets between them, until `condition`; returns its seconds."""
        began = self.clock.now()
        while not condition():
            assert self.clock.now() - began < limit_s, f"not within {limit_s:g} s of the clock"
            await self.clock.advance(step_s)
            await real_turns()
        return self.clock.now() - began


async def real_turns(rounds: int = 5) -> None:
    """Give real sockets on loopback some turns of the loop with its selector."""
    for _ in range(rounds):
        await asyncio.sleep(0.0005)


@asynccontextmanager
async def running(watched: Watched, channels: Iterable[str]) -> AsyncIterator[Watched]:
    """Run the pool on `channels`; on leaving it is cancelled, as SIGTERM does."""
    watched.pool.set_channels(channels)
    task = asyncio.ensure_future(watched.pool.run())
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


async def all_up(watched: Watched) -> None:
    await until(watched.all_up)
