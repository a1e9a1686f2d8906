"""A WebSocket connection that hands frames over without a detour: the hot end of a stream.

The library `websockets` opens the connection (proxy, TLS, handshake), sends, keeps pings and closes. Only what arrives
is read here: a whole text or binary frame, which is nearly every frame of Mist's, goes from the buffer of the socket
straight to `take`, in the turn of the event loop in which it came, uncopied, together with those that came with it.
Everything else (control frames, fragments, what breaks RFC 6455) is passed to the library, byte for byte, and so is
what comes after a message that waits there: messages stay in order.

Measured on loopback (`tests/benchmarks/readers.py`), per frame of 286 bytes: 0.5 us; the library alone takes 4.3 us.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.protocol import State

from collector.ingest.stream.transport import MAX_FRAME_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BUFFER_BYTES: Final = 64 * 1024  # some dozen device frames: what one socket may take of the event loop in one go
_TEXT, _BINARY = 0x81, 0x82  # the first byte of a frame that is a whole message
_FIN, _OPCODE = 0x80, 0x0F
_LAST_DATA_OPCODE: Final = 0x2
_HEAD_END: Final = b"\r\n\r\n"
_LARGEST_HEAD: Final = 64 * 1024
_NO_ROOM: Final = 1024  # bytes: with less than that free, what is left of a frame moves to the front
_BYTES_2, _MASKED = 126, 128  # in the second byte of a frame: from here on the length follows; the server masks


class FrameReader(ClientConnection, asyncio.BufferedProtocol):
    """A connection of the library; as long as `take` is set, whole frames go there.

    take  is called with views of the frames that came in one go, which are good only during the call
    bug   what `take` raised; the connection was cut for it
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.take: Callable[[Sequence[memoryview]], None] | None = None
        self.bug: Exception | None = None
        self._fresh(BUFFER_BYTES)
        self._begin = self._end = 0  # what has come and is not delivered yet
        self._needed = 0  # bytes of the frame of which a part is there
        self._deliver: Callable[[int, int], int] = self._handshake
        self._lent = 0  # messages that wait in the library
        self._fragmented = False  # a message is there in part

    def _fresh(self, size: int) -> None:
        self._store = bytearray(size)
        self._view = memoryview(self._store)

    def returned(self) -> None:
        """A message was taken out of the library."""
        self._lent -= 1

    # what asyncio calls

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the buffer has the size it has
        """Where the socket writes next."""
        begin, end = self._begin, self._end
        if begin == end:
            self._begin = self._end = end = 0
            if len(self._store) > BUFFER_BYTES:
                self._fresh(BUFFER_BYTES)
        elif self._needed > len(self._store) or len(self._store) - end < _NO_ROOM:
            end = self._move(begin, end)
        return self._view[end:]

    def _move(self, begin: int, end: int) -> int:
        """Move what is left to the front, of a larger buffer where it must be."""
        left, old = end - begin, self._view
        if max(self._needed, left + _NO_ROOM) > len(self._store):
            self._fresh(max(self._needed, 2 * left))
        self._view[:left] = old[begin:end]
        self._begin, self._end = 0, left
        return left

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes have come."""
        self._end += nbytes
        try:
            self._begin = self._deliver(self._begin, self._end)
        except Exception as error:  # noqa: BLE001 - told by `frames`, as for any transport
            self.bug = error
            self._deliver = self._ignore
            self.transport.abort()

    def eof_received(self) -> None:
        """Let the library say how it ended, with all that came."""
        self._pass_on(self._begin, self._end)
        self._begin = self._end
        super().eof_received()

    # the stages of a connection: each delivers from `at` to `end` and tells how far it came

    def _handshake(self, at: int, end: int) -> int:
        found = self._store.find(_HEAD_END, at, end)
        if found < 0 and end - at < _LARGEST_HEAD:
            return at
        stop = found + len(_HEAD_END) if found >= 0 else end
        self._pass_on(at, stop)
        self._deliver = self._frames if self.protocol.state is State.OPEN else self._pass_on
        return self._deliver(stop, end)

    def _frames(self, at: int, end: int) -> int:
        store, view, straight, self._needed = self._store, self._view, self._straight(), 0
        whole: list[memoryview] = []  # not taken yet
        while end - at > 1:
            first, size, body = store[at], store[at + 1], at + 2
            if size >= _BYTES_2:
                if size >= _MASKED:
                    return self._give_up(whole, at, end)
                body += 2 if size == _BYTES_2 else 8
                if body > end:
                    break
                size = store[at + 2] << 8 | store[at + 3] if size == _BYTES_2 else int.from_bytes(view[at + 2 : body])
                if size > MAX_FRAME_BYTES:
                    return self._give_up(whole, at, end)
            stop = body + size
            if stop > end:
                self._needed = stop - at
                break
            if straight and (first == _TEXT or first == _BINARY):  # noqa: PLR1714, SIM109 - a set would cost
                whole.append(view[body:stop])
            else:
                self._hand_over(whole)
                whole = []
                self._lend(first, at, stop)
                if self.protocol.state is not State.OPEN:  # a close, or what may not be sent: nothing after it counts
                    return self._give_up(whole, stop, end)
                straight = self._straight()
            at = stop
        self._hand_over(whole)
        return at

    def _straight(self) -> bool:
        """Whether whole frames are taken here: not while a message waits in the library that must go first."""
        return self.take is not None and not self._lent and not self._fragmented

    def _hand_over(self, whole: list[memoryview]) -> None:
        if whole and self.take is not None:
            self.take(whole)

    def _lend(self, first: int, at: int, stop: int) -> None:
        """Pass one frame on, and note whether a message will wait for `recv` in the library."""
        if first & _OPCODE <= _LAST_DATA_OPCODE:
            self._fragmented = not first & _FIN
            self._lent += not self._fragmented
        self._pass_on(at, stop)

    def _give_up(self, whole: list[memoryview], at: int, end: int) -> int:
        """After whole frames, nothing that a server may send: the library says what is wrong with it, and closes."""
        self._hand_over(whole)
        self._deliver = self._pass_on
        return self._pass_on(at, end)

    def _pass_on(self, at: int, end: int) -> int:
        if end > at:
            super().data_received(bytes(self._view[at:end]))
        return end

    @staticmethod
    def _ignore(_at: int, end: int) -> int:
        return end
