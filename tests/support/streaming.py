"""A stream pool under test, with everything that can be observed of it."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from collector.ingest.dispatcher import Dispatcher
from collector.ingest.stream.pool import StreamPool, StreamSettings
from collector.mist.deduplicator import Deduplicator
from collector.mist.session import SessionSettings
from collector.status import ConnectionStatus, Counts
from tests.support.faults import of_status
from tests.support.misbehaving import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from collector.concurrency import Supervise
    from collector.ingest.stream.transport import Connect
    from collector.ingest.token_gate import TokenGate
    from tests.support.clock import ManualClock
    from tests.support.samples import Samples


class PoolUnderTest:
    """The pool of one account, its dispatcher, its status records, and every payload that reached a handler."""

    def __init__(
        self,
        url: str,
        connect: Connect,
        clock: ManualClock,
        *,
        token: Callable[[], str] = lambda: "sesame",
        max_channels: int = 1500,
        supervise: Supervise | None = None,
        gate: TokenGate | None = None,
        **session: float,
    ) -> None:
        self.clock = clock
        self.payloads: list[tuple[str, object]] = []
        self.frames = Counts()
        self.statuses: list[ConnectionStatus] = []
        self.pool = StreamPool(
            "main",
            url=url,
            token=token,
            connect=connect,
            sink=Dispatcher(
                open_channel=self._open,
                open_topic=lambda _topic: lambda _event, _now: None,
                duplicates=Deduplicator(),
                frames=self.frames,
                events={},
            ),
            clock=clock,
            statuses=self.statuses,
            settings=StreamSettings(max_channels=max_channels, session=SessionSettings(**session)),
            rng=random.Random(7).random,
            gate=gate,
            **({} if supervise is None else {"supervise": supervise}),
        )

    def _open(self, channel: str) -> Callable[[object, float], None]:
        return lambda payload, _now: self.payloads.append((channel, payload))

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
        """Seconds until the next attempt of the one connection."""
        assert self.connection.next_attempt_at is not None
        return self.connection.next_attempt_at - self.clock.now()

    def disconnects(self) -> int:
        return sum(self.connection.disconnects.values())

    async def next_disconnect(self) -> float:
        """Wait for the next attempt and its failure; returns the pause that follows."""
        before = self.disconnects()
        await self.clock.advance(self.pause_s())
        await self.pass_until(lambda: self.disconnects() > before, step_s=0.05)  # the pacer may add a little
        return self.pause_s()

    def balanced(self) -> bool:
        return self.frames.received == self.frames.applied + sum(self.frames.dropped.values())

    async def pass_until(
        self, condition: Callable[[], object], *, limit_s: float = 1000.0, step_s: float = 1.0
    ) -> float:
        """Advance the manual clock in steps, with time for real sockets, until `condition`; returns its seconds."""
        began = self.clock.now()
        while not condition():
            assert self.clock.now() - began < limit_s, f"not within {limit_s:g} s of the clock"
            await self.clock.advance(step_s)
            await real_turns()
        return self.clock.now() - began


async def real_turns(rounds: int = 5) -> None:
    """Run some iterations of the event loop with its selector, for real sockets on loopback."""
    for _ in range(rounds):
        await asyncio.sleep(0.0005)


@asynccontextmanager
async def running(pool: PoolUnderTest, channels: Iterable[str]) -> AsyncIterator[PoolUnderTest]:
    """Run the pool on `channels`; on exit it is cancelled, as SIGTERM does."""
    pool.pool.set_channels(channels)
    task = asyncio.ensure_future(pool.pool.run())
    try:
        yield pool
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


async def all_up(pool: PoolUnderTest) -> None:
    await until(pool.all_up)
