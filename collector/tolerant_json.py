"""JSON that is not quite JSON: the second attempt at a frame, a nested payload or a webhook body.

The first attempt is always `orjson.loads`, because that is the fast way. What it refuses and a monitored network can
still produce: NUL bytes and invalid UTF-8 in binary frames (Mist's own client library guards against both), SSIDs that
are no Unicode (lone surrogates in escapes), control characters inside strings, NaN and infinities. All of it is read
here by the standard library, slowly, so that one odd SSID does not cost a whole frame.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import orjson

from collector.errors import Rejected

if TYPE_CHECKING:
    from typing import Any, Final

NOT_JSON: Final = Rejected("not_json")
TOO_DEEP: Final = Rejected("too_deep")

_REPLACEMENT: Final = "\\ufffd"
# An escaped backslash or a proper surrogate pair is consumed and kept; what is left over is a lone surrogate.
_SURROGATES: Final = re.compile(
    r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_LONGEST_INT: Final = 20  # characters of a 64-bit integer


def loads(raw: bytes | memoryview | str) -> Any | Rejected:
    """Both attempts: the value in `raw`, or Rejected("not_json" | "too_deep"). Never raises."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return salvage(raw, error)


def salvage(raw: bytes | memoryview | str, refusal: orjson.JSONDecodeError) -> Any | Rejected:
    """Read what orjson refused with `refusal`; the same answers as `loads`. NaN and infinities come as floats."""
    # orjson names its nesting limit (1024 levels) only in the text of its error, in two ways over its versions.
    if "depth" in refusal.msg or "ecursion" in refusal.msg:
        return TOO_DEEP
    try:
        return json.loads(_clean(raw), strict=False, parse_int=_number)
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return NOT_JSON


def _clean(raw: bytes | memoryview | str) -> str:
    """Text without NUL, byte order mark and lone surrogates; what is not UTF-8 becomes U+FFFD."""
    text = raw.encode("utf-8", "replace") if isinstance(raw, str) else bytes(raw)
    clean = text.decode("utf-8", "replace").replace("\0", "").removeprefix("\ufeff")
    return _SURROGATES.sub(lambda found: found[1] or _REPLACEMENT, clean) if "\\u" in clean else clean


def _number(digits: str) -> int | float:
    """As orjson does: what is longer than 64 bits is a float, so no integer here is too large for `float()`."""
    return int(digits) if len(digits) <= _LONGEST_INT else float(digits)
