"""The reasons for which connections end: a label value from a fixed set, and a sentence for the operator.

====================  ==================================================================================
connect_failed        no connection: name resolution, TCP, TLS, proxy, an HTTP status that may be transient
connect_timeout       the handshake took too long
rate_limited          the handshake was answered with 429
refused               the handshake was rejected (400, 401, 403, 404, a redirect), or the token is unusable
closed_<code>         a close frame, with a code of RFC 6455
closed_other          a close frame, with any other code
lost                  the connection ended without a close frame
pong_timeout          a ping was not answered
ack_timeout           no subscription was answered
silent                the periodic channels delivered no message
send_timeout          the peer did not read what was sent
control_flood         the peer sent too many control frames, or did not read the answers to its pings
internal_error        an unexpected exception
====================  ==================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collector.errors import Fatal, RateLimited, RemoteError
from collector.ingest.stream.transport import NO_CLOSE_FRAME, peer_text

if TYPE_CHECKING:
    from collector.ingest.stream.transport import Closed
    from collector.mist.session import SessionFailure

_STANDARD_CODES: Final = range(1000, 1016)
_SESSION_FAILURES: Final = {
    "pong_timeout": "a ping was not answered: the connection is half-open",
    "ack_timeout": "no subscription was answered",
    "silent": "all channels are up and none delivers messages",
}


@dataclass(frozen=True, slots=True)
class Disconnect:
    """How a connection, or the attempt to open one, ended.

    Attributes:
        reason: a label value, see the module.
        detail: a sentence for logs and the status page, without secrets.
        error: determines the pause before the next attempt (`backoff.pause_s`).
    """

    reason: str
    detail: str
    error: Exception | None = None


def of_close(closed: Closed, token: str) -> Disconnect:
    """Return the disconnect for the end of an open connection; `token` is masked in the peer's text."""
    text = peer_text(closed.text, token)
    if closed.violation:
        return Disconnect(closed.violation, text)
    if closed.code == NO_CLOSE_FRAME:
        return Disconnect("lost", text or "the connection was lost")
    reason = f"closed_{closed.code if closed.code in _STANDARD_CODES else 'other'}"
    return Disconnect(reason, f"closed with code {closed.code} {text}".rstrip())


def of_session(failure: SessionFailure) -> Disconnect:
    """Return the disconnect for a session that failed."""
    return Disconnect(failure.reason, _SESSION_FAILURES[failure.reason])


def of_error(error: Exception) -> Disconnect:
    """Return the disconnect for an exception; the message of an unexpected one is left out."""
    if isinstance(error, RateLimited):
        return Disconnect("rate_limited", str(error), error)
    if isinstance(error, Fatal):
        return Disconnect("refused", str(error), error)
    if isinstance(error, RemoteError):
        return Disconnect("connect_failed", str(error), error)
    return Disconnect("internal_error", type(error).__name__, error)
