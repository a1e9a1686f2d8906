"""A webhook listener under test, spoken to in raw bytes over real sockets."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from collector.ingest.webhook.endpoint import Webhook, WebhookLimits, WebhookRules
from collector.listener.address import ListenAddress
from collector.listener.client_address import ClientAddressPolicy
from collector.mist import signature
from collector.status import WebhookStatus
from tests.support import faults
from tests.support.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.samples import Samples

SECRET = b"a secret of the tests"
BODY = b'{"topic":"device-events","events":[{"type":"AP_RESTARTED","mac":"5c5b35000001"}]}'


def head(
    *lines: str, method: str = "POST", path: str = "/webhook", length: int | None = None, signed: bytes | None = None
) -> bytes:
    """The head of a request. `signed` is the body that its signature is of; b"" for a signature of nothing."""
    more = [] if length is None else [f"Content-Length: {length}"]
    if signed is not None:
        more.append(f"{signature.HEADER}: {signature.sign(signed, SECRET)}")
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: collector", *more, *lines, "", ""]).encode()


def delivery(body: bytes = BODY, *lines: str) -> bytes:
    """A whole request, signed as it should be."""
    return head(*lines, length=len(body), signed=body) + body


class LimitedRequestHandler:
    """One connection to the endpoint."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        self.writer.writelines(parts)
        with suppress(ConnectionError):  # the other side has closed: what it answered may still be read
            await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer; (0, b"") when the connection ended without one."""
        try:
            first = await self.reader.readline()
            length = 0
            while (line := await self.reader.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            return (int(first.split()[1]), await self.reader.readexactly(length)) if first else (0, b"")
        except (ConnectionError, asyncio.IncompleteReadError):
            return 0, b""

    async def ended(self) -> bool:
        """Wait until the other side has closed."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        return True

    def close(self) -> None:
        self.writer.transport.abort()


class Endpoint:
    """The listener, its status, and the bodies that it handed on."""

    def __init__(self, limits: WebhookLimits, sources: ClientAddressPolicy | None, secrets: list[bytes]) -> None:
        self.bodies: list[bytes] = []
        self.status = WebhookStatus()
        self.clock = ManualClock()
        self._callers: list[LimitedRequestHandler] = []
        self.webhook = Webhook(
            ListenAddress("127.0.0.1", 0),
            deliver=lambda body, _now: self.bodies.append(body),
            status=self.status,
            clock=self.clock,
            rules=WebhookRules("/webhook", lambda: secrets, limits=limits, sources=sources or ClientAddressPolicy()),
        )

    async def caller(self, source: str = "127.0.0.1") -> LimitedRequestHandler:
        """Connect from an address of the loopback network."""
        streams = await asyncio.open_connection("127.0.0.1", self.webhook.port, local_addr=(source, 0))
        caller = LimitedRequestHandler(*streams)
        self._callers.append(caller)
        return caller

    async def ask(self, *parts: bytes, source: str = "127.0.0.1") -> tuple[int, bytes]:
        """Send on a connection of its own; returns the answer."""
        caller = await self.caller(source)
        await caller.send(*parts)
        return await caller.answer()

    def samples(self) -> Samples:
        return faults.of_status(webhook=self.status)

    def hang_up(self) -> None:
        for caller in self._callers:
            caller.close()


@asynccontextmanager
async def listening(
    limits: WebhookLimits | None = None, sources: ClientAddressPolicy | None = None, **more: Any
) -> AsyncIterator[Endpoint]:
    """An endpoint that listens; every caller is hung up at the end."""
    endpoint = Endpoint(limits or WebhookLimits(), sources, more.pop("secrets", [SECRET]))
    async with endpoint.webhook:
        try:
            yield endpoint
        finally:
            endpoint.hang_up()
