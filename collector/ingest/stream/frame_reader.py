"""A WebSocket connection that passes frames to a callback directly from the buffer of the socket.

The library `websockets` opens the connection (proxy, TLS, handshake), sends, and handles pings and closes. Only
receiving is done here: a whole text or binary frame, which is nearly every frame that Mist sends, goes to `on_frames`
without a copy, in the iteration of the event loop in which it arrived, together with the frames that arrived with it.
Control frames, fragments and violations of RFC 6455 are passed to the library byte for byte, and so is every frame that
follows a message which the library still holds: messages stay in order.

The peer is not trusted:

- Of the answer to the handshake at most `MAX_HEAD_BYTES` are read. The library receives it only if its status is 101:
  no body is read, and the library never sees a redirect, so that it cannot send the token to another host.
- Control frames are rate limited, and so is what the peer may leave unread of the pongs.
- A message has at most `MAX_FRAGMENTS` fragments, and a frame at most `MAX_FRAME_BYTES`.

Measured on loopback (`tests/benchmarks/readers.py`), per frame of 286 bytes: 0.5 us; the library alone takes 4.3 us.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidMessage
from websockets.protocol import State

from collector.ingest.stream.transport import MAX_FRAME_BYTES, Closed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BUFFER_BYTES: Final = 64 * 1024  # some dozen device frames: what one socket may take of one iteration of the event loop
MAX_HEAD_BYTES: Final = 16 * 1024  # status line and headers of the answer to the handshake
MAX_FRAGMENTS: Final = 4096
MAX_UNREAD_BYTES: Final = 64 * 1024  # written and not yet accepted by the socket, when a control frame arrives
CONTROL_FRAMES_BURST: Final = 100  # Mist sends a ping every tens of seconds
CONTROL_FRAMES_PER_S: Final = 10.0
_TEXT, _BINARY = 0x81, 0x82  # the first byte of a frame that is a whole message
_FIN, _OPCODE = 0x80, 0x0F
_LAST_DATA_OPCODE: Final = 0x2
_HEAD_END: Final = b"\r\n\r\n"
_SWITCHING_PROTOCOLS: Final = b"HTTP/1.1 101 "
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r]")
_MIN_FREE: Final = 1024  # bytes: with less free space a partial frame moves to the front of the buffer
_BYTES_2, _MASKED = 126, 128  # values of the second byte of a frame: a longer length follows; the peer masks


class HandshakeRejected(Exception):  # noqa: N818 - the answer of the server, not an error of this program
    """The server answered the handshake with HTTP `status` instead of 101."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        super().__init__(f"HTTP {status}")


class ControlFrameLimit:
    """A token bucket for the control frames of one connection. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._left = float(CONTROL_FRAMES_BURST)
        self._at = now

    def permits(self, now: float) -> bool:
        """Count one control frame; return False when it is one too many."""
        self._left = min(CONTROL_FRAMES_BURST, self._left + (now - self._at) * CONTROL_FRAMES_PER_S)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class FrameReader(ClientConnection, asyncio.BufferedProtocol):
    """A connection of the library whose whole frames go to `on_frames`, while that is set.

    Args:
        now: the clock, monotonic seconds.
        arguments, settings: those of the library's connection.

    Attributes:
        on_frames: receives memoryviews of the frames that arrived together, valid only during the call.
        error: what `on_frames` or the library raised while handling received bytes; the connection was aborted for it.
        violation: why the connection was aborted, when the peer exceeded a limit.
    """

    def __init__(self, *arguments: Any, now: Callable[[], float], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.on_frames: Callable[[Sequence[memoryview]], None] | None = None
        self.error: Exception | None = None
        self.violation: Closed | None = None
        self._now = now
        self._control_frames = ControlFrameLimit(now())
        self._handshake_error: Exception | None = None
        self._new_buffer(BUFFER_BYTES)
        self._begin = self._end = 0  # the bytes that have arrived and are not consumed
        self._needed = 0  # size of the frame of which a part has arrived
        self._consume: Callable[[int, int], int] = self._read_handshake
        self._queued = 0  # messages that the library holds
        self._fragments = 0  # of the message of which a part has arrived

    def _new_buffer(self, size: int) -> None:
        self._store = bytearray(size)
        self._view = memoryview(self._store)

    def message_taken(self) -> None:
        """Note that `recv` returned a message."""
        self._queued -= 1

    async def handshake(self, *arguments: Any, **settings: Any) -> None:
        """Perform the opening handshake; raises HandshakeRejected for any status but 101."""
        try:
            await super().handshake(*arguments, **settings)
        except Exception as error:  # noqa: BLE001 - raised again as an error of the handshake
            raise self._handshake_error or self.error or error from None
        if self.error is not None:
            raise self.error

    # Called by asyncio

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the buffer has its own size
        """Return where the socket writes next."""
        begin, end = self._begin, self._end
        if begin == end:
            self._begin = self._end = end = 0
            if len(self._store) > BUFFER_BYTES:
                self._new_buffer(BUFFER_BYTES)
        elif self._needed > len(self._store) or len(self._store) - end < _MIN_FREE:
            end = self._compact(begin, end)
        return self._view[end:]

    def _compact(self, begin: int, end: int) -> int:
        """Move the partial frame to the front, into a larger buffer if necessary."""
        left, old = end - begin, self._view
        if max(self._needed, left + _MIN_FREE) > len(self._store):
            self._new_buffer(max(self._needed, 2 * left))
        self._view[:left] = old[begin:end]
        self._begin, self._end = 0, left
        return left

    def buffer_updated(self, nbytes: int) -> None:
        """Consume `nbytes` that the socket has written."""
        self._end += nbytes
        try:
            self._begin = self._consume(self._begin, self._end)
        except Exception as error:  # noqa: BLE001 - raised again by `Connection.frames`
            self.error = error
            self._abort()

    def eof_received(self) -> None:
        """Pass the rest to the library, which determines how the connection ended."""
        try:
            self._pass(self._begin, self._end)
            self._begin = self._end
            super().eof_received()
        except Exception as error:  # noqa: BLE001 - as above
            self.error = self.error or error
            self._abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the library end all waiting calls; do so here when its parser has failed and cannot."""
        try:
            super().connection_lost(exc)
        except Exception as error:  # noqa: BLE001 - as above
            self.error = self.error or error
            self.recv_messages.close()
            if not self.connection_lost_waiter.done():
                self.connection_lost_waiter.set_result(None)

    def _abort(self) -> None:
        self._consume = self._discard
        self.transport.abort()

    # The stages of a connection: each consumes from `at` to `end` and returns how far it came

    def _read_handshake(self, at: int, end: int) -> int:
        found = self._store.find(_HEAD_END, at, min(end, at + MAX_HEAD_BYTES))
        if found < 0 and end - at < MAX_HEAD_BYTES:
            return at
        stop = found + len(_HEAD_END)
        if found < 0:
            self._handshake_error = InvalidMessage(f"the answer has more than {MAX_HEAD_BYTES} bytes of headers")
        elif not self._store.startswith(_SWITCHING_PROTOCOLS, at):
            self._handshake_error = _rejection(bytes(self._view[at:stop]))
        if self._handshake_error is not None:
            self._abort()
            return end
        self._pass(at, stop)
        self._consume = self._read_frames if self.protocol.state is State.OPEN else self._pass
        return self._consume(stop, end)

    def _read_frames(self, at: int, end: int) -> int:
        store, view, direct, self._needed = self._store, self._view, self._is_direct(), 0
        whole: list[memoryview] = []  # not dispatched yet
        while end - at > 1:
            first, size, body = store[at], store[at + 1], at + 2
            if size >= _BYTES_2:
                if size >= _MASKED:
                    return self._leave_to_library(whole, at, end)
                body += 2 if size == _BYTES_2 else 8
                if body > end:
                    break
                size = store[at + 2] << 8 | store[at + 3] if size == _BYTES_2 else int.from_bytes(view[at + 2 : body])
                if size > MAX_FRAME_BYTES:
                    return self._leave_to_library(whole, at, end)
            stop = body + size
            if stop > end:
                self._needed = stop - at
                break
            if direct and (first == _TEXT or first == _BINARY):  # noqa: PLR1714, SIM109 - a set costs more
                whole.append(view[body:stop])
            else:
                self._dispatch(whole)
                whole = []
                if not self._pass_frame(first, at, stop):
                    return end
                if self.protocol.state is not State.OPEN:  # a close or a violation: what follows has no meaning
                    return self._leave_to_library(whole, stop, end)
                direct = self._is_direct()
            at = stop
        self._dispatch(whole)
        return at

    def _is_direct(self) -> bool:
        """Return whether whole frames may be dispatched here: not while the library holds a message before them."""
        return self.on_frames is not None and not self._queued and not self._fragments

    def _dispatch(self, whole: list[memoryview]) -> None:
        if whole and self.on_frames is not None:
            self.on_frames(whole)

    def _pass_frame(self, first: int, at: int, stop: int) -> bool:
        """Pass one frame to the library; False when the peer exceeded a limit and the connection was aborted."""
        if first & _OPCODE > _LAST_DATA_OPCODE:
            self._pass(at, stop)
            if not self._control_frames.permits(self._now()):
                return self._violated(1008, "too many control frames", "control_flood")
            if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
                return self._violated(1008, "the peer does not read the answers to its pings", "control_flood")
            return True
        if first & _FIN:  # it completes a message, which waits for `recv` in the library
            self._queued += 1
            self._fragments = 0
        else:
            self._fragments += 1
            if self._fragments > MAX_FRAGMENTS:
                return self._violated(1009, f"a message has more than {MAX_FRAGMENTS} fragments")
        self._pass(at, stop)
        return True

    def _violated(self, code: int, text: str, violation: str = "") -> bool:
        self.violation = Closed(code, text, violation)
        self._abort()
        return False

    def _leave_to_library(self, whole: list[memoryview], at: int, end: int) -> int:
        """Pass on everything that follows the valid frames: the library closes the connection with the right code.

        The library waits for the peer to close the TCP connection, without a time limit.
        """
        self._dispatch(whole)
        self._consume = self._pass
        self.loop.call_later(self.close_timeout or 0.0, self.transport.abort)
        return self._pass(at, end)

    def _pass(self, at: int, end: int) -> int:
        if end > at:
            super().data_received(bytes(self._view[at:end]))
        return end

    @staticmethod
    def _discard(_at: int, end: int) -> int:
        return end


def _rejection(head: bytes) -> Exception:
    """Return the error for the head of an answer whose status is not 101."""
    found = _STATUS_LINE.match(head)
    if found is None:
        return InvalidMessage("the answer to the handshake is not HTTP/1.1")
    lines = head.decode("iso-8859-1").split("\r\n")[1:]
    headers = {name.strip().title(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return HandshakeRejected(int(found[1]), headers)
