"""One WebSocket connection to Mist and its reconnects: the I/O around `mist.session`.

Two tasks per connection: one reads frames, the other keeps the session's deadlines and sends. The frames that arrived
together are passed from the socket to the dispatcher in one synchronous call. When either task ends, the connection is
closed, the disconnect is recorded with its reason, and after a pause (`backoff.pause_s`) a new connection with a new
session follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, TypeAlias

import structlog

from collector import __version__
from collector.backoff import pause_s
from collector.concurrency import first_completed
from collector.error_log import ErrorLog
from collector.errors import CollectorError, Fatal, Rejected, RemoteError, Retryable
from collector.ingest.stream import disconnect
from collector.ingest.stream.disconnect import Disconnect
from collector.ingest.stream.transport import origin, peer_text
from collector.mist import channels
from collector.mist.envelope import Data, data_of, parse
from collector.mist.session import PING, Session, SessionSettings, SubscriptionState
from collector.status import SubscriptionStatus
from collector.token import token_fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from collector.clock import Clock
    from collector.ingest.stream.transport import Connect, Connection, RawFrame
    from collector.ingest.token_gate import TokenGate
    from collector.mist.envelope import StreamMessage
    from collector.mist.session import OutgoingMessage
    from collector.status import ConnectionStatus

CONNECT_TIMEOUT_S: Final = 30.0  # name resolution, TCP, TLS, proxy and handshake together
SEND_TIMEOUT_S: Final = 30.0  # after this long without accepting anything, a socket counts as lost
ALIVE_EVERY_S: Final = 15.0  # interval of `alive_at` while waiting for admission
SWITCHING_PROTOCOLS: Final = 101
UNAUTHORIZED: Final = 401
_LOG: Final = structlog.get_logger()

Handler: TypeAlias = Callable[[object, float], Rejected | None]  # of a channel's payloads: (payload, monotonic seconds)
Route: TypeAlias = tuple[SubscriptionStatus, Handler]


class FrameSink(Protocol):
    """Where messages go: the dispatcher."""

    def event(self, event: StreamMessage | Rejected, now: float) -> None:
        """Handle and count one message of any kind. Never raises."""

    def handler(self, channel: str) -> Handler:
        """Return the handler of a channel, valid until the channel is unsubscribed."""

    def take(self, data: Sequence[tuple[Handler, object]], now: float) -> None:
        """Handle and count data messages, each a pair of handler and payload, in order. Never raises."""


def _ignore(_channels: Sequence[str]) -> None:
    """Do nothing."""


class StreamConnection:
    """One connection and its channels.

    Args:
        url: of the stream.
        token: returns the token; called for each attempt, so that a replaced token is used. It may raise OSError or a
            CollectorError.
        connect: opens connections.
        sink: receives the messages, with the time of `clock`.
        status: is kept up to date.
        clock: time.
        rng: returns uniform random numbers in [0, 1).
        turn: is awaited before each attempt; the pool limits the rate of attempts with it.
        gate: is awaited before each attempt, and learns whether the token was accepted.
        settings: of the sessions.
        errors: logs unexpected exceptions; the connections of a pool share it.
        on_recovered: receives the channels that are up again after a fault: all of them when every channel has its
            answer, later each further one. Their messages in between are lost.
    """

    def __init__(
        self,
        *,
        url: str,
        token: Callable[[], str],
        connect: Connect,
        sink: FrameSink,
        status: ConnectionStatus,
        clock: Clock,
        rng: Callable[[], float],
        turn: Callable[[], Awaitable[None]],
        gate: TokenGate | None = None,
        settings: SessionSettings | None = None,
        errors: ErrorLog | None = None,
        on_recovered: Callable[[Sequence[str]], None] = _ignore,
    ) -> None:
        self.status = status
        self._url = url
        self._read_token = token
        self._connect = connect
        self._sink = sink
        self._now = clock.now  # called for each batch of frames
        self._clock = clock
        self._rng = rng
        self._turn = turn
        self._gate = gate
        self._settings = settings or SessionSettings()
        self._errors = errors or ErrorLog()
        self._on_recovered = on_recovered
        self._session = self._new_session()
        self._token = ""  # of the present connection: it is masked in what the peer sends
        self._routes: dict[str, Route] = {}  # by channel, of those that are up
        self._wake = asyncio.Event()  # the sender has something to do before its deadline
        self._retry = asyncio.Event()  # ends the pause between two attempts
        self._tried = asyncio.Event()  # the first attempt has settled or failed
        self._settled = False  # every channel of the present connection was answered at least once
        self._fault_began: float | None = None
        self._logged: set[str] = set()  # reasons that were logged in the present fault
        self._rejected: set[str] = set()  # channels whose rejection was logged
        status.alive_at = clock.now()

    # Subscriptions and settings

    def subscribe(self, channel: str) -> None:
        """Subscribe to `channel`: at once on an open connection, and on each connection that follows."""
        known = channels.match(channel)
        kind = known.channel.template if known is not None else ""
        self.status.subscriptions.setdefault(channel, SubscriptionStatus(channel, kind))
        self._session.subscribe(channel)
        self._wake.set()

    def unsubscribe(self, channel: str) -> None:
        """Unsubscribe from `channel`."""
        self.status.drop(channel)
        self._routes.pop(channel, None)
        self._rejected.discard(channel)
        self._session.unsubscribe(channel)
        self._wake.set()

    def use(self, settings: SessionSettings) -> None:
        """Apply `settings` to the present session and to those that follow."""
        self._settings = settings
        self._session.use(settings)
        self._wake.set()

    async def tried(self) -> bool:
        """Wait for the outcome of the first attempt: True when every channel was answered."""
        await self._tried.wait()
        return self._settled

    def retry_now(self) -> None:
        """End the pause between two attempts, for example because the token was replaced."""
        self._retry.set()

    # Attempts

    async def run(self) -> NoReturn:
        """Connect, and reconnect after each disconnect. Ends only by cancellation, with the socket closed."""
        failures = 0
        try:
            while True:
                await first_completed(self._admitted(), self._keep_alive())
                async with AsyncExitStack() as sockets:
                    ended = await self._attempt(sockets)
                    failures = 1 if self._settled else failures + 1
                    self._disconnected(ended, pause_s(ended.error, failures, self._rng()))
                await self._pause()
        finally:
            self._reset("idle")

    async def _admitted(self) -> None:
        await self._turn()
        if self._gate is not None:
            await self._gate.wait()

    async def _keep_alive(self) -> None:
        """Note that this task is alive while another one waits, for as long as it is not cancelled."""
        while True:
            await self._clock.sleep(ALIVE_EVERY_S)
            self.status.alive_at = self._clock.now()

    async def _attempt(self, sockets: AsyncExitStack) -> Disconnect:
        """Run one connection from the handshake to its end; `sockets` closes it.

        Every exception of the handshake and of the connection ends here, whatever its type.
        """
        self.status.state = "connecting"
        self.status.alive_at = self._clock.now()
        self._settled = False
        try:
            connection = await first_completed(self._open(sockets), self._deadline(CONNECT_TIMEOUT_S))
            if connection is None:
                return Disconnect("connect_timeout", f"no handshake within {CONNECT_TIMEOUT_S:g} s")
            self._note_answer(SWITCHING_PROTOCOLS)
            return await self._serve(connection)
        except Exception as error:  # noqa: BLE001 - only this attempt fails
            ended = disconnect.of_error(error)
            if ended.reason == "internal_error":
                self._errors.log("stream_internal_error", error, secret=self._token, connection=self.status.name)
            if isinstance(error, RemoteError):
                self._note_answer(error.status)
            return ended

    def _note_answer(self, status: int | None) -> None:
        """Report to the gate whether the token was accepted; None: the handshake was not answered."""
        if self._gate is None or status is None:
            return
        if status == UNAUTHORIZED:
            self._gate.rejected()
        else:
            self._gate.accepted()

    async def _open(self, sockets: AsyncExitStack) -> Connection:
        self._token = self._valid_token()
        headers = {"Authorization": f"Token {self._token}", "User-Agent": f"mist-collector/{__version__}"}
        connection = await self._connect(self._url, headers)
        sockets.push_async_callback(connection.close)  # without an await in between: this task may be cancelled
        return connection

    def _valid_token(self) -> str:
        """Return the token; raises Fatal when there is none or it is not valid."""
        try:
            token = self._read_token().strip()
        except (CollectorError, OSError) as error:
            raise Fatal(f"the token cannot be read: {error}", where=origin(self._url)) from None
        fault = token_fault(token)
        if fault is not None:
            raise Fatal(f"the token {fault}", where=origin(self._url))
        return token

    async def _deadline(self, after_s: float) -> None:
        await self._clock.sleep(after_s)

    # One connection

    async def _serve(self, connection: Connection) -> Disconnect:
        now = self._clock.now()
        self.status.state = "open"
        self.status.opened_at = self.status.alive_at = now
        self.status.connects += 1
        self.status.next_attempt_at = None
        self._session.opened(now)
        return await first_completed(self._read(connection), self._send_when_due(connection))

    async def _read(self, connection: Connection) -> Disconnect:
        closed = await connection.frames(self._on_frames, self._on_pong)
        return disconnect.of_close(closed, self._token)

    def _on_frames(self, frames: Sequence[RawFrame]) -> None:
        """Pass frames that arrived together to the sink, without an await."""
        now, status, routes = self._now(), self.status, self._routes
        status.bytes += sum(map(len, frames))
        status.last_message_at = now
        batch: list[tuple[Handler, object]] = []  # consecutive data messages of channels that are up
        for frame in frames:
            data = data_of(frame)
            route = routes.get(data[0]) if data is not None else None
            if route is not None and data is not None:
                subscription, handler = route
                batch.append((handler, data[1]))
                subscription.frames += 1
                subscription.last_message_at = now
            else:
                self._take(batch, now)
                batch = []
                self._on_other_frame(frame, now)
        self._take(batch, now)

    def _take(self, batch: list[tuple[Handler, object]], now: float) -> None:
        if batch:
            self._session.data_received(now)
            self._sink.take(batch, now)

    def _on_other_frame(self, frame: RawFrame, now: float) -> None:
        """Handle a frame of any kind."""
        message, subscription = self._parsed(frame), None
        self._session.receive(message, now)
        if type(message) is Data:
            subscription = self.status.subscriptions.get(message.channel)
        if subscription is None:
            self.status.other_frames += 1
        else:
            subscription.frames += 1
            subscription.last_message_at = now
        if self._session.changes:
            self._note_changes(now)
            self._wake.set()  # an answer opens the window
        self._sink.event(message, now)

    def _parsed(self, frame: RawFrame) -> StreamMessage | Rejected:
        try:
            return parse(frame)
        except Exception as error:  # noqa: BLE001 - it costs this frame only
            self._errors.log("frame_parsing_failed", error, secret=self._token, connection=self.status.name)
            return Rejected("internal_error")

    def _on_pong(self) -> None:
        self.status.alive_at = self._clock.now()
        self._session.pong_received(self._clock.now())

    async def _send_when_due(self, connection: Connection) -> Disconnect:
        """Send what the session has to send, and wait for its next deadline or until woken."""
        session = self._session
        while True:
            self._wake.clear()
            failure = session.tick(self._clock.now())
            outgoing = session.to_send()
            self._note_changes(self._clock.now())
            if failure is not None:
                return disconnect.of_session(failure)
            if outgoing and not await first_completed(self._send(connection, outgoing), self._send_timeout()):
                return Disconnect("send_timeout", f"the socket accepted nothing for {SEND_TIMEOUT_S:g} s")
            await self._wait_until(session.deadline())

    async def _send(self, connection: Connection, outgoing: list[OutgoingMessage]) -> bool:
        with suppress(Retryable):  # the connection is closed, and `_read` returns the reason
            for message in outgoing:
                await (connection.ping() if message is PING else connection.send(message.text))
        return True

    async def _send_timeout(self) -> bool:
        await self._clock.sleep(SEND_TIMEOUT_S)
        return False

    async def _wait_until(self, deadline: float | None) -> None:
        if deadline is None:
            await self._wake.wait()
        else:
            await first_completed(self._set(self._wake), self._deadline(deadline - self._clock.now()))

    @staticmethod
    async def _set(event: asyncio.Event) -> None:
        await event.wait()

    # Status

    def _note_changes(self, now: float) -> None:
        changes = self._session.take_changes()
        for change in changes:
            subscription = self.status.subscriptions.get(change.channel)
            if subscription is None:
                continue
            resent = change.state is SubscriptionState.RESENT
            subscription.state = (SubscriptionState.SENT if resent else change.state).value
            subscription.detail = peer_text(change.detail, self._token)
            if change.state is SubscriptionState.UP:
                subscription.up_since = now
                self._routes[change.channel] = subscription, self._sink.handler(change.channel)
            else:
                subscription.up_since = None
                self._routes.pop(change.channel, None)
            self._log_rejection(subscription)
        if self._settled:
            self._recovered([change.channel for change in changes if change.state is SubscriptionState.UP])
        elif self._session.settled:
            self._settled = True
            self._tried.set()
            if self._fault_began is not None:
                states = self._session.subscriptions.items()
                self._recovered([channel for channel, state in states if state is SubscriptionState.UP])
            self._log_connected(now)

    def _recovered(self, channels_up: list[str]) -> None:
        if channels_up:
            self._on_recovered(channels_up)

    def _disconnected(self, ended: Disconnect, pause: float) -> None:
        self._tried.set()
        self._log_disconnected(ended, pause)
        self.status.disconnected(ended.reason, ended.detail)
        self._reset("refused" if isinstance(ended.error, Fatal) else "waiting")
        self.status.alive_at = self._clock.now()
        self.status.next_attempt_at = self._clock.now() + pause
        self._retry.clear()

    async def _pause(self) -> None:
        wait_s = (self.status.next_attempt_at or 0.0) - self._clock.now()
        await first_completed(self._set(self._retry), self._deadline(wait_s))

    def _reset(self, state: str) -> None:
        """Set session and status to "not connected"."""
        self._session = self._new_session()
        self._routes.clear()
        self.status.state = state
        self.status.opened_at = None
        for subscription in self.status.subscriptions.values():
            subscription.state = SubscriptionState.WAITING.value
            subscription.up_since = None

    def _new_session(self) -> Session:
        return Session(tuple(self.status.subscriptions), self._settings, is_periodic=channels.is_periodic)

    # Log: once when a fault begins, once for each further reason, once when it ends

    def _log_disconnected(self, ended: Disconnect, pause: float) -> None:
        if self._settled or self._fault_began is None:
            self._fault_began = self._clock.now()
            self._logged.clear()
        if ended.reason not in self._logged:
            self._logged.add(ended.reason)
            _LOG.warning(
                "stream_disconnected",
                connection=self.status.name,
                reason=ended.reason,
                detail=ended.detail,
                next_attempt_in_s=round(pause, 1),
            )

    def _log_connected(self, now: float) -> None:
        states = [subscription.state for subscription in self.status.subscriptions.values()]
        down_s = None if self._fault_began is None else round(now - self._fault_began, 1)
        self._fault_began = None
        _LOG.info(
            "stream_connected",
            connection=self.status.name,
            up=states.count(SubscriptionState.UP),
            refused=states.count(SubscriptionState.REFUSED),
            unanswered=states.count(SubscriptionState.UNANSWERED),
            down_s=down_s,
        )

    def _log_rejection(self, subscription: SubscriptionStatus) -> None:
        """Log a rejected subscription once, across connections, until it is up again."""
        channel = subscription.channel
        if subscription.state == SubscriptionState.REFUSED and channel not in self._rejected:
            self._rejected.add(channel)
            _LOG.warning("subscription_rejected", channel=channel, detail=subscription.detail)
        elif subscription.state == SubscriptionState.UP and channel in self._rejected:
            self._rejected.remove(channel)
            _LOG.info("subscription_restored", channel=channel)
