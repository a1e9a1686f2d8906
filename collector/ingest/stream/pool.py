"""The connections of one account: channels spread over them, opened at a pace.

Adding or removing channels touches only the connections that carry them; no other connection notices. A channel never
moves to another connection, for moving it would open a gap in its data.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from collector.concurrency import first_completed
from collector.ingest.stream.connection import Stream
from collector.mist.session import Session
from collector.status import ConnectionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from collector.clock import Clock
    from collector.ingest.dispatcher import Dispatcher
    from collector.ingest.stream.transport import Connect

MAX_CHANNELS: Final = 1500  # a connection; mist/README 3: backlog is feared from here on
HARD_LIMIT: Final = 2000  # the same: Mist refuses more
OPEN_EVERY_S: Final = 0.5
STEP: Final = 500  # channels given to connections at a time
SUCCEED_WITHIN_S: Final = 120.0  # that a connection has to come up in, where it is to replace another
_LOG: Final = structlog.get_logger()


class Pace:
    """Lets one caller pass at a time, `every_s` apart on average, each step jittered by half of it."""

    def __init__(self, clock: Clock, rng: Callable[[], float], every_s: float) -> None:
        self._clock = clock
        self._rng = rng
        self._every_s = every_s
        self._next = clock.now()

    async def turn(self) -> None:
        """Return when it is the caller's turn; the first comes at once."""
        now = self._clock.now()
        slot = max(now, self._next)
        self._next = slot + self._every_s * (0.5 + self._rng())
        await self._clock.sleep(slot - now)


class Pool:
    """All streams of one account. Call `set_channels` at any time, before or while `run` runs.

    `statuses` is the list that the status page reads: one record a connection, added and removed here. `intake` learns
    of each channel before its first frame and forgets it when the channel goes. `on_recovered` takes the channels that
    are up again after a fault (see `Stream`). ValueError for a `max_channels` that Mist would refuse.
    """

    def __init__(
        self,
        account: str,
        *,
        url: str,
        token: Callable[[], str],
        connect: Connect,
        intake: Dispatcher,
        clock: Clock,
        statuses: list[ConnectionStatus],
        max_channels: int = MAX_CHANNELS,
        open_every_s: float = OPEN_EVERY_S,
        rng: Callable[[], float] = random.random,
        new_session: Callable[..., Session] = Session,
        on_recovered: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        if not 1 <= max_channels <= HARD_LIMIT:
            raise ValueError(f"max_channels is {max_channels}; Mist allows 1 to {HARD_LIMIT} channels a connection")
        self._account = account
        self._url = url
        self._token = token
        self._connect = connect
        self._intake = intake
        self._clock = clock
        self._statuses = statuses
        self.max_channels = max_channels  # for connections from now on
        self._rng = rng
        self._new_session = new_session
        self._on_recovered = on_recovered
        self._pace = Pace(clock, rng, open_every_s)
        self._at: dict[str, Stream] = {}  # channel -> the connection that carries it
        self._streams: list[Stream] = []
        self._successors: list[Stream] = []  # connections that are to replace another, not yet shown
        self._rotating = asyncio.Lock()
        self._tasks: dict[Stream, asyncio.Task[NoReturn]] = {}
        self._changed = asyncio.Event()
        self._follows = 0  # how often the wanted channels were told

    def set_channels(self, wanted: Iterable[str]) -> None:
        """Subscribe to exactly `wanted`: what is new is added, what is gone is unsubscribed, the rest is left alone."""
        for _ in self.follow(wanted):
            pass

    def follow(self, wanted: Iterable[str]) -> Iterator[None]:
        """The same in steps of some milliseconds; whoever calls this or `set_channels` anew overrides what is left.

        New connections begin after the last step, so that none takes what is still to come for a late addition.
        """
        self._follows += 1
        turn, target = self._follows, dict.fromkeys(wanted)
        for channel in [channel for channel in self._at if channel not in target]:
            self._at.pop(channel).unsubscribe(channel)
            self._intake.unsubscribe(channel)
        for _ in self._add([channel for channel in target if channel not in self._at]):
            yield
            if turn != self._follows:
                return
        for stream in [stream for stream in self._streams if not stream.status.subscriptions]:
            self._streams.remove(stream)
            self._statuses.remove(stream.status)
        self._changed.set()

    def leave(self, gone: Collection[str]) -> None:
        """Unsubscribe at once from every channel of these sites and organizations, whatever else is wanted."""
        for channel in [channel for channel in self._at if channel.split("/", 3)[2] in gone] if gone else ():
            self._at.pop(channel).unsubscribe(channel)
            self._intake.unsubscribe(channel)

    def retry_now(self) -> None:
        """End the pauses of all connections that wait for their next attempt: the token was replaced, say."""
        for stream in self._streams:
            stream.retry_now()

    async def rotate(self) -> bool:
        """Replace every connection, one by one, by one with the token of now; False when the new token does not do.

        The new connection carries the channels of the old before that is closed, so no frame is missed; a frame that
        comes on both is applied twice, which changes nothing: it says the same. Where a connection is not open there
        is nothing to keep: it is tried again at once. After the first failure the others stay as they are.
        """
        async with self._rotating:
            for stream in list(self._streams):
                if stream.status.state != "open":
                    stream.retry_now()
                elif not await self._replaced(stream):
                    _LOG.warning("token_not_taken", account=self._account, connection=stream.status.name)
                    return False
            _LOG.info("token_replaced", account=self._account, connections=len(self._streams))
            return True

    async def _replaced(self, old: Stream) -> bool:
        """Bring up a successor of `old` and put it in its place; False when it did not come up."""
        new = self._made(ConnectionStatus(old.status.name, self._account))
        for channel in old.status.subscriptions:
            new.subscribe(channel)
        self._successors.append(new)
        self._changed.set()
        try:
            good = await first_completed(new.tried(), self._too_late())
            if good and old in self._streams:
                self._put(new, old)
        finally:
            self._successors.remove(new)
            self._changed.set()  # its task ends here, or the old one's
        return good

    def _put(self, new: Stream, old: Stream) -> None:
        """Let `new` stand where `old` stood, with the channels that are wanted by now."""
        for channel in [channel for channel in new.status.subscriptions if channel not in old.status.subscriptions]:
            new.unsubscribe(channel)
        for channel in old.status.subscriptions:
            new.subscribe(channel)
            self._at[channel] = new
        new.status.succeed(old.status)
        self._streams[self._streams.index(old)] = new
        self._statuses[self._statuses.index(old.status)] = new.status

    async def _too_late(self) -> bool:
        await self._clock.sleep(SUCCEED_WITHIN_S)
        return False

    async def run(self) -> NoReturn:
        """Run the streams until cancelled; then every socket is closed before this returns."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._changed.clear()
                    self._start_and_stop(group)
                    await self._changed.wait()
        finally:
            self._tasks.clear()

    def _start_and_stop(self, group: asyncio.TaskGroup) -> None:
        """Match tasks and statuses to the streams; a cancelled stream closes its socket in its own time."""
        wanted = [*self._streams, *self._successors]
        for stream in [stream for stream in self._tasks if stream not in wanted]:
            self._tasks.pop(stream).cancel()
        for stream in wanted:
            if stream not in self._tasks:
                self._tasks[stream] = group.create_task(stream.run(), name=f"stream {stream.status.name}")

    def _add(self, channels: list[str]) -> Iterator[None]:
        """Give each channel to the connection with most room, after making the connections that all of them need."""
        needed = -(-(len(self._at) + len(channels)) // self.max_channels)  # rounded up
        while len(self._streams) < needed:
            self._streams.append(self._new_stream())
        for number, channel in enumerate(channels, start=1):
            stream = min(self._streams, key=lambda stream: len(stream.status.subscriptions))
            self._at[channel] = stream
            self._intake.subscribe(channel)
            stream.subscribe(channel)
            if number % STEP == 0:
                yield

    def _new_stream(self) -> Stream:
        """Make a stream without channels, under the first free name, and show it."""
        taken = {stream.status.name for stream in self._streams}
        names = (f"{self._account}/{index}" for index in itertools.count())
        status = ConnectionStatus(next(name for name in names if name not in taken), self._account)
        self._statuses.append(status)
        return self._made(status)

    def _made(self, status: ConnectionStatus) -> Stream:
        return Stream(
            url=self._url,
            token=self._token,
            connect=self._connect,
            intake=self._intake,
            status=status,
            clock=self._clock,
            rng=self._rng,
            turn=self._pace.turn,
            new_session=self._new_session,
            on_recovered=self._on_recovered,
        )
