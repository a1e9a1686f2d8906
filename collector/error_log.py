"""Logging of unexpected exceptions: each distinct one once, with its traceback.

An exception that a hostile peer can provoke would otherwise fill the log. Two exceptions are the same when their type
and the innermost line of code are the same.
"""

from __future__ import annotations

import linecache
import traceback
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from collector.token import mask

if TYPE_CHECKING:
    from types import TracebackType

MAX_DISTINCT: Final = 100  # distinct exceptions that are logged in the life of the process
GENERATED_FILE: Final = "<writer {kind}>"  # file name of the code that is generated for an object kind
_GENERATED_PREFIX: Final = GENERATED_FILE.partition("{")[0]
_LOG: Final = structlog.get_logger()


class ErrorLog:
    """Logs each distinct exception once. One instance may serve several callers."""

    def __init__(self, max_distinct: int = MAX_DISTINCT) -> None:
        self._max_distinct = max_distinct
        self._seen: set[tuple[str, str, str]] = set()

    def log(self, event: str, error: BaseException, *, secret: str = "", quote: bool = True, **facts: object) -> bool:
        """Log `error` as `event` with its traceback, unless the same one was logged before; return whether it was.

        Args:
            event: name of the log event.
            error: the exception. Its traceback is rendered without local variables, which may hold payloads.
            secret: is masked in the traceback, because a peer may have sent it back.
            quote: whether the message of the exception is logged, too. False for an exception that parsing raised: its
                message may contain the payload.
            facts: further keys of the log line.
        """
        key = (event, type(error).__name__, origin_of(error))
        if key in self._seen or len(self._seen) >= self._max_distinct:
            return False
        self._seen.add(key)
        lines = traceback.format_exception(error) if quote else traceback.format_tb(error.__traceback__)
        trace = "\n".join(mask(line, secret) for line in "".join(lines).splitlines())
        _LOG.error(event, error=key[1], where=key[2], trace=trace, **facts)
        return True


def origin_of(error: BaseException) -> str:
    """Return the innermost function and line of an exception: "module.function:12"."""
    frame = _innermost(error)
    return f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame is not None else "unknown"


def source_line(error: BaseException) -> str:
    """Return the innermost line of code of an exception; "" if it is unknown."""
    frame = _innermost(error)
    if frame is None:
        return ""
    return linecache.getline(frame.tb_frame.f_code.co_filename, frame.tb_lineno, frame.tb_frame.f_globals).strip()


def _innermost(error: BaseException) -> TracebackType | None:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame


class GeneratedLine(NamedTuple):
    """A line of generated code: the object kind that it is generated for, and "function:line: source"."""

    kind: str
    text: str


def generated_line(error: BaseException) -> GeneratedLine | None:
    """Return the innermost line of generated code in the traceback of an exception; None if there is none."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        code = frame.f_code
        if code.co_filename.startswith(_GENERATED_PREFIX):
            kind = code.co_filename.removeprefix(_GENERATED_PREFIX).rstrip(">").partition(" ")[0]
            source = linecache.getline(code.co_filename, line).strip()
            return GeneratedLine(kind, f"{code.co_qualname}:{line}: {source}")
    return None
