"""The seam between a stream and the library that speaks WebSocket.

Two modules implement it and behave alike: `transport_websockets` (default, cheaper a frame) and `transport_aiohttp`.
Both leave keepalive to the session (its ping, its clock), offer no compression (permessage-deflate costs more CPU than
it saves here) and hand text frames over as undecoded bytes.
"""

from __future__ import annotations

import ipaddress
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias
from urllib.parse import urlsplit

from collector.errors import Fatal, RateLimited, RemoteError, Retryable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Bytes: TypeAlias = bytes | memoryview | str  # of a frame; a view is good only during the call that it is given to
OnFrames: TypeAlias = "Callable[[Sequence[Bytes]], None]"
MAX_FRAME_BYTES: Final = 32 * 1024 * 1024  # a whole site in one list stays far below
CLOSE_WITHIN_S: Final = 1.0  # a closing handshake that takes longer is cut: SIGTERM must be done in 2 s
LOST: Final = 1006  # RFC 6455 7.4.1: the connection ended without a close frame
NO_CODE: Final = 1005  # the same: a close frame that names no code
MIN_RATE_LIMIT_PAUSE_S: Final = 30.0  # mist/README 3: treat 429 on the handshake as "wait at least 30 s"
MAX_RATE_LIMIT_PAUSE_S: Final = 3600.0  # Mist counts by the hour: nothing lasts longer
_FATAL: Final = frozenset({400, 401, 403, 404})
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended: the close code (RFC 6455; 1006 when it was lost) and the words sent with it."""

    code: int
    words: str = ""


class Connection(Protocol):
    """An open WebSocket connection."""

    async def frames(self, on_frames: OnFrames, on_pong: Callable[[], None]) -> Closed:
        """Read until the connection ends, calling back synchronously. Pings of the other side are answered.

        `on_frames` is handed the frames that came in one go, one or more.
        """

    async def send(self, text: str) -> None:
        """Send a text frame; Retryable when the connection is closed."""

    async def ping(self) -> None:
        """Send a ping; its pong comes through `on_pong`. Retryable when the connection is closed."""

    async def close(self) -> None:
        """Close orderly, within about a second even if the other side is silent. Never raises RemoteError."""


class Connect(Protocol):
    """Opens connections."""

    async def __call__(self, url: str, headers: Mapping[str, str]) -> Connection:
        """Open a connection to `url`.

        Raises Retryable, RateLimited or Fatal; none of them holds a header value, nor is chained to one that does.
        """


def refusal(status: int, headers: Mapping[str, str], *, where: str) -> RemoteError:
    """Turn a handshake that was answered with HTTP `status` into the error that says what to do."""
    if status == _TOO_MANY:
        return RateLimited(retry_after_s(headers), where=where)
    if status in _FATAL:
        return Fatal("the stream was refused", where=where, status=status)
    return Retryable("the stream did not open", where=where, status=status)


def failure(error: BaseException, headers: Mapping[str, str], *, where: str) -> Retryable:
    """Turn an error of the network or a library into ours; words that hold a header value are withheld."""
    words = str(error) or type(error).__name__
    if any(secret in words for secret in headers.values()):
        words = type(error).__name__
    return Retryable(words, where=where)


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds to wait after a 429: `Retry-After` as seconds or as a date (against the answer's own `Date`).

    Never less than 30 s, never more than an hour; 30 s when the header is missing or not understood.
    """
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text) if text.isdigit() else _seconds_until(text, headers.get("Date", ""))
    except (ValueError, TypeError):
        seconds = MIN_RATE_LIMIT_PAUSE_S
    return min(MAX_RATE_LIMIT_PAUSE_S, max(MIN_RATE_LIMIT_PAUSE_S, seconds))


def _seconds_until(date: str, today: str) -> float:
    return (parsedate_to_datetime(date) - parsedate_to_datetime(today)).total_seconds()


def origin(url: str) -> str:
    """Return `url` without user, password, query and fragment: what an error may show. "" when it is no URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def proxy_for(url: str) -> str | None:
    """Return the HTTP proxy that the environment (`https_proxy`, `no_proxy`) names for a wss or https URL, or None.

    Without TLS it is loopback, which no proxy can reach; SOCKS is not supported.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"wss", "https"} or _is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("https")
    return proxy if proxy and urlsplit(proxy).scheme in {"http", "https"} else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
