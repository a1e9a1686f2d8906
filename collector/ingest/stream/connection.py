"""One WebSocket connection to Mist, kept alive for ever: the I/O shell around `mist.session`.

Per connection two tasks race: one reads frames, the other keeps time and sends. The frames that came in one go take
the way from the socket to the intake in one synchronous call. When either task ends, the connection is closed, the
break is booked with its reason, and after a pause (`retry.pause_s`) a new connection with a new session takes over.
"""

from __future__ import annotations

import asyncio
import traceback
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, TypeAlias

import structlog
from orjson import loads

from collector import __version__
from collector.concurrency import first_completed
from collector.errors import CollectorError, Fatal, RateLimited, RemoteError, Retryable
from collector.ingest.stream.disconnect import MAX_WORDS, WORDS, Disconnect, disconnect_reason
from collector.ingest.stream.retry import pause_s
from collector.ingest.stream.transport import origin
from collector.mist import channels
from collector.mist.envelope import Data
from collector.mist.session import PING, Session, State
from collector.status import SubscriptionStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from collector.clock import Clock
    from collector.errors import Rejected
    from collector.ingest.dispatcher import Apply, Given
    from collector.ingest.stream.transport import Bytes, Connect, Connection
    from collector.mist.envelope import Event
    from collector.mist.session import Send
    from collector.status import ConnectionStatus

CONNECT_WITHIN_S: Final = 30.0
SEND_WITHIN_S: Final = 30.0  # a socket that takes nothing for so long is as good as closed
_LOG: Final = structlog.get_logger()


class FrameSink(Protocol):
    """Where frames go: the intake."""

    def event(self, event: Event | Rejected, now: float) -> None:
        """Take what a frame was."""

    def handler(self, channel: str) -> Apply:
        """Return what applies the payloads of a channel, good until it is unsubscribed."""

    def take(self, data: Sequence[Given], now: float) -> None:
        """Take payloads with their handlers, in order, without the looking up that `event` does."""


def _nobody(_channels: Sequence[str]) -> None:
    """Nobody wants to know."""


Way: TypeAlias = "tuple[SubscriptionStatus, Apply]"


class Stream:
    """One connection and its channels.

    `token` is asked at each attempt, so that a rotated token is used; it may raise OSError or a CollectorError.
    `intake` takes what each frame was, with the time of the clock. `turn` is awaited before each attempt: the pool
    paces openings with it. `status` is kept up to date. `rng` draws uniformly from [0, 1).
    `new_session` makes the session of one connection. `on_recovered` takes the channels that are up again after a
    fault, all at once when the connection has settled, and later each that joins them: what they missed is lost.
    """

    def __init__(
        self,
        *,
        url: str,
        token: Callable[[], str],
        connect: Connect,
        intake: FrameSink,
        status: ConnectionStatus,
        clock: Clock,
        rng: Callable[[], float],
        turn: Callable[[], Awaitable[None]],
        new_session: Callable[..., Session] = Session,
        on_recovered: Callable[[Sequence[str]], None] = _nobody,
    ) -> None:
        self.status = status
        self._url = url
        self._token = token
        self._connect = connect
        self._intake = intake
        self._now = clock.now  # asked for each frame
        self._clock = clock
        self._rng = rng
        self._turn = turn
        self._new_session = new_session
        self._on_recovered = on_recovered
        self._session = self._fresh_session()
        self._ways: dict[str, Way] = {}  # of channels that are up
        self._wake = asyncio.Event()  # the timekeeper has something to do before its deadline
        self._retry = asyncio.Event()  # the pause between two attempts is over
        self._tried = asyncio.Event()  # the first attempt has settled, or broken
        self._settled = False  # every channel of the present connection got its answer, at least once
        self._fault_began: float | None = None
        self._logged: set[str] = set()  # reasons already logged in the present fault
        self._refused: set[str] = set()  # channels whose refusal is logged
        status.alive_at = clock.now()

    # What is wanted

    def subscribe(self, channel: str) -> None:
        """Want `channel`; on a live connection it is asked for at once."""
        known = channels.match(channel)
        kind = known.channel.template if known is not None else ""
        self.status.subscriptions.setdefault(channel, SubscriptionStatus(channel, kind))
        self._session.subscribe(channel)
        self._wake.set()

    def unsubscribe(self, channel: str) -> None:
        """Want `channel` no more."""
        self.status.drop(channel)
        self._ways.pop(channel, None)
        self._refused.discard(channel)
        self._session.unsubscribe(channel)
        self._wake.set()

    async def tried(self) -> bool:
        """Wait for the outcome of the first attempt: True when every channel got its answer."""
        await self._tried.wait()
        return self._settled

    def retry_now(self) -> None:
        """End the pause between two attempts, if there is one: the token was replaced, say."""
        self._retry.set()

    # The life of the stream

    async def run(self) -> NoReturn:
        """Connect, hold, break, pause, for ever; ends only by cancellation, with the socket closed."""
        failures = 0
        try:
            while True:
                await self._turn()
                async with AsyncExitStack() as sockets:
                    ended = await self._attempt(sockets)
                    failures = 1 if self._settled else failures + 1
                    self._book(ended, pause_s(ended.error, failures, self._rng()))
                await self._pause()
        finally:
            self._reset("idle")

    async def _attempt(self, sockets: AsyncExitStack) -> Disconnect:
        """Live through one connection, from the handshake to its end; `sockets` closes it."""
        self.status.state = "connecting"
        self.status.alive_at = self._clock.now()
        self._settled = False
        try:
            connection = await first_completed(self._open(sockets), self._too_late(CONNECT_WITHIN_S))
            if connection is None:
                return Disconnect("connect_timeout", f"no handshake within {CONNECT_WITHIN_S:g} s")
            return await self._hold(connection)
        except RateLimited as error:
            return Disconnect("rate_limited", str(error), error)
        except Fatal as error:
            return Disconnect("refused", str(error), error)
        except RemoteError as error:
            return Disconnect("connect_failed", str(error), error)
        except Exception as error:  # noqa: BLE001 - a bug: this stream tries on, the others never notice
            trace = "".join(traceback.format_exception(error))  # rendered here: no renderer may add the locals
            _LOG.error("stream_bug", connection=self.status.name, trace=trace)
            return Disconnect("internal_error", type(error).__name__, error)

    async def _open(self, sockets: AsyncExitStack) -> Connection:
        connection = await self._connect(self._url, self._headers())
        sockets.push_async_callback(connection.close)  # at once: a cancellation may be waiting for this task
        return connection

    async def _too_late(self, after_s: float) -> None:
        await self._clock.sleep(after_s)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self._read_token()}", "User-Agent": f"mist-collector/{__version__}"}

    def _read_token(self) -> str:
        """Ask for the token; Fatal when there is none or when a header cannot carry it."""
        try:
            token = self._token().strip()
        except (CollectorError, OSError) as error:
            raise Fatal(f"the token cannot be read: {error}", where=origin(self._url)) from None
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise Fatal("the token is empty or no token: one word of ASCII", where=origin(self._url))
        return token

    # One connection

    async def _hold(self, connection: Connection) -> Disconnect:
        now = self._clock.now()
        self.status.state = "open"
        self.status.opened_at = self.status.alive_at = now
        self.status.connects += 1
        self.status.next_attempt_at = None
        self._session.opened(now)
        return await first_completed(self._read(connection), self._keep_time(connection))

    async def _read(self, connection: Connection) -> Disconnect:
        closed = await connection.frames(self._on_frames, self._on_pong)
        return disconnect_reason(closed)

    def _on_frames(self, frames: Sequence[Bytes]) -> None:
        """Take the frames that came in one go, from the socket to the store, without an await."""
        now, status, ways = self._now(), self.status, self._ways
        status.bytes += sum(map(len, frames))
        status.last_message_at = now
        data: list[Given] = []  # of channels that are up, as nearly every frame; not taken yet
        for frame in frames:
            try:
                message = loads(frame)
                subscription, apply = ways[message["channel"]]
                if message["event"] == "data":
                    data.append((apply, message["data"]))
                    subscription.frames += 1
                    subscription.last_message_at = now
                    continue
            except (ValueError, LookupError, TypeError):
                pass
            self._take(data, now)
            data = []
            self._on_any_frame(frame, now)
        self._take(data, now)

    def _take(self, data: list[Given], now: float) -> None:
        if data:
            self._session.last_message_at = now
            self._intake.take(data, now)

    def _on_any_frame(self, frame: Bytes, now: float) -> None:
        """Take a frame of whatever kind."""
        status, session = self.status, self._session
        event, subscription = session.receive(frame, now), None
        if type(event) is Data:
            subscription = status.subscriptions.get(event.channel)
        if subscription is None:
            status.other_frames += 1
        else:
            subscription.frames += 1
            subscription.last_message_at = now
        if session.changes:
            self._note_changes(now)
            self._wake.set()  # an answer makes room in the window
        self._intake.event(event, now)

    def _on_pong(self) -> None:
        self.status.alive_at = self._clock.now()
        self._session.ponged(self._clock.now())

    async def _keep_time(self, connection: Connection) -> Disconnect:
        """Tick, send, doze until the deadline or until woken."""
        session = self._session
        while True:
            self._wake.clear()
            broken = session.tick(self._clock.now())
            outgoing = session.to_send()
            self._note_changes(self._clock.now())
            if broken is not None:
                return Disconnect(broken.reason, WORDS[broken.reason])
            if outgoing and not await first_completed(self._send(connection, outgoing), self._stuck()):
                return Disconnect("send_timeout", f"the socket took nothing for {SEND_WITHIN_S:g} s")
            await self._doze(session.deadline())

    async def _send(self, connection: Connection, outgoing: list[Send]) -> bool:
        with suppress(Retryable):  # the connection is closed, and the reader is about to say why
            for send in outgoing:
                await (connection.ping() if send is PING else connection.send(send.text))
        return True

    async def _stuck(self) -> bool:
        await self._clock.sleep(SEND_WITHIN_S)
        return False

    async def _doze(self, deadline: float | None) -> None:
        if deadline is None:
            await self._wake.wait()
        else:
            await first_completed(self._woken(self._wake), self._too_late(deadline - self._clock.now()))

    @staticmethod
    async def _woken(event: asyncio.Event) -> None:
        await event.wait()

    # Book-keeping

    def _note_changes(self, now: float) -> None:
        changes = self._session.take_changes()
        for change in changes:
            subscription = self.status.subscriptions.get(change.channel)
            if subscription is None:
                continue
            subscription.state = "sent" if change.state is State.RESENT else change.state.value
            subscription.detail = change.detail[:MAX_WORDS]
            if change.state is State.UP:
                subscription.up_since = now
                self._ways[change.channel] = subscription, self._intake.handler(change.channel)
            else:
                subscription.up_since = None
                self._ways.pop(change.channel, None)
            self._log_refusal(subscription)
        if self._settled:
            self._recovered([change.channel for change in changes if change.state is State.UP])
        elif self._session.settled:
            self._settled = True
            self._tried.set()
            if self._fault_began is not None:
                self._recovered([name for name, state in self._session.subscriptions.items() if state is State.UP])
            self._log_settled(now)

    def _recovered(self, channels_up: list[str]) -> None:
        if channels_up:
            self._on_recovered(channels_up)

    def _book(self, ended: Disconnect, pause: float) -> None:
        self._tried.set()
        self._log_break(ended, pause)
        self.status.broke(ended.reason, ended.why)
        self._reset("refused" if isinstance(ended.error, Fatal) else "waiting")
        self.status.alive_at = self._clock.now()
        self.status.next_attempt_at = self._clock.now() + pause
        self._retry.clear()

    async def _pause(self) -> None:
        rest_s = (self.status.next_attempt_at or 0.0) - self._clock.now()
        await first_completed(self._woken(self._retry), self._too_late(rest_s))

    def _reset(self, state: str) -> None:
        """Put session and status back to "not connected"."""
        self._session = self._fresh_session()
        self._ways.clear()
        self.status.state = state
        self.status.opened_at = None
        for subscription in self.status.subscriptions.values():
            subscription.state = State.WAITING.value
            subscription.up_since = None

    def _fresh_session(self) -> Session:
        return self._new_session(tuple(self.status.subscriptions), is_periodic=_talks)

    # Log: once when a fault begins (and once for each further reason), once when it ends

    def _log_break(self, ended: Disconnect, seconds: float) -> None:
        if self._settled or self._fault_began is None:
            self._fault_began = self._clock.now()
            self._logged.clear()
        if ended.reason not in self._logged:
            self._logged.add(ended.reason)
            _LOG.warning(
                "stream_broken",
                connection=self.status.name,
                reason=ended.reason,
                why=ended.why,
                next_attempt_in_s=round(seconds, 1),
            )

    def _log_settled(self, now: float) -> None:
        states = [subscription.state for subscription in self.status.subscriptions.values()]
        down_s = None if self._fault_began is None else round(now - self._fault_began, 1)
        self._fault_began = None
        _LOG.info(
            "stream_settled",
            connection=self.status.name,
            up=states.count(State.UP),
            refused=states.count(State.REFUSED),
            unanswered=states.count(State.UNANSWERED),
            down_s=down_s,
        )

    def _log_refusal(self, subscription: SubscriptionStatus) -> None:
        """Log a refused channel once, across connections, until it is up again."""
        channel = subscription.channel
        if subscription.state == State.REFUSED and channel not in self._refused:
            self._refused.add(channel)
            _LOG.warning("channel_refused", channel=channel, detail=subscription.detail)
        elif subscription.state == State.UP and channel in self._refused:
            self._refused.remove(channel)
            _LOG.info("channel_restored", channel=channel)


def _talks(channel: str) -> bool:
    """Whether a channel speaks by itself; one that tells events may be silent for weeks, an empty floor for a night."""
    known = channels.match(channel)
    if known is None:
        return True
    return known.channel.every_s != channels.ON_CHANGE and known.channel.scope is not channels.Scope.MAP
