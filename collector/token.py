"""The API token: validation, and masking of a token that a peer sends back."""

from __future__ import annotations

from typing import Final

MASK: Final = "***"
MIN_PART: Final = 8  # characters: a shorter part of a secret occurs in ordinary text
_MAX_SCANNED: Final = 4096  # characters of a text: a peer may send megabytes


def token_fault(text: str) -> str | None:
    """Return why `text` cannot be an API token, as the end of a sentence that begins "the token"; None when it can.

    A token is sent in an HTTP header: it must consist of printable ASCII characters without spaces. The result never
    contains any part of `text`.
    """
    if not text:
        return "is empty"
    if not text.isascii() or not text.isprintable():
        return "contains characters that are not printable ASCII"
    if " " in text:
        return "contains spaces"
    return None


def mask(text: str, secret: str) -> str:
    """Return `text` with every occurrence of `secret` replaced by `***`, for text that comes from a peer.

    A peer may cut the text at any point (a close reason has at most 123 bytes), so each part of `secret` that is at
    least `MIN_PART` characters long is masked, too. Remove unprintable characters before, and shorten the text
    afterwards: the other order leaves parts of the secret. Text beyond 4096 characters is cut off.
    """
    text = text[:_MAX_SCANNED]
    if not secret:
        return text
    text = text.replace(secret, MASK)
    if len(secret) <= MIN_PART:
        return text
    return _mask_parts(text, secret)


def _mask_parts(text: str, secret: str) -> str:
    parts = {secret[at : at + MIN_PART] for at in range(len(secret) - MIN_PART + 1)}
    kept: list[str] = []
    at = 0
    while at < len(text):
        if text[at : at + MIN_PART] not in parts:
            kept.append(text[at])
            at += 1
            continue
        end = at + MIN_PART
        while end < len(text) and text[end - MIN_PART + 1 : end + 1] in parts:
            end += 1
        kept.append(MASK)
        at = end
    return "".join(kept)
