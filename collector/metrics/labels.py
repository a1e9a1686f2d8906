"""Label text: escaped once, when a row is made or renamed."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_VALUE_CHARS = 256  # a label value longer than this is cut; names on a screen are shorter by far
_DIGEST_BYTES = 4  # of a cut value: two values that begin alike stay two series
_SPECIAL = re.compile(r'[\\"\n]')
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escape(text: str) -> str:
    """One label value in the exposition's notation, cut to a length a screen can show, always encodable.

    A value that is cut ends in a digest of the whole; what is no Unicode (lone surrogates) is spelled out.
    """
    if text.isascii() and len(text) <= MAX_VALUE_CHARS and not _SPECIAL.search(text):
        return text  # nearly every value
    encoded = text.encode("utf-8", "backslashreplace")
    text = encoded.decode("utf-8")
    if len(text) > MAX_VALUE_CHARS:
        digest = blake2b(encoded, digest_size=_DIGEST_BYTES).hexdigest()
        text = f"{text[: MAX_VALUE_CHARS - len(digest) - 1]}…{digest}"
    return text.translate(_ESCAPES)


def render_pairs(labels: Mapping[str, str]) -> bytes:
    """`a="1",b="2"` for these labels, in their order; a label whose value is empty is left out, as Prometheus does."""
    return ",".join([f'{name}="{escape(value)}"' for name, value in labels.items() if value]).encode()
