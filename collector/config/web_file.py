"""`web-config.yml` of the exporter-toolkit, the file that configures TLS and users of Prometheus and its exporters.

The keys: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md. Three keys are accepted
without effect: `curve_preferences` and `prefer_server_cipher_suites`, which OpenSSL decides, and `http2`, because this
listener supports HTTP/1.1 only. Requesting a client certificate without verifying it is rejected: Python's `ssl` does
not support it.
"""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, SecretStr, ValidationError

from collector.config import faults as translation
from collector.config import yaml_file
from collector.config.fields import InvalidValue, SecretPath
from collector.config.section import Section
from collector.errors import ConfigError, Fault
from collector.listener.web_config import WebConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HASH: Final = re.compile(r"\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
ClientAuth = Literal[
    "NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
]
_VERIFY: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_VERIFYING: Final = "VerifyClientCertIfGiven, RequireAndVerifyClientCert"
# Go's name of a cipher suite, as in the file, and OpenSSL's. Go does not permit a choice of TLS 1.3 suites either.
_SUITES: Final = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
}
_HEADERS: Final = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)


def _suite(value: str) -> str:
    if value not in _SUITES:
        raise InvalidValue("is not a supported cipher suite", f"allowed: {', '.join(_SUITES)}")
    return value


def _hashed(value: SecretStr) -> SecretStr:
    if not _HASH.fullmatch(value.get_secret_value()):
        raise InvalidValue("is not a bcrypt hash", "write the hash of the password, as printed by htpasswd -nBC 10")
    return value


def _header(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if name not in _HEADERS:
            raise InvalidValue("is not a header that can be set", f"allowed: {', '.join(_HEADERS)}")
        if not text.isascii() or not text.isprintable():
            raise InvalidValue("has a value that is not valid in a header", "printable ASCII")
    return value


class TlsSection(Section):
    """`tls_server_config`. Paths are relative to the directory of this file."""

    cert: str | None = None
    cert_file: SecretPath | None = None
    key: SecretStr | None = None
    key_file: SecretPath | None = None
    client_auth_type: ClientAuth = "NoClientCert"
    client_ca: str | None = None
    client_ca_file: SecretPath | None = None
    client_allowed_sans: list[str] = []
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: list[Annotated[str, AfterValidator(_suite)]] = []
    prefer_server_cipher_suites: bool = True
    curve_preferences: list[Literal["CurveP256", "CurveP384", "CurveP521", "X25519", "X25519MLKEM768"]] = []


class HttpSection(Section):
    """`http_server_config`."""

    http2: bool = True
    headers: Annotated[dict[str, str], AfterValidator(_header)] = {}


class WebSection(Section):
    """The whole file."""

    tls_server_config: TlsSection | None = None
    http_server_config: HttpSection = HttpSection()
    basic_auth_users: dict[str, Annotated[SecretStr, AfterValidator(_hashed)]] = {}


def load(path: Path) -> WebConfig:
    """Read the file and the files that it names.

    Raises:
        ConfigError: with all faults.
    """
    document, found = yaml_file.read(path)
    if document is None and found and found[0].problem == "is empty":
        return WebConfig(files=(path,))  # as in the exporter-toolkit
    if not isinstance(document, dict) or found:
        raise ConfigError(str(path), found)
    try:
        section = WebSection.model_validate(document, context={"base": path.absolute().parent})
    except ValidationError as error:
        raise ConfigError(str(path), translation.translate(error, {})) from None
    tls = section.tls_server_config
    wrong = list(_faults(tls)) if tls is not None else []
    if wrong:
        raise ConfigError(str(path), wrong)
    return WebConfig(
        tls=_context(path, tls) if tls is not None else None,
        allowed_sans=frozenset(tls.client_allowed_sans) if tls is not None else frozenset(),
        users=section.basic_auth_users,
        headers=section.http_server_config.headers,
        files=(path, *_files(tls)),
    )


def _files(tls: TlsSection | None) -> Iterator[Path]:
    if tls is not None:
        yield from (file for file in (tls.cert_file, tls.key_file, tls.client_ca_file) if file is not None)


def _faults(tls: TlsSection) -> Iterator[Fault]:
    """Yield the faults that concern several keys."""
    here = "tls_server_config."
    for one, other in (("cert", "cert_file"), ("key", "key_file"), ("client_ca", "client_ca_file")):
        if getattr(tls, one) and getattr(tls, other):
            yield Fault(f"{here}{other}", f"cannot be set together with {one}", "set one of the two")
    for name in ("cert", "key"):
        if not (getattr(tls, name) or getattr(tls, f"{name}_file")):
            yield Fault(f"{here}{name}_file", "is missing", "TLS requires a certificate and its key")
    if tls.cert is not None or tls.key is not None:
        problem = "is required: an inline certificate or key is not supported"
        yield Fault(f"{here}cert_file", problem, "set cert_file and key_file")
    if tls.client_auth_type not in _VERIFY:
        yield Fault(
            f"{here}client_auth_type",
            f"{tls.client_auth_type} requests a certificate without verifying it: not supported",
            f"allowed: {', '.join(_VERIFY)}",
        )
    authority = tls.client_ca or tls.client_ca_file
    if authority and tls.client_auth_type == "NoClientCert":
        problem = "is NoClientCert although client_ca_file is set"
        yield Fault(f"{here}client_auth_type", problem, f"allowed: {_VERIFYING}")
    if not authority and tls.client_auth_type == "RequireAndVerifyClientCert":
        yield Fault(f"{here}client_ca_file", "is missing", "it verifies client certificates")
    if tuple(_VERSIONS).index(tls.min_version) > tuple(_VERSIONS).index(tls.max_version):
        yield Fault(f"{here}min_version", "is higher than max_version", "")


def _context(path: Path, tls: TlsSection) -> ssl.SSLContext:
    """Return the server context. Raises ConfigError for files that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    chosen = [_SUITES[name] for name in tls.cipher_suites if _SUITES[name]]
    if chosen:
        context.set_ciphers(":".join(chosen))
    _load(path, "cert_file", lambda: context.load_cert_chain(str(tls.cert_file), str(tls.key_file), _no_password))
    if tls.client_ca_file is not None or tls.client_ca is not None:
        file = None if tls.client_ca_file is None else str(tls.client_ca_file)
        _load(path, "client_ca_file", lambda: context.load_verify_locations(file, cadata=tls.client_ca))
    context.verify_mode = _VERIFY[tls.client_auth_type]
    return context


def _no_password() -> str:
    """Reject an encrypted key: OpenSSL would ask for the passphrase on the terminal."""
    raise InvalidValue("is encrypted", "store the key unencrypted, readable only by the collector")


def _load(path: Path, key: str, load: Any) -> None:
    try:
        load()
    except InvalidValue as error:
        raise ConfigError(str(path), [Fault("tls_server_config.key_file", error.problem, error.remedy)]) from None
    except (OSError, ValueError) as error:  # SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        problem = f"cannot be used: {str(reason).lower().replace('_', ' ')}"
        raise ConfigError(
            str(path), [Fault(f"tls_server_config.{key}", problem, "PEM files, the key must belong to the certificate")]
        ) from None
