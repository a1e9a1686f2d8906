"""Writing log lines without ever blocking or failing the caller.

Lines go through a bounded queue to a thread that writes them to a file descriptor. A pipe that is full or broken, a
full disk or a file size limit costs log lines, which are counted, and nothing else.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import Counter, deque
from typing import Final

MAX_PENDING_BYTES: Final = 8 * 1024 * 1024  # in the queue; beyond, lines are dropped
MAX_LINE_BYTES: Final = 256 * 1024
MAX_BATCH_BYTES: Final = 64 * 1024  # written with one system call
_WRITABLE_CHECK_S: Final = 0.5  # how often a descriptor that does not take data is tried again
QUEUE_FULL: Final = "queue_full"
WRITE_FAILED: Final = "write_failed"


class LogWriter:
    """A text stream, as far as structlog and logging need one, that writes to `fd` from a daemon thread.

    Attributes:
        dropped: number of lines dropped, by reason: `queue_full` or `write_failed`.
    """

    def __init__(self, fd: int, *, max_pending_bytes: int = MAX_PENDING_BYTES) -> None:
        self.dropped: Counter[str] = Counter({QUEUE_FULL: 0, WRITE_FAILED: 0})
        self._fd = fd
        self._max_pending_bytes = max_pending_bytes
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._changed = threading.Condition()
        self._closing_until: float | None = None
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue one line, or drop it when the queue is full. Never blocks on the descriptor and never raises."""
        line = text.encode("utf-8", "replace")[:MAX_LINE_BYTES]
        with self._changed:
            if self._pending_bytes + len(line) > self._max_pending_bytes:
                self.dropped[QUEUE_FULL] += 1
            else:
                self._pending.append(line)
                self._pending_bytes += len(line)
                self._changed.notify()
        return len(text)

    def flush(self) -> None:
        """Do nothing: the thread writes as soon as it can."""

    def isatty(self) -> bool:
        """Return whether the descriptor is a terminal."""
        try:
            return os.isatty(self._fd)
        except OSError:
            return False

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what is queued, for at most `timeout_s`, and end the thread."""
        with self._changed:
            self._closing_until = time.monotonic() + timeout_s
            self._changed.notify()
        self._thread.join(timeout_s + _WRITABLE_CHECK_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._pending:
                    if self._closing_until is not None:
                        return
                    self._changed.wait()
                batch = self._next_batch()
            try:
                self._emit(b"".join(batch))
            except Exception:  # noqa: BLE001 - there is nowhere left to report it but the counter
                with self._changed:
                    self.dropped[WRITE_FAILED] += len(batch)
            if self._closing_until is not None and time.monotonic() >= self._closing_until:
                return

    def _next_batch(self) -> list[bytes]:
        """Take lines from the queue; the caller holds the lock."""
        batch, size = [self._pending.popleft()], 0
        while self._pending and size + len(self._pending[0]) <= MAX_BATCH_BYTES:
            batch.append(self._pending.popleft())
            size += len(batch[-1])
        self._pending_bytes -= sum(map(len, batch))
        return batch

    def _emit(self, data: bytes) -> None:
        """Write `data`; raise OSError when the descriptor cannot take it any more."""
        left = memoryview(data)
        while left:
            _, writable, _ = select.select((), (self._fd,), (), _WRITABLE_CHECK_S)
            if not writable:
                if self._closing_until is not None and time.monotonic() >= self._closing_until:
                    raise TimeoutError
                continue
            left = left[self._write_some(left) :]

    def _write_some(self, left: memoryview) -> int:
        """Write at most what a pipe takes without blocking once it is reported as writable."""
        try:
            return os.write(self._fd, left[: select.PIPE_BUF])
        except BlockingIOError:
            return 0
