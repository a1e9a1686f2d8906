"""The log: one line an event on stderr, JSON for machines or lines for people, and never a secret in it.

Modules write `log = structlog.get_logger()` and `log.warning("stream_broke", connection="main/0", reason=...)`:
the event is a fixed word, facts are keys. Stable keys: `timestamp` (UTC, ISO 8601), `level`, `event`, `logger` (of
libraries), `exception`. What the libraries log through `logging` takes the same way.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

import orjson
import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Literal

    from structlog.typing import EventDict, Processor

MASK = "***"
_SECRET_KEY = re.compile(
    r"(?i)(token|secret|password|passwd|authorization|cookie|api[-_]?key|signature)$|^x-mist-signature"
)
_END = r"[^\s\"',;)\]}]"  # what a secret in running text is made of
_SECRET_TEXT = (
    (re.compile(rf"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)((token|bearer|basic)\s+)?{_END}+"), rf"\1{MASK}"),
    (re.compile(rf"(?i)\b((?:token|bearer|basic)\s+){_END}{{16,}}"), rf"\1{MASK}"),
    # token=xyz, secret: "xyz", X-Mist-Signature-v2: xyz
    (
        re.compile(
            r"(?i)((?:token|secret|password|cookie|api[-_]?key|signature(?:-v2)?)[\"']?\s*[=:]\s*[bru]?[\"']?)"
            rf"{_END}{{4,}}"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"://[^/\s:@]*:[^/\s@]+@"), f"://{MASK}@"),
    # API tokens and hex digests are long words; ids (36 characters with dashes) and MACs are not.
    (re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{32,}(?![A-Za-z0-9])"), MASK),
)
_DEPTH = 6
_QUIET = {"aiohttp.access": logging.WARNING, "asyncio": logging.WARNING, "websockets": logging.WARNING}


def redact_text(text: str) -> str:
    """The text with whatever looks like a token, a signature or a password masked."""
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def redact(value: object, depth: int = _DEPTH) -> Any:
    """A copy of `value` without secrets: by the names of keys, and by the look of texts."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray):
        value = bytes(value).decode("utf-8", "replace")
    if depth == 0:
        return "..."
    if isinstance(value, dict):
        return {
            str(key): MASK if _SECRET_KEY.search(str(key)) and item else redact(item, depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth - 1) for item in value]
    return redact_text(str(value))


def _redaction(_logger: object, _method: str, event: MutableMapping[str, Any]) -> EventDict:
    """Last before the renderer, so that it sees the formatted traceback too."""
    redacted: EventDict = redact(dict(event), _DEPTH + 1)
    return redacted


def _orjson(value: object, **_: object) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode("utf-8", "replace")


def _shared() -> list[Processor]:
    """What both ways in (structlog and logging) go through. Tracebacks without local variables: they hold secrets."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
    ]


def _renderer(form: Literal["json", "console"], stream: TextIO) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(serializer=_orjson)
    colors = stream.isatty()
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def configure(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["json", "console"] = "json",
    stream: TextIO | None = None,
) -> None:
    """Set the log up, once at start; `stream` is stderr unless given. Calling again replaces the earlier set-up."""
    target = stream if stream is not None else sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    renderer = _renderer(form, target)
    structlog.configure(
        processors=[*_shared(), _redaction, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )
    _capture_libraries(threshold, renderer, target)


def _capture_libraries(threshold: int, renderer: Processor, target: TextIO) -> None:
    """Send what libraries log, and warnings, through the same renderer."""
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_shared()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redaction, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, threshold))
    logging.captureWarnings(capture=True)
