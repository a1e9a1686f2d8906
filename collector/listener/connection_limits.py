"""Connection limits of a listener: how many connections, from how many sources, and for how long.

A connection counts from accept to close, before TLS and before the first byte. It is *in flight* while a request is
being answered and *idle* otherwise: before its first request, between two requests, and while request headers arrive.
Idle time is limited. When all places are taken, the connection that has been idle longest is closed in favour of a new
one, so idle connections cannot lock anyone out. A share of the places is reserved for sources that authenticated
recently, so connections in flight cannot lock a scraper out either.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collector.listener.client_address import address_of, source_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.listener.client_address import AuthenticatedSources

RESERVED_SHARE: Final = 8  # one place in eight is reserved for authenticated sources


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of all connections of one listener together, and of one connection.

    Attributes:
        max_connections: open connections. Descriptors are the scarce resource: 1024 a process is a common default.
        max_per_source: open connections of one source.
        first_request_timeout_s: from accept until the first request has arrived.
        keepalive_timeout_s: idle time between two requests; longer than a reverse proxy keeps its connections, so
            that only one side closes them.
        tls_handshake_timeout_s: from the first byte until the handshake is complete.
        lingering_time_s: how long the rest of a rejected body is read, so that the client receives the answer.
        max_line_bytes, max_field_bytes, max_fields: size of the request headers.
    """

    max_connections: int = 512
    max_per_source: int = 128
    first_request_timeout_s: float = 20.0
    keepalive_timeout_s: float = 120.0
    tls_handshake_timeout_s: float = 10.0
    lingering_time_s: float = 1.0
    max_line_bytes: int = 4096
    max_field_bytes: int = 4096
    max_fields: int = 64

    @property
    def max_unauthenticated(self) -> int:
        """Open connections of all sources together that have not authenticated recently."""
        return self.max_connections - self.max_connections // RESERVED_SHARE


class AdmittedConnection:
    """One accepted connection: its place, its deadline, and how to close it.

    Attributes:
        address: of the peer, "" when it has none.
        source: what the limit for one source counts, see `source_of`.
        authenticated: whether the source authenticated recently.
        abort: closes the socket in its present state (accepted, handshake, HTTP); set by the owner of the socket.
    """

    __slots__ = (
        "_accepted_at",
        "_deadline",
        "_has_received",
        "_is_in_flight",
        "_is_open",
        "_limiter",
        "_loop",
        "_timeout_reason",
        "_timer",
        "abort",
        "address",
        "authenticated",
        "source",
    )

    def __init__(self, limiter: ConnectionLimiter, address: str, source: str, *, authenticated: bool) -> None:
        self.address = address
        self.source = source
        self.authenticated = authenticated
        self.abort: Callable[[], object] = _nothing
        self._limiter = limiter
        self._loop = asyncio.get_running_loop()
        self._accepted_at = self._loop.time()
        self._is_open = True
        self._is_in_flight = False
        self._has_received = False
        self._timeout_reason = ""
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still has its place."""
        return self._is_open

    def wait_for_first_request(self) -> None:
        """Become idle until the first request; its timeout counts from accept."""
        self._become_idle(self._accepted_at + self._limiter.limits.first_request_timeout_s)

    def wait_for_handshake(self) -> None:
        """Become idle until the TLS handshake is complete."""
        limits = self._limiter.limits
        timeout_s = min(limits.tls_handshake_timeout_s, limits.first_request_timeout_s)
        self._become_idle(self._loop.time() + timeout_s, "tls_handshake_timeout")

    def end_request(self) -> None:
        """Become idle until the next request."""
        self._become_idle(self._loop.time() + self._limiter.limits.keepalive_timeout_s)

    def begin_request(self) -> None:
        """Become in flight."""
        if self._is_open:
            self._is_in_flight = True
            self._limiter.note_in_flight(self)

    def note_received(self) -> None:
        """Note that bytes arrived since it became idle."""
        self._has_received = True

    def note_authenticated(self) -> None:
        """Note that the source has authenticated, now."""
        self._limiter.note_authenticated(self)

    def close(self, reason: str) -> None:
        """Close now, and count the reason."""
        if self._is_open:
            self._limiter.on_closed(reason)
            self.release()
            self.abort()

    def release(self) -> None:
        """Give the place back. Does nothing the second time."""
        if not self._is_open:
            return
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._limiter.note_released(self)

    def _become_idle(self, deadline: float, timeout_reason: str = "") -> None:
        if not self._is_open:
            return
        self._is_in_flight = self._has_received = False
        self._timeout_reason = timeout_reason
        self._limiter.note_idle(self)
        self._deadline = deadline
        if self._timer is not None and self._timer.when() > deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        """Close when the deadline has passed; one timer serves many requests."""
        self._timer = None
        if self._is_in_flight:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)
        else:
            self.close(self._timeout_reason or ("slow_head" if self._has_received else "idle"))


class ConnectionLimiter:
    """Admits connections within `limits`, which may be replaced at any time.

    Args:
        limits: see `ConnectionLimits`.
        on_closed: receives the reason of each connection that the listener closed or rejected, one of a fixed set:
            too_many (limit for one source, or no place), evicted (idle longest when all places were taken), idle
            (no request arrived), slow_head (request headers did not arrive in time), bad_request (invalid HTTP),
            tls_handshake_timeout, tls_handshake_failed, no_descriptors, accept_failed.
        exempt: returns whether a peer address is exempt from the limit for one source (a reverse proxy).
        on_count: receives the number of open connections.
        authenticated: sources that authenticated recently.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        on_closed: Callable[[str], None],
        *,
        authenticated: AuthenticatedSources,
        exempt: Callable[[str], bool] = lambda _: False,
        on_count: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.limits = limits
        self.on_closed = on_closed
        self._authenticated = authenticated
        self._exempt = exempt
        self._on_count = on_count
        self._per_source: dict[str, int] = {}
        self._open: set[AdmittedConnection] = set()
        self._in_flight: set[AdmittedConnection] = set()
        self._idle: dict[
            AdmittedConnection, None
        ] = {}  # of sources that have not authenticated; the longest idle first
        self._idle_authenticated: dict[AdmittedConnection, None] = {}
        self._unauthenticated = 0
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def open(self) -> int:
        """Number of open connections."""
        return len(self._open)

    def admit(self, address: str) -> AdmittedConnection | None:
        """Give a connection from `address` a place; None when it has to be closed."""
        source = source_of(address_of(address))
        authenticated = source in self._authenticated
        over_share = self._per_source.get(source, 0) >= self.limits.max_per_source and not self._exempt(address)
        if over_share or not (self._has_place(authenticated=authenticated) or self._evict(authenticated=authenticated)):
            self.on_closed("too_many")
            return None
        connection = AdmittedConnection(self, address, source, authenticated=authenticated)
        self._per_source[source] = self._per_source.get(source, 0) + 1
        self._open.add(connection)
        self._unauthenticated += not authenticated
        self._on_count(len(self._open))
        return connection

    async def drain(self, timeout_s: float) -> bool:
        """Wait until no request is in flight, at most `timeout_s`; returns whether that is so."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._drained.wait()
        except TimeoutError:
            return False
        return True

    def abort_all(self) -> None:
        """Close every connection at once, uncounted."""
        for connection in tuple(self._open):
            connection.release()
            connection.abort()

    def note_idle(self, connection: AdmittedConnection) -> None:
        """Note that a connection became idle now."""
        self._leave_queues(connection)
        idle = self._idle_authenticated if connection.authenticated else self._idle
        idle[connection] = None

    def note_in_flight(self, connection: AdmittedConnection) -> None:
        """Note that a request of the connection is being answered."""
        self._leave_queues(connection)
        self._in_flight.add(connection)
        self._drained.clear()

    def note_authenticated(self, connection: AdmittedConnection) -> None:
        """Note that the source of the connection has authenticated now."""
        self._authenticated.add(connection.source)
        if connection.is_open and not connection.authenticated:
            connection.authenticated = True
            self._unauthenticated -= 1
            if self._idle.pop(connection, connection) is None:
                self._idle_authenticated[connection] = None

    def note_released(self, connection: AdmittedConnection) -> None:
        """Give the place of a connection back."""
        self._leave_queues(connection)
        self._open.discard(connection)
        self._unauthenticated -= not connection.authenticated
        self._on_count(len(self._open))
        left = self._per_source[connection.source] - 1
        if left:
            self._per_source[connection.source] = left
        else:
            del self._per_source[connection.source]

    def _leave_queues(self, connection: AdmittedConnection) -> None:
        self._idle.pop(connection, None)
        self._idle_authenticated.pop(connection, None)
        self._in_flight.discard(connection)
        if not self._in_flight:
            self._drained.set()

    def _has_place(self, *, authenticated: bool) -> bool:
        return len(self._open) < self.limits.max_connections and self._within_share(authenticated=authenticated)

    def _within_share(self, *, authenticated: bool) -> bool:
        return authenticated or self._unauthenticated < self.limits.max_unauthenticated

    def _evict(self, *, authenticated: bool) -> bool:
        """Close the connection that has been idle longest; an authenticated one only where the share allows it."""
        longest = next(iter(self._idle), None)
        if longest is None and self._within_share(authenticated=authenticated):
            longest = next(iter(self._idle_authenticated), None)
        if longest is None:
            return False
        longest.close("evicted")
        return True


def _nothing() -> None:
    """Do nothing: the connection has no socket yet."""
