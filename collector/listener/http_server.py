"""Serves an aiohttp application on one address, within the connection limits."""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from aiohttp import web

from collector.error_log import ErrorLog
from collector.listener.acceptor import Acceptor

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from collector.listener.address import ListenAddress
    from collector.listener.connection_limits import AdmittedConnection, ConnectionLimiter

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SERVER_HEADER: Final = "mist-collector"  # without a version, which would reveal known vulnerabilities
_HANDLER_TIMEOUT_S: Final = 0.25  # of a handler that outlives its connection at shutdown; aiohttp waits twice as long
_ERROR_LOG: Final = ErrorLog()


class LimitedServer:
    """An HTTP server for `application`, from `start` to `stop`.

    Args:
        listen: address to bind.
        application: it is frozen by `start`.
        limiter: admits connections.
        grace_s: how long requests in flight may continue when the server stops.

    Attributes:
        port: TCP port, 0 before `start`.
    """

    def __init__(
        self, listen: ListenAddress, application: web.Application, limiter: ConnectionLimiter, *, grace_s: float
    ) -> None:
        application.middlewares.insert(0, track_in_flight)
        application.on_response_prepare.insert(0, hide_server_header)
        self._listen = listen
        self._limiter = limiter
        self._grace_s = grace_s
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_HANDLER_TIMEOUT_S)
        self._acceptor: Acceptor | None = None
        self.port = 0

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Bind and accept connections, with `tls` over TLS.

        Raises:
            ListenError: the address cannot be bound.
        """
        listening = self._listen.bind()
        self.port = listening.getsockname()[1]
        await self._runner.setup()
        self._acceptor = Acceptor(listening, self._limiter, self._new_protocol, tls=tls)
        self._acceptor.start()

    def use_tls(self, tls: ssl.SSLContext | None) -> None:
        """Use another TLS context for new connections; open connections keep theirs."""
        if self._acceptor is not None:
            self._acceptor.tls = tls

    async def stop(self) -> None:
        """Stop accepting, wait for requests in flight, then close all connections.

        aiohttp stops reading bodies as soon as its cleanup begins, so requests in flight are waited for before that.
        """
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        await self._runner.shutdown()  # ends streams, which would use up the grace time
        if not await self._limiter.drain(self._grace_s):
            self._limiter.abort_all()
        await self._runner.cleanup()
        self._limiter.abort_all()

    def _new_protocol(self, connection: AdmittedConnection) -> LimitedRequestHandler:
        server = self._runner.server
        if server is None:
            raise ConnectionAbortedError("the server has stopped")
        return LimitedRequestHandler(server, connection, self._limiter)


class LimitedRequestHandler(web.RequestHandler):
    """aiohttp's protocol of one connection, with the timeouts and limits of its `AdmittedConnection`."""

    __slots__ = ("_limiter", "connection")

    def __init__(self, server: web.Server, connection: AdmittedConnection, limiter: ConnectionLimiter) -> None:
        limits = limiter.limits
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as AppRunner passes it: no access log
            auto_decompress=False,  # a signature covers the bytes as they were sent
            # The connection's own timeout is shorter, and is counted.
            keepalive_timeout=3 * max(limits.first_request_timeout_s, limits.keepalive_timeout_s),
            lingering_time=limits.lingering_time_s,
            max_line_size=limits.max_line_bytes,
            max_field_size=limits.max_field_bytes,
            max_headers=limits.max_fields,
        )
        self._limiter = limiter
        self.connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        self.connection.abort = cast("asyncio.Transport", transport).abort
        super().connection_made(transport)
        self.connection.wait_for_first_request()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        self.connection.release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note that bytes arrived."""
        self.connection.note_received()
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's text, which quotes the request
    ) -> web.StreamResponse:
        """Answer invalid HTTP, and the exception of a handler, with a fixed text.

        aiohttp would log a traceback for each request, and quote the request or the exception in its answer.

        Raises:
            ConnectionError: the client has disconnected, or a part of another answer is sent; aiohttp closes the
                connection.
        """
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._limiter.on_closed("bad_request")
            return _fixed_answer(status, "bad request\n")
        error = exc or sys.exception()  # aiohttp does not pass the TimeoutError of a handler
        if isinstance(error, ConnectionError):
            raise error
        self._limiter.on_closed("handler_failed")
        if error is not None:
            _ERROR_LOG.log("request_failed", error)
        if request.writer.output_size > 0:
            raise ConnectionError("a part of another answer is sent")
        return _fixed_answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error\n")


def _fixed_answer(status: int, text: str) -> web.Response:
    answer = web.Response(status=status, text=text, headers={"Server": SERVER_HEADER})
    answer.force_close()
    return answer


def connection_of(request: web.BaseRequest) -> AdmittedConnection | None:
    """Return the connection of a request; None when its server has no connection limits (in tests)."""
    protocol = request.protocol
    return protocol.connection if isinstance(protocol, LimitedRequestHandler) else None


async def hide_server_header(_request: web.Request, response: web.StreamResponse) -> None:
    """Replace the `Server` header, which names the versions of Python and aiohttp."""
    response.headers["Server"] = SERVER_HEADER


@web.middleware
async def track_in_flight(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the connection as in flight while its request is being answered."""
    connection = connection_of(request)
    if connection is None:
        return await handler(request)
    connection.begin_request()
    try:
        return await handler(request)
    finally:
        connection.end_request()
