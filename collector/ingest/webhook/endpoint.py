"""The webhook endpoint: where Mist posts events.

One POST: who sends, how often, read the raw body under a size and a time limit, verify its signature, apply its events,
answer. Nothing is parsed before the signature holds, and no body is read that carries none. Mist is told what to do
next by the status alone:

=====  ============================================================  ========================
200    every event was applied, or dropped for a counted reason      Mist is done
400    signed, but it will never parse                               repeating would not help
401    not signed as configured                                      the operator has to act
403    from a source that may not send                               the operator has to act
404    another path                                                  the operator has to act
405    another method than POST                                      the operator has to act
408    the body did not arrive in time                               Mist repeats it
413    the body is larger than `max_body_bytes`                      the operator has to act
415    the body is compressed: a signature covers plain bytes        the operator has to act
417    it expects something that nobody here can do                  the operator has to act
429    more requests than one source may make                        Mist repeats it
500    our own fault while applying                                  Mist repeats it
503    bodies under way fill the memory that they may take           Mist repeats it
=====  ============================================================  ========================
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import structlog
from aiohttp import ClientConnectionResetError, web

from collector.errors import ConfigError, Rejected, SignatureError
from collector.listener.client_address import ClientAddressPolicy, RateLimiter
from collector.listener.connection_limits import (
    ConnectionLimiter,
    ConnectionLimits,
    LimitedSite,
    hide_server_header,
    track_in_flight,
)
from collector.mist import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from collector.clock import Clock
    from collector.listener.address import ListenAddress
    from collector.listener.client_address import Address
    from collector.listener.connection_limits import Handler
    from collector.status import WebhookStatus

    Deliver = Callable[[bytes, float], Rejected | None]

log = structlog.get_logger()

SHUTDOWN_S = 2.0  # a delivery under way may finish within this time when the collector stops
MISSING = "missing"
INTERNAL = "internal_error"
FAULT_OVER_S = 300.0  # a reason that did not come again for so long has ended
LARGE_BODIES = 4  # of the largest size may be under way at once


@dataclass(frozen=True, slots=True)
class WebhookLimits:
    """What deliveries may take: size in bytes, time to arrive whole in seconds, requests a second and source."""

    max_body_bytes: int = 10_000_000
    read_timeout_s: float = 30.0
    rate_per_s: float = 0.0  # 0: any number
    rate_burst: int = 1000
    doors: ConnectionLimits = field(default_factory=ConnectionLimits)


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """What a delivery has to keep to; another set may take its place while the listener works.

    `secrets` is called for each delivery, so files may be rotated. With `allow_unsigned` a missing signature is
    accepted; a wrong one never is while there are secrets.
    """

    path: str
    secrets: Callable[[], Sequence[bytes]]
    allow_unsigned: bool = False
    limits: WebhookLimits = field(default_factory=WebhookLimits)
    sources: ClientAddressPolicy = field(default_factory=ClientAddressPolicy)


class _Refused(Exception):  # noqa: N818 - the way out of one request, not an error of the collector
    """Answer `status`, count `reason`."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        super().__init__(reason)


class Webhook:
    """The listener; an async context manager. After `__aenter__` it accepts deliveries at `port`.

    `deliver(body, unix_now)` applies the events and returns Rejected when the body as a whole cannot be read. Raises
    ListenError when the address cannot be had.
    """

    def __init__(
        self, listen: ListenAddress, *, deliver: Deliver, status: WebhookStatus, clock: Clock, rules: WebhookRules
    ) -> None:
        self._listen = listen
        self._deliver = deliver
        self._status = status
        self._clock = clock
        self._faults: dict[str, float] = {}  # reasons being refused for, and when last: each is logged once
        self._under_way = 0  # bytes of bodies that are being read
        self._site: LimitedSite | None = None
        self.port = 0
        self._doors = ConnectionLimiter(
            rules.limits.doors, self._closed, exempt=self._exempt, on_count=self._count_open
        )
        self.use(rules)
        application = web.Application(client_max_size=0, middlewares=[track_in_flight, self._without_path])
        application.router.add_route("*", "/{path:.*}", self._post, expect_handler=self._expected)
        application.on_response_prepare.append(hide_server_header)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)

    def use(self, rules: WebhookRules) -> None:
        """Go by these rules from the next request on."""
        self._rules = rules
        self._limits = rules.limits
        self._doors.limits = rules.limits.doors
        limits = rules.limits
        self._rates = RateLimiter(limits.rate_per_s, limits.rate_burst) if limits.rate_per_s else None

    async def __aenter__(self) -> Self:
        listener = self._listen.bind()
        self.port = listener.getsockname()[1]
        await self._runner.setup()
        self._site = LimitedSite(self._runner, listener, self._doors)
        await self._site.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # aiohttp stops reading as soon as it is told to clean up: a delivery under way would be lost with its rest.
        if self._site is not None:
            await self._site.stop()
        await self._doors.drained(SHUTDOWN_S)
        await self._runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        """Answer one request. The body of a refusal says why, in one word; it never quotes the request."""
        try:
            self._let_in(request)
            secrets = self._read_secrets()
            self._look_at_head(request)
            body = await self._body(request)
            self._verify(body, request, secrets)
            self._apply(body)
        except _Refused as refused:
            return self._refused(refused)
        self._status.answered(200, self._clock.now())
        self._faults_end()
        return web.Response(text="ok\n")

    async def _expected(self, request: web.Request) -> web.Response | None:
        """Before its body the sender waits for a word: it is told to go on only where it would not be refused."""
        try:
            self._source(request)
            self._look_at_expectation(request)
            self._look_at_path(request)
            self._look_at_head(request)
        except _Refused as refused:
            return self._refused(refused)
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    @web.middleware
    async def _without_path(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what the router knows no path of (`OPTIONS *`, `CONNECT host:port`) as everything else is refused."""
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return self._refused(_Refused(404, "wrong_path"))

    def _let_in(self, request: web.Request) -> None:
        """Ask who sends, how often, and whether it is a delivery at all."""
        source = self._source(request)
        wait_s = self._rates.wait_s(source, self._clock.now()) if self._rates is not None else 0.0
        if wait_s > 0:
            raise _Refused(429, "rate_limited", **{"Retry-After": str(math.ceil(wait_s))})
        self._look_at_path(request)

    def _source(self, request: web.Request) -> Address | None:
        source = self._rules.sources.source(request.remote or "", request.headers.getall("X-Forwarded-For", ()))
        if not self._rules.sources.allows(source):
            raise _Refused(403, "source_not_allowed")
        return source

    def _look_at_expectation(self, request: web.Request) -> None:
        if request.headers["Expect"].lower() != "100-continue":
            raise _Refused(417, "expectation")

    def _look_at_path(self, request: web.Request) -> None:
        if request.path != self._rules.path:
            raise _Refused(404, "wrong_path")
        if request.method != "POST":
            raise _Refused(405, "wrong_method", Allow="POST")

    def _look_at_head(self, request: web.Request) -> None:
        """Refuse by the head alone what would be refused anyway, before a byte of the body is kept."""
        if any(encoding.lower() != "identity" for encoding in request.headers.getall("Content-Encoding", ())):
            raise _Refused(415, "compressed")
        if (request.content_length or 0) > self._limits.max_body_bytes:
            raise _Refused(413, "too_large")
        if not self._rules.allow_unsigned:
            try:
                signature.claimed(request.headers)
            except SignatureError as error:
                raise _Refused(401, error.reason) from None

    async def _body(self, request: web.Request) -> bytes:
        """The raw body, whole."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.read_timeout_s):
                async for chunk in request.content.iter_any():
                    self._keep(body, chunk)
        except TimeoutError:
            raise _Refused(408, "timeout") from None
        except (ClientConnectionResetError, ConnectionError, web.RequestPayloadError):
            raise _Refused(400, "disconnected") from None
        finally:
            self._under_way -= len(body)
        self._status.bytes += len(body)
        return bytes(body)

    def _keep(self, body: bytearray, chunk: bytes) -> None:
        """Add what came, within the size of one body and of all that are under way."""
        if len(body) + len(chunk) > self._limits.max_body_bytes:
            raise _Refused(413, "too_large")
        if self._under_way + len(chunk) > LARGE_BODIES * self._limits.max_body_bytes:
            raise _Refused(503, "crowded", **{"Retry-After": "5"})
        self._under_way += len(chunk)
        body += chunk

    def _read_secrets(self) -> Sequence[bytes]:
        try:
            return self._rules.secrets()
        except ConfigError:
            raise _Refused(500, "secret_unreadable") from None

    def _verify(self, body: bytes, request: web.Request, secrets: Sequence[bytes]) -> None:
        """Hold the signature against every secret of this moment."""
        try:
            if secrets or not self._rules.allow_unsigned:
                signature.verify(body, request.headers, secrets)
        except SignatureError as error:
            if not (self._rules.allow_unsigned and error.reason == MISSING):
                raise _Refused(401, error.reason) from None

    def _apply(self, body: bytes) -> None:
        """Hand the body on; an error in there is ours, and Mist may repeat the delivery."""
        try:
            rejected = self._deliver(body, self._clock.time())
        except Exception:
            if INTERNAL not in self._faults:
                log.exception("webhook_delivery_failed")
            raise _Refused(500, INTERNAL) from None
        if rejected is not None:
            raise _Refused(400, rejected.reason)

    def _exempt(self, peer: str) -> bool:
        return self._rules.sources.is_proxy(peer)

    def _count_open(self, connections: int) -> None:
        self._status.connections = connections

    def _closed(self, reason: str) -> None:
        """Count a connection that the door ended, and log the first of its kind."""
        self._status.closed[reason] = self._status.closed.get(reason, 0) + 1
        self._note_fault(reason)

    def _refused(self, refused: _Refused) -> web.Response:
        """Count, and log the first of its kind: a scanner on an open port must not fill the log. Returns the answer."""
        self._status.answered(refused.status, self._clock.now(), refused.reason)
        self._note_fault(refused.reason, status=refused.status)
        return web.Response(status=refused.status, text=f"{refused.reason}\n", headers=refused.headers)

    def _note_fault(self, reason: str, **facts: int) -> None:
        if reason not in self._faults:
            log.warning("webhook_refused", reason=reason, **facts)
        self._faults[reason] = self._clock.now()

    def _faults_end(self) -> None:
        """After a good delivery: forget, and log, the reasons that did not come again."""
        now = self._clock.now()
        for reason in [reason for reason, last in self._faults.items() if now - last >= FAULT_OVER_S]:
            del self._faults[reason]
            log.info("webhook_refusals_ended", reason=reason)
