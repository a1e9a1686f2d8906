"""Accepts TCP connections within the connection limits, before TLS and before any byte is read.

asyncio's own servers create a transport, and with TLS a 256 KiB buffer, for every connection as soon as it is accepted.
Here a connection that has sent nothing costs one descriptor: its transport and its TLS state are created when its first
byte has arrived.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.listener.connection_limits import AdmittedConnection, ConnectionLimiter

ACCEPTS_PER_TURN: Final = 64  # then other work of the event loop gets its turn
RETRY_S: Final = 0.5  # after accept failed; what it failed for does not end at once
LOG_EVERY_S: Final = 60.0
TLS_SHUTDOWN_S: Final = 2.0
_NO_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NOT_THIS_TIME: Final = (BlockingIOError, InterruptedError)
_log = structlog.get_logger()


class Acceptor:
    """Accepts connections on a listening socket, from `start` to `close`.

    Args:
        listening: the socket; the acceptor owns it.
        limiter: admits connections.
        new_protocol: returns the protocol that reads an admitted connection.
        tls: server context, None for plain TCP. A new context is used for connections accepted from then on.
        now: monotonic clock, for the log.
    """

    def __init__(
        self,
        listening: socket.socket,
        limiter: ConnectionLimiter,
        new_protocol: Callable[[AdmittedConnection], asyncio.Protocol],
        *,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tls = tls
        self._listening = listening
        self._limiter = limiter
        self._new_protocol = new_protocol
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent: set[_SilentConnection] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._logged_at: float | None = None
        listening.settimeout(0)

    def start(self) -> None:
        """Accept connections from now on."""
        self._retry = None
        self._loop.add_reader(self._listening.fileno(), self._accept)

    def close(self) -> None:
        """Stop accepting; close every connection that has not reached its protocol."""
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listening.fileno())
        self._listening.close()
        for silent in tuple(self._silent):
            silent.abort()
        for task in self._tasks:
            task.cancel()

    def _accept(self) -> None:
        """Accept what waits, a bounded number at a time."""
        for _ in range(ACCEPTS_PER_TURN):
            try:
                accepted, peer = self._listening.accept()
            except _NOT_THIS_TIME:
                return
            except ConnectionAbortedError:
                continue  # the client left while it waited
            except OSError as error:
                self._pause(error)
                return
            accepted.settimeout(0)
            connection = self._limiter.admit(str(peer[0]) if isinstance(peer, tuple) else "")
            if connection is None:
                accepted.close()
            else:
                self._silent.add(_SilentConnection(accepted, connection, self))
                connection.wait_for_first_request()

    def _pause(self, error: OSError) -> None:
        """Accept again later: the socket stays readable, and accept would fail again at once."""
        self._loop.remove_reader(self._listening.fileno())
        self._retry = self._loop.call_later(RETRY_S, self.start)
        reason = "no_descriptors" if error.errno in _NO_DESCRIPTORS else "accept_failed"
        self._limiter.on_closed(reason)
        if self._logged_at is None or self._now() - self._logged_at >= LOG_EVERY_S:
            self._logged_at = self._now()
            _log.error(reason, error=error.strerror)

    def forget(self, silent: _SilentConnection) -> None:
        """Note that a connection is silent no longer."""
        self._silent.discard(silent)

    def open(self, accepted: socket.socket, connection: AdmittedConnection) -> None:
        """Create the transport, with TLS the handshake first, and the protocol of a connection that sent a byte."""
        task = self._loop.create_task(self._open(accepted, connection))
        connection.abort = task.cancel
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._opened(done, accepted, connection))

    async def _open(self, accepted: socket.socket, connection: AdmittedConnection) -> None:
        tls, timeout_s = self.tls, self._limiter.limits.tls_handshake_timeout_s
        if tls is not None:
            connection.wait_for_handshake()
        await self._loop.connect_accepted_socket(
            lambda: self._new_protocol(connection),
            accepted,
            ssl=tls,
            ssl_handshake_timeout=2 * timeout_s if tls is not None else None,  # the connection's own comes first
            ssl_shutdown_timeout=TLS_SHUTDOWN_S if tls is not None else None,
        )

    def _opened(self, task: asyncio.Task[None], accepted: socket.socket, connection: AdmittedConnection) -> None:
        """Close what did not reach its protocol. In a callback: a task that is cancelled early never runs."""
        self._tasks.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            return
        _discard(accepted, connection)
        if isinstance(error, ssl.SSLError):
            self._limiter.on_closed("tls_handshake_failed")
        elif not isinstance(error, (OSError, asyncio.CancelledError)):  # an OSError: the client left
            _log.error("connection_failed", exc_info=error)


class _SilentConnection:
    """An accepted socket that has not sent its first byte."""

    __slots__ = ("_acceptor", "_connection", "_loop", "_socket")

    def __init__(self, accepted: socket.socket, connection: AdmittedConnection, acceptor: Acceptor) -> None:
        self._socket = accepted
        self._connection = connection
        self._acceptor = acceptor
        self._loop = asyncio.get_running_loop()
        connection.abort = self.abort
        self._loop.add_reader(accepted.fileno(), self._readable)

    def abort(self) -> None:
        """Close the socket."""
        self._leave()
        _discard(self._socket, self._connection)

    def _leave(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._acceptor.forget(self)

    def _readable(self) -> None:
        try:
            first = self._socket.recv(1, socket.MSG_PEEK)
        except _NOT_THIS_TIME:
            return
        except OSError:
            first = b""
        if not first:
            self.abort()
            return
        self._leave()
        self._acceptor.open(self._socket, self._connection)


def _discard(accepted: socket.socket, connection: AdmittedConnection) -> None:
    accepted.close()
    connection.release()
