"""The connections of one account: channels distributed over them, opened at a limited rate.

Adding or removing channels affects only the connections that carry them. A channel is never moved to another
connection, because its messages would be lost meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import structlog

from collector.concurrency import first_completed, unsupervised
from collector.error_log import ErrorLog
from collector.ingest.stream.connection import FrameSink, StreamConnection
from collector.mist.session import SessionSettings
from collector.status import ConnectionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from collector.clock import Clock
    from collector.concurrency import Supervise
    from collector.ingest.stream.transport import Connect
    from collector.ingest.token_gate import TokenGate

HARD_LIMIT: Final = 2000  # channels of a connection; Mist rejects more (`mistapi`, websockets client)
CHANNELS_PER_STEP: Final = 500
REPLACE_TIMEOUT_S: Final = 120.0  # for a connection to be up that replaces another
_LOG: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How the connections are kept.

    Attributes:
        max_channels: of a connection, 1 to 2000. Above 1500 a backlog of messages is likely (`mistapi`). It applies to
            channels that are added later.
        open_every_s: average interval between two attempts to connect, in seconds.
        session: time limits of the sessions.
    """

    max_channels: int = 1500
    open_every_s: float = 0.5
    session: SessionSettings = field(default_factory=SessionSettings)

    def __post_init__(self) -> None:
        if not 1 <= self.max_channels <= HARD_LIMIT:
            raise ValueError(
                f"max_channels is {self.max_channels}; Mist allows 1 to {HARD_LIMIT} channels a connection"
            )


class ChannelSink(FrameSink, Protocol):
    """The dispatcher, as the pool uses it: it receives the frames, and each channel is announced to it."""

    def subscribe(self, channel: str) -> None:
        """Prepare for the frames of `channel`; called before the first one."""

    def unsubscribe(self, channel: str) -> None:
        """Forget `channel`."""


class ConnectionPacer:
    """Admits one attempt at a time, `interval_s` apart on average with a jitter of half of it, while the gate is open.

    The attempts queue before the gate, so that they are still paced after it has been closed for a while.
    """

    def __init__(
        self, clock: Clock, rng: Callable[[], float], interval_s: float, gate: TokenGate | None = None
    ) -> None:
        self.interval_s = interval_s
        self._clock = clock
        self._rng = rng
        self._gate = gate
        self._next_at = clock.now()
        self._queue = asyncio.Lock()

    async def turn(self) -> None:
        """Return when it is the caller's turn, in the order of the calls. The first call returns at once."""
        async with self._queue:
            await self._clock.sleep(self._next_at - self._clock.now())
            if self._gate is not None:
                await self._gate.wait()
            self._next_at = self._clock.now() + self.interval_s * (0.5 + self._rng())


class StreamPool:
    """All stream connections of one account. `set_channels` may be called at any time, before or while `run` runs.

    Args:
        account: name of the account; the connections are named after it.
        url: of the stream.
        token: returns the token, see `StreamConnection`.
        connect: opens connections.
        sink: receives the frames; each channel is announced to it before the first one, and its removal afterwards.
        clock: time.
        statuses: status records, one per connection, added and removed here.
        settings: see `StreamSettings`; `use` replaces them.
        supervise: runs each connection as a task of its own, named "stream".
        gate: holds back attempts while the token is rejected.
        rng: returns uniform random numbers in [0, 1).
        on_recovered: see `StreamConnection`.
    """

    def __init__(
        self,
        account: str,
        *,
        url: str,
        token: Callable[[], str],
        connect: Connect,
        sink: ChannelSink,
        clock: Clock,
        statuses: list[ConnectionStatus],
        settings: StreamSettings | None = None,
        supervise: Supervise = unsupervised,
        gate: TokenGate | None = None,
        rng: Callable[[], float] = random.random,
        on_recovered: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self._account = account
        self._url = url
        self._token = token
        self._connect = connect
        self._sink = sink
        self._clock = clock
        self._statuses = statuses
        self._settings = settings or StreamSettings()
        self._supervise = supervise
        self._gate = gate
        self._rng = rng
        self._on_recovered = on_recovered
        self._errors = ErrorLog()
        self._pacer = ConnectionPacer(clock, rng, self._settings.open_every_s, gate)
        self._carriers: dict[str, StreamConnection] = {}  # by channel
        self._connections: list[StreamConnection] = []
        self._replacements: list[StreamConnection] = []  # not shown on the status page yet
        self._rotating = asyncio.Lock()
        self._tasks: dict[StreamConnection, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._revision = 0  # of the set of channels

    def use(self, settings: StreamSettings) -> None:
        """Apply `settings`: to open connections, too, but for `max_channels`."""
        self._settings = settings
        self._pacer.interval_s = settings.open_every_s
        for connection in (*self._connections, *self._replacements):
            connection.use(settings.session)

    # Channels

    def set_channels(self, wanted: Iterable[str]) -> None:
        """Subscribe to exactly `wanted`: add what is new, unsubscribe from what is gone, leave the rest alone."""
        for _ in self.set_channels_in_steps(wanted):
            pass

    def set_channels_in_steps(self, wanted: Iterable[str]) -> Iterator[None]:
        """Do the same as `set_channels` in steps of some milliseconds; a later call of either cancels the rest.

        New connections are started after the last step: their channels are requested together.
        """
        self._revision += 1
        revision, target = self._revision, dict.fromkeys(wanted)
        self._unsubscribe([channel for channel in self._carriers if channel not in target])
        for _ in self._add([channel for channel in target if channel not in self._carriers]):
            yield
            if revision != self._revision:
                return
        for connection in [one for one in self._connections if not one.status.subscriptions]:
            self._connections.remove(connection)
            self._statuses.remove(connection.status)
        self._changed.set()

    def unsubscribe_objects(self, ids: Collection[str]) -> None:
        """Unsubscribe at once from every channel of the sites and orgs with these ids."""
        if ids:
            self._unsubscribe([channel for channel in self._carriers if channel.split("/", 3)[2] in ids])

    def _unsubscribe(self, gone: list[str]) -> None:
        for channel in gone:
            self._carriers.pop(channel).unsubscribe(channel)
            self._sink.unsubscribe(channel)

    def _add(self, new: list[str]) -> Iterator[None]:
        """Assign each channel to the connection with the fewest, after creating the connections that are needed."""
        needed = -(-(len(self._carriers) + len(new)) // self._settings.max_channels)  # rounded up
        while len(self._connections) < needed:
            self._connections.append(self._new_connection())
        for number, channel in enumerate(new, start=1):
            connection = min(self._connections, key=lambda one: len(one.status.subscriptions))
            self._carriers[channel] = connection
            self._sink.subscribe(channel)
            connection.subscribe(channel)
            if number % CHANNELS_PER_STEP == 0:
                yield

    # The token

    def retry_now(self) -> None:
        """End the pauses of all connections that wait for their next attempt, for example after a new token."""
        for connection in self._connections:
            connection.retry_now()

    async def rotate(self) -> bool:
        """Replace every connection, one by one, by one with the present token; False when that token does not work.

        The replacement is up before the old connection closes, so that no message is lost. A message that arrives on
        both is applied twice, which does not change the result. A connection that is not open is retried at once
        instead. After the first failure the other connections stay as they are.
        """
        async with self._rotating:
            for connection in list(self._connections):
                if connection.status.state != "open":
                    connection.retry_now()
                elif not await self._replace(connection):
                    _LOG.warning("token_rotation_failed", account=self._account, connection=connection.status.name)
                    return False
            _LOG.info("token_rotated", account=self._account, connections=len(self._connections))
            return True

    async def _replace(self, old: StreamConnection) -> bool:
        """Start a connection with the channels of `old` and put it in its place; False when it does not come up."""
        new = self._connection(ConnectionStatus(old.status.name, self._account))
        for channel in old.status.subscriptions:
            new.subscribe(channel)
        self._replacements.append(new)
        self._changed.set()
        try:
            is_up = await first_completed(new.tried(), self._replace_timeout())
            if is_up and old in self._connections:
                self._put_in_place(new, old)
        finally:
            self._replacements.remove(new)
            self._changed.set()  # ends the task of `new` or of `old`
        return is_up

    def _put_in_place(self, new: StreamConnection, old: StreamConnection) -> None:
        """Let `new` carry the present channels of `old`, under its name."""
        for channel in [channel for channel in new.status.subscriptions if channel not in old.status.subscriptions]:
            new.unsubscribe(channel)
        for channel in old.status.subscriptions:
            new.subscribe(channel)
            self._carriers[channel] = new
        new.status.succeed(old.status)
        self._connections[self._connections.index(old)] = new
        self._statuses[self._statuses.index(old.status)] = new.status

    async def _replace_timeout(self) -> bool:
        await self._clock.sleep(REPLACE_TIMEOUT_S)
        return False

    # Tasks

    async def run(self) -> NoReturn:
        """Run the connections until cancelled; every socket is closed when this returns."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._changed.clear()
                    self._start_and_stop(group)
                    await self._changed.wait()
        finally:
            self._tasks.clear()

    def _start_and_stop(self, group: asyncio.TaskGroup) -> None:
        """Start the tasks of new connections and cancel those of removed ones, which then close their sockets."""
        wanted = [*self._connections, *self._replacements]
        for connection in [one for one in self._tasks if one not in wanted]:
            self._tasks.pop(connection).cancel()
        for connection in wanted:
            if connection not in self._tasks:
                self._tasks[connection] = group.create_task(
                    self._supervise("stream", connection.run), name=f"stream {connection.status.name}"
                )

    def _new_connection(self) -> StreamConnection:
        """Create a connection without channels, under the first free name, and its status record."""
        taken = {connection.status.name for connection in self._connections}
        names = (f"{self._account}/{index}" for index in itertools.count())
        status = ConnectionStatus(next(name for name in names if name not in taken), self._account)
        self._statuses.append(status)
        return self._connection(status)

    def _connection(self, status: ConnectionStatus) -> StreamConnection:
        return StreamConnection(
            url=self._url,
            token=self._token,
            connect=self._connect,
            sink=self._sink,
            status=status,
            clock=self._clock,
            rng=self._rng,
            turn=self._pacer.turn,
            gate=self._gate,
            settings=self._settings.session,
            errors=self._errors,
            on_recovered=self._on_recovered,
        )
