"""The webhook endpoint: where Mist posts events.

One POST: read the raw body under a size and a time limit, verify its signature, apply its events, answer. Nothing is
parsed before the signature holds. Mist is told what to do next by the status alone:

=====  ============================================================  ========================
200    every event was applied, or dropped for a counted reason      Mist is done
400    signed, but it will never parse                               repeating would not help
401    not signed as configured                                      the operator has to act
408    the body did not arrive in time                               Mist repeats it
413    the body is larger than `max_body_bytes`                      the operator has to act
500    our own fault while applying                                  Mist repeats it
=====  ============================================================  ========================
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import structlog
from aiohttp import ClientConnectionResetError, web

from collector.errors import ConfigError, Rejected, SignatureError
from collector.mist import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from collector.clock import Clock
    from collector.listen import Listen
    from collector.status import WebhookStatus

    Deliver = Callable[[bytes, float], Rejected | None]

log = structlog.get_logger()

SHUTDOWN_S = 2.0  # a delivery under way may finish within this time when the collector stops
MISSING = "missing"
INTERNAL = "internal_error"
FAULT_OVER_S = 300.0  # a reason that did not come again for so long has ended


@dataclass(frozen=True, slots=True)
class WebhookLimits:
    """What one delivery may take: size in bytes, time to arrive whole in seconds."""

    max_body_bytes: int = 10_000_000
    read_timeout_s: float = 30.0


class _Refused(Exception):  # noqa: N818 - the way out of one request, not an error of the collector
    """Answer `status`, count `reason`."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class Webhook:
    """The listener; an async context manager. After `__aenter__` it accepts deliveries at `port`.

    `secrets` is called for each delivery, so files may be rotated; `deliver(body, unix_now)` applies the events and
    returns Rejected when the body as a whole cannot be read. With `allow_unsigned` a missing signature is accepted; a
    wrong one never is while there are secrets. Raises ListenError when the address cannot be had.
    """

    def __init__(
        self,
        listen: Listen,
        path: str,
        *,
        secrets: Callable[[], Sequence[bytes]],
        allow_unsigned: bool,
        deliver: Deliver,
        status: WebhookStatus,
        clock: Clock,
        limits: WebhookLimits | None = None,
    ) -> None:
        self._listen = listen
        self._secrets = secrets
        self._allow_unsigned = allow_unsigned
        self._deliver = deliver
        self._status = status
        self._clock = clock
        self._limits = limits or WebhookLimits()
        self._faults: dict[str, float] = {}  # reasons being refused for, and when last: each is logged once
        self.port = 0
        application = web.Application(client_max_size=self._limits.max_body_bytes)
        application.router.add_post(path, self._post)
        # The signature covers the bytes as they were sent, so aiohttp must not unpack them.
        self._runner = web.AppRunner(application, access_log=None, auto_decompress=False, shutdown_timeout=SHUTDOWN_S)

    async def __aenter__(self) -> Self:
        listener = self._listen.bind()
        self.port = listener.getsockname()[1]
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        """Answer one delivery. The body of a refusal says why, in one word; it never quotes the request."""
        try:
            body = await self._body(request)
            self._verify(body, request)
            self._apply(body)
        except _Refused as refused:
            self._refused(refused)
            return web.Response(status=refused.status, text=f"{refused.reason}\n")
        self._status.answered(200, self._clock.now())
        self._faults_end()
        return web.Response(text="ok\n")

    async def _body(self, request: web.Request) -> bytes:
        """The raw body, whole."""
        if (request.content_length or 0) > self._limits.max_body_bytes:
            raise _Refused(413, "too_large")
        try:
            async with asyncio.timeout(self._limits.read_timeout_s):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise _Refused(413, "too_large") from None
        except TimeoutError:
            raise _Refused(408, "timeout") from None
        except (ClientConnectionResetError, ConnectionError, web.RequestPayloadError):
            raise _Refused(400, "disconnected") from None
        self._status.bytes += len(body)
        return body

    def _verify(self, body: bytes, request: web.Request) -> None:
        """Hold the signature against every secret of this moment."""
        try:
            secrets = self._secrets()
            if secrets or not self._allow_unsigned:
                signature.verify(body, request.headers, secrets)
        except SignatureError as error:
            if not (self._allow_unsigned and error.reason == MISSING):
                raise _Refused(401, error.reason) from None
        except ConfigError:
            raise _Refused(500, "secret_unreadable") from None

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

    def _refused(self, refused: _Refused) -> None:
        """Count, and log the first of its kind: a scanner on an open port must not fill the log."""
        now = self._clock.now()
        self._status.answered(refused.status, now, refused.reason)
        if refused.reason not in self._faults:
            log.warning("webhook_refused", reason=refused.reason, status=refused.status)
        self._faults[refused.reason] = now

    def _faults_end(self) -> None:
        """After a good delivery: forget, and log, the reasons that did not come again."""
        now = self._clock.now()
        for reason in [reason for reason, last in self._faults.items() if now - last >= FAULT_OVER_S]:
            del self._faults[reason]
            log.info("webhook_refusals_ended", reason=reason)
