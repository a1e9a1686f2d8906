"""The envelope of a WebSocket frame, without its payload.

Mist frames are JSON objects with an `event`: three control events, and `data`. The payload of a data message is an
object in Mist's documentation and a JSON *string* on live streams. The string is not decoded here: only the handler of
the channel knows which of its fields are needed.

`data_of` is the fast path and `parse` the complete one. Measured on a position message of 300 bytes: `data_of` adds
0.15 us to `orjson.loads`, `parse` another 0.1 us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import orjson

from collector import tolerant_json
from collector.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final


class Data(msgspec.Struct, frozen=True):
    """A data message. `payload` as received: str (nested JSON, not decoded), dict, list, number, bool or None."""

    channel: str
    payload: object


class Subscribed(msgspec.Struct, frozen=True):
    """Mist acknowledged a subscription."""

    channel: str


class Unsubscribed(msgspec.Struct, frozen=True):
    """Mist acknowledged the end of a subscription."""

    channel: str


class SubscribeFailed(msgspec.Struct, frozen=True):
    """Mist rejected a subscription; `detail` is Mist's text ("permission denied") or empty."""

    channel: str
    detail: str = ""


StreamMessage = Data | Subscribed | Unsubscribed | SubscribeFailed

_NOT_AN_OBJECT: Final = Rejected("not_an_object")
_UNKNOWN_EVENT: Final = Rejected("unknown_event")
_NO_CHANNEL: Final = Rejected("no_channel")


def data_of(frame: bytes | memoryview | str) -> tuple[str, object] | None:
    """Return channel and payload of a well-formed data message, None for any other frame; use `parse` for those."""
    try:
        message = orjson.loads(frame)
        if message["event"] == "data":
            channel = message["channel"]
            if type(channel) is str and channel:
                return channel, message["data"]
    except Exception:  # noqa: BLE001 - `parse` returns what is wrong with it, or raises
        return None
    return None


def parse(frame: bytes | memoryview | str) -> StreamMessage | Rejected:
    """Parse one frame.

    Returns:
        The message, or Rejected("not_json" | "too_deep" | "not_an_object" | "unknown_event" | "no_channel").
    """
    data = data_of(frame)
    if data is not None:
        return Data(*data)
    message = tolerant_json.loads(frame)
    if isinstance(message, Rejected):
        return message
    if not isinstance(message, dict):
        return _NOT_AN_OBJECT
    event = message.get("event")
    make = _MESSAGES.get(event) if isinstance(event, str) else None
    if make is None:
        return _UNKNOWN_EVENT
    channel = message.get("channel")
    if not isinstance(channel, str) or not channel:
        return _NO_CHANNEL
    return make(channel, message)


def _failed(channel: str, message: dict[str, Any]) -> SubscribeFailed:
    """Mist's documentation does not state that `detail` is present, nor that it is a string."""
    detail = message.get("detail")
    return SubscribeFailed(channel, detail if isinstance(detail, str) else "")


_MESSAGES: Final[dict[str, Callable[[str, dict[str, Any]], StreamMessage]]] = {
    "data": lambda channel, message: Data(channel, message.get("data")),
    "channel_subscribed": lambda channel, _message: Subscribed(channel),
    "channel_unsubscribed": lambda channel, _message: Unsubscribed(channel),
    "subscribe_failed": _failed,
}
