"""Label text: escaped once, when a row is made or renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_VALUE_CHARS = 256  # a label value longer than this is cut; names on a screen are shorter by far
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escape(text: str) -> str:
    """One label value in the exposition's notation, cut to a length a screen can show, always encodable."""
    if len(text) > MAX_VALUE_CHARS:
        text = text[: MAX_VALUE_CHARS - 1] + "…"
    return text.translate(_ESCAPES).encode("utf-8", "replace").decode("utf-8")


def render_pairs(labels: Mapping[str, str]) -> bytes:
    """`a="1",b="2"` for these labels, in their order; a label whose value is empty is left out, as Prometheus does."""
    return ",".join([f'{name}="{escape(value)}"' for name, value in labels.items() if value]).encode()
