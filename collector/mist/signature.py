"""Verification of webhook deliveries: `X-Mist-Signature-v2`, on the raw body, before any parsing.

Mist signs with HMAC-SHA256 over the raw bytes; the key is the secret's bytes, the value lowercase hexadecimal without a
prefix (Mist OpenAPI, `webhook`). The older `X-Mist-Signature` (HMAC-SHA1), which Mist sends as well, is ignored. The
signature covers no timestamp: a replayed delivery verifies, and deduplication drops its events.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from collector.errors import SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

HEADER: Final = "X-Mist-Signature-v2"

_HEADER_LOWER: Final = HEADER.lower()
_WELL_FORMED: Final = re.compile("[0-9a-f]{64}").fullmatch


def sign(body: bytes, secret: bytes) -> str:
    """Return the value of the signature header that Mist sends with `body`."""
    return hmac.digest(secret, body, "sha256").hex()


class Verifier:
    """Verifies a body that arrives in chunks, so that the end of a large body costs no more than that of a small one.

    Args:
        headers: request headers; names match in any case.
        secrets: the secrets in use, two during a rotation. An empty one is ignored: anyone could sign with it.

    Raises:
        SignatureError: missing or malformed; two signature headers are malformed.
    """

    def __init__(self, headers: Mapping[str, str], secrets: Sequence[bytes]) -> None:
        self._signature = signature_of(headers)
        self._digests = [hmac.new(secret, digestmod="sha256") for secret in secrets if secret]

    def update(self, chunk: bytes) -> None:
        """Add the next part of the body."""
        for digest in self._digests:
            digest.update(chunk)

    def check(self) -> None:
        """Return if one of the secrets signed the body.

        All secrets are compared in constant time, so the time taken does not reveal them. Without secrets nothing
        matches.

        Raises:
            SignatureError: mismatch.
        """
        matches = [hmac.compare_digest(digest.hexdigest(), self._signature) for digest in self._digests]
        if not any(matches):
            raise SignatureError("mismatch")


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes]) -> None:
    """Return if one of `secrets` signed `body`.

    Raises:
        SignatureError: missing, malformed or mismatch.
    """
    verifier = Verifier(headers, secrets)
    verifier.update(body)
    verifier.check()


def signature_of(headers: Mapping[str, str]) -> str:
    """Return the signature that the headers carry, unverified.

    Raises:
        SignatureError: missing or malformed.
    """
    found = [value for name, value in headers.items() if name.lower() == _HEADER_LOWER]
    if not any(found):
        raise SignatureError("missing")
    if len(found) > 1 or not _WELL_FORMED(found[0]):
        raise SignatureError("malformed")
    return found[0]
