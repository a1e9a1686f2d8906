"""Redaction: secrets are masked in whatever is logged or shown, including what a peer echoes.

Two mechanisms complement each other: values that were registered with `hide` are masked wherever they occur, and
patterns mask what has the form of a token, a signature or a password.
"""

from __future__ import annotations

import re
from typing import Any, Final

MASK: Final = "***"
MIN_HIDDEN_LENGTH: Final = 8  # characters; masking shorter values would garble ordinary text
MAX_HIDDEN: Final = 256  # values; the oldest is dropped, after as many rotations
MAX_TEXT_LENGTH: Final = 64 * 1024  # characters of one text that are examined; the rest is cut off
_SECRET_KEY: Final = re.compile(
    r"(?i)(token|secret|password|passwd|authorization|cookie|api[-_]?key|signature)$|^x-mist-signature"
)
_END: Final = r"[^\s\"',;)\]}]"  # characters of a secret in running text
_SECRET_TEXT: Final = (
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
_DEPTH: Final = 6
_hidden: dict[str, None] = {}  # registered secrets, the oldest first


def hide(secret: str) -> None:
    """Register a secret: from now on `redact_text` masks it wherever it occurs. Short values are ignored."""
    if len(secret) < MIN_HIDDEN_LENGTH or secret in _hidden:
        return
    while len(_hidden) >= MAX_HIDDEN:
        del _hidden[next(iter(_hidden))]
    _hidden[secret] = None


def mask_registered(text: str) -> str:
    """Return `text` with registered secrets masked, and nothing else."""
    for secret in _hidden:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def redact_text(text: str) -> str:
    """Return `text` with registered secrets and everything that has the form of a secret masked."""
    if len(text) > MAX_TEXT_LENGTH:
        text = f"{text[:MAX_TEXT_LENGTH]}..."
    text = mask_registered(text)
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def redact(value: object, depth: int = _DEPTH) -> Any:
    """Return a copy of `value` without secrets: masked by the names of keys, and by `redact_text`.

    Nesting deeper than `depth` is replaced by "...".
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray):
        value = bytes(value).decode("utf-8", "replace")
    if depth == 0:
        return "..."
    if isinstance(value, dict):
        return {
            redact_text(str(key)): MASK if _SECRET_KEY.search(str(key)) and item else redact(item, depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth - 1) for item in value]
    return redact_text(str(value))
