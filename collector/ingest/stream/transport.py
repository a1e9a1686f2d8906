"""The interface between a stream connection and the WebSocket transport, and the errors of opening a connection.

`websocket.py` implements it; tests pass their own. Keepalive belongs to the session (its pings, its clock).
Compression is not offered: permessage-deflate costs more CPU than it saves here. Frames are not decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias
from urllib.parse import urlsplit

from collector.backoff import retry_after_s
from collector.errors import Fatal, RateLimited, RemoteError, Retryable
from collector.token import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RawFrame: TypeAlias = bytes | memoryview | str  # a memoryview is valid only during the call that receives it
OnFrames: TypeAlias = "Callable[[Sequence[RawFrame]], None]"
MAX_FRAME_BYTES: Final = 32 * 1024 * 1024  # a list of all devices of a large site is far smaller
CLOSE_TIMEOUT_S: Final = 1.0  # of the closing handshake; SIGTERM has to be complete within 2 s
NO_CLOSE_FRAME: Final = 1006  # RFC 6455 7.4.1: the connection ended without a close frame
NO_CLOSE_CODE: Final = 1005  # RFC 6455 7.4.1: a close frame without a code
MAX_PEER_TEXT: Final = 200  # characters of a peer's text in logs and on the status page
_MAX_SCANNED: Final = 4096
_FATAL: Final = frozenset({400, 401, 403, 404})
_REDIRECTS: Final = range(300, 400)
_TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended.

    Attributes:
        code: the close code of RFC 6455, `NO_CLOSE_FRAME` when there was none.
        text: the reason that the peer sent with it, as received; or a sentence that explains `violation`.
        violation: "control_flood" when the transport closed the connection for that; "" otherwise.
    """

    code: int
    text: str = ""
    violation: str = ""


class Connection(Protocol):
    """An open WebSocket connection."""

    async def frames(self, on_frames: OnFrames, on_pong: Callable[[], None]) -> Closed:
        """Read until the connection ends, calling back synchronously. Pings of the peer are answered.

        `on_frames` receives the frames that arrived together, one or more. An exception that it raises ends the
        connection and is raised here.
        """

    async def send(self, text: str) -> None:
        """Send a text frame; raises Retryable when the connection is closed."""

    async def ping(self) -> None:
        """Send a ping; its pong is reported by `on_pong`. Raises Retryable when the connection is closed."""

    async def close(self) -> None:
        """Close within `CLOSE_TIMEOUT_S`: a closing handshake first, then the socket is aborted. Never raises."""


class Connect(Protocol):
    """Opens connections."""

    async def __call__(self, url: str, headers: Mapping[str, str]) -> Connection:
        """Open a connection to `url`, sending `headers` with the handshake, to no other host.

        Raises:
            Retryable, RateLimited, Fatal: none of them contains the token of `headers`, nor is chained to an error
                that does. Any other exception is a bug.
        """


def handshake_error(status: int, headers: Mapping[str, str], *, where: str, unix_time: float) -> RemoteError:
    """Return the error for a handshake that was answered with HTTP `status` instead of 101.

    Redirects are not followed, because the token must not be sent to another host.
    """
    if status == _TOO_MANY_REQUESTS:
        return RateLimited(retry_after_s(headers, unix_time), where=where)
    if status in _REDIRECTS:
        return Fatal("the handshake was redirected; redirects are not followed", where=where, status=status)
    if status in _FATAL:
        return Fatal("the handshake was rejected", where=where, status=status)
    return Retryable("the handshake failed", where=where, status=status)


def connect_error(error: BaseException, secrets: Sequence[str], *, where: str) -> Retryable:
    """Return the error for a connection that could not be opened, with the text of `error` but without `secrets`."""
    text = str(error) or type(error).__name__
    for secret in secrets:
        text = peer_text(text, secret)
    return Retryable(text, where=where)


def peer_text(text: str, secret: str) -> str:
    """Return a text of a peer for logs and the status page: printable, at most 200 characters, `secret` masked."""
    printable = "".join(letter for letter in text[:_MAX_SCANNED] if letter.isprintable())
    return mask(printable, secret)[:MAX_PEER_TEXT]


def origin(url: str) -> str:
    """Return `url` without user, password, query and fragment, for error messages; "" when it is not a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
