"""The transports by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from collector.ingest.stream.transport import Connect

DEFAULT: Final = "websockets"
NAMES: Final = (DEFAULT, "aiohttp")


class Open(Protocol):
    """Makes a transport, an async context manager that gives the `Connect`."""

    def __call__(self, *, close_within_s: float = ...) -> AbstractAsyncContextManager[Connect]:
        """Make it; a closing handshake takes `close_within_s` at most."""


def by_name(name: str) -> Open:
    """Return the transport called `name`; only its own library is imported. KeyError for any other name."""
    if name == DEFAULT:
        from collector.ingest.stream.transport_websockets import WebsocketsConnect  # noqa: PLC0415 - only what is used

        return WebsocketsConnect
    if name == "aiohttp":
        from collector.ingest.stream.transport_aiohttp import AiohttpConnect  # noqa: PLC0415 - only what is used

        return AiohttpConnect
    raise KeyError(name)
