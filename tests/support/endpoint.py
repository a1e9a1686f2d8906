"""A webhook listener under test, to which raw bytes are sent over real sockets."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from collector.ingest.webhook.endpoint import Webhook, WebhookLimits, WebhookPolicy
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
    """Return the head of a request. `signed` is the body that the signature is of; b"" for a signature of nothing."""
    more = [] if length is None else [f"Content-Length: {length}"]
    if signed is not None:
        more.append(f"{signature.HEADER}: {signature.sign(signed, SECRET)}")
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: collector", *more, *lines, "", ""]).encode()


def delivery(body: bytes = BODY, *lines: str) -> bytes:
    """Return a whole request with a valid signature."""
    return head(*lines, length=len(body), signed=body) + body


class Client:
    """One connection to the endpoint."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        self.writer.writelines(parts)
        with suppress(ConnectionError):  # the server closed the connection: its response may still be read
            await self.writer.drain()

    async def response(self) -> tuple[int, bytes]:
        """Return status and body of the next response; (0, b"") when the connection ended without one."""
        try:
            first = await self.reader.readline()
            length = 0
            while (line := await self.reader.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            return (int(first.split()[1]), await self.reader.readexactly(length)) if first else (0, b"")
        except (ConnectionError, asyncio.IncompleteReadError):
            return 0, b""

    async def closed(self) -> bool:
        """Wait until the server has closed the connection."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        return True

    def close(self) -> None:
        self.writer.transport.abort()


class Endpoint:
    """The listener, its status, and the bodies that it delivered."""

    def __init__(self, limits: WebhookLimits, sources: ClientAddressPolicy | None, secrets: list[bytes]) -> None:
        self.bodies: list[bytes] = []
        self.status = WebhookStatus()
        self.clock = ManualClock()
        self._clients: list[Client] = []
        self.webhook = Webhook(
            ListenAddress("127.0.0.1", 0),
            deliver=self._deliver,
            status=self.status,
            clock=self.clock,
            policy=WebhookPolicy("/webhook", lambda: secrets, limits=limits, sources=sources or ClientAddressPolicy()),
        )

    async def _deliver(self, body: bytes, _now: float) -> None:
        self.bodies.append(body)

    async def client(self, source: str = "127.0.0.1") -> Client:
        """Connect from an address of the loopback network."""
        streams = await asyncio.open_connection("127.0.0.1", self.webhook.port, local_addr=(source, 0))
        client = Client(*streams)
        self._clients.append(client)
        return client

    async def request(self, *parts: bytes, source: str = "127.0.0.1") -> tuple[int, bytes]:
        """Send on a new connection; returns the response."""
        client = await self.client(source)
        await client.send(*parts)
        return await client.response()

    def samples(self) -> Samples:
        return faults.of_status(webhook=self.status)

    def close_clients(self) -> None:
        for client in self._clients:
            client.close()


@asynccontextmanager
async def listening(
    limits: WebhookLimits | None = None, sources: ClientAddressPolicy | None = None, **more: Any
) -> AsyncIterator[Endpoint]:
    """Yield an endpoint that listens; all client connections are closed at the end."""
    endpoint = Endpoint(limits or WebhookLimits(), sources, more.pop("secrets", [SECRET]))
    async with endpoint.webhook:
        try:
            yield endpoint
        finally:
            endpoint.close_clients()
