"""Decoding of JSON with small errors: of a frame, a nested payload or a webhook body.

The first attempt is `orjson.loads`. It rejects some texts that a monitored network produces: NUL bytes and invalid
UTF-8 in binary frames (Mist's own client library handles both), SSIDs that are not valid Unicode (lone surrogates in
escapes), control characters inside strings, NaN and infinities. The standard library decodes those, at a higher cost,
so that one malformed SSID does not cost a whole frame.
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
# The first group matches an escaped backslash or a surrogate pair, which are kept; the rest is a lone surrogate.
_SURROGATES: Final = re.compile(
    r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_LONGEST_INT: Final = 20  # characters of a 64-bit integer


def loads(raw: bytes | memoryview | str) -> Any | Rejected:
    """Return the value in `raw`, or Rejected("not_json" | "too_deep"). NaN and infinities become floats."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _loads_tolerantly(raw, error)


def _loads_tolerantly(raw: bytes | memoryview | str, error: orjson.JSONDecodeError) -> Any | Rejected:
    """Decode what orjson rejected with `error`."""
    # orjson names its nesting limit (1024 levels) only in the text of its error; the text differs between versions.
    if "depth" in error.msg or "ecursion" in error.msg:
        return TOO_DEEP
    try:
        return json.loads(_cleaned(raw), strict=False, parse_int=_number)
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return NOT_JSON


def _cleaned(raw: bytes | memoryview | str) -> str:
    """Return the text without NUL, byte order mark and lone surrogates; invalid UTF-8 becomes U+FFFD."""
    octets = raw.encode("utf-8", "replace") if isinstance(raw, str) else bytes(raw)
    text = octets.decode("utf-8", "replace").replace("\0", "").removeprefix("\ufeff")
    return _SURROGATES.sub(lambda found: found[1] or _REPLACEMENT, text) if "\\u" in text else text


def _number(digits: str) -> int | float:
    """Return a float for an integer of more than 64 bits, as orjson does."""
    return int(digits) if len(digits) <= _LONGEST_INT else float(digits)
