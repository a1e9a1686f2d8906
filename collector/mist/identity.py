"""Device identity: the MAC address, read from any of the notations that Mist uses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

# A device id is a UUID whose last group is the MAC; the other groups are fixed.
_DEVICE_ID_PREFIX: Final = "00000000-0000-0000-1000-"
NIL_ID: Final = "00000000-0000-0000-0000-000000000000"  # site id of an object without a site
_PLAIN: Final = re.compile("[0-9a-f]{12}").fullmatch
_SEPARATED: Final = re.compile(
    "[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\\.){2}[0-9a-f]{4}"
).fullmatch
_SEPARATORS: Final = str.maketrans("", "", ":-.")


def mac_of(text: object) -> str | None:
    """Return a MAC address as 12 lower-case hex digits, the key of every device; None if `text` is not a MAC.

    Accepts `5C5B35000001`, `5c:5b:35:00:00:01`, `5c-5b-35-00-00-01`, `5c5b.3500.0001` and device ids
    (`00000000-0000-0000-1000-5c5b35000001`).
    """
    if not isinstance(text, str):
        return None
    if _PLAIN(text):
        return text
    lower = text.lower().removeprefix(_DEVICE_ID_PREFIX)
    if _PLAIN(lower):
        return lower
    return lower.translate(_SEPARATORS) if _SEPARATED(lower) else None
