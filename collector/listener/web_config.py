"""TLS, users and headers of a listener, as `config/web_file.py` loads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How a listener is protected. The default is plain HTTP without authentication.

    Attributes:
        tls: server context; None for plain HTTP.
        allowed_sans: subject alternative names that a client certificate must have one of; empty: any certificate that
            verifies.
        users: bcrypt hash by user name; empty: no password is required.
        headers: response headers.
        files: the files that were read.
    """

    tls: ssl.SSLContext | None = None
    allowed_sans: frozenset[str] = frozenset()
    users: Mapping[str, SecretStr] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
