"""The regions of the Mist cloud with their REST and stream addresses (the servers in Mist's OpenAPI description)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from typing import Final

_API_PATH: Final = "/api/v1"  # the REST client appends it; api_url may contain it, too
_STREAM_PATH: Final = "/api-ws/v1/stream"
_STREAM_SCHEMES: Final = {"https": "wss", "http": "ws"}


@dataclass(frozen=True, slots=True)
class Cloud:
    """One region. `api_url` has neither a trailing slash nor `/api/v1`; `stream_url` is the complete WebSocket URL."""

    name: str
    api_url: str
    stream_url: str


def _cloud(name: str, domain: str) -> Cloud:
    return Cloud(name, f"https://api.{domain}", f"wss://api-ws.{domain}{_STREAM_PATH}")


CLOUDS: Final[dict[str, Cloud]] = {
    cloud.name: cloud
    for cloud in (
        _cloud("global01", "mist.com"),
        _cloud("global02", "gc1.mist.com"),
        _cloud("global03", "ac2.mist.com"),
        _cloud("global04", "gc2.mist.com"),
        _cloud("global05", "gc4.mist.com"),
        _cloud("emea01", "eu.mist.com"),
        _cloud("emea02", "gc3.mist.com"),
        _cloud("emea03", "ac6.mist.com"),
        _cloud("emea04", "gc6.mist.com"),
        _cloud("apac01", "ac5.mist.com"),
        _cloud("apac02", "gc5.mist.com"),
        _cloud("apac03", "gc7.mist.com"),
    )
}


def of(name: str | None, api_url: str | None, stream_url: str | None) -> Cloud:
    """Return the cloud of a name, or of addresses where no name is given; ValueError as `from_api_url`."""
    return CLOUDS[name] if name is not None else from_api_url(api_url or "", stream_url)


def from_api_url(api_url: str, stream_url: str | None = None) -> Cloud:
    """Return the cloud at an address: a region that this table does not contain yet, a proxy, a simulator.

    Args:
        api_url: the URL of the REST API.
        stream_url: the WebSocket URL; by default that of the same domain, with `api-ws.` instead of `api.`.

    Raises:
        ValueError: an address is not valid, or that of the stream cannot be derived. The message is for the operator.
    """
    api = _split(api_url, ("https", "http"))
    stream = _split(stream_url, ("wss", "ws")).geturl() if stream_url else _derived(api)
    base = api.geturl().removesuffix(_API_PATH)
    known = next((cloud.name for cloud in CLOUDS.values() if cloud.api_url == base), None)
    return Cloud(known or api.netloc, base, stream)


def portal_of(cloud: Cloud) -> str:
    """Return the address of the portal of a cloud, without a trailing slash; "" if it cannot be derived."""
    parts = urlsplit(cloud.api_url)
    host = parts.hostname or ""
    return f"https://manage.{host.removeprefix('api.')}" if host.startswith("api.") else ""


def _split(url: str, schemes: tuple[str, ...]) -> SplitResult:
    """Return the parts of `url` without its trailing slash; the message of a ValueError never contains the URL."""
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"the address must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and a host")
    if "@" in parts.netloc:
        raise ValueError("the address must not contain a user name or a password")
    if parts.port == 0:  # reading it raises ValueError for a port that is not a number
        raise ValueError("the port must be 1 to 65535")
    if parts.query or parts.fragment:
        raise ValueError("the address must not contain a query or a fragment")
    return parts._replace(path=parts.path.rstrip("/"), netloc=parts.netloc.lower())


def _derived(api: SplitResult) -> str:
    head, dot, domain = api.netloc.partition(".")
    if head != "api" or not dot:
        raise ValueError(f"the host {api.netloc} does not begin with api., so stream_url must be set, too")
    return f"{_STREAM_SCHEMES[api.scheme]}://api-ws.{domain}{_STREAM_PATH}"
