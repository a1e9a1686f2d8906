"""The webhook endpoint, to which Mist posts events.

It accepts POST requests on one path: check the source and its rate, check the headers, read the raw body within limits
of size, time and memory, verify its signature, apply its events, answer. Nothing is parsed before the signature is
verified, and no body is read without a signature. The status code alone determines what Mist does next:

=====  ==============================================================  =======================
200    every event was applied, or dropped for a counted reason        none
400    the body is signed but not a delivery; repeating does not help  operator action required
401    the signature is missing or wrong                               operator action required
403    the source may not send                                         operator action required
404    another path                                                    operator action required
405    another method than POST                                        operator action required
408    the body did not arrive in time                                 Mist repeats it
413    the body is larger than `max_body_bytes`, or has too many       operator action required
       events or values
415    the body is compressed: a signature covers the plain bytes      operator action required
417    an expectation other than 100-continue                          operator action required
429    the source exceeds its rate                                     Mist repeats it
500    an error of the collector                                       Mist repeats it
503    the memory for request bodies is in use                         Mist repeats it
=====  ==============================================================  =======================
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import structlog
from aiohttp import web

from collector.errors import ConfigError, Rejected, SignatureError
from collector.ingest.dispatcher import HISTORY_UNAVAILABLE
from collector.ingest.webhook.body_memory import BodyMemoryFullError, DeliveryMemory
from collector.listener.client_address import AuthenticatedSources, ClientAddressPolicy, RateLimiter, source_of
from collector.listener.connection_limits import ConnectionLimiter, ConnectionLimits
from collector.listener.http_server import LimitedServer, connection_of
from collector.mist import signature
from collector.mist.delivery import TOO_MANY_EVENTS, TOO_MANY_VALUES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from collector.clock import Clock
    from collector.ingest.webhook.body_memory import Reservation
    from collector.listener.address import ListenAddress
    from collector.listener.client_address import Address
    from collector.listener.http_server import Handler
    from collector.status import WebhookStatus

    Deliver = Callable[[bytes, float], Awaitable[Rejected | None]]

log = structlog.get_logger()

SHUTDOWN_GRACE_S: Final = 1.0  # for deliveries in flight when the collector stops
RETRY_AFTER_S: Final = "5"
INTERNAL_ERROR: Final = "internal_error"
REASON_EXPIRES_S: Final = 300.0  # a reason that did not occur for so long is logged again when it does
_TOO_LARGE: Final = frozenset({TOO_MANY_EVENTS.reason, TOO_MANY_VALUES.reason})


@dataclass(frozen=True, slots=True)
class WebhookLimits:
    """Limits of deliveries and connections.

    Attributes:
        max_body_bytes: size of a body.
        read_timeout_s: time for a body to arrive.
        min_rate_bytes_per_s: average rate over each `rate_window_s` at which a body must arrive.
        rate_window_s: see above.
        rate_per_s: requests a second that one source may make; 0 for no limit.
        rate_burst: requests that it may make at once.
        connections: limits of connections.
    """

    max_body_bytes: int = 10_000_000
    read_timeout_s: float = 30.0
    min_rate_bytes_per_s: float = 4096.0
    rate_window_s: float = 5.0
    rate_per_s: float = 0.0
    rate_burst: int = 1000
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)


@dataclass(frozen=True, slots=True)
class WebhookPolicy:
    """Which deliveries are accepted.

    Attributes:
        path: of the webhook URL.
        secrets: returns the secrets in use; called for each delivery, so that files may be rotated.
        allow_unsigned: accept deliveries without a signature. A wrong signature is rejected while there are secrets.
        limits: of deliveries and connections.
        sources: which addresses may send.
    """

    path: str
    secrets: Callable[[], Sequence[bytes]]
    allow_unsigned: bool = False
    limits: WebhookLimits = field(default_factory=WebhookLimits)
    sources: ClientAddressPolicy = field(default_factory=ClientAddressPolicy)


class _Rejection(Exception):  # noqa: N818 - ends one request, not an error of the collector
    """Answer `status`, count `reason`."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        super().__init__(reason)


class Webhook:
    """The listener: an async context manager; it accepts deliveries between `__aenter__`, which sets `port`, and exit.

    Args:
        listen: address to bind; `__aenter__` raises ListenError when that fails.
        deliver: applies the events of a verified body, received at a Unix time; returns Rejected when the body cannot
            be read as a whole.
        status: receives the counts.
        clock: for rates, times of receipt and the log.
        policy: which deliveries are accepted.
    """

    def __init__(
        self, listen: ListenAddress, *, deliver: Deliver, status: WebhookStatus, clock: Clock, policy: WebhookPolicy
    ) -> None:
        self._deliver = deliver
        self._status = status
        self._clock = clock
        self._logged_reasons: dict[str, float] = {}  # and when each occurred last
        self._authenticated = AuthenticatedSources(clock.now)
        self._memory = DeliveryMemory(policy.limits.max_body_bytes)
        self._limiter = ConnectionLimiter(
            policy.limits.connections,
            self._count_closed,
            authenticated=self._authenticated,
            exempt=self._is_proxy,
            on_count=self._count_open,
        )
        self.use(policy)
        application = web.Application(client_max_size=0, middlewares=[self._reject_without_path])
        application.router.add_route("*", "/{path:.*}", self._post, expect_handler=self._check_expectation)
        self._server = LimitedServer(listen, application, self._limiter, grace_s=SHUTDOWN_GRACE_S)

    @property
    def port(self) -> int:
        """TCP port, 0 before `__aenter__`."""
        return self._server.port

    @property
    def body_bytes(self) -> int:
        """Memory in use by request bodies."""
        return self._memory.used

    def use(self, policy: WebhookPolicy) -> None:
        """Use another policy from the next request on."""
        limits = policy.limits
        self._policy = policy
        self._limits = limits
        self._limiter.limits = limits.connections
        self._memory.resize(limits.max_body_bytes)
        self._rates = RateLimiter(limits.rate_per_s, limits.rate_burst) if limits.rate_per_s else None

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._server.stop()

    # Requests

    async def _post(self, request: web.Request) -> web.Response:
        """Answer one request. The body of a rejection is its reason; it never quotes the request."""
        try:
            await self._accept(request)
        except _Rejection as rejection:
            return self._reject(rejection)
        self._status.answered(200, self._clock.now())
        self._expire_reasons()
        return web.Response(text="ok\n")

    async def _accept(self, request: web.Request) -> None:
        """Receive, verify and apply one delivery, or raise _Rejection."""
        source = source_of(self._check_source(request))
        self._check_rate(source)
        self._check_path(request)
        secrets = self._read_secrets()
        self._check_headers(request)
        verifier = self._verifier(request, secrets)
        with self._memory.reserve(source, authenticated=source in self._authenticated) as reservation:
            body = await self._read_body(request, reservation, verifier)
            self._verify(verifier)
            self._note_authenticated(request, source)
            await self._apply(body)

    async def _check_expectation(self, request: web.Request) -> web.Response | None:
        """Answer `Expect: 100-continue`: the body is requested only where the headers are acceptable."""
        try:
            self._check_source(request)
            _check_expect_header(request)
            self._check_path(request)
            self._check_headers(request)
            await _write_continue(request)
        except _Rejection as rejection:
            return self._reject(rejection)
        return None

    @web.middleware
    async def _reject_without_path(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count requests for which the router has no path (`OPTIONS *`, `CONNECT host:port`)."""
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return self._reject(_Rejection(404, "wrong_path"))

    # Checks

    def _check_source(self, request: web.Request) -> Address | None:
        connection = connection_of(request)
        peer = connection.address if connection is not None else request.remote or ""
        sources = self._policy.sources
        client = sources.client(peer, request.headers.getall("X-Forwarded-For", ()))
        if not sources.allows(client):
            raise _Rejection(403, "source_not_allowed")
        return client

    def _check_rate(self, source: str) -> None:
        wait_s = self._rates.wait_s(source, self._clock.now()) if self._rates is not None else 0.0
        if wait_s > 0:
            raise _Rejection(429, "rate_limited", **{"Retry-After": str(math.ceil(wait_s))})

    def _check_path(self, request: web.Request) -> None:
        if request.path != self._policy.path:
            raise _Rejection(404, "wrong_path")
        if request.method != "POST":
            raise _Rejection(405, "wrong_method", Allow="POST")

    def _check_headers(self, request: web.Request) -> None:
        """Reject by the headers what would be rejected anyway, before the body is read."""
        if any(encoding.lower() != "identity" for encoding in request.headers.getall("Content-Encoding", ())):
            raise _Rejection(415, "compressed")
        if (request.content_length or 0) > self._limits.max_body_bytes:
            raise _Rejection(413, "too_large")
        if not self._policy.allow_unsigned:
            try:
                signature.signature_of(request.headers)
            except SignatureError as error:
                raise _Rejection(401, error.reason) from None

    # Body

    async def _read_body(
        self, request: web.Request, reservation: Reservation, verifier: signature.Verifier | None
    ) -> bytes:
        """Return the raw body; the verifier receives it as it arrives."""
        loop, limits = asyncio.get_running_loop(), self._limits
        deadline = loop.time() + limits.read_timeout_s
        body, due = bytearray(), 0.0
        timeout = asyncio.timeout_at(min(deadline, loop.time() + limits.rate_window_s))
        try:
            async with timeout:
                async for chunk in request.content.iter_any():
                    self._extend(reservation, len(body) + len(chunk), len(chunk))
                    body += chunk
                    if verifier is not None:
                        verifier.update(chunk)
                    if len(body) >= due:  # the window has its bytes: begin the next one
                        due = len(body) + limits.min_rate_bytes_per_s * limits.rate_window_s
                        timeout.reschedule(min(deadline, loop.time() + limits.rate_window_s))
        except TimeoutError:
            raise _Rejection(408, "timeout" if timeout.when() == deadline else "too_slow") from None
        except (ConnectionError, web.RequestPayloadError):
            raise _Rejection(400, "disconnected") from None
        self._status.bytes += len(body)
        return bytes(body)

    def _extend(self, reservation: Reservation, size: int, count: int) -> None:
        if size > self._limits.max_body_bytes:
            raise _Rejection(413, "too_large")
        try:
            reservation.extend(count)
        except BodyMemoryFullError:
            raise _Rejection(503, "body_memory_full", **{"Retry-After": RETRY_AFTER_S}) from None

    # Signature

    def _read_secrets(self) -> Sequence[bytes]:
        try:
            return self._policy.secrets()
        except ConfigError:
            raise _Rejection(500, "secret_unreadable") from None

    def _verifier(self, request: web.Request, secrets: Sequence[bytes]) -> signature.Verifier | None:
        """Return the verifier of a body; None for one that is accepted without a signature."""
        if not secrets and self._policy.allow_unsigned:
            return None
        try:
            return signature.Verifier(request.headers, secrets)
        except SignatureError as error:
            if self._policy.allow_unsigned and error.reason == "missing":
                return None
            raise _Rejection(401, error.reason) from None

    def _verify(self, verifier: signature.Verifier | None) -> None:
        try:
            if verifier is not None:
                verifier.check()
        except SignatureError as error:
            raise _Rejection(401, error.reason) from None

    def _note_authenticated(self, request: web.Request, source: str) -> None:
        """Record that the source and its connection have authenticated; limits reserve memory and places for them."""
        self._authenticated.add(source)
        connection = connection_of(request)
        if connection is not None:
            connection.note_authenticated()

    async def _apply(self, body: bytes) -> None:
        """Apply the events. An exception is a bug of the collector; Mist repeats the delivery."""
        try:
            rejected = await self._deliver(body, self._clock.time())
        except Exception:
            if INTERNAL_ERROR not in self._logged_reasons:
                log.exception("webhook_delivery_failed")
            raise _Rejection(500, INTERNAL_ERROR) from None
        if rejected is HISTORY_UNAVAILABLE:
            raise _Rejection(503, rejected.reason, **{"Retry-After": RETRY_AFTER_S})
        if rejected is not None:
            raise _Rejection(413 if rejected.reason in _TOO_LARGE else 400, rejected.reason)

    # Counts

    def _is_proxy(self, peer: str) -> bool:
        return self._policy.sources.is_proxy(peer)

    def _count_open(self, connections: int) -> None:
        self._status.connections = connections

    def _count_closed(self, reason: str) -> None:
        self._status.closed[reason] = self._status.closed.get(reason, 0) + 1
        self._log_once(reason)

    def _reject(self, rejection: _Rejection) -> web.Response:
        """Count the rejection, and return the response."""
        self._status.answered(rejection.status, self._clock.now(), rejection.reason)
        self._log_once(rejection.reason, status=rejection.status)
        return web.Response(status=rejection.status, text=f"{rejection.reason}\n", headers=rejection.headers)

    def _log_once(self, reason: str, **facts: int) -> None:
        """Log the first occurrence of a reason: a scanner on an open port must not fill the log."""
        if reason not in self._logged_reasons:
            log.warning("webhook_refused", reason=reason, **facts)
        self._logged_reasons[reason] = self._clock.now()

    def _expire_reasons(self) -> None:
        """Forget, and log, the reasons that have not occurred for a while."""
        now = self._clock.now()
        for reason in [reason for reason, last in self._logged_reasons.items() if now - last >= REASON_EXPIRES_S]:
            del self._logged_reasons[reason]
            log.info("webhook_refusals_ended", reason=reason)


def _check_expect_header(request: web.Request) -> None:
    if request.headers["Expect"].lower() != "100-continue":
        raise _Rejection(417, "expectation")


async def _write_continue(request: web.Request) -> None:
    try:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    except ConnectionError:
        raise _Rejection(400, "disconnected") from None
