"""How connections end, in the words of a label and in words for people.

Reasons are a fixed vocabulary: connect_failed, connect_timeout, rate_limited, refused, closed_<code>, lost,
pong_timeout, ack_timeout, silent, send_timeout, internal_error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collector.ingest.stream.transport import LOST

if TYPE_CHECKING:
    from collector.ingest.stream.transport import Closed

MAX_WORDS: Final = 200  # of what the other side says, in logs and on the status page
_LAST_STANDARD_CODE: Final = 1015
_FIRST_STANDARD_CODE: Final = 1000
WORDS: Final = {
    "pong_timeout": "a ping was not answered: the link is half-open",
    "ack_timeout": "no subscription was ever answered",
    "silent": "all channels are up and none says anything",
}


@dataclass(frozen=True, slots=True)
class Disconnect:
    """How a connection, or the attempt at one, ended. `why` is for people; `error` decides the pause."""

    reason: str
    why: str
    error: Exception | None = None


def disconnect_reason(closed: Closed) -> Disconnect:
    """Name the end of a connection; codes outside RFC 6455 are the peer's to invent, so they share a name."""
    words = "".join(letter for letter in closed.words if letter.isprintable())[:MAX_WORDS]
    if closed.code == LOST:
        return Disconnect("lost", words or "the connection was lost")
    known = _FIRST_STANDARD_CODE <= closed.code <= _LAST_STANDARD_CODE
    return Disconnect(f"closed_{closed.code if known else 'other'}", f"closed with code {closed.code} {words}".rstrip())
