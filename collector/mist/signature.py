"""Who sent a webhook delivery: the check of `X-Mist-Signature-v2`, on the raw body, before any parsing.

Mist signs with HMAC-SHA256 over the raw bytes, key = the secret's bytes, lower-case hex without a prefix (Mist OpenAPI,
`webhook`). The older `X-Mist-Signature` (HMAC-SHA1), which Mist sends beside it, is never looked at.
There is no timestamp in the signature: a replayed delivery verifies, and is caught as a duplicate.
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


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes]) -> None:
    """Return if one of `secrets` signed `body`; during a rotation there are two.

    Raises SignatureError("missing" | "malformed" | "mismatch"). Header names match in any case; two signature
    headers are malformed. All secrets are tried in constant time, so the time taken tells nothing of them. An empty
    secret is passed over (everybody can sign with it), and no secret at all is a mismatch, never a welcome.
    """
    signed = claimed(headers)
    matches = [hmac.compare_digest(sign(body, secret), signed) for secret in secrets if secret]
    if not any(matches):
        raise SignatureError("mismatch")


def claimed(headers: Mapping[str, str]) -> str:
    """Return the one signature that the request carries; SignatureError("missing" | "malformed") without one.

    It says nothing of whether it fits: that takes the body.
    """
    found = [value for name, value in headers.items() if name.lower() == _HEADER_LOWER]
    if not any(found):
        raise SignatureError("missing")
    if len(found) > 1 or not _WELL_FORMED(found[0]):
        raise SignatureError("malformed")
    return found[0]
