"""Structured logging to stderr: one line per event, JSON or console format, without secrets.

Modules write `log = structlog.get_logger()` and `log.warning("stream_disconnected", connection="main/0", reason=...)`:
the event is a fixed name, facts are keys. Stable keys: `timestamp` (UTC, ISO 8601), `level`, `event`, `logger` (of
libraries), `exception`. What libraries log through `logging` takes the same path. Logging never raises.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
import structlog

from collector.redaction import redact

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence
    from typing import Literal

    from structlog.typing import EventDict, Processor

_DEPTH: Final = 7
_LIBRARY_LEVELS: Final = {
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.WARNING,
    "websockets": logging.WARNING,
}


class LogStream(Protocol):
    """Where lines go: a text stream or a `LogWriter`."""

    def write(self, text: str, /) -> int:
        """Write one line."""

    def flush(self) -> None:
        """Flush."""

    def isatty(self) -> bool:
        """Return whether it is a terminal."""


def _redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> EventDict:
    """Mask secrets; last before the renderer, so that it covers the formatted traceback too."""
    redacted: EventDict = redact(dict(event), _DEPTH)
    return redacted


def _orjson(value: object, **_: object) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode("utf-8", "replace")


def _shared() -> list[Processor]:
    """Return the processors for structlog and logging. Tracebacks have no local variables: they may hold secrets."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
    ]


def _renderer(form: Literal["json", "console"], stream: LogStream) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(serializer=_orjson)
    colors = stream.isatty()
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def _safely(processors: Sequence[Processor]) -> Processor:
    """Return one processor that runs `processors`; a value that cannot be rendered costs the facts of its line."""

    def process(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        name = event.get("event")
        try:
            result: Any = event
            for processor in processors:
                result = processor(logger, method, result)
        except structlog.DropEvent:
            raise
        except Exception as error:  # noqa: BLE001 - logging never raises
            return _orjson(
                {"event": "log_line_failed", "level": "error", "of": str(name), "error": type(error).__name__}
            )
        return result

    return process


def configure(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["json", "console"] = "json",
    stream: LogStream | None = None,
) -> None:
    """Configure logging; calling it again replaces the earlier configuration.

    Args:
        level: the least important level that is written.
        form: JSON for machines or console for people.
        stream: stderr unless given.
    """
    target = stream if stream is not None else sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    renderer = _renderer(form, target)
    structlog.configure(
        processors=[_safely([*_shared(), _redact, renderer])],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=target),  # type: ignore[arg-type]  # needs write and flush only
        cache_logger_on_first_use=False,
    )
    _capture_libraries(threshold, renderer, target)


def _capture_libraries(threshold: int, renderer: Processor, target: LogStream) -> None:
    """Send what libraries log, and warnings, through the same renderer."""
    logging.raiseExceptions = False  # a handler that fails would print to stderr, which may be what failed
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_shared()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _safely([_redact, renderer]),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name, least in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(max(least, threshold))
    logging.captureWarnings(capture=True)
