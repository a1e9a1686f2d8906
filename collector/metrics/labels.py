"""Label values: limited in length, and escaped once, when a row is created or renamed.

A value of more than `MAX_VALUE_CHARS` characters is cut and ends in a digest of the whole value, so that two long
values with the same beginning remain two series. The limit is below the limits of common receivers (Grafana Mimir and
Grafana Cloud reject a series with a value of more than 2,048 characters); Prometheus itself has no limit unless
`label_value_length_limit` is set, and then rejects the whole scrape.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_VALUE_CHARS: Final = 256
_DIGEST_BYTES: Final = 4
_SPECIAL: Final = re.compile(r'[\\"\n]')
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def shorten(text: str) -> str:
    """Return `text` with at most `MAX_VALUE_CHARS` characters; a cut value ends in "…" and a digest of the whole."""
    if len(text) <= MAX_VALUE_CHARS:
        return text
    digest = blake2b(text.encode("utf-8", "backslashreplace"), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{text[: MAX_VALUE_CHARS - len(digest) - 1]}…{digest}"


def escape(text: str) -> str:
    """Return a label value in the notation of the exposition format, shortened and always encodable as UTF-8.

    Lone surrogates, which UTF-8 cannot encode, are written as backslash escapes.
    """
    if text.isascii() and len(text) <= MAX_VALUE_CHARS and not _SPECIAL.search(text):
        return text  # nearly every value
    return shorten(text.encode("utf-8", "backslashreplace").decode("utf-8")).translate(_ESCAPES)


def render_pairs(labels: Mapping[str, str]) -> bytes:
    """Return `a="1",b="2"` for these labels, in their order, without labels whose value is empty."""
    return ",".join([f'{name}="{escape(value)}"' for name, value in labels.items() if value]).encode()
