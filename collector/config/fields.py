"""Value types of the configuration: each checks its text and explains what a correct value is."""

from __future__ import annotations

import ipaddress
import re
import uuid
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationInfo, WithJsonSchema

from collector.listener import address
from collector.listener.address import ListenAddress, Network

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ENVIRONMENT_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_UUID_LENGTH = 36
_MAC = re.compile(r"[0-9a-f]{12}")
_MAC_SEPARATORS = str.maketrans("", "", ":-.")


class InvalidValue(ValueError):  # noqa: N818 - one of a family of outcomes; it becomes a `Fault`
    """A value that cannot be used: the problem, and the remedy."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem)


def _listen(value: object) -> ListenAddress:
    if isinstance(value, ListenAddress):
        return value
    remedy = 'write host:port in quotes, for instance "0.0.0.0:9733" or "[::]:9733"'
    if not isinstance(value, str):
        raise InvalidValue("must be host:port", remedy)
    try:
        return address.parse(value)
    except ValueError as error:
        raise InvalidValue(str(error), remedy) from None


def _mac_address(value: str) -> str:
    digits = value.lower().translate(_MAC_SEPARATORS)
    if not _MAC.fullmatch(digits):
        raise InvalidValue("is not a MAC address", "twelve hexadecimal digits, for instance 5c:5b:35:00:00:01")
    return digits


def _account_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise InvalidValue(
            "is not a valid name", "use letters, digits, dot, dash and underscore, at most 63 characters"
        )
    return value


def _environment_name(value: str) -> str:
    # The value is not repeated in the message: people paste the token itself here.
    if not _ENVIRONMENT_NAME.fullmatch(value):
        raise InvalidValue(
            "is not the name of an environment variable",
            "write the name of the variable (capital letters, digits, underscore), not the token itself",
        )
    return value


def _org_id(value: str) -> str:
    try:
        parsed = uuid.UUID(value) if len(value) == _UUID_LENGTH else None
    except ValueError:
        parsed = None
    if parsed is None:
        raise InvalidValue("is not an organisation id", "36 characters such as 2818e386-8dec-2562-9ede-5b8a0fbbdc71")
    return str(parsed)


def _http_path(value: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", value):
        raise InvalidValue("is not a valid path", "it begins with / and contains letters, digits and . _ ~ - /")
    return value


def _network(value: object) -> Network:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    try:
        return ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError as error:
        bits = " (host bits are set)" if "host bits" in str(error) else ""
        remedy = "an address, or a network such as 192.0.2.0/24 or 2001:db8::/32"
        raise InvalidValue(f"is not a network{bits}", remedy) from None


def _split(value: str, secure: str, plain: str) -> SplitResult:
    """Parse a URL and reject forbidden parts. Messages do not repeat the URL: it may hold a password."""
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise InvalidValue(f"is not a URL: {error}", f"for instance {secure}://host/") from None
    if url.scheme not in (secure, plain) or not host:
        raise InvalidValue(f"must begin with {secure}://", f"{plain}:// is accepted for loopback addresses only")
    if url.username is not None or url.password is not None:
        raise InvalidValue("contains a user name or password", "remove it: the token authenticates")
    if url.query or url.fragment:
        raise InvalidValue("contains a query or a fragment", "remove everything from ? or # on")
    if url.scheme == plain and not address.is_loopback(host):
        raise InvalidValue(
            f"would send the token in clear text over {plain}",
            f"use {secure}://; {plain}:// is accepted for localhost, 127.0.0.0/8 and [::1] only",
        )
    return url


def _api_url(value: str) -> str:
    url = _split(value, "https", "http")
    if url.path.strip("/"):
        raise InvalidValue("must not contain a path", f"{url.scheme}://{url.netloc} is enough; /api/v1 is added")
    return f"{url.scheme}://{url.netloc}"


def _stream_url(value: str) -> str:
    _split(value, "wss", "ws")
    return value.rstrip("/")


def _file(value: Any, context: ValidationInfo) -> Path:
    """Resolve a path against the directory of the configuration file; `~` is the home directory.

    A credential that systemd passed takes precedence over the file itself, which the service may not be able to read.
    """
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise InvalidValue(
            "must be a file path", "relative paths are resolved against the directory of the configuration file"
        )
    settings = context.context or {}
    base = Path(settings.get("base", Path()))
    try:
        path = base / Path(value).expanduser()
    except RuntimeError:
        raise InvalidValue("begins with ~ but the user has no home directory", "write the absolute path") from None
    return _credential(path, base, settings.get("credentials", "")) or path


def _credential(path: Path, base: Path, directory: str) -> Path | None:
    """Return the credential that `LoadCredential=secrets:/etc/mist-collector/secrets` creates for secrets/mist-token.

    systemd names it secrets_mist-token: the directory name and the path below it, joined by _ (systemd.exec(5)).
    """
    if not directory or not path.is_relative_to(base):
        return None
    credential = Path(directory) / "_".join(path.relative_to(base).parts)
    return credential if credential.is_file() else None


ListenHostPort = Annotated[
    ListenAddress,
    BeforeValidator(_listen),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": address.PATTERN, "examples": ["0.0.0.0:9733", "[::]:9733"]}),
]
AccountName = Annotated[str, AfterValidator(_account_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})]
MacAddress = Annotated[str, AfterValidator(_mac_address)]
EnvironmentName = Annotated[str, AfterValidator(_environment_name)]
OrgId = Annotated[str, AfterValidator(_org_id), Field(json_schema_extra={"format": "uuid"})]
ApiUrl = Annotated[str, AfterValidator(_api_url), Field(json_schema_extra={"format": "uri"})]
StreamUrl = Annotated[str, AfterValidator(_stream_url), Field(json_schema_extra={"format": "uri"})]
NetworkRange = Annotated[
    Network,
    BeforeValidator(_network),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["192.0.2.0/24", "2001:db8::/32", "192.0.2.7"]}),
]
HttpPath = Annotated[str, AfterValidator(_http_path)]
SecretPath = Annotated[
    Path,
    BeforeValidator(_file),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "format": "path"}),
]
FilePath = SecretPath
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
